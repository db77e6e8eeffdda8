# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the benchmark guide from the results of a run."""

from __future__ import annotations

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

``make bench`` in a checkout compares the module with other ways to write pull secrets into namespaces, in one run on
one cluster, and writes this page. The cluster has a real API server and a real node. It runs on the same machine as the
clients and shares its processors with them. Compare these figures with each other, not with those of another machine.

"""

NOTES = """\
Method
------

- *Writes a second* is the number of writes divided by the time between the first and the last of them, from the audit
  log of the API server. *Seconds* is the whole run of the command, including the start of ``ansible-playbook``,
  ``kubectl`` or ``aws``. For a Job it is the time from its creation by ``kubectl`` until it is complete, including the
  start of the pod and of its ``aws``; the role created the first secrets before.
- Requests are counted in the audit log, by Kubernetes' verbs; an apply by kubectl is a ``patch``.
- Processor time is that of the client and all its child processes. Memory is that of its largest process. Neither is
  measured for pods.
- One and 10 namespaces were measured three times; the table shows the run with the median time.
- Methods that take about one second for each namespace were measured over fewer namespaces: ``kubernetes.core.k8s``
  over at most 20, ``kubectl create | kubectl apply`` over at most 100, ``aws`` for each namespace over at most 10. None
  of them is faster with more namespaces.
- The API server's limit is measured with h2load and bodies of the same size, over one connection with 64 parallel
  requests. h2load reads nothing, decides nothing and does not check responses.
- The token comes from a fake AWS on the same machine, which responds at once. AWS takes longer, by the same time for
  all methods.
- With one namespace, most of the time is the start of programs: Ansible, and the module, which runs twice if something
  must be written, since its first run in check mode finds out whether a token is needed. Whether the module or the AWS
  CLI with a loop is faster then depends on the noise of the machine: each has been faster in some run.
- kubectl and the loops do not check whether a token is still valid: each run writes all secrets.
- *One after the other* is a program in this repository that does what
  `k8s-ecr-login-renew <https://github.com/nabsul/k8s-ecr-login-renew>`__ does, over one connection.
"""

PLOT_TITLE = "Seconds to renew the pull secrets, by number of namespaces"
PLOT = f"""\
.. figure:: ../benchmarks.svg
   :alt: {PLOT_TITLE}
"""
TABLES = {CREATE: "Create", RENEW: "Renew", NOTHING: "Nothing to do"}


def page(results: Results) -> str:
    """Build the whole page."""
    return "\n".join([HEAD + _targets(results), PLOT, _machine(results), *_tables(results), NOTES])


def plot(results: Results) -> str:
    """Draw the seconds of a renewal as SVG."""
    lines: dict[str, Points] = {}
    for candidate, title in results.titles.items():
        rows = [row for row in results.rows if (row.candidate, row.operation) == (candidate, RENEW)]
        if rows:
            points = sorted((row.namespaces, row.measurement.seconds) for row in rows)
            lines[title.replace("``", "").replace("**", "")] = [(float(size), seconds) for size, seconds in points]
    return svg(PLOT_TITLE, lines, ("namespaces", "seconds"))


def _targets(results: Results) -> str:
    rows = [(target.what, target.found, "yes" if target.reached else "**no**") for target in targets(results)]
    return _table(("Target", "Found", "Reached"), rows)


def _machine(results: Results) -> str:
    return "Environment\n-----------\n\n" + _table(("Component", "Value"), list(results.machine.items()))


def _tables(results: Results) -> list[str]:
    head = ("Namespaces", "Method", "Seconds", "Writes a second", "Requests", "Processor seconds", "Memory (MiB)")
    tables = []
    for operation, title in TABLES.items():
        rows = []
        for row in sorted(results.rows, key=lambda row: (row.namespaces, list(results.titles).index(row.candidate))):
            if row.operation == operation:
                found = row.measurement
                requests = ", ".join(f"{count} {verb}" for verb, count in sorted(found.requests.items()))
                rate = f"{found.rate:.1f}" if found.rate and row.namespaces > 1 else ""
                cells = (f"{row.namespaces:,}", results.titles[row.candidate], f"{found.seconds:.2f}", rate, requests)
                processor = "" if found.cpu_seconds is None else f"{found.cpu_seconds:.2f}"
                memory = "" if found.memory is None else f"{found.memory / MEBIBYTE:.0f}"
                rows.append((*cells, processor, memory))
        tables.append(f"{title}\n{'-' * len(title)}\n\n{_table(head, rows)}")
    return tables


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (head, *rows):
        lines += [f"   {'* -' if number == 0 else '  -'} {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join([*lines, ""])
