"""Build what people install, into dist/: the skill folder, the wheel, the source archive and the bundle for desktop clients.

    python scripts/dev/build_packages.py                   all four
    python scripts/dev/build_packages.py --only skill      one of skill, wheel, sdist, mcpb
    python scripts/dev/build_packages.py -o /tmp/built

SKILL.md is the list of what the skill consists of: the folder holds what it links, directly or over its references, its
scripts, its evals and the licence. In a checkout `uv run` gives the scripts archviz from it; those of the built folder require
this version. Needs hatchling.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from set_version import ROOT, current_version, other_versions

from archviz.service.skill import links_of

SKILL = "model-architecture-visualizer"
PARTS = ("skill", "wheel", "sdist", "mcpb")
_ALWAYS = ("LICENSE", "evals/evals.json", "evals/run_evals.py", "scripts/compile.sh")
_BUNDLED = ("server.py", "pyproject.toml", "README.md", "LICENSE", "SKILL.md")
_OF_CHECKOUT = '# dependencies = ["archviz"]\n#\n# [tool.uv.sources]\n# archviz = { path = ".." }\n'
_EPOCH = (1980, 1, 1, 0, 0, 0)  # so that the same files make the same bundle


def linked_files() -> list[Path]:
    """What SKILL.md links, and what that links in turn, as paths in the tree.

    Raises:
        SystemExit: A link leads nowhere, or deeper than one level below `references/` or `assets/`.
    """
    found, rest = [], [Path("SKILL.md")]
    while rest:
        page = rest.pop()
        found.append(page)
        for target in links_of(ROOT / page):
            path = target.relative_to(ROOT)
            if not target.is_file() or path.parts[0] not in ("references", "assets", "scripts"):
                raise SystemExit(f"{page} links {path}, which is no file of the skill")
            if path.parts[0] == "references" and len(path.parts) != 2:
                raise SystemExit(f"{page} links {path}, which is deeper than one level")
            if path not in (*found, *rest):
                rest.append(path)
    return sorted(found)


def skill_files() -> list[Path]:
    """All files of the skill folder, as paths in the tree."""
    scripts = [path.relative_to(ROOT) for path in (ROOT / "scripts").glob("*.py")]
    tasks = [path.relative_to(ROOT) for path in (ROOT / "evals" / "files").rglob("*") if path.suffix in (".md", ".py")]
    return sorted({*linked_files(), *scripts, *tasks, *map(Path, _ALWAYS)})


def build_skill(output: Path) -> Path:
    """Write the skill folder anew; its scripts require this version of archviz."""
    folder = output / SKILL
    if folder.exists():
        shutil.rmtree(folder)
    for path in skill_files():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target)
        if path.suffix == ".py":
            text = target.read_text("utf-8")
            pinned = f'# dependencies = ["archviz=={current_version()}"]\n'
            target.write_text(text.replace(_OF_CHECKOUT, pinned), encoding="utf-8")
    return folder


def build_distribution(kind: str, output: Path) -> Path:
    """Build the wheel or the source archive by hatchling."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(output.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    suffix = "-py3-none-any.whl" if kind == "wheel" else ".tar.gz"
    return output / f"archviz-{current_version()}{suffix}"


def bundle_files() -> dict[str, Path]:
    """The files of the bundle for desktop clients: name in it → file of the tree."""
    code = [path for path in (ROOT / "archviz").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    carried = [ROOT / path for path in skill_files()]
    plain = [*code, *carried, *(ROOT / name for name in _BUNDLED)]
    files = {path.relative_to(ROOT).as_posix(): path for path in plain}
    return {"manifest.json": ROOT / "packaging/mcpb/manifest.json", **dict(sorted(files.items()))}


def build_bundle(output: Path) -> Path:
    """Write the .mcpb: a zip of the manifest and the sources, which the client's uv installs."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / f"archviz-{current_version()}.mcpb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, file in bundle_files().items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            bundle.writestr(entry, file.read_bytes())
    return path


def build(part: str, output: Path) -> Path:
    """Build one of the packages; returns where it is."""
    if part == "skill":
        return build_skill(output)
    return build_bundle(output) if part == "mcpb" else build_distribution(part, output)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "dist", help="where to (default: dist)")
    parser.add_argument("--only", choices=PARTS, help="one of them")
    options = parser.parse_args(argv)
    if other := other_versions(current_version()):
        raise SystemExit("versions differ, run scripts/dev/set_version.py: " + "; ".join(other))
    for part in [options.only] if options.only else PARTS:
        print(build(part, options.output))
    return 0


if __name__ == "__main__":
    sys.exit(main())
