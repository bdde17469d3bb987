"""Exact names or a refusal: every row of `cases/resolve.tsv` (the catalog) and `cases/hub.tsv` (a Hub of one family), and what holds for any text at all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from archviz.errors import UsageError
from archviz.lookup import candidates, resolve
from archviz.lookup.catalog import model_ids
from archviz.lookup.resolution import Resolution
from archviz.settings import Settings
from tests.lookup.hub.loopback import LoopbackHub, Repository
from tests.lookup.hub.repositories import CONFIG

CASES = Path(__file__).parent / "cases"
LYNX = ("Acme/Lynx-3-8B", "Other/Lynx-3-8B")
DERIVED = {
    "Acme/Lynx-3-8B-FP8": ("quantized", LYNX[:1]),
    "Acme/Lynx-3-8B-GGUF": ("quantized", LYNX[:1]),
    "Tuner/Lynx-3-8B-Medical": ("finetune", LYNX[:1]),
    "Tuner/Lynx-3-8B-LoRA": ("adapter", LYNX[:1]),
    "Tuner/Lynx-Merge-8B": ("merge", LYNX),
}
ORIGINAL = (
    *LYNX, "Acme/Lynx-3-8B-2507", "Acme/Lynx-3-8B-Base", "Acme/Lynx-3-8B-Instruct", "Acme/Lynx-3-1.5B", "Acme/Lynx-3-15B",
    "Acme/Lynx-3.1-8B", "Acme/Lynx-3.5-397B-A17B",
)  # fmt: skip


def read_cases(name: str) -> list[tuple[str, str, str, str, str]]:
    """Place that is asked, name, status, model, what the message says."""
    text = (CASES / f"{name}.tsv").read_text(encoding="utf-8")
    rows = [[*row.split("\t"), ""] for row in text.splitlines() if not row.startswith("#")]
    return [(name, row[0].encode("ascii").decode("unicode_escape"), row[1], row[2], row[4]) for row in rows]


ALL_CASES = [*read_cases("resolve"), *read_cases("hub")]


@pytest.fixture(scope="module")
def lynx_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackHub]:
    """A Hub of one family: versions, sizes, suffixes, derivatives, renames, a private and a gated one."""
    made = LoopbackHub()
    made.repositories |= {name: Repository({"config.json": CONFIG}) for name in ORIGINAL}
    for name, (relation, bases) in DERIVED.items():
        tags = [tag for base in bases for tag in (f"base_model:{base}", f"base_model:{relation}:{base}")]
        made.repositories[name] = Repository({"config.json": CONFIG}, tags=tags, card={"base_model": list(bases)})
    made.repositories["Acme/Private-7B"] = Repository({"config.json": CONFIG}, private=True)
    made.repositories["Acme/Gated-7B"] = Repository({"config.json": CONFIG}, gated=True)
    made.renamed |= dict.fromkeys(("acme/lynx-3-8b", "Acme/Lynx3-8B", "OldAcme/Lynx-3-8B"), "Acme/Lynx-3-8B")
    with made.running():
        yield made


def ask(name: str) -> Resolution:
    return resolve.resolve(name, Settings(offline=True))


def candidate_ids(name: str) -> list[str]:
    return [candidate.id for candidate in ask(name).candidates]


@pytest.mark.parametrize("place, asked, status, model, said", ALL_CASES, ids=ascii)
def test_a_name_gets_the_exact_model_or_a_refusal(
    place: str, asked: str, status: str, model: str, said: str, lynx_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", lynx_hub.endpoint)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    settings = Settings(offline=place == "resolve")
    if status == "usage":
        with pytest.raises(UsageError):
            resolve.resolve(asked, settings)
        return
    answer = resolve.resolve(asked, settings)
    assert (answer.status, answer.model_id or "-") == (status, model)
    assert bool(answer.model_id and status != "gated") == (answer.exit_status == 0)
    assert said in answer.message
    assert answer.message.isascii()


def test_the_case_table_is_large_and_mostly_refusals() -> None:
    assert len({(place, asked) for place, asked, _, _, _ in ALL_CASES}) == len(ALL_CASES) >= 580
    assert sum(model == "-" for _, _, _, model, _ in ALL_CASES) >= 250


@pytest.mark.parametrize("model_id", model_ids())
def test_every_catalog_model_is_found_by_its_id_and_by_nothing_shorter_with_its_organisation(model_id: str) -> None:
    assert ask(model_id).model_id == model_id
    for cut in range(1, len(model_id.split("/")[1])):
        shorter = model_id[:-cut]
        assert ask(shorter).model_id == (shorter if shorter in model_ids() else None)


@hypothesis_settings(deadline=None)
@given(st.one_of(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9./_@ -]{1,40}", fullmatch=True)))
@example("Qwen/Qwen3.5-27b")
@example("0b-a0b-0x0b")
@example("9" * 290 + "t")
@example("\ud800")
def test_any_text_gets_an_answer_and_an_exact_one_only_for_the_whole_name(text: str) -> None:
    try:
        answer = ask(text)
    except UsageError:
        return
    if answer.model_id is not None:
        asked = text.strip().lower().split("@")[0]
        assert asked in (answer.model_id.lower(), answer.model_id.split("/")[1].lower())
    assert answer.asked.isascii()


def test_a_family_name_lists_its_own_version_only() -> None:
    listed = candidate_ids("Qwen3.5")
    assert {"Qwen/Qwen3.5-27B", "Qwen/Qwen3.5-397B-A17B"} <= set(listed)
    assert all("Qwen3.5" in model_id for model_id in listed)


def test_a_major_version_never_lists_a_minor_one() -> None:
    assert all("Llama-3-" in model_id for model_id in candidate_ids("Llama 3"))
    assert not any("3." in model_id for model_id in candidate_ids("Qwen3"))


def test_family_candidates_say_what_they_add_and_stand_in_groups() -> None:
    answer = ask("Qwen3")
    said = {candidate.id: candidate.why for candidate in answer.candidates}
    assert said["Qwen/Qwen3-30B-A3B"] == "adds size 30B, active size A3B; mixture of 128 experts"
    assert said["Qwen/Qwen3-0.6B"] == "adds size 0.6B; dense, qwen3"
    groups = [(candidate.id.split("/")[0], candidate.group) for candidate in answer.candidates]
    assert len({*groups}) == sum(one != other for one, other in zip(groups, [None, *groups], strict=False))


def test_near_names_put_the_asked_version_first_and_the_nearest_size_before_the_others() -> None:
    assert candidate_ids("Qwen/Qwen3.5-400B")[:2] == ["Qwen/Qwen3.5-397B-A17B", "Qwen/Qwen3.5-27B"]
    first = ask("Qwen/Qwen3.5-400B").candidates[0]
    assert first.why == "size 397B instead of 400B; adds active size A17B"


def test_a_name_of_another_organisation_is_near_and_said_to_be_another_s() -> None:
    first = ask("alibaba/Qwen3.5-27B").candidates[0]
    assert (first.id, first.why) == ("Qwen/Qwen3.5-27B", "published by Qwen, not alibaba")


def test_a_text_that_is_near_nothing_gets_no_candidates() -> None:
    assert candidate_ids("zzzzzz/yyyyyy") == []


def test_look_alike_characters_are_named_and_shown_escaped() -> None:
    answer = ask("Qwen/Qw\u0435n3.5-27B")
    assert "CYRILLIC SMALL LETTER IE" in answer.message
    assert answer.message.isascii()
    assert answer.candidates[0].id == "Qwen/Qwen3.5-27B"


def test_another_letter_case_is_reported() -> None:
    assert "letter case" in ask("qwen/qwen3-0.6b").message
    assert "letter case" not in ask("Qwen/Qwen3-0.6B").message


def test_an_exact_answer_gives_the_date_of_its_facts() -> None:
    answer = ask("Qwen/Qwen3-0.6B")
    assert answer.facts_date is not None
    assert answer.facts_date in answer.message


def test_an_unknown_revision_is_not_dropped() -> None:
    answer = ask("Qwen/Qwen3-0.6B@0123abc")
    assert (answer.status, answer.revision) == ("not_found", "0123abc")
    assert [candidate.id for candidate in answer.candidates] == ["Qwen/Qwen3-0.6B"]


def test_the_catalog_never_claims_that_it_knows_every_model() -> None:
    for name in ("Qwen/Qwen3-0.6B", "Qwen3", "Qwen/Qwen3.5-400B"):
        assert ask(name).complete is False
    assert "Only the embedded catalog" in ask("Qwen/Qwen3.5-400B").message


def test_one_repository_name_of_two_publishers_is_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolve, "model_ids", lambda: ("one/Same-7B", "two/Same-7B"))
    answer = ask("Same-7B")
    assert (answer.status, [item.id for item in answer.candidates]) == ("ambiguous", ["one/Same-7B", "two/Same-7B"])


def test_an_exact_id_reads_one_record_only(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(Path, "read_text", _recording(read, Path.read_text))
    ask("Qwen/Qwen3-0.6B")
    assert read == ["Qwen__Qwen3-0.6B.json"]


def _recording(read: list[str], original: object) -> object:
    def read_text(path: Path, *args: object, **kwargs: object) -> str:
        read.append(path.name)
        return original(path, *args, **kwargs)  # type: ignore[operator,no-any-return]

    return read_text


def test_resolving_imports_neither_torch_nor_transformers_nor_a_network_client() -> None:
    program = (
        "import sys; from archviz.lookup.resolve import resolve; from archviz.settings import Settings;"
        "resolve('Qwen3', Settings());"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub', 'pydantic', 'socket') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_candidates_are_bounded_for_near_names() -> None:
    assert len(candidate_ids("Qwen/Qwen9-1B")) == candidates.MOST_NEAR_NAMES
