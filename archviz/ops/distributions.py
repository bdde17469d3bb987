"""Distributions over kinds: what code asks of the scores of a head, `torch.distributions.Categorical(logits=…).entropy()`.

Source: `torch/distributions/categorical.py`, `bernoulli.py`, `beta.py`.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance, Tensor
from archviz.ops.registry import tensor

ROOT = "torch.distributions"


def register(library: Library) -> None:
    """Fill the table with the distributions that are computed with ops."""
    for module, name in (("categorical", "Categorical"), ("bernoulli", "Bernoulli"), ("beta", "Beta")):
        library.declare(f"{ROOT}.{name}")
        library.declare(f"{ROOT}.{module}.{name}", f"{ROOT}.{name}")
    _register_categorical(library)
    _register_bernoulli(library)
    _register_beta(library)


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


def _register_beta(library: Library) -> None:
    @library.method(f"{ROOT}.Beta.__init__")
    def beta(
        interp: Interpreter, self: Instance, concentration1: Any, concentration0: Any, validate_args: Any = None
    ) -> None:
        mean = interp.op("torch.div", concentration1, interp.op("torch.add", concentration1, concentration0))
        self.attrs.update(concentration1=concentration1, concentration0=concentration0, mean=mean)

    @library.method(f"{ROOT}.Beta.sample")
    def sample(interp: Interpreter, self: Instance, sample_shape: Any = ()) -> Any:
        """Numbers between 0 and 1, `[*sample_shape, *concentrations]`."""
        sizes = self.attrs["mean"].sizes if isinstance(self.attrs["mean"], Tensor) else ()
        return tensor(interp, (*sample_shape, *sizes))
