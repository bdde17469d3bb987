"""`archviz code-search`: where code does what a topic is about."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import given, positive, settings_of
from archviz.commands.printing import list_on_stderr, print_json, say
from archviz.errors import EXIT_DONE_WITH_GAPS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        metavar="PATH",
        help="a Python file, a folder, an archive (zip, whl, tar.gz) of them, or the URL of a GitHub repository",
    )
    parser.add_argument(
        "--for",
        dest="topics",
        metavar="TOPIC[,TOPIC…]",
        action="append",
        type=given,
        default=[],
        help="of rope, split, norm, moe, attention, kernels, cache, quantization; all by default",
    )
    parser.add_argument("--class", dest="class_name", metavar="NAME", type=given, help="only what stands in this class")
    parser.add_argument("--limit", metavar="N", type=positive, help="at most N matches; 1,000 by default")


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.codesearch.text import printable as printable_row
    from archviz.codesearch.text import result_text

    topics = [name.strip() for name in ",".join(options.topics).split(",") if name.strip()]
    result = pipeline.code_search(
        options.path, topics, class_name=options.class_name, limit=options.limit, settings=settings_of(options)
    )
    if options.json:
        print_json(result.as_dict())
    else:
        print(result_text(result), end="")
    rows = [f"skipped: {row.file}" + (f":{row.line}" if row.line else "") + f": {row.reason}" for row in result.skipped]
    list_on_stderr([printable_row(row) for row in rows], "skipped files")
    ended = f"; ended at the {result.truncated_by}" if result.truncated_by else ""
    say(f"{len(result.matches):,} matches, files searched: {result.files:,}{ended}")
    return EXIT_DONE_WITH_GAPS if result.has_gaps else 0


COMMAND = Command(
    "code-search",
    "where code does rope, split, norm, moe, attention, kernels, cache or quantization",
    add_arguments,
    run,
    (
        "modeling_acme.py --for rope,split",
        "acme-repository --for moe --class AcmeRouter --json",
        "https://github.com/deepseek-ai/DeepSeek-V3 --for rope",
    ),
)
