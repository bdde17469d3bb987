"""What `transformers` calls tensors otherwise than checkpoints do: its conversion table, read where the installed source is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from archviz.interpreter.reading import ModelReading
from archviz.numbers.checkpoint_match import models_in
from archviz.numbers.stored_names import MODULE, Table, Transform, read_table, stored_forms_of
from archviz.settings import Settings
from archviz.sources.installed import find_transformers_source


def conversion_table(settings: Settings) -> Table:
    """The table; empty where the installed `transformers` has none."""
    text = find_transformers_source(MODULE, settings.limits)
    return read_table(text.text) if text is not None else Table()


def stored_forms(reading: ModelReading, settings: Settings) -> Callable[[str], Iterable[str]]:
    """What checkpoints may call a module of a model; the table is read when one is first asked for."""

    @cache
    def transforms() -> list[Transform]:
        return conversion_table(settings).of(models_in(reading, None))

    return lambda path: stored_forms_of(path, transforms())
