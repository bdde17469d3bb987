"""Classes that register themselves when they are defined are there before the table is read."""

from __future__ import annotations

import pytest

from archviz.interpreter.build import build_model, deep_recursion, read_model
from archviz.interpreter.reading import ModelReading
from archviz.interpreter.values import ClassValue
from tests.interpreter.programs import MODEL_HEADER, interpreter

BASE = """
TABLE = {}
class Base:
    kind = None
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.kind is not None:
            TABLE[cls.kind] = cls
    def layer(self):
        return nn.Linear(self.width, 2)
"""
CLASSES = """
class Near(Base):
    width = 3
    kind = "near"

class Far(
    Near,
):
    kind = "far"
    width = 5
"""
MODEL = """
class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.near, self.far = TABLE["near"]().layer(), TABLE["far"]().layer()
"""


def _built(files: dict[str, str]) -> ModelReading:
    interp = interpreter(files)
    cls = interp.import_name("program", "Model", None)
    assert isinstance(cls, ClassValue)
    with deep_recursion():
        return read_model(interp, build_model(interp, cls, None), None)


@pytest.mark.parametrize(
    "files",
    [
        {"program": MODEL_HEADER + BASE + CLASSES + MODEL},
        {"base": MODEL_HEADER + BASE, "program": MODEL_HEADER + "from base import TABLE, Base\n" + CLASSES + MODEL},
    ],
    ids=["one file", "a base of another file"],
)
def test_a_class_that_nobody_names_is_in_the_table(files: dict[str, str]) -> None:
    reading = _built(files)
    assert {name: tensor.shape for name, tensor in reading.parameters().items() if name.endswith("weight")} == {
        "near.weight": (2, 3),
        "far.weight": (2, 5),
    }
    assert reading.gaps == []


def test_a_class_without_a_table_stays_undefined_until_it_is_named() -> None:
    files = {"program": MODEL_HEADER + "class Base:\n    pass\nclass Other(Base):\n    broken = missing\n" + MODEL.replace(
        'TABLE["near"]().layer(), TABLE["far"]().layer()', "nn.Linear(1, 1), None")}  # fmt: skip
    assert _built(files).gaps == []


def test_a_registering_class_that_is_not_understood_leaves_a_gap() -> None:
    broken = BASE + "class Broken(Base):\n    kind = missing\n" + CLASSES + MODEL
    gaps = _built({"program": MODEL_HEADER + broken}).gaps
    assert any("missing" in gap.reason for gap in gaps)
