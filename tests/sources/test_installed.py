"""Source files as text: within bounds, never imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.settings import Limits
from archviz.sources.installed import find_transformers_source, read_source


def test_a_module_of_transformers_is_found_by_its_dotted_name() -> None:
    found = find_transformers_source("transformers.models.llama.modeling_llama")
    assert found is not None
    assert found.shown == "transformers/models/llama/modeling_llama.py"
    assert "class LlamaAttention" in found.text
    assert not found.is_package
    assert "transformers.models.llama.modeling_llama" not in sys.modules


def test_a_package_is_its_init_file() -> None:
    found = find_transformers_source("transformers.models.llama")
    assert found is not None
    assert found.is_package


@pytest.mark.parametrize(
    "name",
    [
        "transformers.no_such_module",
        "os",
        "transformers...",
        "transformers.models.llama/../../os",
        "transformers.a-b",
        "",
    ],
)
def test_what_is_no_module_of_transformers_is_not_found(name: str) -> None:
    assert find_transformers_source(name) is None


def test_a_file_that_is_not_utf8_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "modeling.py"
    file.write_bytes(b"x = '\xff\xfe'")
    with pytest.raises(UsageError, match=r"not UTF-8 \(byte 5\)") as caught:
        read_source("modeling", file, "modeling.py")
    assert caught.value.where == "modeling.py"


def test_a_file_of_ten_megabytes_is_refused_without_reading_it_whole(tmp_path: Path) -> None:
    file = tmp_path / "modeling.py"
    file.write_bytes(b"x = 1\n" * 1_700_000)
    with pytest.raises(UsageError, match="larger than"):
        read_source("modeling", file, "modeling.py")
    with pytest.raises(UsageError, match="larger than 10 bytes"):
        read_source("modeling", file, "modeling.py", Limits(source_bytes=10))
