"""Modules that are built alike are copied: the reading must be the one that building each of them gives."""

from __future__ import annotations

import pytest

from archviz.interpreter import twins
from archviz.interpreter.build import deep_recursion, read_model
from archviz.interpreter.reading import ModelReading
from archviz.interpreter.values import ClassValue, ModuleInstance
from tests.interpreter.programs import MODEL_HEADER, module

START = """
import itertools

class Config:
    def __init__(self):
        self.size = 4
        self.kinds = ["full", "linear", "linear", "linear", "full", "linear"] * 2
        self.dense = [0, 5]

COUNT = [0]
SEEN = {}

class Norm(nn.Module):
    def __init__(self, size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    @classmethod
    def made_for(cls, size):
        return cls(size)
"""
END = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        config = Config()
        self.layers = nn.ModuleList([Layer(config, index) for index in range(12)])
"""
LAYERS = {
    "nothing is read": "self.norm = Norm(config.size); self.index = index; self.next = index + 1",
    "an item is read": "self.a = nn.Linear(2, 3) if config.kinds[index] == 'full' else Norm(2)",
    "an item of an attribute": "self.index = index; self.kind = config.kinds[self.index]; self.n = Norm(3 if self.kind == 'full' else 2)",
    "arithmetic": "self.n = Norm(3) if (index + 1) % 4 == 0 else nn.Linear(1, 2)",
    "membership": "self.n = Norm(3) if index in config.dense or index > 9 else nn.Linear(1, 2)",
    "a size": "self.n = Norm(index + 1)",
    "a power": "self.n = Norm(2 ** (index // 2))",
    "text": "self.name = f'layer{index}'; self.add_module(self.name, Norm(2))",
    "a truth": "self.n = Norm(2) if index else Norm(3)",
    "a range": "self.parts = nn.ModuleList([Norm(each + 1) for each in range(index)])",
    "an unpacking": "first, second = index, [index, index * 2]; self.n = Norm(second[-1] + 1)",
    "a keyword": "self.n = Inner(config, index=index)",
    "a counter": "COUNT[0] += 1; self.n = Norm(COUNT[0])",
    "a mapping": "SEEN[index] = 1; self.n = Norm(len(SEEN))",
    "a changed configuration": "config.size += 1; self.n = Norm(config.size)",
    "a changed list": "config.kinds.append('more'); self.n = Norm(len(config.kinds))",
    "a part with the index": "self.inner = Inner(config, index); self.norm = Norm(config.size)",
    "own lists": "names = []; names.append(Norm(2)); names += [Norm(3)]; self.seq = nn.Sequential(*names)",
    "a tie": "self.a = Norm(2); self.b = Norm(2); self.b.weight = self.a.weight",
    "a lambda": "self.f = lambda: index; self.n = Norm(self.f() + 1)",
    "the size of a number": "self.n = Norm(int(str(index)) + max(index, 2))",
    "a class attribute": "Layer.made = getattr(Layer, 'made', 0) + 1; self.n = Norm(Layer.made)",
    "a global": "bump(); self.n = Norm(total)",
    "a layer of torch by another name": "self.a = Own(2)\n        self.b = Own(2)\n        self.c = Own(2)",
    "a list of its own": "self.sizes = [2, 3]; self.sizes.append(4); self.same = self.sizes; self.same.append(5); self.n = Norm(len(self.sizes))",
    "a list with the index": "self.sizes = [index]; self.n = Norm(self.sizes[0] + 1)",
    "a product of ranges": "self.pairs = list(itertools.product(range(2), range(config.size))); self.n = Norm(len(self.pairs))",
    "a dict of its own": "self.known = {'a': 1}; self.known['b'] = config.size; self.n = Norm(len(self.known))",
    "a method of a class": "self.f = Norm.made_for; self.n = self.f(3)",
    "an iterator": "self.n = Norm(next(NUMBERS) + 1)",
}
MORE = """
total = 0
NUMBERS = iter(range(100))

def bump():
    global total
    total = total + 1

class Own(nn.LayerNorm):
    pass

class Inner(nn.Module):
    def __init__(self, config, index=0):
        super().__init__()
        self.index = index
        self.kind = config.kinds[index]
        self.proj = nn.Linear(config.size, 8 if self.kind == "full" else 2)
        self.register_buffer("mask", torch.zeros(index % 3 + 1), persistent=False)

class Layer(nn.Module):
    def __init__(self, config, index):
        super().__init__()
"""


def read(program: str) -> tuple[ModelReading, int]:
    """The reading of `Model` and the steps that it took."""
    with deep_recursion():
        cls = module(MODEL_HEADER + program).lookup("Model")
        assert isinstance(cls, ClassValue)
        built = cls.interpreter.call(cls, [], {})
        assert isinstance(built, ModuleInstance)
        return read_model(cls.interpreter, built, None), cls.interpreter.steps


@pytest.mark.parametrize("body", LAYERS.values(), ids=LAYERS.keys())
def test_copied_layers_are_what_building_each_gives(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"{START}{MORE}        {body}\n{END}"
    shared, _ = read(program)
    monkeypatch.setattr(twins, "KINDS", -1)
    apart, _ = read(program)
    assert len(shared.root.children["layers"].children) == 12
    assert not shared.gaps
    assert repr(shared) == repr(apart)


def test_one_layer_is_built_for_each_set_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    repeat = twins.Twins._repeated

    def counted(self: twins.Twins, known: twins.Prototype, given: list[object]) -> ModuleInstance:
        names.append(known.mould.cls.name)
        return repeat(self, known, given)

    monkeypatch.setattr(twins.Twins, "_repeated", counted)
    read(f"{START}{MORE}        {LAYERS['a part with the index']}\n{END}")
    assert (
        names.count("Layer") == 12 - 1 - 5
    )  # one before they are watched, one for each pair of answers (kind, index % 3)


def test_a_copy_costs_the_steps_of_what_it_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"{START}{MORE}        {LAYERS['nothing is read']}\n{END}"
    _, shared = read(program)
    monkeypatch.setattr(twins, "KINDS", -1)
    _, apart = read(program)
    assert shared == apart


def test_what_is_done_to_a_layer_afterwards_is_not_copied() -> None:
    later = END + "        for index, layer in enumerate(self.layers):\n            layer.norm.eps = index\n"
    later = (
        later.replace("for index in range(12)])", "for index in range(4)])") + "        self.more = Layer(config, 1)\n"
    )
    reading, _ = read(f"{START}{MORE}        {LAYERS['nothing is read']}\n{later}")
    eps = [layer.children["norm"].attributes["eps"] for layer in reading.root.children["layers"].children.values()]
    assert eps == [0, 1, 2, 3]
    assert reading.root.children["more"].children["norm"].attributes["eps"] == 1e-6


def test_a_list_of_a_copy_is_its_own_and_the_same_in_all_its_attributes() -> None:
    body = "self.sizes = []; self.same = self.sizes; self.inner = Inner(config, 0); self.inner.sizes = self.sizes"
    later = (
        "        for index, layer in enumerate(self.layers):\n            layer.same.append(index)\n"
        "            layer.n = Norm(layer.sizes[0] + 1)\n            layer.inner.m = Norm(len(layer.inner.sizes))\n"
    )
    reading, _ = read(f"{START}{MORE}        {body}\n{END}{later}")
    layers = list(reading.root.children["layers"].children.values())
    assert [layer.attributes["same"] for layer in layers] == [[index] for index in range(12)]
    assert [layer.children["n"].parameters["weight"].shape for layer in layers] == [(index + 1,) for index in range(12)]
    assert {layer.children["inner"].children["m"].parameters["weight"].shape for layer in layers} == {(1,)}


def test_copies_have_tensors_of_their_own() -> None:
    reading, _ = read(f"{START}{MORE}        {LAYERS['a tie']}\n{END}")
    assert reading.tied == {f"layers.{index}.b.weight": f"layers.{index}.a.weight" for index in range(12)}
