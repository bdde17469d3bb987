"""Break real modelling files, configurations and diagram configs at random, and report what archviz does wrong over them.

    fuzz_interpreter.py --cases 2000                       cases 0 to 1999
    fuzz_interpreter.py --cases 1 --first 1234 --raise     one case again, with its traceback
    fuzz_interpreter.py --kinds code,rewritten --types llama,qwen3

Kinds: `code` (a modelling or configuration file with lines, tokens or statements broken, loops and recursion put in), `rewritten` (a
file that means the same, which must read the same), `config` (values and bytes of a config.json), `figure` (a diagram config, drawn or
verified against), `search` (code search over a broken file). Each runs tensors, trace, describe, verify or draw with small limits.

A fault is: an exception that is no archviz error, an internal error, more processor time than SECONDS, the memory bound, a process that
dies, an SVG that does not parse, a gap without a reason, and a rewritten file that reads otherwise. A case runs in a child process, some
dozens a process, within `--memory` of address space. Exit status 1 when there is a fault.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from fuzz_cases import KINDS, SECONDS, TYPES, Outcome, run_case, warm  # noqa: E402

CASES_A_PROCESS = 40


class OverrunError(BaseException):
    """A case that does not end by itself."""


def guarded(number: int, options: argparse.Namespace) -> Outcome:
    """Run a case; whatever leaves it is a fault."""

    def stop(signum: int, frame: Any) -> None:
        raise OverrunError

    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 2 * SECONDS)
    try:
        return run_case(number, options.kinds, options.types)
    except BaseException as error:
        if options.reraise:
            raise
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "archviz" in frame.filename]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(ours[-4:]))
        return Outcome(f"case {number}", "fault", f"{type(error).__name__}: {str(error)[:160]} at {places}")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def child(numbers: range, options: argparse.Namespace, pipe: int) -> None:
    """Run cases and write a line of JSON for each; the number of the one that runs stands in the pipe before it does."""
    resource.setrlimit(resource.RLIMIT_AS, (options.memory << 20, options.memory << 20))
    with os.fdopen(pipe, "w", buffering=1) as out:
        for number in numbers:
            out.write(f"{number}\n")
            found = guarded(number, options)
            out.write(json.dumps([number, found.what, found.ended, found.fault, found.seconds]) + "\n")


def outcomes(numbers: range, options: argparse.Namespace) -> Iterator[tuple[int, Outcome]]:
    """The outcomes of some cases from a process of their own; one that dies is the fault of the case that ran."""
    at = numbers.start
    while at < numbers.stop:
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reading)
            try:
                child(range(at, numbers.stop), options, writing)
            finally:
                os._exit(0)
        os.close(writing)
        running = at
        with os.fdopen(reading) as lines:
            for line in lines:
                answer = json.loads(line)
                if isinstance(answer, int):
                    running = answer
                else:
                    yield answer[0], Outcome(*answer[1:])
                    running = answer[0] + 1
        _, status = os.waitpid(process, 0)
        if running < numbers.stop:
            yield running, Outcome(f"case {running}", "fault", f"the process died with status {status}")
        at = running + 1


def main() -> int:
    """Run the cases and tell their faults, then one line for each way to end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", type=lambda text: tuple(text.split(",")), default=tuple(KINDS))
    parser.add_argument("--types", type=lambda text: tuple(text.split(",")), default=TYPES)
    parser.add_argument("--memory", type=int, default=2048, help="MiB of address space of a process")
    parser.add_argument("--progress", action="store_true", help="say on stderr how far it is")
    parser.add_argument("--raise", dest="reraise", action="store_true", help="in this process, with the traceback")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.cases)
    if options.reraise:
        for number in numbers:
            print(number, run_case(number, options.kinds, options.types))
        return 0
    warm(options.types)
    gc.freeze()
    started, ended, faults, slowest = time.monotonic(), Counter[str](), 0, 0.0
    for start in range(numbers.start, numbers.stop, CASES_A_PROCESS):
        for number, found in outcomes(range(start, min(start + CASES_A_PROCESS, numbers.stop)), options):
            ended[f"{found.what.partition(' ')[0]}: {found.ended}"] += 1
            slowest = max(slowest, found.seconds)
            if found.fault:
                faults += 1
                print(f"{number}: {found.what}: {found.fault}", flush=True)
        if sys.stderr.isatty() or options.progress:
            print(f"… {sum(ended.values())} cases, {faults} faults", file=sys.stderr, flush=True)
    for name, count in sorted(ended.items()):
        print(f"{count:6} {name}")
    print(f"{options.cases} cases, {faults} faults, slowest {slowest:.1f} s CPU, {time.monotonic() - started:.0f} s")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
