"""`archviz tensors`: every parameter of a model with its shape."""

from __future__ import annotations

import argparse

from archviz.commands.command import Command
from archviz.commands.options import model_arguments, settings_of
from archviz.commands.printing import print_json, with_gaps
from archviz.errors import printable


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline

    answer = pipeline.tensors(options.model, class_name=options.class_name, settings=settings_of(options))
    if options.json:
        print_json(answer)
    else:
        print(f"class   {printable(answer['class'])}\nparams  {answer['params']:,}\ndigest  {answer['digest']}\n")
        for name, shape in answer["tensors"].items():
            print(f"{printable(name)}  {shape}")
        for alias, name in answer["tied"].items():
            print(f"{printable(alias)} = {printable(name)}")
    return with_gaps(answer["gaps"])


COMMAND = Command(
    "tensors", "every parameter with its shape", model_arguments, run, ("Qwen/Qwen3-0.6B", "transformers:qwen3 --json")
)
