"""Write the version of `archviz/__init__.py`, the one place where it is stated, into the manifests and SKILL.md.

python scripts/dev/set_version.py            the manifests say what archviz/__init__.py says
python scripts/dev/set_version.py 0.2.0      a new version, everywhere
python scripts/dev/set_version.py --check    says which files state another version (status 1)
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path("archviz/__init__.py")
STATED = {
    SOURCE: re.compile(r'(?m)^(__version__ = ")([^"]+)(")$'),
    Path("SKILL.md"): re.compile(r'(?m)^(  version: ")([^"]+)(")$'),
    **{
        Path(page): re.compile(r"(archviz[-@])(\d+\.\d+\.\d+)()")
        for page in ("docs/clients/README.md", "docs/clients/claude-desktop.md")
    },
    **{
        Path(manifest): re.compile(r'("version": ")([^"]+)(")')
        for manifest in (
            ".claude-plugin/plugin.json",
            ".claude-plugin/marketplace.json",
            "server.json",
            "packaging/mcpb/manifest.json",
        )
    },
}
"""Where a version stands, and how; what is found there is the version of archviz and of nothing else."""


def current_version() -> str:
    """The version of `archviz/__init__.py`."""
    found = STATED[SOURCE].search((ROOT / SOURCE).read_text("utf-8"))
    if found is None:
        raise SystemExit(f"{SOURCE} states no version")
    return found[2]


def other_versions(version: str) -> list[str]:
    """Files that state another version than this one, or none; each with what it states."""
    rows = []
    for path, pattern in STATED.items():
        stated = [found[2] for found in pattern.finditer((ROOT / path).read_text("utf-8"))]
        rows += [f"{path}: {other}" for other in stated if other != version] if stated else [f"{path}: none"]
    return rows


def write_version(version: str) -> None:
    """State this version everywhere."""
    for path, pattern in STATED.items():
        text = (ROOT / path).read_text("utf-8")
        (ROOT / path).write_text(pattern.sub(rf"\g<1>{version}\g<3>", text), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", nargs="?", help="a new version; that of archviz/__init__.py by default")
    parser.add_argument("--check", action="store_true", help="only say what differs")
    options = parser.parse_args(argv)
    version = options.version or current_version()
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        parser.error(f"{version!r} is no version of three numbers")
    if options.check:
        print(*other_versions(version), sep="\n", end="\n" if other_versions(version) else "")
        return 1 if other_versions(version) else 0
    write_version(version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
