"""`archviz memory`: weights, cache, state and operations at some lengths of context."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import given, given_path, model_arguments, settings_of
from archviz.commands.printing import print_json, with_gaps
from archviz.errors import EXIT_DONE_WITH_GAPS, UsageError
from archviz.formats import parse_formats, split_suffix

_DRAWN = ("svg", "png", "pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument(
        "--context", metavar="N[,N…]", default="4k,32k,256k", type=given,
        help="lengths in tokens, k for 1,024 and m for 1,048,576; 4k,32k,256k by default",
    )  # fmt: skip
    parser.add_argument(
        "--dtype", metavar="D[,D…]", default="fp32,bf16,fp8,int4", type=given, help="types that weights are counted in"
    )
    parser.add_argument(
        "--cache-dtype", metavar="D", default="bf16", type=given, help="type of the cache; bf16 by default"
    )
    parser.add_argument(
        "--source", metavar="N", type=given,
        help="tokens of an encoder's input; as many as the context by default, where the code fixes none",
    )  # fmt: skip
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        type=given_path,
        help="draw the curve: path without suffix, or with one of a format",
    )
    parser.add_argument(
        "-f", "--format", metavar="F[,F…]", type=given, help="of svg, png, pdf; OUT's suffix or svg by default"
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.architecture.writing import json_data
    from archviz.numbers.memory import contexts_of
    from archviz.numbers.memory_text import memory_data, memory_text

    output, suffix = split_suffix(options.output) if options.output else (None, None)
    formats = parse_formats(options.format or suffix or "svg")
    if set(formats) - set(_DRAWN):
        raise UsageError("a curve is drawn as svg, png or pdf", where="-f")
    if output is None and options.format:
        raise UsageError("a format without an output", where="-f", hint="-o OUT draws the curve")
    source = contexts_of(options.source, where="--source") if options.source else [None]
    if len(source) > 1:
        raise UsageError("one length of the source", where="--source")
    found = pipeline.measure(
        options.model, contexts_of(options.context), cache_dtype=options.cache_dtype, dtypes=options.dtype.split(","),
        output=output, formats=formats, source_tokens=source[0], class_name=options.class_name, settings=settings_of(options),
    )  # fmt: skip
    if options.json:
        print_json(
            {
                **memory_data(found.memory),
                "files": [str(path) for path in found.files],
                "gaps": json_data(found.gaps),
            }
        )
    else:
        print(memory_text(found.memory), end="")
        print(*found.files, sep="\n", end="\n" if found.files else "")
    status = with_gaps(found.gaps)
    return EXIT_DONE_WITH_GAPS if found.memory.missing else status


COMMAND = Command(
    "memory",
    "weights, cache, state and operations at some lengths of context",
    add_arguments,
    run,
    (
        "Qwen/Qwen3.5-397B-A17B --context 4k,32k,256k",
        "deepseek-ai/DeepSeek-V3 --cache-dtype fp8 -o curve.svg",
        "openai/gpt-oss-20b --context 128k --dtype bf16,mxfp4 --json",
    ),
)
