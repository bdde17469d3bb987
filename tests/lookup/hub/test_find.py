"""The real huggingface_hub client against a loopback Hub: one exact repository at a commit, or why not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from archviz.errors import (
    ArchvizError,
    BadResponseError,
    GatedError,
    ModelNotFoundError,
    OfflineError,
    SourceUnavailableError,
)
from archviz.lookup.hub.facts import parse_facts
from archviz.lookup.hub.files import file_url, is_readable, read_file
from archviz.lookup.hub.find import find_model, search_models
from archviz.lookup.hub.headers import read_hub_checkpoint
from archviz.network.cache import Cache, Entry
from archviz.network.session import Session, Time
from archviz.network.waits import Paces
from archviz.settings import Limits, Settings
from tests.lookup.hub.loopback import TOKEN, Handler, LoopbackHub, Repository, cut, drip, status
from tests.lookup.hub.repositories import CONFIG, TINY

PATIENT = Settings()
HURRIED = Settings(limits=replace(Limits(), connect_seconds=0.4, request_seconds=0.6, network_seconds=2.0))


def session(settings: Settings = PATIENT, **clock: float) -> Session:
    """A session that sleeps a hundredth of what it is asked to, with paces of its own."""
    import time

    ahead = clock.get("ahead", 0.0)
    fast = Time(now=lambda: time.time() + ahead, sleep=lambda seconds: time.sleep(seconds / 100), jitter=lambda: 0.5)
    return Session(settings, time=fast, paces=Paces())


def test_a_model_is_found_at_its_commit_with_its_facts_in_one_request(hub: LoopbackHub) -> None:
    model = find_model("acme/Sharded-1B", None, session())
    assert (model.id, model.commit) == ("acme/Sharded-1B", hub.repositories["acme/Sharded-1B"].commit)
    assert (model.licence, model.papers, model.model_type) == ("apache-2.0", ("2505.09388",), "qwen3")
    assert model.published_total == 256 * 64 + 8 * 128 * 128 * 64
    assert model.architectures == ("Qwen3ForCausalLM",)
    assert "config.json" in model.files
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"id": "acme/Single-1B"}', b'{"id": "../x", "sha": "' + b"a" * 40 + b'"}', b"null"]
)
def test_an_answer_that_cannot_be_used_is_asked_for_again_the_next_time(hub: LoopbackHub, body: bytes) -> None:
    hub.fail("/api/models/", lambda handler: handler.reply(200, body, Content_Type="application/json"), times=1)
    with pytest.raises(BadResponseError):
        find_model("acme/Single-1B", None, session())
    assert find_model("acme/Single-1B", None, session()).id == "acme/Single-1B"


def test_facts_that_cannot_be_kept_are_told(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    made, write = session(), Cache.write

    def full(cache: Cache, entry: Entry) -> bool:
        cache.trouble = "No space left on device"
        return not entry.key.startswith("hub model") and write(cache, entry)

    monkeypatch.setattr(Cache, "write", full)
    assert find_model("acme/Single-1B", None, made).id == "acme/Single-1B"
    assert made.notes == ["The answer could not be kept in the cache: No space left on device."]


def test_ids_of_a_search_that_are_none_are_left_out(hub: LoopbackHub) -> None:
    ids = ["acme/Lynx\x1b[31m-1B", "../etc", "acme/x; rm", 7, None, "acme/Lynx-1B", "acme/" + "x" * 300]
    rows = json.dumps([{"_id": "0", "id": each, "modelId": "x", "tags": [], "private": False} for each in ids]).encode()
    hub.fail("/api/models", lambda handler: handler.reply(200, rows, Content_Type="application/json"))
    assert search_models("lynx", session()) == ("acme/Lynx-1B",)


def test_control_characters_in_facts_are_left_out(hub: LoopbackHub) -> None:
    values = {**TINY, "architectures": ["Qwen3\x1b[31mForCausalLM"]}
    hub.repositories["acme/Odd-1B"] = Repository(
        {"config.json": json.dumps(values).encode()}, card={"license": "mit\x1b[2J\u202e"}
    )
    model = find_model("acme/Odd-1B", None, session())
    assert (model.licence, model.architectures) == ("mit[2J", ("Qwen3[31mForCausalLM",))


def test_files_whose_names_hold_control_characters_are_left_out(hub: LoopbackHub) -> None:
    files = {"config.json": b"{}", "\x1b[31mevil\n.bin": b"x", "\u202eabc.bin": b"x"}
    hub.repositories["acme/Odd-1B"] = Repository(files)
    assert find_model("acme/Odd-1B", None, session()).files == ("config.json",)


def test_a_file_is_followed_to_where_the_hub_keeps_it_and_is_kept_under_its_commit(hub: LoopbackHub) -> None:
    asking = session()
    model = find_model("acme/Single-1B", None, asking)
    kept = f"/api/resolve-cache/models/{model.id}/{model.commit}/config.json?etag=%22x%22"
    data = hub.repositories["acme/Single-1B"].files["config.json"]
    hub.fail("resolve-cache", lambda handler: handler.reply(200, data, Content_Type="text/plain"))
    hub.fail("/resolve/", status(307, Location=kept))
    assert read_file(model, "config.json", asking, 10**6) == data
    assert [path for path in hub.paths if "resolve" in path] == [
        f"/acme/Single-1B/resolve/{model.commit}/config.json",
        kept.partition("?")[0],
    ]
    hub.asked.clear()
    assert read_file(model, "config.json", session(ahead=1e9), 10**6) == data
    assert hub.asked == []


def test_a_pinned_commit_that_is_stored_needs_no_request(hub: LoopbackHub) -> None:
    commit = find_model("acme/Sharded-1B", None, session()).commit
    hub.asked.clear()
    assert find_model("acme/Sharded-1B", commit, session(ahead=1e9)).commit == commit
    assert hub.asked == []


def test_facts_bear_the_time_at_which_the_answer_was_fetched(hub: LoopbackHub) -> None:
    first = find_model("acme/Single-1B", None, session())
    cache = Cache()
    cache.forget(f"hub model {hub.endpoint} acme/Single-1B@main")  # what remains is the answer itself
    assert abs(find_model("acme/Single-1B", None, session(ahead=200)).fetched - first.fetched) < 100
    assert len(hub.asked) == 1


def test_an_answer_of_another_commit_than_the_stated_one_is_refused_and_not_kept(hub: LoopbackHub) -> None:
    hub.repositories["acme/Single-1B"].branches["old"] = "a" * 40
    main = json.dumps({"_id": "0", "id": "acme/Single-1B", "sha": "b" * 40, "siblings": []}).encode()
    hub.fail("/revision/", lambda handler: handler.reply(200, main, Content_Type="application/json"), times=1)
    with pytest.raises(BadResponseError, match="commit bbbbbbbbbbbb"):
        find_model("acme/Single-1B", "a" * 40, session())
    assert find_model("acme/Single-1B", "a" * 40, session()).commit == "a" * 40


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_file_of_another_commit_or_repository_is_refused_and_not_kept(hub: LoopbackHub, file: str) -> None:
    model = find_model("acme/Single-1B", None, session())
    other = hub.repositories["acme/Sharded-1B"]

    def read() -> object:
        if file == "config.json":
            return read_file(model, file, session(), 10**6)
        return read_hub_checkpoint(model, session())

    hub.fail(f"/resolve/.*{file}", lambda handler: handler.reply(200, b"{}", X_Repo_Commit="b" * 40), times=1)
    with pytest.raises(BadResponseError, match="bbbbbbbbbbbb"):
        read()
    elsewhere = f"/acme/Sharded-1B/resolve/{other.commit}/config.json"
    hub.fail(f"Single-1B/resolve/.*{file}", status(307, Location=elsewhere), times=1)
    with pytest.raises(BadResponseError, match=other.commit[:12]):
        read()
    hub.fail(f"Single-1B/resolve/.*{file}", status(307, Location="/acme/Sharded-1B/x"), times=1)
    hub.fail("Sharded-1B/x", lambda handler: handler.reply(200, b"{}"), times=1)
    with pytest.raises(BadResponseError, match="another repository"):
        read()
    assert read()


def test_a_branch_is_confirmed_after_some_minutes(hub: LoopbackHub) -> None:
    find_model("acme/Sharded-1B", None, session())
    find_model("acme/Sharded-1B", None, session(ahead=100))
    assert len(hub.asked) == 1
    find_model("acme/Sharded-1B", None, session(ahead=400))
    assert "if-none-match" in hub.asked[1].headers
    hub.repositories["acme/Sharded-1B"].files["config.json"] += b"\n"
    changed = find_model("acme/Sharded-1B", None, session(ahead=800))
    assert changed.commit == hub.repositories["acme/Sharded-1B"].commit


def test_a_branch_leads_to_its_commit(hub: LoopbackHub) -> None:
    hub.repositories["acme/Single-1B"].branches["pr/7"] = "b" * 40
    assert find_model("acme/Single-1B", "pr/7", session()).commit == "b" * 40


def test_a_renamed_repository_shows_its_new_id(hub: LoopbackHub) -> None:
    assert find_model("acme/Old-Name-1B", None, session()).id == "acme/New-Name-1B"


@pytest.mark.parametrize("revision", [None, "main"])
def test_what_an_old_name_led_to_is_known_by_its_new_name_too(hub: LoopbackHub, revision: str | None) -> None:
    commit = find_model("acme/Old-Name-1B", revision, session()).commit
    hub.asked.clear()
    assert find_model("acme/New-Name-1B", revision, session()).commit == commit
    assert find_model("acme/New-Name-1B", revision, session(Settings(offline=True))).commit == commit
    assert hub.asked == []


def test_an_answer_about_another_name_without_a_redirect_is_refused(hub: LoopbackHub) -> None:
    body = json.dumps({"_id": "0", "id": "acme/Sharded-1B", "sha": "b" * 40, "siblings": []}).encode()
    hub.fail("Single-1B", lambda handler: handler.reply(200, body, Content_Type="application/json"), times=1)
    with pytest.raises(BadResponseError, match="no redirect"):
        find_model("acme/Single-1B", None, session())
    assert find_model("acme/Single-1B", None, session()).id == "acme/Single-1B"


def test_a_quantised_model_states_its_base(hub: LoopbackHub) -> None:
    model = find_model("acme/Sharded-1B-FP8", None, session())
    assert model.derivation == "a quantised form of acme/Sharded-1B"


@pytest.mark.parametrize(
    ("name", "revision", "kind", "word"),
    [
        ("acme/Missing-1B", None, ModelNotFoundError, "private"),
        ("acme/Private-1B", None, ModelNotFoundError, "private"),
        ("acme/Single-1B", "no-such-branch", ModelNotFoundError, "revision no-such-branch"),
        ("acme/Single-1B", "c" * 40, ModelNotFoundError, "revision"),
    ],
)
def test_what_the_hub_does_not_show_is_a_refusal_that_says_so(
    hub: LoopbackHub, name: str, revision: str | None, kind: type[ArchvizError], word: str
) -> None:
    with pytest.raises(kind, match=word):
        find_model(name, revision, session())


def test_a_private_repository_is_shown_to_its_token(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert find_model("acme/Private-1B", None, session()).private


def test_a_stale_token_is_left_out_and_that_is_said(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stale_token")
    asking = session()
    assert find_model("acme/Single-1B", None, asking).id == "acme/Single-1B"
    assert [asked.token for asked in hub.asked] == ["Bearer hf_stale_token", None]
    assert any("refused the token" in note for note in asking.notes)
    assert "hf_stale" not in "".join(asking.notes)
    assert "hf_stale" not in "".join(
        str(path.read_bytes()) for path in asking.cache.folder.rglob("*") if path.is_file()
    )


def test_a_search_gives_ids_only(hub: LoopbackHub) -> None:
    assert search_models("sharded", session()) == ("acme/Sharded-1B", "acme/Sharded-1B-FP8")


def test_a_search_whose_pages_lead_to_themselves_asks_for_one_page(hub: LoopbackHub) -> None:
    def again(handler: Handler) -> bool:
        link = f'<{hub.endpoint}{handler.path}>; rel="next"'
        return handler.reply(200, b"[]", Link=link, Content_Type="application/json")

    hub.fail("^/api/models", again)
    assert search_models("nowhere", session()) == ()
    assert search_models("nowhere", session()) == ()  # nor from the cache
    assert len(hub.asked) == 1


@pytest.mark.parametrize("code", [401, 404, 500])
def test_a_search_that_fails_says_nothing_about_a_repository(hub: LoopbackHub, code: int) -> None:
    hub.fail("^/api/models", status(code))
    with pytest.raises(SourceUnavailableError):
        search_models("sharded", session())


def test_a_gated_repository_shows_its_facts_and_not_its_files(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = find_model("acme/Gated-1B", None, session())
    assert model.gated
    with pytest.raises(GatedError) as caught:
        read_file(model, "config.json", session(), 1000)
    assert (caught.value.code, caught.value.exit_status) == ("gated", 4)
    assert "HF_TOKEN" in str(caught.value.hint)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert b"qwen3" in read_file(model, "config.json", session(), 1000)


def test_what_one_account_was_shown_is_not_given_to_another(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    gated = find_model("acme/Gated-1B", None, session())
    assert read_file(gated, "config.json", session(), 1000)
    assert find_model("acme/Private-1B", None, session()).private
    hub.asked.clear()
    assert read_file(gated, "config.json", session(), 1000)
    assert find_model("acme/Private-1B", None, session()).private
    assert hub.asked == []
    for other in ("", "hf_another_token"):
        monkeypatch.setenv("HF_TOKEN", other)
        with pytest.raises(GatedError):
            read_file(gated, "config.json", session(), 1000)
        with pytest.raises(ModelNotFoundError):
            find_model("acme/Private-1B", None, session())


def test_a_file_at_a_commit_is_fetched_once(hub: LoopbackHub) -> None:
    model = find_model("acme/Single-1B", None, session())
    first = read_file(model, "config.json", session(), 1000)
    hub.asked.clear()
    assert read_file(model, "config.json", session(), 1000) == first
    assert hub.asked == []
    with pytest.raises(BadResponseError, match="at most 10"):
        read_file(model, "config.json", session(), 10)


@pytest.mark.parametrize(
    "path",
    [
        "../x.py",
        "/etc/x.py",
        "a/../b.py",
        "model.safetensors",
        "x.bin",
        "a b.py",
        "x\n.py",
        ".hidden.py",
        "C:\\x.py",
        "",
    ],
)
def test_no_other_path_is_asked_for(hub: LoopbackHub, path: str) -> None:
    model = find_model("acme/Single-1B", None, session())
    assert not is_readable(path)
    with pytest.raises(BadResponseError):
        read_file(model, path, session(), 1000)
    assert len(hub.asked) == 1


@pytest.mark.parametrize("code", [400, 403, 418])
def test_other_refusals_have_documented_errors(hub: LoopbackHub, code: int) -> None:
    hub.fail("Single-1B", status(code))
    with pytest.raises(SourceUnavailableError) as caught:
        find_model("acme/Single-1B", None, session())
    assert caught.value.exit_status == 4


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"[]", "form"),
        (b'{"id": "acme/Single-1B"}', "commit"),
        (b'{"sha": "x"}', "form"),
        (b'{"id": "../../etc", "sha": "%s"}' % (b"a" * 40), "id"),
        (b'{"id": "acme/Single-1B", "sha": "main"}', "commit"),
        (b'{"id": 7, "sha": 7}', "commit"),
        (b'{"id": "a/b", "sha": "%s", "siblings": [7]}' % (b"a" * 40), "form"),
        (b'{"id": "a/b", "sha": "%s", "safetensors": {"total": 1}}' % (b"a" * 40), "form"),
        (b'{"id": ', "JSON"),
    ],
)
def test_a_reply_of_another_form_is_refused(hub: LoopbackHub, body: bytes, word: str) -> None:
    hub.fail("Single-1B", lambda handler: handler.reply(200, body, Content_Type="application/json"))
    with pytest.raises(BadResponseError, match=word):
        find_model("acme/Single-1B", None, session())


@pytest.mark.parametrize("times", [1, 2])
def test_passing_faults_are_survived(hub: LoopbackHub, times: int) -> None:
    hub.fail("Single-1B", status(503), times)
    assert find_model("acme/Single-1B", None, session()).id == "acme/Single-1B"
    hub.fail("Gated-1B", cut(), times)
    assert find_model("acme/Gated-1B", None, session()).id == "acme/Gated-1B"


def test_a_drip_ends_in_time(hub: LoopbackHub) -> None:
    import time

    hub.fail("Single-1B", drip(0.05))
    began = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="time limit"):
        find_model("acme/Single-1B", None, session(HURRIED))
    assert time.monotonic() - began < 2.0


def test_an_old_answer_is_used_only_with_a_word_about_it(hub: LoopbackHub) -> None:
    find_model("acme/Single-1B", None, session())
    hub.fail("Single-1B", status(503))
    asking = session(ahead=86_400 * 2)
    model = find_model("acme/Single-1B", None, asking)
    assert model.id == "acme/Single-1B"
    assert asking.oldest is not None
    assert any("copy of" in note or "answer of" in note for note in asking.notes)


def test_offline_uses_what_is_stored_and_asks_nobody(hub: LoopbackHub) -> None:
    with pytest.raises(OfflineError):
        find_model("acme/Single-1B", None, session(Settings(offline=True)))
    find_model("acme/Single-1B", None, session())
    hub.asked.clear()
    asking = session(Settings(offline=True), ahead=86_400)
    assert find_model("acme/Single-1B", None, asking).id == "acme/Single-1B"
    assert hub.asked == []
    assert "Offline" in asking.notes[0]


def test_facts_that_are_damaged_are_asked_for_again(hub: LoopbackHub) -> None:
    find_model("acme/Single-1B", None, session())
    for path in Cache().entries_folder.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-7])
    assert find_model("acme/Single-1B", None, session()).id == "acme/Single-1B"
    assert len(hub.asked) == 2


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b'{"commit": "x"}', b'{"other": 1}', b"\xff"])
def test_other_data_are_no_facts(data: bytes) -> None:
    assert parse_facts(data) is None


def test_the_address_of_a_file_names_the_commit(hub: LoopbackHub) -> None:
    model = find_model("acme/Single-1B", None, session())
    assert file_url(model, "a/b.py") == f"{hub.endpoint}/acme/Single-1B/resolve/{model.commit}/a/b.py"


def test_a_cache_that_cannot_be_written_costs_only_the_copy(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("ARCHVIZ_CACHE", str(blocked))
    assert find_model("acme/Single-1B", None, session()).id == "acme/Single-1B"


def test_a_model_that_names_itself_as_its_base_is_no_derivative(hub: LoopbackHub) -> None:
    card = {"base_model": "acme/Itself-1B", "base_model_relation": "quantized"}
    hub.repositories["acme/Itself-1B"] = Repository({"config.json": CONFIG}, card=card)
    found = find_model("acme/Itself-1B", None, session())
    assert (found.base_models, found.derivation) == ((), "")
