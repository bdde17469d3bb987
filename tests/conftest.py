"""A small hand-made Architecture, and a pipeline that answers from it: for tests of the interfaces on top."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from archviz import pipeline
from archviz.architecture.model import (
    Architecture,
    BlockGraph,
    Fact,
    GapEntry,
    Identity,
    LayerKind,
    LayerStack,
    ModuleNode,
    ParameterRow,
    Parameters,
    PatternItem,
    TensorEntry,
)
from archviz.errors import AmbiguousNameError, ModelNotFoundError
from archviz.lookup.resolve import resolve
from archviz.network.waits import PACES, SILENCE
from archviz.settings import Settings


def pytest_configure(config: pytest.Config) -> None:
    """No test asks a real service, or reads what its user has stored of one; processes that tests start inherit that."""
    if config.getoption("markexpr") == "live":
        return
    folder = tempfile.mkdtemp(prefix="archviz-tests-")
    closed = "http://127.0.0.1:9"
    os.environ |= {"HF_HUB_OFFLINE": "1", "ARCHVIZ_CACHE": folder, "ARCHVIZ_ARXIV_URL": closed}
    os.environ |= {"GITHUB_API_URL": closed, "ARCHVIZ_GITHUB_RAW_URL": closed}
    for name in ("HF_TOKEN", "GITHUB_TOKEN", "HF_ENDPOINT"):
        os.environ.pop(name, None)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(autouse=True)
def _nobody_was_silent() -> None:
    """No test inherits what another one waited for in vain, or was asked to wait for: ports of loopback servers come again."""
    SILENCE.clear()
    PACES.until.clear()


settings.register_profile("archviz", derandomize=True, deadline=None)  # the same examples in every run
settings.load_profile("archviz")

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
CONTENT = {
    "png": PNG,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "pdf": b"%PDF-1.7",
    "dot": b"digraph {}",
    "html": b"<!DOCTYPE html>",
}


def make_architecture(tensors: int = 40, gaps: int = 0) -> Architecture:
    """Two kinds of layer in a 3:1 pattern; as many tensors and gaps as asked."""
    kinds = [
        LayerKind(
            id=name, title=title, indices=indices, count=len(indices), class_name="Layer", block=name, parameters=100,
            active_parameters=60,
        )
        for name, title, indices in (("linear+moe", "Linear + MoE", [0, 1, 2, 4, 5, 6]), ("full+moe", "Full + MoE", [3, 7]))
    ]  # fmt: skip
    unit = [PatternItem(times=3, kind="linear+moe"), PatternItem(times=1, kind="full+moe")]
    stack = LayerStack(
        path="model.layers",
        count=8,
        kinds=kinds,
        pattern=[PatternItem(times=2, items=unit)],
        pattern_text="2 × (3 × linear + MoE, 1 × full + MoE)",
    )
    return Architecture(
        identity=Identity(
            id="acme/Small-1B", class_name="SmallForCausalLM", origin="catalog", code="transformers 5.23.0"
        ),
        facts=[Fact(key="hidden_size", value=64), Fact(key="context_length", value=4096, unit="tokens")],
        modules=ModuleNode(path="", name="", class_name="SmallForCausalLM", parameters=1000),
        tensors=[TensorEntry(name=f"model.layers.{index}.weight", shape=[64, 64]) for index in range(tensors)],
        layers=[stack],
        blocks=[
            BlockGraph(id=kind.id, title=kind.title, module="model.layers.0", class_name="Layer") for kind in kinds
        ],
        parameters=Parameters(
            total=1000, active=680, breakdown=[ParameterRow(key="layers", label="Layers", count=800)]
        ),
        gaps=[GapEntry(module=f"model.part{index}", reason="while over data", at="m.py:3") for index in range(gaps)],
    )


@dataclasses.dataclass(frozen=True)
class FakeFinding:
    severity: str
    message: str


@dataclasses.dataclass(frozen=True)
class FakeDrawing:
    files: list[Path]
    findings: list[FakeFinding]
    gaps: list[GapEntry]
    title: str
    model_id: str | None
    summary: dict[str, object]
    exit_status: int
    notes: tuple[str, ...] = ()


class FakePipeline:
    """Knows one model, `acme/Small-1B`; records what it was asked."""

    def __init__(self) -> None:
        self.architecture = make_architecture()
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def _check(self, model: str) -> None:
        if model == "acme/Small":
            raise AmbiguousNameError("acme/Small fits several models", candidates=["acme/Small-1B", "acme/Small-2B"])
        if model == "acme/crash":
            raise ZeroDivisionError("of the interpreter")
        if model.startswith("acme/") and model != "acme/Small-1B":
            raise ModelNotFoundError(f"no model {model}", candidates=["acme/Small-1B"], hint="check the name")

    def tensors(self, model: str, *, class_name: str | None = None, settings: Settings) -> dict[str, Any]:
        self._check(model)
        self.asked.append(("tensors", {"model": model, "class_name": class_name, "settings": settings}))
        return {
            "class": class_name or "SmallForCausalLM",
            "params": 1000,
            "tensors": {tensor.name: tensor.shape for tensor in self.architecture.tensors},
            "tied": {"lm_head.weight": "model.embed.weight"},
            "digest": "0" * 64,
            "gaps": [gap.as_dict() for gap in self.architecture.gaps],
        }

    def describe(self, model: str, *, class_name: str | None = None, settings: Settings) -> Architecture:
        self._check(model)
        self.asked.append(("describe", {"model": model, "class_name": class_name, "settings": settings}))
        return self.architecture

    def describe_text(self, architecture: Architecture) -> str:
        return f"{architecture.identity.id}\n  {architecture.parameters.total:,} parameters"

    def draw_described(
        self, architecture: Architecture, output: Path, formats: Sequence[str], **options: Any
    ) -> FakeDrawing:
        return self.draw(architecture.identity.id, output, formats, **options)

    def draw(self, source: str, output: Path, formats: Sequence[str], **options: Any) -> FakeDrawing:
        self._check(source)
        self.asked.append(("draw", {"source": source, "output": output, "formats": list(formats), **options}))
        files = [output.with_name(f"{output.name}.{name}") for name in formats]
        for file in files:
            file.write_bytes(CONTENT[file.suffix[1:]])
        return FakeDrawing(
            files=files,
            findings=[FakeFinding("warning", "a label was shortened")],
            gaps=self.architecture.gaps,
            title="Small-1B",
            model_id="acme/Small-1B",
            summary={"total": 1000},
            exit_status=5 if self.architecture.gaps else 0,
        )


@pytest.fixture
def fake_pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    fake = FakePipeline()
    for name in ("tensors", "describe", "describe_text", "draw", "draw_described"):
        monkeypatch.setattr(pipeline, name, getattr(fake, name), raising=False)
    monkeypatch.setattr(pipeline, "resolve", resolve, raising=False)  # names are really looked up, in the catalog
    return fake


@pytest.fixture
def architecture_of() -> Callable[..., Architecture]:
    return make_architecture
