"""Distributions over kinds: what code asks of the scores of a head, `torch.distributions.Categorical(logits=…).entropy()`.

Source: `torch/distributions/categorical.py`, `bernoulli.py`.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance

ROOT = "torch.distributions"


def register(library: Library) -> None:
    """Fill the table with the distributions that are computed with ops."""
    for module, name in (("categorical", "Categorical"), ("bernoulli", "Bernoulli")):
        library.declare(f"{ROOT}.{name}")
        library.declare(f"{ROOT}.{module}.{name}", f"{ROOT}.{name}")
    _register_categorical(library)
    _register_bernoulli(library)


def _register_categorical(library: Library) -> None:
    @library.method(f"{ROOT}.Categorical.__init__")
    def categorical(
        interp: Interpreter, self: Instance, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        """Kinds along the last axis, `[…, kinds]`, by their shares or by scores that the softmax turns into shares."""
        if logits is not None:
            total = interp.op("torch.logsumexp", logits, dim=-1, keepdim=True)
            scores = interp.op("torch.sub", logits, total)
            shares = interp.op("torch.nn.functional.softmax", scores, dim=-1)
        else:
            shares = interp.op("torch.div", probs, interp.op("torch.sum", probs, -1, keepdim=True))
            scores = interp.op("torch.log", shares)
        self.attrs.update(logits=scores, probs=shares)

    @library.method(f"{ROOT}.Categorical.entropy")
    def entropy(interp: Interpreter, self: Instance) -> Any:
        product = interp.op("torch.mul", self.attrs["logits"], self.attrs["probs"])
        return interp.op("torch.neg", interp.op("torch.sum", product, -1))

    @library.method(f"{ROOT}.Categorical.log_prob")
    def log_prob(interp: Interpreter, self: Instance, value: Any) -> Any:
        place = interp.op("torch.unsqueeze", value, -1)
        return interp.op("torch.squeeze", interp.op("torch.gather", self.attrs["logits"], -1, place), -1)

    @library.method(f"{ROOT}.Categorical.sample")
    def sample(interp: Interpreter, self: Instance) -> Any:
        sizes = self.attrs["probs"].sizes
        rows = interp.op("torch.reshape", self.attrs["probs"], (-1, sizes[-1]))
        return interp.op("torch.reshape", interp.op("torch.multinomial", rows, 1, True), sizes[:-1])


def _register_bernoulli(library: Library) -> None:
    @library.method(f"{ROOT}.Bernoulli.__init__")
    def bernoulli(
        interp: Interpreter, self: Instance, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        shares = interp.op("torch.sigmoid", logits) if logits is not None else probs
        scores = logits if logits is not None else interp.op("torch.logit", probs)
        self.attrs.update(logits=scores, probs=shares, mean=shares)

    @library.method(f"{ROOT}.Bernoulli.log_prob")
    def log_prob(interp: Interpreter, self: Instance, value: Any) -> Any:
        loss = interp.op(
            "torch.nn.functional.binary_cross_entropy_with_logits", self.attrs["logits"], value, reduction="none"
        )
        return interp.op("torch.neg", loss)
