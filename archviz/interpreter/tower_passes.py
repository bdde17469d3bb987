"""The passes that a description rests on: of the model on text, on images where those show more, and of towers that neither reached."""

from __future__ import annotations

from archviz.interpreter.inputs import example_inputs, forward_parameters, image_inputs
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.named_inputs import WHOLE
from archviz.interpreter.reading import Gap
from archviz.interpreter.towers import GRIDS, append, getters, other_inputs, token_marks, tower_inputs, uncalled_towers
from archviz.interpreter.trace import run_pass, trace_model
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import ModuleInstance


def trace_towers(
    interp: Interpreter, model: ModuleInstance, *, batch: int = 1, seq: int = 64
) -> tuple[Recorder, list[Gap]]:
    """Run the model once, with an image too where that shows more of it: the pass that a description rests on.

    A model of text and images runs on text alone first.  Where that leaves its vision tower out, or the model cannot do without an
    image, a second pass is given one, and counts when everything in it was understood.  A tower that neither reached (images cut into
    patches, sound) is called on its own; its events follow those of the model.
    """
    best = _trace_long_enough(interp, model, batch, seq)
    parameters, _ = forward_parameters(interp, model)
    if {"pixel_values", "input_ids"} <= set(parameters) and not set(GRIDS) & set(parameters):
        best = _trace_images(interp, model, best, batch, seq)
    _trace_apart(interp, model, best[0], batch, seq)
    return best


LONGER = (256, 1024)
"""How many more tokens are given where a pass leaves parts of it empty."""


def _trace_long_enough(interp: Interpreter, model: ModuleInstance, batch: int, seq: int) -> tuple[Recorder, list[Gap]]:
    """The pass on text; on more of it where too few tokens leave windows without any, so that what is done with full ones is seen."""
    best = trace_model(interp, model, batch=batch, seq=seq)
    empty = _empty(best[0])
    for more in LONGER:
        if not empty:
            break
        longer = trace_model(interp, model, batch=batch, seq=seq + more)
        left = _empty(longer[0])
        if len(longer[1]) <= len(best[1]) and left < empty:
            longer[0].more_tokens = more
            best, empty = longer, left
    return best


def _empty(recorder: Recorder) -> int:
    """How many ops gave `[batch, 0, …]`: no positions at all."""
    return sum(
        any(value.shape and len(value.shape) > 2 and value.shape[1] == 0 for value in event.outputs)
        for event in recorder.events.outline()
        if event.kind == "op"
    )


def _trace_images(
    interp: Interpreter, model: ModuleInstance, text: tuple[Recorder, list[Gap]], batch: int, seq: int
) -> tuple[Recorder, list[Gap]]:
    """The first pass with an image in which more is understood, or as much and more is seen; else the pass on text alone."""
    plain = example_inputs(interp, model, batch, seq, pixels=False)
    forms = [{**plain, **images} for images in image_inputs(interp, model, batch)]
    marks = token_marks(interp, model, batch, seq)
    marked = [{**form, **marks} for form in (*forms, plain)] if marks else []
    for given in [*marked[:-1], *forms, *other_inputs(interp, model, forms[0], batch, seq), *marked[-1:]]:
        recorder, gaps, _ = run_pass(interp, model, given, enough=max(1, len(text[1])))
        if (not gaps or len(gaps) < len(text[1])) and len(recorder.events) > len(text[0].events):
            return recorder, gaps
    return text


def _trace_apart(interp: Interpreter, model: ModuleInstance, recorder: Recorder, batch: int, seq: int) -> None:
    """Call the towers that a pass left out, each on its own; one that is not understood stays left out."""
    called = recorder.events.called()
    interp.state[WHOLE] = model.attrs.get("config")
    for place, tower in list(uncalled_towers(model, called)):
        if place in called:
            continue
        more = _trace_by_getter(interp, model, place, tower, batch, seq) or _trace_alone(
            interp, model, tower, batch, seq
        )
        if more is not None:
            called |= more.events.called()
            append(recorder, more)


def _trace_by_getter(
    interp: Interpreter, model: ModuleInstance, place: str, tower: ModuleInstance, batch: int, seq: int
) -> Recorder | None:
    """The pass of a model's own method for the features of a tower, which shows what reads the tower's output too."""
    for holder, path, method in getters(interp, model, place):
        for given in tower_inputs(interp, tower, batch, seq, (holder, method)):
            more, gaps, _ = run_pass(interp, model, given, part=holder, enough=1, method=(method, path))
            if not gaps and place in more.events.called():
                return more
    return None


def _trace_alone(
    interp: Interpreter, model: ModuleInstance, tower: ModuleInstance, batch: int, seq: int
) -> Recorder | None:
    for given in tower_inputs(interp, tower, batch, seq):
        more, gaps, _ = run_pass(interp, model, given, part=tower, enough=1)
        if not gaps:
            return more
    return None
