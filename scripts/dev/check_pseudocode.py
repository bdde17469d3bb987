"""Run the pseudocode of models on PyTorch's meta device: it has to build every parameter and give the shapes that its comments state.

    check_pseudocode.py --python PYTHON_WITH_TORCH [MODEL …] [--sizes 3,13]     catalog models; all of them by default

A development check, never part of a run. The program is run with the batch and the number of tokens that it states, and twice more where its
sizes are given by `B` and `T`: with those of `--sizes` (unless windows of tokens have to be full), and with so many tokens more than it states. What depends on numbers that the meta device does not have (`nonzero`, a test) is
answered as the interpreter answers it: one row, true. Prints a line for each model that fails, then the counts; exit status 0 when none does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

AT_LEAST = "for so many tokens or more"  # words of a program whose windows of tokens have to be full
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from referee_process import start_referee  # noqa: E402

from archviz.errors import ArchvizError  # noqa: E402
from archviz.lookup.catalog import model_ids  # noqa: E402
from archviz.pseudocode.program import write_pseudocode  # noqa: E402
from archviz.readings import read  # noqa: E402
from archviz.settings import Settings  # noqa: E402
from archviz.sources.model_source import read_model_source  # noqa: E402

REFEREE = r"""
import json, re, sys, torch
from torch.overrides import TorchFunctionMode

class Assumed(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if name in ("nonzero",) or name == "where" and len(args) == 1 and not kwargs:
            rows = torch.empty((1, first.dim()), dtype=torch.int64, device="meta")
            return rows if name == "nonzero" else rows.unbind(1)
        if name == "unique_consecutive":
            return torch.empty((2,), dtype=first.dtype, device="meta")
        if name == "__getitem__":
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            if any(isinstance(i, torch.Tensor) and i.dim() == 0 for i in index):
                args = (first, tuple(0 if isinstance(i, torch.Tensor) and i.dim() == 0 else i for i in index))
        return func(*args, **kwargs)

COMMENT = re.compile(r"^(\s*)([\w, ]+?),? = .*  # (\[.*)$")

def checked(text):
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        lines.append(line)
        match = COMMENT.match(line)
        if match and not line.lstrip().startswith(("#", "for ")):
            names = [n.strip() for n in match[2].split(",") if n.strip() and n.strip() != "_"]
            shapes = re.findall(r"\[[^\[\]]*\]", match[3].partition(";")[0])
            for name, shape in zip(names, shapes):
                if name.isidentifier():
                    stated = [s.strip() for s in shape[1:-1].split(",") if s.strip()]
                    stated = ", ".join(repr(s) if s in ("...", "_", "?") else s for s in stated)
                    lines.append(f"{match[1]}_check({number}, {name!r}, {name}, [{stated}])")
    return "\n".join(lines)

def check(number, name, value, stated):
    COUNT[0] += 1
    shape = list(value.shape)
    if "..." in stated:
        stated = stated[:stated.index("...")]
        shape = shape[:len(stated)]
    if len(shape) != len(stated) or any(a != b for a, b in zip(stated, shape) if b is not None and a not in ("_", "?")):
        raise AssertionError(f"line {number}: {name} is {list(value.shape)}, stated {stated}")

for line in sys.stdin:
    asked = json.loads(line)
    COUNT = [0]
    try:
        text = checked(asked["text"])
        answer = {}
        for sizes in asked["sizes"]:
            space = {"_check": check, "__name__": "pseudocode"}
            code = text if sizes is None else re.sub(r"^B, T = \d+, \d+", f"B, T = {sizes[0]}, {sizes[1]}", text, flags=re.M)
            exec(compile(code, "pseudocode", "exec"), space)
            with torch.device("meta"), torch.no_grad():
                model = space["build"]()
                total = sum(p.numel() for p in model.parameters())
                if total != asked["total"]:
                    raise AssertionError(f"{total:,} parameters, {asked['total']:,} built by the official class")
                if "run" in space:
                    with Assumed():
                        space["run"](model)
        print(json.dumps({"checks": COUNT[0], "ran": "run" in space}), flush=True)
    except Exception as error:
        import traceback
        last = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "pseudocode"]
        where = f" (line {last[-1].lineno}: {text.splitlines()[last[-1].lineno - 1].strip()[:150]})" if last else ""
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:260] + where}), flush=True)
"""


def main() -> int:
    """Run the check; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="catalog models; all by default")
    parser.add_argument("--python", required=True, help="a Python with torch")
    parser.add_argument(
        "--sizes", default="3,13", help="batch and tokens of the second run, and how many more those of the third are"
    )
    options = parser.parse_args()
    batch, tokens = map(int, options.sizes.split(","))
    models = options.models or model_ids()
    referee = start_referee(options.python, REFEREE)
    counts = {"run": 0, "whole": 0, "with other sizes": 0, "fail": 0, "refused": 0}
    checks = 0
    for number, model in enumerate(models, 1):
        print(f"\r{number} of {len(models)}: {model:<60}", end="", file=sys.stderr, flush=True)
        verdict, words, found = check(model, referee, (batch, tokens))
        for each in verdict:
            counts[each] += 1
        checks += found
        if words:
            print(f"{model}: {words}", flush=True)
    print(
        ", ".join(f"{count} {verdict}" for verdict, count in counts.items()),
        f"of {len(models)} models; {checks:,} shapes checked",
    )
    return 1 if counts["fail"] else 0


def check(model: str, referee: subprocess.Popen[str], sizes: tuple[int, int]) -> tuple[list[str], str, int]:
    """What became of a model's pseudocode, words about it, and how many shapes were checked."""
    settings = Settings(offline=True)
    try:
        source = read_model_source(model, settings)
        total = sum(tensor.numel for tensor in read(source, settings=settings).parameters().values())
        program = write_pseudocode(source, settings=settings)
    except ArchvizError as error:
        return ["refused"], f"refused: {str(error)[:120]}", 0
    except SyntaxError as error:
        return ["fail"], f"does not parse: {error}", 0
    head = program.text.partition("B, T = ")[2].partition("\n")[0]
    own = int(head.partition(",")[2].partition("#")[0])
    batch, tokens = sizes
    others = [*([] if AT_LEAST in head else [(batch, tokens)]), (batch, own + tokens)]
    asked = {"text": program.text, "total": total, "sizes": [None, *(others if program.symbolic else [])]}
    assert referee.stdin is not None
    assert referee.stdout is not None
    referee.stdin.write(json.dumps(asked) + "\n")
    referee.stdin.flush()
    answer: dict[str, Any] = json.loads(referee.stdout.readline())
    if "error" in answer:
        return ["fail"], f"fails: {answer['error']}", 0
    verdict = ["run"] + (["whole"] if not program.remarks else []) + (["with other sizes"] if program.symbolic else [])
    return verdict, f"not written out: {program.remarks[0]}"[:200] if program.remarks else "", answer["checks"]


if __name__ == "__main__":
    sys.exit(main())
