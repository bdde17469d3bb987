"""Models that several tests of the room take apart; read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from archviz.architecture.model import Architecture
from archviz.descriptions import described
from archviz.estimator.expected import Expected, expected_numbers
from archviz.estimator.export import Export, build_export
from archviz.estimator.pieces import Piece, find_pieces
from archviz.interpreter.reading import ModelReading
from archviz.numbers.layer_costs import LayerCosts
from archviz.numbers.memory import SAMPLED
from archviz.readings import TraceOptions, read, read_cached
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)
SAMPLES = Path(__file__).parents[2] / "assets" / "estimator_layers"


@cache
def reading(model: str) -> tuple[ModelReading, Architecture]:
    source = read_model_source(model, OFFLINE)
    found = read(source, trace=TraceOptions(), settings=OFFLINE)
    return found, described(source, found)


@cache
def pieces(model: str) -> dict[str, Piece]:
    return {piece.name: piece for piece in find_pieces(reading(model)[0])}


@cache
def exported(model: str) -> Export:
    return build_export(model, SAMPLES, settings=OFFLINE)


@cache
def costs(model: str) -> LayerCosts:
    return LayerCosts(*read_cached(read_model_source(model, OFFLINE), SAMPLED, stored=True, settings=OFFLINE))


def expected(model: str, piece: str) -> Expected:
    return expected_numbers(pieces(model)[piece], costs(model))
