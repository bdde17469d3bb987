from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.estimator.supported import LayerClass, read_layer_classes

SAMPLES = Path(__file__).parents[2] / "assets" / "estimator_layers"


def read(folder: Path, text: str, name: str = "layers.py") -> dict[str, LayerClass]:
    (folder / name).write_text(text, encoding="utf-8")
    return {layer.name: layer for layer in read_layer_classes(folder)}


def test_the_samples_are_found_with_docstring_module_and_parameters() -> None:
    found = {layer.name: layer for layer in read_layer_classes(SAMPLES)}
    assert set(found) == {
        "EmbeddingLayer", "GatedMLPLayer", "GroupedQueryAttentionLayer", "LMHeadLayer", "MultiHeadLatentAttentionLayer",
        "RMSNormLayer",
    }  # fmt: skip
    attention = found["GroupedQueryAttentionLayer"]
    assert attention.module == "estimator_layers.attention"
    assert attention.docstring.startswith("Softmax attention whose query heads share")
    required = [a.name for a in attention.arguments if a.required]
    assert required == ["layer_idx", "hidden_size", "num_heads", "num_kv_heads", "head_dim", "parameter_count"]


def test_a_dataclass_takes_its_fields_and_those_of_its_base(tmp_path: Path) -> None:
    text = """
from dataclasses import dataclass
@dataclass
class Base:
    hidden_size: int
@dataclass(frozen=True)
class WideLayer(Base):
    intermediate_size: int = 4
"""
    layer = read(tmp_path, text)["WideLayer"]
    assert [(a.name, a.default) for a in layer.arguments] == [("hidden_size", None), ("intermediate_size", "4")]


def test_a_class_without_a_constructor_takes_that_of_its_base_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from b import Base\nclass GatedMLP(Base):\n    '''Gated.'''\n")
    assert [
        a.name
        for a in read(tmp_path, "class Base:\n    def __init__(self, dim, *, eps=1): ...\n", "b.py")[
            "GatedMLP"
        ].arguments
    ] == ["dim", "eps"]


@pytest.mark.parametrize(
    "text",
    [
        "class _Hidden:\n    def __init__(self, a): ...",
        "from enum import Enum\nclass Phase(Enum):\n    def __init__(self, a): ...",
        "class BadError(ValueError):\n    def __init__(self, a): ...",
        "from abc import ABC, abstractmethod\nclass Base(ABC):\n    def __init__(self, a): ...\n    @abstractmethod\n    def f(self): ...\nclass Still(Base): ...",
        "class NoConstructor:\n    pass",
    ],
    ids=["private", "enum", "exception", "abstract", "nothing to construct"],
)
def test_what_is_no_layer_is_not_offered(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="holds no layer class"):
        read(tmp_path, text)


def test_a_class_that_implements_what_its_base_leaves_open_is_a_layer(tmp_path: Path) -> None:
    text = "import abc\nclass Base(abc.ABC):\n    def __init__(self, a): ...\n    @abc.abstractmethod\n    def f(self): ...\nclass Done(Base):\n    def f(self): return 1"
    assert set(read(tmp_path, text)) == {"Done"}


def test_nothing_of_the_folder_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    text = f"open({str(mark)!r}, 'w')\nclass Layer:\n    def __init__(self, a=open({str(mark)!r}, 'w')): ...\n"
    assert set(read(tmp_path, text)) == {"Layer"}
    assert not mark.exists()


def test_a_file_that_does_not_parse_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="do not parse") as caught:
        read(tmp_path, "class Layer:\n    def __init__(self\n", "broken.py")
    assert caught.value.where is not None
    assert "broken.py:" in caught.value.where


@pytest.mark.parametrize("content", [b"x = '\xff\xfe'\n", b"\x00\x00", b"(" * 5_000])
def test_bytes_that_are_no_python_are_an_error_not_a_crash(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.py").write_bytes(content)
    with pytest.raises(UsageError, match="do not parse"):
        read_layer_classes(tmp_path)


def test_a_folder_that_is_not_there_or_is_a_file_or_is_empty_is_said(tmp_path: Path) -> None:
    for folder, words in (
        (tmp_path / "no", "does not exist"),
        (SAMPLES / "base.py", "to be a folder"),
        (tmp_path, "no Python file"),
    ):
        with pytest.raises(UsageError, match=words):
            read_layer_classes(folder)


def test_tests_hidden_folders_and_links_that_lead_out_are_passed_by(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("class Outside:\n    def __init__(self, a): ...\n")
    folder = tmp_path / "layers"
    for part in ("tests", ".cache", "more"):
        (folder / part).mkdir(parents=True)
        (folder / part / "x.py").write_text(f"class In{part.strip('.').title()}:\n    def __init__(self, a): ...\n")
    (folder / "link.py").symlink_to(outside)
    assert [layer.name for layer in read_layer_classes(folder)] == ["InMore"]


def test_two_layer_classes_of_one_name_are_refused_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("\nclass Norm:\n    def __init__(self, dim): ...\n")
    with pytest.raises(UsageError, match=r"2 layer classes are called Norm: a\.py:2 and b\.py:1"):
        read(tmp_path, "class Norm:\n    def __init__(self, other): ...\n", "b.py")


def test_a_base_is_that_of_its_own_file_where_others_have_its_name(tmp_path: Path) -> None:
    base = "from abc import ABC\nclass Base(ABC):\n    def __init__(self, {}): ...\nclass {}(Base):\n    pass\n"
    for name, size, layer in (("a.py", "dim", "NormLayer"), ("b.py", "width", "MLPLayer")):
        (tmp_path / name).write_text(base.format(size, layer))
    found = {layer.name: [a.name for a in layer.arguments] for layer in read_layer_classes(tmp_path)}
    assert found == {"NormLayer": ["dim"], "MLPLayer": ["width"]}


@pytest.mark.parametrize(
    "text",
    [
        "class WideLayer:\n    def __new__(cls, hidden_size, eps=1): ...",
        "from pydantic import BaseModel\nclass Base(BaseModel):\n    hidden_size: int\nclass WideLayer(Base):\n    eps: float = 1",
        "import msgspec\nclass WideLayer(msgspec.Struct):\n    hidden_size: int\n    eps: float = 1",
    ],
)
def test_what_else_constructs_tells_its_parameters(tmp_path: Path, text: str) -> None:
    layer = read(tmp_path, text)["WideLayer"]
    assert [(a.name, a.default) for a in layer.arguments] == [("hidden_size", None), ("eps", "1")]
