"""Write tests/tables/own_code.json: what PyTorch builds and computes of the folders in tests/sources/fixtures/own.

    V4/bin/python scripts/dev/make_own_code_table.py     folders written against transformers 4.x, with 4.57.6 and einops installed
    V5/bin/python scripts/dev/make_own_code_table.py     the others

A folder is imported and run here, in a Python with torch, once; archviz reads it as text.  A folder with `arguments.json` is plain
PyTorch.  One forward pass of 2 × 11 tokens (or an image), on the processor, with the parameters that the seed gives; a row holds
the digest of all names and shapes, the ties, and every call and op as references/referee.md defines them, as digests.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from referee_reference import REFEREE, load_module, needed  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ROOT / "tests" / "sources" / "fixtures" / "own"
TABLE = ROOT / "tests" / "tables" / "own_code.json"
BATCH, SEQ = 2, 11
CHANCE = {"latent": ["mlp cat"]}  # ops whose inputs' sizes are the routers' choice, by the end of `module op`


def main() -> int:
    """Run every folder that is for the transformers at hand; keep the rows of the others."""
    os.environ["PYTORCH_JIT"] = "0"  # the ops of scripted functions would not be seen
    import torch  # type: ignore[import-not-found,unused-ignore]
    import transformers

    major = transformers.__version__.partition(".")[0]
    referee, compare = load_module(needed(REFEREE)), load_module(needed(REFEREE.with_name("compare.py")))
    known = json.loads(TABLE.read_text("utf-8")) if TABLE.exists() else {}
    for folder in sorted(each for each in FOLDERS.iterdir() if each.is_dir()):
        plain = (
            json.loads((folder / "arguments.json").read_text("utf-8")) if (folder / "arguments.json").exists() else None
        )
        values = {} if plain else json.loads((folder / "config.json").read_text("utf-8"))
        if sys.argv[1:] and folder.name not in sys.argv[1:]:
            continue
        if (values.get("transformers_version") or "5").partition(".")[0] != major:
            continue
        torch.manual_seed(0)
        model, given = plain_model(torch, folder, plain) if plain else automatic_model(torch, folder, values)
        found = traced(torch, referee, model.eval(), given)
        built = referee.tensors(model)
        known[folder.name] = {
            "made_by": f"torch {torch.__version__.partition('+')[0]}, transformers {transformers.__version__}",
            **{key: built[key] for key in ("class", "params", "digest", "tied")},
            "tensors": len(built["tensors"]),
            "by_chance": CHANCE.get(folder.name, []),
            **compare.digests(without_chance(found, CHANCE.get(folder.name, []))),
        }
        if "ARCHVIZ_KEEP_TRACES" in os.environ:  # a folder for whole traces, to see what differs
            kept = Path(os.environ["ARCHVIZ_KEEP_TRACES"]) / f"own_code_{folder.name}.json"
            kept.write_text(json.dumps(found), encoding="utf-8")
        print(folder.name, known[folder.name]["params"], known[folder.name]["n_calls"], known[folder.name]["n_ops"])
    TABLE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")
    return 0


def without_chance(found: dict[str, Any], chance: list[str]) -> dict[str, Any]:
    """A trace without the ops whose sizes the parameters decide."""
    return {
        **found,
        "ops": [op for op in found["ops"] if not f"{op['module']} {op['op']}".endswith(tuple(chance) or ("\n",))],
    }


def package(folder: Path) -> str:
    """Make the folder importable as a package."""
    name = f"own_{folder.name}"
    made = types.ModuleType(name)
    made.__path__ = [str(folder)]
    sys.modules.setdefault("accelerate", types.SimpleNamespace(init_empty_weights=None))  # type: ignore[arg-type] # imported, not used
    sys.modules[name] = made
    return name


def automatic_model(torch: Any, folder: Path, values: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The class of `auto_map`, with its folder's configuration; and what it is called with."""
    name, stated = package(folder), values["auto_map"]

    def named(reference: str) -> Any:
        file, _, cls = reference.rpartition(".")
        return getattr(importlib.import_module(f"{name}.{file}"), cls)

    reference = next(value for key, value in stated.items() if value.rpartition(".")[2] == values["architectures"][0])
    config = named(stated["AutoConfig"]).from_pretrained(str(folder))
    cls = named(reference)
    model = cls._from_config(config, attn_implementation="eager") if hasattr(cls, "_from_config") else cls(config)
    if hasattr(model, "tie_weights"):
        model.tie_weights()
    return model, {"input_ids": torch.randint(3, 38, (BATCH, SEQ)), "use_cache": False}


def plain_model(torch: Any, folder: Path, plain: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The class that `arguments.json` names: its file, class, and an expression for its arguments."""
    sys.path.insert(0, str(folder))
    module = importlib.import_module(plain["file"].removesuffix(".py"))
    given = eval(plain["python"], {**vars(module), "a": plain["args"]})  # noqa: S307 -- our own text
    cls = getattr(module, plain["class"])
    model = cls(**given) if isinstance(given, dict) else cls(*given)
    image = plain.get("image")
    tensor = torch.randn(BATCH, *image) if image else torch.randint(3, 38, (BATCH, SEQ))
    for other in [each for each in sys.modules if str(folder) in str(getattr(sys.modules[each], "__file__", ""))]:
        del sys.modules[other]
    sys.path.remove(str(folder))
    return model, {plain["input"]: tensor}


def traced(torch: Any, referee: Any, model: Any, given: dict[str, Any], part: Any = None) -> dict[str, Any]:
    """The calls and ops of one pass through a model, or a part of it, as the referee records them."""
    recorder = referee.Recorder()
    for path, module in model.named_modules():

        def before(mod: Any, args: Any, path: str = path) -> None:
            recorder.stack.append(path)

        def after(mod: Any, args: Any, out: Any, path: str = path) -> None:
            recorder.stack.pop()
            shapes = {"in": referee.shapes(args), "out": referee.shapes(out)}
            recorder.calls.append({"module": path, "class": type(mod).__name__, **shapes})

        module.register_forward_pre_hook(before)
        module.register_forward_hook(after)
    with torch.no_grad(), recorder:
        (part or model)(**given)
    return {"class": type(model).__name__, "calls": recorder.calls, "ops": recorder.ops}


if __name__ == "__main__":
    sys.exit(main())
