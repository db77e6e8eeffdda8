# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of `python -m support.cluster`, with PYTHONPATH=tests."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence

from .command import Stopped, check_command, raise_on_signals
from .credential_helper import credential_helper_image
from .errors import ClusterError
from .isolated_cluster import add_isolated_parser, run_isolated
from .node_support import reason_for_no_node
from .run import build, run

_ERROR_STATUS = 2


def main(arguments: Sequence[str]) -> int:
    """Execute the command line and return the exit status."""
    options = _parser().parse_args(arguments)
    raise_on_signals()
    try:
        return _act(options)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return _ERROR_STATUS
    except Stopped as stopped:
        if options.action != "isolated":
            print(f"cluster: {stopped}; all processes and files of the run are removed", file=sys.stderr)
        return stopped.status


def _act(options: argparse.Namespace) -> int:
    if options.action == "isolated":
        return run_isolated(options, os.environ)
    if options.action == "can-run-node":
        reason = reason_for_no_node()
        print(reason or "This machine can run a node.")
        return 1 if reason else 0
    if options.action == "build":
        build(node=options.node)
        return 0
    if options.action == "build-credential-helper":
        credential_helper_image()
        return 0
    check_command(options.command)
    return run(options.command, node=options.node, name=options.name, caller=os.environ)


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name. Use up to 20 lower-case letters, digits and dashes.")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m support.cluster", description="A Kubernetes cluster for tests.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="build|run|can-run-node|…")
    node_help = "with a node that runs pods (needs root), not only a control plane"

    build_parser = actions.add_parser("build", help="build missing parts into the cache")
    build_parser.add_argument("--node", action="store_true", help=node_help)

    actions.add_parser("build-credential-helper", help="build the image of the tests for IAM Roles Anywhere")

    run_parser = actions.add_parser("run", help="run a command with a new cluster")
    run_parser.add_argument("--node", action="store_true", help=node_help)
    run_parser.add_argument(
        "--name", type=_name, default="test", help="the name of the node, and part of the name of the run's directory"
    )
    run_parser.add_argument("command", nargs="+", metavar="COMMAND", help="the command to run, after a --")

    actions.add_parser("can-run-node", help="report whether this machine can run a node; exit status 0 or 1")
    add_isolated_parser(actions.add_parser("isolated"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
