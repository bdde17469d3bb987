"""Packed sequences: rows of a batch without their padding, one after the other.  Source: torch/nn/utils/rnn.py.

How long the rows are is data.  Where the numbers are not known, a pass takes every row as full and says so.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance, Tensor, Unknown
from archviz.ops.choices import chosen_count, of_unknown_count
from archviz.ops.registry import like, op, tensor

RNN = "torch.nn.utils.rnn"
PACKED = f"{RNN}.PackedSequence"
FIELDS = ("data", "batch_sizes", "sorted_indices", "unsorted_indices")


def register(library: Library) -> None:
    library.declare(PACKED)
    _register_packing(library)
    for name in ("to", "cpu", "cuda", "float", "half", "double", "pin_memory"):
        library.method(f"{PACKED}.{name}")(lambda interp, self, *args, **options: self)
    library.method(f"{PACKED}.__iter__")(lambda interp, self: iter(self.payload))
    library.method(f"{PACKED}.__getitem__")(lambda interp, self, index: self.payload[index])
    library.method(f"{PACKED}.__len__")(lambda interp, self: len(self.payload))

    @library.function(f"{RNN}.pack_padded_sequence")
    def pack_padded(
        interp: Interpreter, input: Any, lengths: Any, batch_first: Any = False, enforce_sorted: Any = True
    ) -> Any:
        unknown = next((each for each in (input, lengths) if isinstance(each, Unknown)), None)
        if unknown is not None or input.shape is None:
            return unknown or Unknown("a packed sequence of a tensor of unknown shape", interp.here())
        places = (0, 1) if batch_first else (1, 0)
        rows, steps = (input.sizes[place] for place in places)
        known = lengths.data if isinstance(lengths, Tensor) else list(interp.iterate(lengths))
        order = None
        if not enforce_sorted:
            order = tensor(interp, (rows,), "int64")
            input = interp.op("torch.Tensor.index_select", input, places[0], order)
        total, longest = (sum(known), max(known)) if known else (None, steps)
        if total is None:
            total = chosen_count(interp, "pack_padded_sequence", rows * steps)
        packed = interp.op("torch._pack_padded_sequence", input, total)
        return packed_like(interp, packed, rows=rows, steps=longest, order=order)

    @library.function(f"{RNN}.pad_packed_sequence")
    def pad_packed(
        interp: Interpreter, sequence: Any, batch_first: Any = False, padding_value: Any = 0.0, total_length: Any = None
    ) -> Any:
        if not isinstance(sequence, Instance):
            return (
                sequence if isinstance(sequence, Unknown) else Unknown("padding of what is not packed", interp.here())
            )
        rows, steps = sequence.attrs["_rows"], total_length or sequence.attrs["_steps"]
        head = (rows, steps) if batch_first else (steps, rows)
        padded = interp.op("torch._pad_packed_sequence", sequence.attrs["data"], head)
        order = sequence.attrs["unsorted_indices"]
        if order is not None:
            padded = interp.op("torch.Tensor.index_select", padded, 0 if batch_first else 1, order)
        return padded, tensor(interp, (rows,), "int64")

    @library.function(f"{RNN}.pack_sequence")
    def pack(interp: Interpreter, sequences: Any, enforce_sorted: Any = True) -> Any:
        given = list(interp.iterate(sequences))
        lengths = [each.sizes[0] for each in given]
        padded = interp.op(f"{RNN}.pad_sequence", given)
        return pack_padded(interp, padded, lengths, enforce_sorted=enforce_sorted)


def _register_packing(library: Library) -> None:
    @op(library, "torch._pack_padded_sequence")
    def packed(interp: Interpreter, value: Tensor, total: int | None) -> Tensor:
        if total is None:
            return of_unknown_count(interp, "pack_padded_sequence", value.dtype)
        return like(interp, value, (total, *value.sizes[2:]))

    @op(library, "torch._pad_packed_sequence")
    def padded(interp: Interpreter, value: Tensor, head: tuple[int, int]) -> Tensor:
        return like(interp, value, (*head, *value.sizes[1:]))


def packed_like(interp: Interpreter, data: Any, *, rows: int, steps: int, order: Tensor | None) -> Instance:
    """A packed sequence of these rows, the longest of so many steps."""
    made: Instance = interp.allocate(interp.library_name(PACKED), [], {})
    made.payload = (data, tensor(interp, (steps,), "int64"), order, order)
    made.attrs = {**dict(zip(FIELDS, made.payload, strict=True)), "_rows": rows, "_steps": steps}
    return made


def with_data(interp: Interpreter, packed: Instance, data: Any) -> Instance:
    """What a recurrent layer makes of a packed sequence: the same rows with other numbers."""
    rows, steps = packed.attrs["_rows"], packed.attrs["_steps"]
    return packed_like(interp, data, rows=rows, steps=steps, order=packed.attrs["sorted_indices"])
