"""Compare archviz with PyTorch itself: development checks, never part of a run and never part of CI.

    check_against_referee.py tensors [TYPE …]          every model type's defaults: digests, gaps, refusals
    check_against_referee.py configs [ID …]            the published configurations: digests, ties, refusals
    check_against_referee.py trace --truth DIR [TYPE …]    forward passes, by the definition of equal in compare.py
    check_against_referee.py trace --truth DIR --make-truth    make DIR's traces (in a Python with torch)
    check_against_referee.py cache --truth DIR [TYPE …]    what is cached after a prefill and after one new token
    check_against_referee.py cache --truth DIR --make-truth    make DIR's caches (in a Python with torch)
    check_against_referee.py configuration [NAME …]    what the official configuration classes give, key by key
    check_against_referee.py speed [MODEL …]           cold `archviz tensors` against the cold referee
    check_against_referee.py table                     write tests/tables/ anew

They read `../shared/referee` and `../shared/real-configs`, which belong to the development setup and are not part of the
project; without them each says so and exits with status 1. The comparing itself needs no torch: the reference holds digests of
what PyTorch builds. `--python` names a Python that has torch and transformers, for what digests cannot answer: which tensors of
a differing model differ (so that a difference that no gap owns up to is told from one with a gap), and how long the referee
takes. `configuration` and `table` import transformers, without torch.

Each check prints a line for everything that differs, then one line with the numbers and the CPU time. Exit status 0 when
nothing breaks the contract: differences whose every tensor lies under a gap do not.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from referee_caches import check_caches, make_caches  # noqa: E402
from referee_configurations import check_configurations, write_configuration_table  # noqa: E402
from referee_reference import Report  # noqa: E402
from referee_tensors import check_configs, check_defaults, write_tables  # noqa: E402
from referee_traces import check_speed, check_traces, make_traces  # noqa: E402

Check = Callable[[argparse.Namespace], list[Report]]


def trace(options: argparse.Namespace) -> list[Report]:
    """Make traces, or compare with those that are there."""
    run = make_traces if options.make_truth else check_traces
    return [run(options.only, options.truth, options.batch, options.seq)]


def cache(options: argparse.Namespace) -> list[Report]:
    """Fill caches with PyTorch, or compare with those that are there."""
    run = make_caches if options.make_truth else check_caches
    return [run(options.only, options.truth, options.batch, options.seq)]


CHECKS: dict[str, tuple[Check, str]] = {
    "tensors": (lambda o: [check_defaults(o.only, o.python)], "every model type's defaults against PyTorch's digests"),
    "configs": (lambda o: [check_configs(o.only, o.python)], "published configurations: digest, class, ties, refusals"),
    "trace": (trace, "forward passes against the referee's traces"),
    "cache": (cache, "caches after a prefill and after one new token, against PyTorch"),
    "configuration": (lambda o: [check_configurations(o.only)], "configuration values against the official classes"),
    "speed": (lambda o: [check_speed(o.only, o.python, o.runs)], "cold runs against the cold referee"),
    "table": (lambda o: [write_tables(o.python), write_configuration_table()], "write the tests' tables"),
}


def parser() -> argparse.ArgumentParser:
    """The command line: one subcommand a check."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="check", required=True)
    for name, (_, about) in CHECKS.items():
        command = commands.add_parser(name, help=about, description=about)
        if name != "table":
            command.add_argument("only", nargs="*", help="only these model types or ids")
        if name in {"tensors", "configs", "speed", "table"}:
            command.add_argument("--python", help="a Python with torch and transformers")
        if name == "speed":
            command.add_argument("--runs", type=int, default=3, help="cold runs of each, the best counts")
        if name in {"trace", "cache"}:
            command.add_argument(
                "--truth", type=Path, required=True, help="folder of truth traces, MODELTYPE__HEAD.json"
            )
            command.add_argument(
                "--make-truth", action="store_true", help="make the traces that are missing (needs torch)"
            )
            command.add_argument("--batch", type=int, default=2)
            command.add_argument("--seq", type=int, default=53)
    return top


def main() -> int:
    """Run one check; 1 when something breaks the contract."""
    options = parser().parse_args()
    start = time.process_time()
    reports = CHECKS[options.check][0](options)
    for report in reports:
        report.print()
    print(f"{time.process_time() - start:.1f} s CPU")
    return int(any(report.faults for report in reports))


if __name__ == "__main__":
    sys.exit(main())
