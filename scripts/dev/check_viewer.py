"""Look at the HTML of models in Chromium with axe-core: what it finds, what the console says, what is asked for, how large it is.

axe-core is for development only and is not part of the project: `npm install axe-core` in a folder of its own.

    python scripts/dev/check_viewer.py --axe /tmp/axe/node_modules/axe-core/axe.min.js
    python scripts/dev/check_viewer.py --axe axe.min.js --view detailed Qwen/Qwen3-0.6B --pictures /tmp/pictures

Exit status: 0 nothing was found, 1 something was.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from archviz.descriptions import describe  # noqa: E402
from archviz.emit.architecture_files import architecture_files  # noqa: E402
from archviz.formats import THEMES, VIEWS, Look  # noqa: E402
from archviz.settings import Settings  # noqa: E402
from tests.emit.browser import Browser, browser  # noqa: E402

_LARGEST = 400_000
_RULES = "axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa','best-practice']}})"
_FOUND = f"{_RULES}.then(r => r.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 90))))"
_STATES = {
    "open": "0",
    "collapsed": "document.getElementById('collapse')?.click()",
    "told": "document.querySelector('.page:not([hidden]) [role=button]').focus()",
}


def catalog_models() -> list[str]:
    """The models of the embedded catalog, by the names of their records."""
    records = ROOT / "archviz/lookup/catalog/records"
    return [path.stem.replace("__", "/", 1) for path in sorted(records.glob("*.json"))]


def _faults(page: Browser, axe: str, pictures: Path | None) -> list[str]:
    found = [f"asks for {url[:80]}" for url in page.requests()]
    found += [f"says {text[:200]}" for text in page.complaints()]
    page.run(axe)
    for state, action in _STATES.items():
        page.run(action)
        found += [f"{state}: {fault}" for fault in page.run(_FOUND)]
        if pictures:
            page.picture(pictures / f"{state}.png")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help="catalog models; all by default")
    parser.add_argument("--axe", type=Path, required=True, help="axe.min.js")
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument("--view", choices=VIEWS, default="overview")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the last model")
    options = parser.parse_args()
    axe = options.axe.read_text(encoding="utf-8")
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder) / "profile") as opened:
        for model in options.models or catalog_models():
            architecture = describe(model, settings=Settings(offline=True))
            module = next((block.module for block in architecture.blocks if block.module), None)
            look = Look(theme=options.theme, module=module if options.view == "module" else None)
            source = architecture_files(architecture, ["html"], look, options.view)[0]["html"]
            path = Path(folder) / "page.html"
            path.write_bytes(source)
            found = _faults(opened.open(path.as_uri()), axe, options.pictures)
            found += [f"{len(source):,} bytes"] if len(source) > _LARGEST else []
            wrong += bool(found)
            print(f"{model}: {len(source) / 1000:.0f} kB {'; '.join(found) or 'nothing found'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
