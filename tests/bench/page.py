# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide page of a run, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .plot import Points, svg
from .results import CREATE, MEBIBYTE, NOTHING, RENEW, Results, targets

HEAD = """\
..
  Copyright (c) 2026, freshpull contributors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. Written by `make bench`: change tests/bench, not this file.

.. _ansible_collections.freshpull.ecr_public.docsite.guide_benchmarks:

Benchmarks
==========

``make bench`` in a checkout measures the module against the other ways in which people get pull secrets into
namespaces, all in one run on one cluster, and writes this page. The cluster has a real API server and a real node, and
stands on the machine that the clients run on, so that they share its processors: compare figures with each other, not
with those of another machine.

"""

NOTES = """\
How it was measured
-------------------

- *Writes a second* is the number of writes divided by the time between the first and the last of them, by the API
  server's own audit log. *Seconds* is a whole run of the command, with the start of ``ansible-playbook``, ``kubectl``
  or ``aws``. That of a Job goes from its creation by ``kubectl`` until it is complete, with the start of the pod and
  its ``aws``; the role has made the first secrets before.
- Requests are those in the audit log, by Kubernetes' verbs; an apply of kubectl is a ``patch``.
- Processor time is that of the client with all its child processes. Memory is that of its largest process. A pod's are
  not looked at.
- One and 10 namespaces were measured three times; the run whose time lies in the middle is shown.
- What takes about a second a namespace was measured over fewer namespaces than the rest: ``kubernetes.core.k8s`` over
  at most 20, ``kubectl create | kubectl apply`` over at most 100, ``aws`` for each namespace over at most 10. None of
  them gets faster with more.
- The API server's limit is h2load with bodies of the same size, over one connection with 64 requests at a time. It
  reads nothing, decides nothing and looks at no answer.
- The token comes from a stand-in for AWS on the same machine, which answers at once. AWS takes longer, for all alike.
- With one namespace nearly all of the time is that of programs that start: Ansible's own, and our module's, twice where
  something is to be written, since only its plan tells whether AWS must be asked at all. Whether that takes less or the
  AWS CLI and a loop is decided by the noise of the machine: either has won in runs of this benchmark.
- kubectl and the loops do not look whether a token is still good: each of their runs writes all secrets.
- *One after the other* is a program of our own that does what
  `k8s-ecr-login-renew <https://github.com/nabsul/k8s-ecr-login-renew>`__ does, over one connection.
"""

PLOT_TITLE = "Renewing the pull secret in so many namespaces"
TABLES = {CREATE: "The first time", RENEW: "Renewing", NOTHING: "Nothing to do"}


def page(results: Results) -> str:
    """All of it."""
    return "\n".join([HEAD + _targets(results), _plot(results), _machine(results), *_tables(results), NOTES])


def plot(results: Results) -> str:
    """Seconds of a renewal, as SVG."""
    lines: dict[str, Points] = {}
    for contender, title in results.titles.items():
        rows = [row for row in results.rows if (row.contender, row.operation) == (contender, RENEW)]
        if rows:
            points = sorted((row.namespaces, row.measurement.seconds) for row in rows)
            lines[title.replace("``", "").replace("**", "")] = [(float(size), seconds) for size, seconds in points]
    return svg(PLOT_TITLE, lines, ("namespaces", "seconds"))


def _plot(results: Results) -> str:
    return ".. raw:: html\n\n" + textwrap.indent(plot(results), "   ")


def _targets(results: Results) -> str:
    rows = [(target.what, target.found, "yes" if target.reached else "**no**") for target in targets(results)]
    return _table(("What is to be reached", "Found", "Reached"), rows)


def _machine(results: Results) -> str:
    return "What it ran on\n--------------\n\n" + _table(("What", "Which"), list(results.machine.items()))


def _tables(results: Results) -> list[str]:
    head = ("Namespaces", "How", "Seconds", "Writes a second", "Requests", "Processor seconds", "Memory (MiB)")
    made = []
    for operation, title in TABLES.items():
        rows = []
        for row in sorted(results.rows, key=lambda row: (row.namespaces, list(results.titles).index(row.contender))):
            if row.operation == operation:
                found = row.measurement
                requests = ", ".join(f"{count} {verb}" for verb, count in sorted(found.requests.items()))
                rate = f"{found.rate:.1f}" if found.rate and row.namespaces > 1 else ""
                cells = (f"{row.namespaces:,}", results.titles[row.contender], f"{found.seconds:.2f}", rate, requests)
                processor = "" if found.cpu_seconds is None else f"{found.cpu_seconds:.2f}"
                memory = "" if found.memory is None else f"{found.memory / MEBIBYTE:.0f}"
                rows.append((*cells, processor, memory))
        made.append(f"{title}\n{'-' * len(title)}\n\n{_table(head, rows)}")
    return made


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (head, *rows):
        lines += [f"   {'* -' if number == 0 else '  -'} {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join([*lines, ""])
