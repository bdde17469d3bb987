"""Which steps of a module's flow read the module's own tensors (`time_mix_key`, `lambda`), and what they read of each."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.labels import is_backwards
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.flow import Flow
from archviz.patterns.op_families import PLUMBING, canonical


def tensors_read(context: Context, flow: Flow, module: ModuleRecord) -> dict[int, dict[str, str]]:
    """By step the module's own parameters that it reads, by name, with what it reads of each: the tensor, or `1 − time_mix_key`.

    What is read of a tensor is empty where it is computed from it in another way.
    """
    call = context.trace.call(module.path)
    stored = context.reading.stored
    if call is None or not stored or not module.parameters:
        return {}
    scope = f"{module.path}." if module.path else ""
    own = {f"{scope}{name}": name for name in module.parameters}
    words: dict[int, dict[str, str]] = {}  # number of a value that no data went into → what it is of each tensor

    def known(number: int) -> dict[str, str]:
        name = own.get(stored[number].name) if number in stored else None
        return {name: name} if name else words.get(number, {})

    for event in context.trace.own(call):
        if event.kind == "op" and not any(context.trace.carries(value) for value in event.outputs):
            read = {name: text for value in event.inputs for name, text in known(value.id).items()}
            for value in event.outputs if read else ():
                words[value.id] = {name: _made(event, text) for name, text in read.items()}
    found: dict[int, dict[str, str]] = {}
    for number, node in flow.nodes.items():
        read = {}
        for value in [*node.reads, *(value for event in node.events if event.kind != "call" for value in event.inputs)]:
            for name, text in known(value.id).items():
                read.setdefault(name, text)
        if read:
            found[number] = read
    return found


def _made(event: Event, text: str) -> str:
    """What a step makes of what is read of a tensor: the same where it moves it, `1 − text`, else nothing that is told in a word."""
    if canonical(event.name) in _MOVES:
        return text
    numbers = [each for each in event.options.values() if isinstance(each, (int, float)) and not isinstance(each, bool)]
    from_number = canonical(event.name) == "sub" and is_backwards(event)
    return f"{numbers[0]:g} − {text}" if text and from_number and len(numbers) == 1 and "−" not in text else ""


_MOVES = PLUMBING | {"getitem", "slice", "select", "narrow", "unsqueeze", "expand"}
