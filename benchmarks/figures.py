"""How long a figure takes from an Architecture in memory, over the catalog.

    python benchmarks/figures.py                       every catalog model: layout and SVG, PNG at 2x, PDF of the overview
    python benchmarks/figures.py --every 12 --view detailed

Times are CPU seconds, the faster of two runs, so that a busy hour does not decide. A model over a limit is named, and the exit
status is 1. `--slack` widens the limits, for machines slower than the one they were set on.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable

from archviz.descriptions import describe
from archviz.emit import pdf, png, svg
from archviz.figure.display import DisplayList
from archviz.figure.theme import theme
from archviz.figure.views import view as view_of
from archviz.lookup.catalog import model_ids
from archviz.settings import Settings

LIMITS = {"layout and svg": 0.060, "png": 1.0, "pdf": 0.3}
RUNS = 2


def faster(work: Callable[[], object]) -> float:
    """CPU seconds of the faster of two runs."""
    return min(_once(work) for _ in range(RUNS))


def _once(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def figure_times(model: str, view: str) -> dict[str, float]:
    """CPU seconds of each step that has a limit, for one view of one model."""
    architecture = describe(model, settings=Settings(offline=True))
    draw, light = view_of(view), theme("light")
    display: DisplayList = draw(architecture, light, None).display
    return {
        "layout and svg": faster(lambda: svg.emit(draw(architecture, light, None).display)),
        "png": faster(lambda: png.emit(display, scale=2)),
        "pdf": faster(lambda: pdf.emit(display)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="only every so many models of the catalog")
    parser.add_argument("--view", default="overview", help="overview, detailed or params")
    parser.add_argument("--slack", type=float, default=1.0, help="factor on the limits")
    options = parser.parse_args()
    times = {model: figure_times(model, options.view) for model in model_ids()[:: options.every]}
    over = 0
    for step, limit in LIMITS.items():
        taken = sorted((row[step], model) for model, row in times.items())
        slow = [(seconds, model) for seconds, model in taken if seconds > limit * options.slack]
        over += len(slow)
        middle = statistics.median(seconds for seconds, _ in taken)
        print(f"{step:16} median {middle * 1000:6.1f} ms, slowest {taken[-1][0] * 1000:6.1f} ms ({taken[-1][1]})")
        for seconds, model in slow:
            print(f"{'':16} over {limit * 1000:.0f} ms: {model} {seconds * 1000:.1f} ms")
    print(f"{len(times)} models, {over} over a limit")
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
