#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["archviz"]
#
# [tool.uv.sources]
# archviz = { path = ".." }
# ///
"""Draw a diagram config (JSON with `stages`), or a model by its name or config.json, as PNG, SVG, PDF, TikZ, HTML or DOT."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from skill_script import find_archviz

_FORMATS = ("png", "svg", "pdf", "tex", "html")
_VIEWS = ("overview", "detailed", "params", "module")
_EXAMPLES = """examples:
  python scripts/visualize_architecture.py assets/example_config.json -o qwen35 -f png
  python scripts/visualize_architecture.py diagram.json -o out/model -f svg,pdf --markdown
  python scripts/visualize_architecture.py diagram.json -o model --dot-only
  python scripts/visualize_architecture.py diagram.json -o - -f svg > model.svg
  python scripts/visualize_architecture.py ./config.json -o model -f png,svg       # the config.json of a model
  python scripts/visualize_architecture.py Qwen/Qwen3-0.6B --view detailed -o qwen3 -f pdf --figure-config mine.json

exit status: 0 done, 1 internal fault or too large, 2 wrong usage or a config that cannot be drawn, 3 no such model,
             4 a source was not reached, 5 drawn, but something in the figure is wrong or was not understood (it is told)
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="a diagram config, a model's config.json or folder, or its exact name org/name")
    parser.add_argument(
        "-o",
        "--output",
        default="architecture",
        help="output path without extension (default: architecture); - is stdout",
    )
    parser.add_argument(
        "-f", "--format", default="png", help="png, svg, pdf, tex or html, or several with commas (default: png)"
    )
    parser.add_argument("--dot-only", action="store_true", help="write only the DOT file, draw nothing")
    parser.add_argument("--markdown", action="store_true", help="also write a Markdown document")
    parser.add_argument(
        "--engine",
        default="own",
        choices=("own", "graphviz"),
        help="what draws: the own layouter (default), or Graphviz from the DOT where it is installed",
    )
    parser.add_argument("--theme", default="light", choices=("light", "dark"))
    of_model = parser.add_argument_group("of a model")
    of_model.add_argument("--view", choices=_VIEWS, help="what to show (default: overview)")
    of_model.add_argument("--module", metavar="PATH", help="the module of --view module, as the code names it")
    of_model.add_argument("--class", dest="class_name", metavar="NAME", help="the model class")
    of_model.add_argument(
        "--figure-config", metavar="OUT.json", help="beside the figure, a diagram config to edit and draw"
    )
    of_model.add_argument("--offline", action="store_true", help="ask no network: the catalog and files only")
    return parser


def _formats(options: argparse.Namespace) -> list[str]:
    from archviz.errors import UsageError

    names = list(dict.fromkeys(name.strip().lower() for name in options.format.split(",") if name.strip()))
    stray = [name for name in names if name not in _FORMATS]
    if stray or not names:
        shown = ", ".join(stray)[:80] or "nothing"
        raise UsageError(f"no such format: {shown}", hint=f"formats are {', '.join(_FORMATS)}; for DOT use --dot-only")
    return ["dot"] if options.dot_only else names


def _run(options: argparse.Namespace) -> int:
    formats = _formats(options)
    if _is_model(options.config):
        return _draw_model(options, formats)
    return _draw_diagram(options, [*formats, "md"] if options.markdown else formats)


def _is_model(source: str) -> bool:
    """Whether to draw a model: a name, a folder, or a JSON file that is no diagram config."""
    from archviz.lookup.names import classify
    from archviz.settings import Settings
    from archviz.sources.model_source import read_json

    path = Path(source).expanduser()
    if path.is_dir() or (classify(source).kind != "path" and not path.exists()):
        return True
    document = read_json(path, Settings())
    return "stages" not in document and ("model_type" in document or "architectures" in document)


def _draw_model(options: argparse.Namespace, formats: list[str]) -> int:
    from archviz.cli import main as archviz
    from archviz.errors import UsageError

    if options.output == "-":
        raise UsageError("a model goes to files, not to stdout", hint="name an output with -o NAME")
    arguments = ["draw", options.config, "-o", str(_stem(options.output)), "-f", ",".join(formats)]
    arguments += ["--theme", options.theme, "--engine", options.engine]
    for option in ("view", "module", "class_name", "figure_config"):
        if value := getattr(options, option):
            arguments += [f"--{option.removesuffix('_name').replace('_', '-')}", value]
    status = archviz([*arguments, *(["--offline"] if options.offline else [])])
    if not options.markdown or status not in (0, 5):
        return status
    document = ["document", options.config, "-o", f"{_stem(options.output)}.md"]
    document += ["--class", options.class_name] if options.class_name else []
    return max(status, archviz([*document, *(["--offline"] if options.offline else [])]))


def _draw_diagram(options: argparse.Namespace, formats: list[str]) -> int:
    from archviz.commands.printing import say
    from archviz.emit.diagram_files import diagram_files
    from archviz.errors import EXIT_DONE_WITH_GAPS, UsageError
    from archviz.figure.diagram_config import load_diagram_config
    from archviz.formats import Look
    from archviz.outputs import check_output

    for option in ("view", "module", "class_name", "figure_config"):
        if getattr(options, option):
            name = option.removesuffix("_name").replace("_", "-")
            raise UsageError(f"--{name} is for models; this is a diagram config", where=options.config)
    if options.output == "-" and len(formats) > 1:
        raise UsageError("only one format goes to stdout", hint="name an output with -o NAME")
    stem = _stem(options.output)
    paths = {name: stem.with_name(f"{stem.name}.{name}") for name in formats} if options.output != "-" else {}
    for path in paths.values():
        check_output(path)
    files, findings = diagram_files(
        load_diagram_config(Path(options.config)), formats, Look(theme=options.theme, engine=options.engine)
    )
    for name, content in files.items():
        if name in paths:
            paths[name].write_bytes(content)
            print(paths[name])
        else:
            sys.stdout.buffer.write(content)
    for finding in findings:
        say(f"{finding.severity}: {finding.message}")
    return EXIT_DONE_WITH_GAPS if any(finding.severity == "hard" for finding in findings) else 0


def _stem(output: str) -> Path:
    """The output without the suffix of a format."""
    stem = Path(output)
    return stem.with_suffix("") if stem.suffix.lower().removeprefix(".") in (*_FORMATS, "dot", "md") else stem


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    options = _parser().parse_args(argv)
    find_archviz()
    from archviz.errors import run_reporting

    return run_reporting("archviz", lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
