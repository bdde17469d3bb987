"""Custom code against the release that it was written for: model types of transformers 4.57.6 as `auto_map` folders.

Each type's `configuration_*.py` and `modeling_*.py` are copied to a temporary folder, relative imports of the release's internals made
absolute, beside a `config.json` with the release's defaults; archviz reads the folder as a repository's own code, and its digest is
compared with what the release builds on the meta device.

    python scripts/dev/check_custom_code.py --python V4/bin/python [TYPE …]

V4 is an environment with torch and transformers 4.57.6 (`pip install torch==2.13.0 transformers==4.57.6`).  Nothing is downloaded and
nothing is left behind.  Exit status 1 when a digest differs.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from archviz import pipeline
from archviz.errors import ArchvizError
from archviz.settings import Settings

TYPES = (
    "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi", "phi3", "gpt2", "gpt_neox", "gptj", "opt", "bloom", "mpt", "falcon",
    "stablelm", "starcoder2", "cohere", "olmo", "olmo2", "mixtral", "qwen2_moe", "qwen3_moe", "deepseek_v2", "deepseek_v3", "granite",
    "granitemoe", "glm", "glm4", "smollm3", "persimmon", "codegen", "xglm", "mamba", "mamba2", "jamba", "bert", "roberta", "t5", "bart",
    "vit", "dinov2", "biogpt", "gpt_bigcode", "xlm-roberta", "jetmoe", "gpt_neox_japanese", "exaone4", "ernie4_5", "gpt_oss",
)  # fmt: skip
RELEASE = r"""
import hashlib, inspect, json, sys, warnings
warnings.filterwarnings("ignore")
import torch, transformers
from transformers import CONFIG_MAPPING
from transformers.models.auto import modeling_auto as auto
heads = (auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES, auto.MODEL_MAPPING_NAMES)
print(json.dumps({"release": transformers.__version__}), flush=True)
for model_type in sys.argv[1:]:
    row = {"type": model_type}
    try:
        config = CONFIG_MAPPING[model_type]()
        name = next(head[model_type] for head in heads if model_type in head)
        cls = getattr(transformers, name if isinstance(name, str) else name[0])
        row.update(folder=inspect.getfile(cls).rpartition("/")[0], file=cls.__module__.rpartition(".")[2], cls=cls.__name__,
                   config_file=type(config).__module__.rpartition(".")[2], config_cls=type(config).__name__,
                   config=json.loads(config.to_json_string(use_diff=False)))
        with torch.device("meta"):
            model = cls._from_config(config)
        rows = sorted([n, list(p.shape)] for n, p in model.named_parameters())
        row.update(digest=hashlib.sha1(json.dumps(rows).encode()).hexdigest(), n=len(rows),
                   params=sum(p.numel() for p in model.parameters()))
    except Exception as error:
        row["error"] = f"{type(error).__name__}: {error}"[:200]
    print(json.dumps(row), flush=True)
"""
_RELATIVE = re.compile(r"^(\s*)from (\.{2,4})([\w.]*) import", re.MULTILINE)


def main() -> int:
    """Compare, print one line for each type and the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="the interpreter of an environment with transformers 4.57.6")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("types", nargs="*", metavar="TYPE", help=f"model types; {len(TYPES)} of them by default")
    options = parser.parse_args()
    asked = subprocess.run(  # noqa: S603 -- the interpreter is the developer's own argument
        [options.python, "-c", RELEASE, *(options.types or TYPES)], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        print(asked.stderr[-800:], file=sys.stderr)
        return 2
    release, *rows = [json.loads(line) for line in asked.stdout.splitlines()]
    results = [compare(row) for row in rows]
    for result in results:
        print(json.dumps(result) if options.json else _line(result))
    equal = sum(result["status"] == "equal" for result in results)
    silent = sum(result["status"] == "differs" and not result["gaps"] for result in results)
    spent = sum(result["seconds"] for result in results)
    print(
        f"transformers {release['release']}: {equal} of {len(results)} digests equal, {silent} silent differences, {spent:.1f} s"
    )
    return 0 if equal == len(results) else 1


def compare(row: dict[str, Any]) -> dict[str, Any]:
    """Read one type as custom code; what became of it."""
    result: dict[str, Any] = {"type": row["type"], "status": "not built by the release", "gaps": 0, "seconds": 0.0}
    if "error" in row:
        return {**result, "why": row["error"]}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        write_folder(Path(name), row)
        try:
            found = pipeline.tensors(name, settings=Settings(code="custom"))
        except ArchvizError as error:
            return {**result, "status": "refused", "why": str(error)[:300]}
    same = found["digest"] == row["digest"]
    result.update(status="equal" if same else "differs", gaps=len(found["gaps"]), seconds=time.perf_counter() - started)
    if not same:
        result["why"] = (
            f"{len(found['tensors'])} tensors and {found['params']:,} parameters, not {row['n']} and {row['params']:,}"
        )
    if found["gaps"]:
        result["gap"] = found["gaps"][0]
    return result


def write_folder(folder: Path, row: dict[str, Any]) -> None:
    """Lay a type of the release out as a repository with code of its own."""
    origin = Path(row["folder"])
    package = ".".join(origin.parts[len(origin.parts) - origin.parts[::-1].index("transformers") - 1 :])
    for file in origin.glob("*.py"):
        if file.name.startswith(("configuration_", "modeling_")) and not file.stem.startswith(
            ("modeling_tf", "modeling_flax")
        ):
            text = file.read_text(encoding="utf-8")
            (folder / file.name).write_text(
                _RELATIVE.sub(lambda found: _absolute(found, package), text), encoding="utf-8"
            )
    config = {
        **row["config"],
        "architectures": [row["cls"]],
        "auto_map": {
            "AutoConfig": f"{row['config_file']}.{row['config_cls']}",
            "AutoModel": f"{row['file']}.{row['cls']}",
        },
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _absolute(found: re.Match[str], package: str) -> str:
    """`from ...cache_utils import` → `from transformers.cache_utils import`."""
    indent, dots, rest = found.groups()
    parent = package.rsplit(".", len(dots) - 1)[0]
    return f"{indent}from {parent}{'.' + rest if rest else ''} import"


def _line(result: dict[str, Any]) -> str:
    gap = f"  gap: {result['gap']}" if "gap" in result else ""
    return f"{result['status']:10} {result['type']:16} {result['seconds']:5.2f} s  {result.get('why', '')}{gap}"


if __name__ == "__main__":
    sys.exit(main())
