"""`archviz trace`: the module calls of one forward pass, and as JSON its ops that shape the data flow."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import model_arguments, positive, settings_of
from archviz.commands.printing import list_on_stderr, print_json, with_gaps
from archviz.errors import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument("--batch", type=positive, default=1, metavar="N", help="batch size, 1 by default")
    parser.add_argument("--seq", type=positive, default=64, metavar="N", help="number of tokens, 64 by default")
    parser.add_argument("--pixels", action="store_true", help="add an image to a text model; give plain code an image")
    parser.add_argument(
        "--module",
        metavar="PATH",
        help="only this module and what is below it; of folded ones (layers.{0-27}) the first",
    )
    parser.add_argument(
        "--cache",
        choices=("none", "prefill", "decode"),
        default="none",
        help="with an empty cache, or one new token after a prefill of --seq tokens; what is cached is listed",
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.folded_names import first_module
    from archviz.trace_text import assumption_text, call_text

    answer = pipeline.trace(
        options.model,
        class_name=options.class_name,
        batch=options.batch,
        seq=options.seq,
        pixels=options.pixels,
        module=first_module(options.module) if options.module else None,
        cache=options.cache,
        settings=settings_of(options),
    )
    if options.json:
        print_json(answer)
    else:
        for call in answer["calls"]:
            print(printable(f"{call_text(call)}  {call['at'] or ''}".rstrip()))
        for layer in answer.get("cache", []):
            held = ", ".join(f"{name} {each['shape']} {each['dtype']}" for name, each in layer["tensors"].items())
            row = f"cache {layer['part']} {layer['layer']}  {layer['kind']}  {held or '-'}  {layer['module'] or ''}"
            print(printable(row.rstrip()))
        list_on_stderr([assumption_text(row) for row in answer["assumed"]], "assumptions")
    return with_gaps(answer["gaps"])


COMMAND = Command(
    "trace",
    "every module call of one forward pass; with --json splits, joins, products, softmax and activations too",
    add_arguments,
    run,
    (
        "transformers:qwen3 --seq 16",
        "Qwen/Qwen3-0.6B --cache decode",
        "Qwen/Qwen3.5-397B-A17B --module model.language_model.layers.3 --json",
    ),
)
