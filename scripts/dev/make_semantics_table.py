"""Write tests/tables/semantics.json: what PyTorch builds and computes of the classes in tests/sources/fixtures/semantics.

Run in an environment with PyTorch (development only; nothing of archviz needs it):

    python scripts/dev/make_semantics_table.py

A class takes no arguments and is called with 1 × 64 tokens on the processor.  A row holds the shapes of all parameters, the ties, and
module, class and output of every call.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from make_own_code_table import traced
from referee_reference import REFEREE, load_module, needed

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "tests" / "sources" / "fixtures" / "semantics"
TABLE = ROOT / "tests" / "tables" / "semantics.json"


def main() -> int:
    """Build and run every class of every file."""
    import torch  # type: ignore[import-not-found,unused-ignore]

    referee = load_module(needed(REFEREE))
    rows: dict[str, Any] = {}
    for file in sorted(FILES.glob("*.py")):
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, cls in vars(module).items():
            if isinstance(cls, type) and cls is not module.Base and issubclass(cls, module.Base):
                model = cls().eval()
                found = traced(torch, referee, model, {"x": torch.zeros(1, 64, dtype=torch.long)})
                built = referee.tensors(model)
                calls = [[each["module"], each["class"], each["out"]] for each in found["calls"]]
                rows[f"{file.stem}.{name}"] = {"tensors": built["tensors"], "tied": built["tied"], "calls": calls}
    TABLE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(len(rows), "classes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
