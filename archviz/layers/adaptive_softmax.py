"""`nn.AdaptiveLogSoftmaxWithLoss`: a head for frequent classes and a pair of maps for each cluster of rare ones."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance
from archviz.layers.nn_layers import NN, keep


def register(library: Library) -> None:
    @library.constructor(f"{NN}.AdaptiveLogSoftmaxWithLoss")
    def adaptive(interp: Interpreter, self: ModuleInstance, in_features: int, n_classes: int, cutoffs: Any, div_value: float = 4.0,
                 head_bias: bool = False, device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        linear = interp.library_name(f"{NN}.Linear")
        edges = [*cutoffs, n_classes]
        keep(
            self, in_features=in_features, n_classes=n_classes, cutoffs=edges, div_value=div_value, head_bias=head_bias
        )
        keep(self, shortlist_size=edges[0], n_clusters=len(edges) - 1, head_size=edges[0] + len(edges) - 1)
        self.modules["head"] = interp.call(linear, [in_features, edges[0] + len(edges) - 1], {"bias": head_bias})
        tail = []
        for place, (start, stop) in enumerate(pairwise(edges)):
            hidden = int(in_features // div_value ** (place + 1))
            pair = [
                interp.call(linear, sizes, {"bias": False}) for sizes in ([in_features, hidden], [hidden, stop - start])
            ]
            tail.append(interp.call(interp.library_name(f"{NN}.Sequential"), pair, {}))
        self.modules["tail"] = interp.call(interp.library_name(f"{NN}.ModuleList"), [tail], {})

    @library.method(f"{NN}.AdaptiveLogSoftmaxWithLoss.log_prob")
    def log_prob(interp: Interpreter, self: ModuleInstance, input: Any) -> Any:
        interp.call(self.modules["head"], [input], {})
        for each in self.modules["tail"].modules.values():
            interp.call(each, [input], {})
        return interp.op("torch.Tensor.new_empty", input, input.shape[0], self.attrs["n_classes"])
