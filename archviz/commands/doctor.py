"""`archviz doctor`: what is installed."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import no_arguments
from archviz.commands.printing import list_on_stderr, print_json


def run(options: argparse.Namespace) -> int:
    from archviz.doctor import examine, report

    checks = examine()
    if options.json:
        print_json(report(checks))
    else:
        for check in checks:
            print(f"{'ok' if check.ok else 'NO':3} {check.name:16} {check.value}")
    list_on_stderr([f"{check.name}: {check.hint}" for check in checks if check.hint], "hints")
    return 0 if all(check.ok for check in checks) else 1


COMMAND = Command("doctor", "what is installed, and whether it suffices", no_arguments, run, ("", "--json"))
