"""A model type of tomorrow: its code is read from the transformers repository at a commit, and evidence says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.errors import BadConfigError, OfflineError, SourceUnavailableError
from archviz.settings import Settings
from archviz.sources.installed import is_installed_type, transformers_folder
from tests.lookup.conftest import Reply
from tests.lookup.conftest import github as github  # noqa: PLC0414 # the fixture
from tests.lookup.conftest import github_data as github_data  # noqa: PLC0414 # the fixture
from tests.lookup.conftest import github_raw as github_raw  # noqa: PLC0414 # the fixture
from tests.lookup.hub.conftest import hub as hub  # noqa: PLC0414 # the fixture
from tests.lookup.hub.loopback import LoopbackHub, Repository
from tests.lookup.hub.repositories import ELDER, TINY

CONFIG = {**TINY, "model_type": "acme9", "architectures": ["Acme9ForCausalLM"]}


def renamed(kind: str) -> str:
    """The installed code of qwen3, as the code of a type that the installed release does not know."""
    text = (transformers_folder() / "models" / "qwen3" / f"{kind}_qwen3.py").read_text("utf-8")
    return text.replace("Qwen3", "Acme9").replace("qwen3", "acme9")


@pytest.fixture
def commit(hub: LoopbackHub, github: Any, github_data: Any) -> str:
    hub.repositories["acme/Acme9-1B"] = Repository({"config.json": json.dumps(CONFIG).encode()})
    hub.repositories["acme/Plain-1B"] = Repository({"config.json": json.dumps(TINY).encode()})
    base = "src/transformers"
    files = {
        f"{base}/__init__.py": '__version__ = "9.9.0.dev0"\n',
        f"{base}/models/auto/auto_mappings.py": 'SPECIAL = OrderedDict([("acme9-text", "acme9")])\n',
        f"{base}/models/acme9/configuration_acme9.py": renamed("configuration"),
        f"{base}/models/acme9/modeling_acme9.py": renamed("modeling"),
        f"{base}/models/acme9/modular_acme9.py": "raise SystemExit",
        f"{base}/models/acme9/__init__.py": "",
    }
    made: str = github_data.add("huggingface/transformers", files)
    return made


def test_a_newer_type_is_read_at_a_commit_and_counts_as_its_code_builds(commit: str, github_raw: Any) -> None:
    found = pipeline.describe("acme/Acme9-1B")
    known = pipeline.describe("acme/Plain-1B")
    assert (found.parameters.total, found.gaps) == (known.parameters.total, [])
    assert found.identity.code == f"transformers 9.9.0.dev0 at commit {commit[:12]}"
    assert any(
        file.name.startswith(f"transformers@{commit[:12]}/models/acme9/modeling_") for file in found.identity.files
    )
    said = [str(fact.value) for fact in found.facts if "9.9.0.dev0" in str(fact.value)]
    assert said
    assert commit[:12] in said[0]
    assert all(commit in path for path in github_raw.paths)
    assert not any("modular" in path for path in github_raw.paths)


def test_an_auto_map_without_a_model_is_no_code_of_it(commit: str, hub: LoopbackHub) -> None:
    auto_map = {"AutoProcessor": "processing_x.P", "AutoTokenizer": ["tokenization_x.T", None], "AutoModel": None}
    hub.repositories["acme/Mapped-1B"] = Repository(
        {"config.json": json.dumps(CONFIG | {"auto_map": auto_map}).encode()}
    )
    found = pipeline.describe("acme/Mapped-1B")
    assert (found.identity.class_name, found.gaps) == ("Acme9ForCausalLM", [])
    assert commit[:12] in str(found.identity.code)


@pytest.mark.parametrize("model_code", ["there", "missing"])
def test_an_auto_map_without_a_configuration_leaves_it_to_the_newer_release(
    commit: str, hub: LoopbackHub, github: Any, model_code: str, tmp_path: Path
) -> None:
    auto_map = {"AutoModelForCausalLM": "modeling_own.Acme9ForCausalLM"}
    config = json.dumps(CONFIG | {"auto_map": auto_map}).encode()
    files = {"modeling_own.py": b"class Acme9ForCausalLM: pass"} if model_code == "there" else {}
    hub.repositories["acme/Half-1B"] = Repository({"config.json": config, **files})
    found = pipeline.describe("acme/Half-1B")
    assert (found.identity.class_name, found.gaps) == ("Acme9ForCausalLM", [])
    assert found.identity.code == f"transformers 9.9.0.dev0 at commit {commit[:12]}"
    assert any("auto_map names no AutoConfig" in str(fact.value) for fact in found.facts if fact.key == "remark")
    (tmp_path / "config.json").write_bytes(config)
    assert pipeline.describe(str(tmp_path)).parameters.total == found.parameters.total
    asked = len(github.asked)
    with pytest.raises(BadConfigError, match="auto_map names no AutoConfig"):
        pipeline.describe("acme/Half-1B", settings=Settings(code="custom"))
    assert len(github.asked) == asked


def test_a_folder_of_a_newer_type_is_read_with_that_code(commit: str, hub: LoopbackHub, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    found, published = pipeline.describe(str(tmp_path)), pipeline.describe("acme/Acme9-1B")
    assert (found.parameters.total, found.gaps) == (published.parameters.total, [])
    assert found.identity.code == f"transformers 9.9.0.dev0 at commit {commit[:12]}"
    assert any("9.9.0.dev0" in str(fact.value) for fact in found.facts if fact.key == "remark")


def test_the_defaults_of_a_newer_type_are_read_with_that_code(commit: str) -> None:
    found = pipeline.tensors("transformers:acme9")
    known = pipeline.tensors("transformers:qwen3")
    assert (found["params"], found["digest"]) == (known["params"], known["digest"])


@pytest.mark.parametrize(("model_type", "most"), [("acme9", 5), ("acme9-text", 6)])
def test_a_newer_type_costs_at_most_six_requests_and_one_a_code_file(
    commit: str, hub: LoopbackHub, github: Any, github_raw: Any, github_data: Any, model_type: str, most: int
) -> None:
    config = {**CONFIG, "model_type": model_type}
    base = "src/transformers/models/acme9"
    files = github_data.repositories["huggingface/transformers"]["files"]
    files[f"{base}/configuration_acme9.py"] = renamed("configuration").replace('"acme9"', f'"{model_type}"')
    hub.repositories["acme/Acme9-1B"] = Repository({"config.json": json.dumps(config).encode()})
    assert pipeline.describe("acme/Acme9-1B").gaps == []
    asked = [*hub.paths, *github.paths, *github_raw.paths]
    code = [path for path in asked if f"{base}/" in path and path.endswith(".py")]
    assert (len(code), len(asked) - len(code)) == (2, most)


def test_a_folder_whose_code_is_installed_or_its_own_asks_nobody(
    commit: str, github: Any, hub: LoopbackHub, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    pipeline.describe(str(tmp_path))
    pipeline.describe(str(ELDER))
    assert github.asked == hub.asked == []


def test_a_folder_of_a_newer_type_offline_says_what_is_missing(commit: str, github: Any, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(OfflineError, match=r"'acme9'.* newer code was not read: .*not asked offline"):
        pipeline.describe(str(tmp_path), settings=Settings(offline=True))
    assert github.asked == []


def test_the_survey_names_version_and_commit(commit: str) -> None:
    code = pipeline.sources("acme/Acme9-1B").entries[0]
    assert (code.kind, code.status, code.rests) == ("code", "found", True)
    assert code.what.startswith(
        f"transformers 9.9.0.dev0 at commit {commit[:12]}: configuration_acme9.py, modeling_acme9.py"
    )
    assert code.url == f"https://github.com/huggingface/transformers/tree/{commit}/src/transformers/models/acme9"


def test_once_read_it_is_read_again_without_the_network(commit: str, github: Any, github_raw: Any) -> None:
    first = pipeline.describe("acme/Acme9-1B")
    asked = len(github.asked) + len(github_raw.asked)
    assert (
        pipeline.describe("acme/Acme9-1B", settings=Settings(offline=True)).parameters.total == first.parameters.total
    )
    assert len(github.asked) + len(github_raw.asked) == asked


def test_a_known_type_asks_github_nothing(commit: str, github: Any) -> None:
    pipeline.describe("acme/Plain-1B")
    assert github.asked == []


def test_a_type_that_nobody_knows_is_refused_with_its_reason(commit: str, hub: LoopbackHub) -> None:
    config = {**CONFIG, "model_type": "nowhere1"}
    hub.repositories["acme/Nowhere-1B"] = Repository({"config.json": json.dumps(config).encode()})
    notes: list[str] = []
    with pytest.raises(BadConfigError, match="nowhere1"):
        pipeline.describe("acme/Nowhere-1B", settings=Settings(say=notes.append))
    assert any("has no code for 'nowhere1' either" in note for note in notes)


def test_github_out_of_reach_is_a_note_and_the_type_stays_unknown(commit: str, github: Any) -> None:
    github.answer = lambda _: Reply(404, b"{}", {"Content-Type": "application/json"})
    with pytest.raises(BadConfigError, match="acme9"):
        pipeline.describe("acme/Acme9-1B")


@pytest.mark.parametrize("model_type, expected", [("qwen3", True), ("acme9", False), ("gpt-sw3", True), ("", False)])
def test_a_type_is_installed_when_the_installed_tables_name_it(model_type: str, expected: bool) -> None:
    assert is_installed_type(model_type) is expected


def test_a_newer_type_that_github_gives_no_answer_about_is_unreachable_and_not_unknown(
    commit: str, github: Any
) -> None:
    github.next += [Reply(500)] * 3
    with pytest.raises(
        SourceUnavailableError, match=r"'acme9'.* newer code was not read: GitHub answers with status 500"
    ) as caught:
        pipeline.describe("acme/Acme9-1B")
    assert caught.value.exit_status == 4
