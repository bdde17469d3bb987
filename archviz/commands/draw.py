"""`archviz draw`: the architecture as figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from archviz.commands.command import Command
from archviz.commands.options import MODEL, given, given_path, model_arguments, settings_of
from archviz.commands.printing import list_on_stderr, print_json, with_gaps
from archviz.errors import UsageError
from archviz.formats import (
    ENGINES,
    FORMATS,
    TEXT_MODES,
    THEMES,
    VIEWS,
    Look,
    figure_name,
    parse_formats,
    parse_views,
    parse_width,
    split_suffix,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    figure = "; or the JSON of a diagram config (it has stages) or of an Architecture (its schema is archviz/1)"
    model_arguments(parser, "MODEL|FIGURE.json", MODEL + figure)
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=given_path, help="path without suffix; the model's name by default"
    )
    parser.add_argument(
        "-f", "--format", metavar="F[,F…]", type=given, help=f"of {', '.join(FORMATS)}; OUT's suffix or png by default"
    )
    parser.add_argument(
        "--view",
        metavar="V[,V…]",
        type=given,
        default="overview",
        help=f"of {', '.join(VIEWS)}; several give files OUT-VIEW.FORMAT",
    )
    parser.add_argument(
        "--module",
        metavar="PATH",
        type=given,
        help="the module of --view module, as the code names it, or as output folds it: layers.{0-27}.mlp",
    )
    look_arguments(parser)
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="own",
        help="what draws png, svg and pdf: the own layouter, or Graphviz from the DOT where it is installed (not params, whose bars are no graph)",
    )
    parser.add_argument(
        "--figure-config", metavar="OUT.json", type=given_path, help="also write a diagram config, to edit and draw"
    )


def look_arguments(parser: argparse.ArgumentParser) -> None:
    """How a figure is to look, whatever it shows."""
    parser.add_argument("--theme", choices=THEMES, default="light")
    parser.add_argument(
        "--width", metavar="W", type=given, help="of the figure: 170mm, 6.7in, 482pt or 1200px; its own by default"
    )
    parser.add_argument(
        "--text",
        choices=TEXT_MODES,
        default="live",
        help="words in an SVG: live text, live with the font embedded, or outlines",
    )


def look_of(options: argparse.Namespace) -> Look:
    """How a figure is to look.

    Raises:
        UsageError: A module is named that no wanted view shows.
    """
    from archviz.folded_names import first_module

    views, module = parse_views(getattr(options, "view", "overview")), getattr(options, "module", None)
    if module and "module" not in views:
        raise UsageError("--module names a module that no wanted view shows", hint="add --view module")
    return Look(
        theme=options.theme,
        views=views,
        module=first_module(module) if module else None,
        width=parse_width(options.width) if options.width else None,
        text=options.text,
        engine=getattr(options, "engine", "own"),
    )


def run(options: argparse.Namespace) -> int:
    from archviz import pipeline

    output, suffix = split_suffix(options.output or Path(figure_name(options.model)))
    formats = parse_formats(options.format or suffix or "png")
    result = pipeline.draw(
        options.model,
        output,
        formats,
        class_name=options.class_name,
        look=look_of(options),
        settings=settings_of(options),
        figure_config=options.figure_config,
    )
    if options.json:
        from archviz.answers import draw_answer

        print_json(draw_answer(result))
    else:
        print(*result.files, sep="\n")
    list_on_stderr([f"{finding.severity}: {finding.message}" for finding in result.findings], "findings")
    with_gaps(result.gaps)
    return result.exit_status


COMMAND = Command(
    "draw",
    "the architecture as a figure",
    add_arguments,
    run,
    (
        "Qwen/Qwen3.5-397B-A17B -o qwen3.5 -f png,svg",
        "Qwen/Qwen3.5-397B-A17B --view overview,detailed,params -o qwen3.5 -f svg",
        "Qwen/Qwen3-0.6B --view module --module model.layers.0.self_attn -o attention -f pdf --width 85mm",
        "Qwen/Qwen3.5-397B-A17B -o qwen3.5 -f tex,html",
        "Qwen/Qwen3.5-397B-A17B --figure-config mine.json",
        "mine.json -o mine -f pdf --theme dark",
    ),
)
