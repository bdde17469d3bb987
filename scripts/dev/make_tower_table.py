"""Write tests/tables/towers.json: what PyTorch computes in towers and heads that text does not reach, given archviz's own inputs.

    V5/bin/python scripts/dev/make_tower_table.py [TYPE …]     in a Python with torch and transformers 5.23.0

archviz finds inputs with which it understands a model, or a tower of it on its own; PyTorch is given the same, on its meta device, or
on the processor where the code looks at numbers.  A row holds the digests of calls and ops as the reference defines them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from make_own_code_table import traced  # noqa: E402
from referee_reference import REFEREE, load_module, needed  # noqa: E402
from understood_inputs import understood  # noqa: E402

from archviz.interpreter.values import Tensor  # noqa: E402

TABLE = Path(__file__).resolve().parents[2] / "tests" / "tables" / "towers.json"
PARTS: dict[str, list[str]] = {
    "blip-2": ["qformer"], "instructblip": ["qformer"], "clap": [""], "encodec": [""], "mimi": [""], "dac": [""],
    "grounding-dino": [""], "siglip2": [""], "idefics2": ["model.connector.perceiver_resampler"],
    "granite_speech": ["model.encoder", "model.projector.qformer"], "phi4_multimodal": ["model.embed_tokens_extend.audio_embed.encoder"],
    "fun_asr_nano": ["audio_tower"], "inkling2": ["model.vision_tower"], "janus": ["model.vqmodel"],
}  # fmt: skip
ON_PROCESSOR = ("clap", "encodec", "mimi", "grounding-dino")


def main() -> int:
    """Run the parts of the types named, all by default."""
    import torch  # type: ignore[import-not-found,unused-ignore]

    referee, compare = load_module(needed(REFEREE)), load_module(needed(REFEREE.with_name("compare.py")))
    rows = json.loads(TABLE.read_text("utf-8")) if TABLE.exists() else []
    for model_type in sys.argv[1:] or PARTS:
        rows = [row for row in rows if row["type"] != model_type]
        for path in PARTS[model_type]:
            name, given, _, gaps = understood(model_type, path)
            if gaps:
                sys.exit(f"{model_type} {path} is not understood: {gaps[0]}")
            on = "cpu" if model_type in ON_PROCESSOR else "meta"
            dtype = torch.float32 if on == "cpu" else torch.bfloat16
            with torch.device(on):
                config, _ = referee.load_config(f"transformers:{model_type}")
                cls = referee.model_class(config, None, name)
                model = cls._from_config(config, attn_implementation="eager", dtype=dtype).eval()
            called = {key: torch_value(torch, key, value, on, dtype) for key, value in given.items()}
            found = traced(torch, referee, model, called, model.get_submodule(path))
            rows.append({"type": model_type, "class": name, "path": path, "on": on, **compare.digests(found)})
            print(model_type, path or "(model)", rows[-1]["n_calls"], rows[-1]["n_ops"], flush=True)
        write(rows)
    return 0


def write(rows: list[dict[str, Any]]) -> None:
    lines = ",\n".join(json.dumps(row) for row in sorted(rows, key=lambda row: (row["type"], row["path"])))
    TABLE.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def torch_value(torch: Any, name: str, value: Any, on: str, dtype: Any) -> Any:
    """An input of archviz as one of PyTorch; numbers by chance where nothing else is known."""
    if not isinstance(value, Tensor):
        return value
    if value.data is not None:
        return torch.tensor(value.data, dtype=getattr(torch, value.dtype)).reshape(value.sizes)
    if value.dtype.startswith("int"):
        made = torch.ones(value.sizes, dtype=torch.int64) if "mask" in name else torch.randint(3, 50, value.sizes)
        return made.to(on)
    return torch.randn(value.sizes, dtype=dtype, device=on)


if __name__ == "__main__":
    sys.exit(main())
