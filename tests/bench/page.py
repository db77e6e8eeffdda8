# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the benchmark guide from the results of a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from .plot import Points, svg
from .results import BARE, JOB, MODULE, NOTHING, PROGRAM, RENEW, REPLAY, REPLAYED, ROLE, Results, slope, targets

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

PROFILE = """\
Where the time goes
-------------------

- A play with one module that has nothing to do in one namespace: two fifths of the processor time are the start of
  ``ansible-playbook``, a quarter is the action plugin and the archive that carries the module's code to the host, and a
  third is the module's process: ``ansible.module_utils.basic``, this collection's own files, and least of all its
  requests. boto3 starts only if a token is needed. A play with one ``kubernetes.core.k8s`` task spends its time on the
  same starts.
- With more namespaces the processor time grows by the reading of lists, 500 objects at a time. Each secret is read as a
  whole, since a secret whose data is malformed must be repaired.
- A Job, which may only get each secret by its name, reads it before it writes it. Its limit on this machine is that of
  h2load with both requests. What is left to that limit is the refresher's processor time: the API server needs both
  processors for itself.

"""

NOTES = """\
Method
------

- *Writes a second* is the number of writes divided by the time between the first and the last of them, from the audit
  log of the API server. *Seconds* is the whole run of the command, including the start of ``ansible-playbook``,
  ``kubectl`` or ``aws``. For a Job it is the time from its creation by ``kubectl`` until it is complete, including the
  start of the pod and of its ``aws``; the role created the first secrets before.
- Requests are counted in the audit log, by Kubernetes' verbs and resources; an apply by kubectl is a ``patch``.
- Processor time is that of the client and all its child processes. Memory is that of its largest process. Neither is
  measured for pods.
- Up to 10 namespaces were measured three times; the figures are those of the run with the median time.
- Methods that take about one second for each namespace were measured over fewer namespaces: ``kubernetes.core.k8s``
  over at most 20, ``kubectl create | kubectl apply`` over at most 100, ``aws`` for each namespace over at most 10. None
  of them is faster with more namespaces.
- The role installs the refresher and writes the secrets, without a test run. It is compared with a play with one task,
  and with kubectl, which applies the same objects, but reads and writes no pull secret.
- The clusters of the role for many clusters are one API server, with a secret of another name for each of them, in push
  mode.
- The API server's limit is measured with h2load and bodies of the same size, over one connection with 64 parallel
  requests, for reads and writes in runs of their own. h2load decides nothing and does not check responses.
- The token comes from a fake AWS on the same machine, which responds at once. AWS takes longer, by the same time for
  all methods.
- With one namespace, most of the time is the start of programs: Ansible and the module. The module runs on the control
  node, so it starts once; on another host it starts twice if something must be written.
- The refresher's program as a process is the code of the CronJob, on this machine instead of in a pod, with the names
  of the namespaces. Its processor time for each namespace is the difference between two numbers of namespaces, so the
  start and the AWS CLI do not count. The bare loop sends the same requests over one connection and decides nothing.
- The pods whose pulls are replayed are never scheduled. Each has one image and names the secret.
- kubectl and the loops do not check whether a token is still valid: each run writes all secrets.
- *One after the other* is a program in this repository that does what
  `k8s-ecr-login-renew <https://github.com/nabsul/k8s-ecr-login-renew>`__ does, over one connection.
"""

PLOT_TITLE = "Seconds to renew the pull secrets, by number of namespaces"
PLOT = f"""\
.. figure:: ../benchmarks.svg
   :alt: {PLOT_TITLE}
"""
FIGURES = "The figures of each run are in ``docs/docsite/benchmarks.csv``.\n"
GROWTH = """\
Growth
------

By what power the figures grow with the number of namespaces, between the two largest numbers: 0 is not at all, 1 is
linear.

"""
NOT_PLOTTED = (PROGRAM, BARE)
"""They are measured for their processor time."""
GROWING = ((MODULE, RENEW), (MODULE, NOTHING), (ROLE, NOTHING), (JOB, RENEW), (REPLAYED, REPLAY))


def page(results: Results) -> str:
    """Build the whole page."""
    return "\n".join(
        [HEAD + _targets(results), PLOT, FIGURES, GROWTH + _growth(results), PROFILE + _machine(results), NOTES]
    )


def figures(results: Results) -> str:
    """Return the figures of all runs in the format CSV."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    head = ("method", "operation", "namespaces", "seconds", "writes", "writes a second", "requests")
    table.writerow((*head, "processor seconds", "memory in bytes"))
    for row in sorted(results.rows, key=lambda row: (row.operation, row.namespaces, row.candidate)):
        found = row.measurement
        requests = ", ".join(f"{count} {request}" for request, count in sorted(found.requests.items()))
        cells = (
            _plain(results.titles[row.candidate]),
            row.operation,
            row.namespaces,
            f"{found.seconds:.2f}",
            found.writes,
        )
        rate = f"{found.rate:.1f}" if found.rate else ""
        processor = "" if found.cpu_seconds is None else f"{found.cpu_seconds:.2f}"
        table.writerow((*cells, rate, requests, processor, found.memory))
    return file.getvalue()


def _plain(title: str) -> str:
    return title.replace("``", "").replace("**", "")


def plot(results: Results) -> str:
    """Draw the seconds of a renewal as SVG."""
    lines: dict[str, Points] = {}
    for candidate, title in results.titles.items():
        rows = [row for row in results.rows if (row.candidate, row.operation) == (candidate, RENEW)]
        if rows and candidate not in NOT_PLOTTED:
            points = sorted((row.namespaces, row.measurement.seconds) for row in rows)
            lines[_plain(title)] = [(float(size), seconds) for size, seconds in points]
    return svg(PLOT_TITLE, lines, ("namespaces", "seconds"))


def _targets(results: Results) -> str:
    rows = [(target.what, target.found, "yes" if target.reached else "**no**") for target in targets(results)]
    rows += [(failure, "failed", "**no**") for failure in results.failures]
    return _table(("Target", "Found", "Reached"), rows)


def _machine(results: Results) -> str:
    return "Environment\n-----------\n\n" + _table(("Component", "Value"), list(results.machine.items()))


def _growth(results: Results) -> str:
    rows = []
    for candidate, operation in GROWING:
        found = [slope(results, candidate, operation, figure) for figure in ("seconds", "memory", "requests")]
        if any(value is not None for value in found):
            cells = ["" if value is None else f"{value:.2f}" for value in found]
            rows.append((f"{results.titles[candidate]}, {operation}", *cells))
    return _table(("Method", "Seconds", "Memory", "Requests"), rows)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in (head, *rows):
        lines += [f"   {'* -' if number == 0 else '  -'} {cell}".rstrip() for number, cell in enumerate(row)]
    return "\n".join([*lines, ""])
