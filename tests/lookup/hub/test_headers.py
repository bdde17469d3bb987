"""Stored tensors by ranged requests: no byte of a weight body is ever asked for beyond the first hundred kilobytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archviz.errors import BadResponseError, GatedError, SourceUnavailableError
from archviz.lookup.checkpoint import NoSafetensorsError, parse_header
from archviz.lookup.hub.find import find_model
from archviz.lookup.hub.headers import read_hub_checkpoint
from archviz.lookup.hub.ranges import foretold
from archviz.network.cache import Cache
from archviz.settings import Limits, Settings
from tests.lookup.hub.loopback import TOKEN, LoopbackHub, Repository, cut, reset, safetensors, slow, status
from tests.lookup.hub.repositories import CONFIG, SHARDS
from tests.lookup.hub.test_find import session

INDEX = "model.safetensors.index.json"


def read(name: str) -> object:
    asking = session()
    return read_hub_checkpoint(find_model(name, None, asking), asking)


def test_a_sharded_model_with_a_large_header_is_read_by_ranges_alone(hub: LoopbackHub) -> None:
    found = read("acme/Sharded-1B")
    assert len(found.tensors) == 1 + 8 * 128
    assert found.problems == ()
    assert (found.tensors[0].name, found.tensors[0].shape, found.tensors[0].dtype) == (
        "model.embed_tokens.weight",
        (256, 64),
        "BF16",
    )
    assert {tensor.file for tensor in found.tensors} == set(SHARDS)
    ranged = [asked.headers.get("range", "") for asked in hub.asked if asked.host == "bodies"]
    header = len(hub.repositories["acme/Sharded-1B"].files[SHARDS[1]]) - 8 - 64
    assert header > 100_000
    assert len(ranged) == 2  # the index foretells how long each header may be
    assert header + 8 <= max(int(each.removeprefix("bytes=0-")) for each in ranged) < 2 * header


def test_a_header_whose_length_nothing_foretells_takes_a_second_request_for_its_rest(hub: LoopbackHub) -> None:
    tensors = {f"model.layers.{index}.weight": ("BF16", [128, 64]) for index in range(2_000)}
    spoiled(hub, model=safetensors(tensors))
    assert len(read("acme/Spoiled-1B").tensors) == 2_000
    length = int.from_bytes(hub.repositories["acme/Spoiled-1B"].files["model.safetensors"][:8], "little")
    ranged = [asked.headers.get("range") for asked in hub.asked if asked.host == "bodies"]
    assert ranged == ["bytes=0-99999", f"bytes=100000-{length + 7}"]


@pytest.mark.parametrize("shape", [[1], [10**6, 10**6], [16, 4, 3, 65536, 65536]])
@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3"])
def test_what_is_foretold_suffices_for_every_usual_header(dtype: str, shape: list[int]) -> None:
    names = [f"model.layers.{index}.mlp.experts.{index}.up_proj.weight" for index in range(300)]
    data = safetensors(dict.fromkeys(names, (dtype, shape)))
    assert 8 + int.from_bytes(data[:8], "little") <= foretold(names)


@pytest.mark.parametrize("shape", [[2**52] * 400, [1] * 17, [2**32, 2**31]])
def test_a_rank_and_a_size_beyond_all_tensors_are_refused(hub: LoopbackHub, shape: list[int]) -> None:
    refused(hub, {"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}, "type and shape")


@pytest.mark.parametrize("offsets", [[0, 5], [4, 0], [-4, 0], "x", [0], [0, 4.0], [False, 4], None])
def test_offsets_that_do_not_hold_the_tensor_are_refused(hub: LoopbackHub, offsets: object) -> None:
    refused(hub, {"a": {"dtype": "F32", "shape": [1], "data_offsets": offsets}}, "does not fill")


def test_a_type_that_the_format_does_not_have_is_refused(hub: LoopbackHub) -> None:
    refused(hub, {"a": {"dtype": "NOPE", "shape": [1], "data_offsets": [0, 4]}}, "type and shape")


def test_a_name_stated_twice_is_refused(hub: LoopbackHub) -> None:
    one = b'"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    refused(hub, b"{" + one + b"," + one + b"}", "malformed")


def refused(hub: LoopbackHub, header: object, word: str) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    spoiled(hub, model=len(text).to_bytes(8, "little") + text)
    with pytest.raises(BadResponseError, match=word):
        read("acme/Spoiled-1B")


# --- all headers in one reply ---------------------------------------------------------------------------------------

MANY = "acme/Many-1B"


def test_a_hundred_and_sixty_shards_cost_as_many_requests_as_three(hub: LoopbackHub) -> None:
    found = read(MANY)
    assert (len(found.tensors), len({row.file for row in found.tensors}), found.problems) == (480, 160, ())
    commit = hub.repositories[MANY].commit
    assert hub.paths == [
        f"/api/models/{MANY}",
        f"/{MANY}/resolve/{commit}/{INDEX}",
        f"/api/models/{MANY}/safetensors-metadata/{INDEX}",
        f"/api/models/{MANY}",  # whether main still leads to the commit
    ]
    hub.asked.clear()
    assert read(MANY) == found
    assert hub.asked == []


def test_the_hub_s_own_reading_says_the_same_as_the_headers(hub: LoopbackHub) -> None:
    parsed = read(MANY)
    Cache().clear()
    hub.fail("safetensors-metadata", status(404))
    hub.asked.clear()
    assert read(MANY) == parsed
    assert sum(asked.host == "bodies" for asked in hub.asked) == 160


def test_an_older_commit_is_read_by_its_own_headers(hub: LoopbackHub) -> None:
    hub.repositories[MANY].branches["v1"] = "c" * 40
    asking = session()
    found = read_hub_checkpoint(find_model(MANY, "v1", asking), asking)
    assert found.commit == "c" * 40
    assert not [path for path in hub.paths if "safetensors-metadata" in path]
    assert sum(asked.host == "bodies" for asked in hub.asked) == 160


def test_a_commit_that_comes_between_is_not_taken_for_the_asked_one(hub: LoopbackHub) -> None:
    before = hub.repositories[MANY].commit

    def moves(handler: Any) -> bool:
        hub.repositories[MANY].files["README.md"] = b"pushed meanwhile"
        hub.repositories[MANY].branches[before] = before
        return False

    hub.fail("safetensors-metadata", moves)
    found = read(MANY)
    assert (found.commit, len(found.tensors)) == (before, 480)
    assert sum(asked.host == "bodies" for asked in hub.asked) == 160


def test_a_reading_that_differs_from_the_index_is_not_believed(hub: LoopbackHub) -> None:
    hub.fail("safetensors-metadata", lambda handler: handler.reply(200, b'{"index": {}, "headers": {}}'))
    assert len(read(MANY).tensors) == 480
    assert sum(asked.host == "bodies" for asked in hub.asked) == 160


def test_files_of_which_index_and_headers_disagree_are_read_themselves(hub: LoopbackHub) -> None:
    index = json.loads(hub.repositories[MANY].files[INDEX])
    index["weight_map"]["mtp.fc.weight"] = "model-00160-of-00160.safetensors"  # which does not hold it
    hub.repositories["acme/Gap-1B"] = Repository({**hub.repositories[MANY].files, INDEX: json.dumps(index).encode()})
    found = read("acme/Gap-1B")
    assert len(found.tensors) == 480
    assert found.problems == (
        "the index names mtp.fc.weight in model-00160-of-00160.safetensors, which does not hold it",
    )
    assert [asked.path for asked in hub.asked if asked.host == "bodies"] == [
        "/acme/Gap-1B/model-00160-of-00160.safetensors"
    ]


def test_a_reading_that_takes_the_hub_long_leaves_the_headers_themselves(hub: LoopbackHub) -> None:
    limits = Limits(waiting_seconds=0.1, at_hand_seconds=0.1, in_vain_seconds=0.1, request_seconds=2.0)
    hub.fail("safetensors-metadata", slow(4.0))
    asking = session(Settings(limits=limits))
    found = read_hub_checkpoint(find_model(MANY, None, asking), asking)
    assert (len(found.tensors), asking.unreachable) == (480, {})
    assert sum(asked.host == "bodies" for asked in hub.asked) == 160


def test_a_reading_that_takes_the_hub_longer_than_a_stored_answer_would_is_waited_for(hub: LoopbackHub) -> None:
    limits = Limits(waiting_seconds=0.1, at_hand_seconds=0.1, in_vain_seconds=0.1)
    hub.fail("safetensors-metadata", slow(1.0))
    asking = session(Settings(limits=limits))
    assert len(read_hub_checkpoint(find_model(MANY, None, asking), asking).tensors) == 480
    assert not [asked for asked in hub.asked if asked.host == "bodies"]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"index": 1, "headers": 2}', b'{"headers": {"a": {"b": 1}}}', b"no"])
def test_a_malformed_reading_leaves_the_headers_themselves(hub: LoopbackHub, body: bytes) -> None:
    hub.fail("safetensors-metadata", lambda handler: handler.reply(200, body, Content_Type="application/json"))
    assert len(read(MANY).tensors) == 480


def test_after_a_fault_no_further_header_is_begun(hub: LoopbackHub) -> None:
    hub.fail("safetensors-metadata", status(404))
    hub.fail("00001-of-00160", status(404))
    with pytest.raises(SourceUnavailableError):
        read(MANY)
    assert sum(asked.host == "bodies" for asked in hub.asked) < 100


def test_bodies_of_files_are_fetched_in_the_family_without_the_token(
    hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    read("acme/Gated-1B")
    assert {(asked.host, asked.token) for asked in hub.asked} == {("hub", f"Bearer {TOKEN}"), ("bodies", None)}


def test_a_second_reading_needs_no_request(hub: LoopbackHub) -> None:
    first = read("acme/Sharded-1B")
    hub.asked.clear()
    assert read("acme/Sharded-1B") == first
    assert hub.asked == []


def test_headers_that_were_read_before_a_fault_are_not_asked_for_again(hub: LoopbackHub) -> None:
    hub.fail(SHARDS[1], status(500))
    with pytest.raises(SourceUnavailableError):
        read("acme/Sharded-1B")
    hub.faults.clear()
    hub.asked.clear()
    assert len(read("acme/Sharded-1B").tensors) == 1 + 8 * 128
    assert not [path for path in hub.paths if SHARDS[0] in path]


def test_a_single_file_and_a_scalar(hub: LoopbackHub) -> None:
    found = read("acme/Single-1B")
    assert list(found.csv_rows()) == [
        ("kind", "name", "shape", "dtype"),
        ("tensor", "lm_head.weight", "256x64", "F32"),
        ("tensor", "scale", "", "F32"),
    ]
    assert found.as_dict()["elements"] == 256 * 64 + 1


def test_safetensors_of_other_names_are_read(hub: LoopbackHub) -> None:
    files = {
        "config.json": CONFIG,
        "adapter_model.safetensors": safetensors({"lora_A.weight": ("F32", [8, 64])}),
        "extra.safetensors": safetensors({"lora_B.weight": ("F32", [64, 8])}),
        "variants/fp32.safetensors": safetensors({"lora_A.weight": ("F32", [8, 64])}),
    }
    hub.repositories["acme/Lora-1B"] = Repository(files)
    assert [(row.name, row.file) for row in read("acme/Lora-1B").tensors] == [
        ("lora_A.weight", "adapter_model.safetensors"),
        ("lora_B.weight", "extra.safetensors"),
    ]


def test_a_server_that_gives_less_than_it_was_asked_for_is_asked_for_the_rest(hub: LoopbackHub) -> None:
    data = hub.repositories["acme/Single-1B"].files["model.safetensors"]

    def little(handler: Any) -> bool:
        start, end = map(int, handler.headers["range"].removeprefix("bytes=").split("-"))
        part = data[start : min(end + 1, start + 80)]
        return handler.reply(206, part, Content_Range=f"bytes {start}-{start + len(part) - 1}/{len(data)}")

    hub.fail(r"model\.safetensors\?", little)
    assert len(read("acme/Single-1B").tensors) == 2


def test_pickles_are_named_and_not_read(hub: LoopbackHub) -> None:
    with pytest.raises(NoSafetensorsError, match=r"pytorch_model\.bin") as caught:
        read("acme/Pickled-1B")
    assert (caught.value.code, caught.value.exit_status) == ("no_safetensors", 4)
    assert len(hub.asked) == 1


def test_gated_headers_are_refused(hub: LoopbackHub) -> None:
    with pytest.raises(GatedError):
        read("acme/Gated-1B")


def spoiled(hub: LoopbackHub, **files: bytes) -> None:
    names = {"index": INDEX, "model": "model.safetensors"}
    hub.repositories["acme/Spoiled-1B"] = Repository(
        {"config.json": CONFIG, **{names[name]: data for name, data in files.items()}}
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        (10**12).to_bytes(8, "little") + b"{}",
        (26_000_000).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (9).to_bytes(8, "little") + b'{"a": ',
        safetensors({"a": ("BF16", [2])}).replace(b'"BF16"', b'"b f;"'),
        safetensors({"a": ("BF16", [2])}).replace(b'"shape": [2]', b'"shape":[-2]'),
        safetensors({"a": ("BF16", [2])}).replace(b'"shape": [2]', b'"shape": "2"'),
    ],
)
def test_an_absurd_or_malformed_header_is_refused(hub: LoopbackHub, data: bytes) -> None:
    spoiled(hub, model=data)
    with pytest.raises(BadResponseError) as caught:
        read("acme/Spoiled-1B")
    assert caught.value.exit_status == 4
    assert hub.bytes_sent < 200_000


@pytest.mark.parametrize(
    "index",
    [
        b"[]",
        b"{}",
        b'{"weight_map": []}',
        b'{"weight_map": {"a": "../../x.safetensors"}}',
        b'{"weight_map": {"a": "/etc/x.safetensors"}}',
        b'{"weight_map": {"a": "x.bin"}}',
        b'{"weight_map": {"a": 7}}',
        b'{"weight_map": {"a": "http://127.0.0.1/x.safetensors"}}',
    ],
)
def test_an_index_that_names_other_files_is_refused(hub: LoopbackHub, index: bytes) -> None:
    spoiled(hub, index=index)
    with pytest.raises(BadResponseError):
        read("acme/Spoiled-1B")
    assert len(hub.asked) == 2


def test_where_index_and_headers_disagree_is_told(hub: LoopbackHub) -> None:
    index = json.dumps({"weight_map": {"a": "model.safetensors", "gone": "model.safetensors"}}).encode()
    spoiled(hub, index=index, model=safetensors({"a": ("F32", [1]), "more": ("F32", [1])}))
    found = read("acme/Spoiled-1B")
    assert len(found.problems) == 2
    assert "gone" in found.problems[0]
    assert "more" in found.problems[1]


def test_a_header_of_too_many_tensors_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.lookup.checkpoint._MOST_TENSORS", 100)
    monkeypatch.setattr("json.loads", lambda *_, **__: pytest.fail("it was parsed"))
    for data in (b'{"a": [' + b"{}," * 200 + b"{}]}", b'{"a": [' + b"[]," * 400 + b"[]]}"):
        with pytest.raises(BadResponseError, match="too many tensors"):
            parse_header(data, "model.safetensors", "acme/Single-1B")


def test_a_reset_in_the_middle_of_a_ranged_read_is_survived(hub: LoopbackHub) -> None:
    hub.fail(r"model\.safetensors\?", reset(5000), times=2)
    assert len(read("acme/Single-1B").tensors) == 2


@pytest.mark.parametrize("fault", [reset(5000), cut(206, Content_Range="bytes 0-4999/9999"), status(500)])
def test_a_lasting_fault_of_the_bodies_is_a_documented_error(hub: LoopbackHub, fault: object) -> None:
    hub.fail(r"model\.safetensors\?", fault)
    with pytest.raises(SourceUnavailableError) as caught:
        read("acme/Single-1B")
    assert caught.value.exit_status == 4
    assert "secret-signature" not in str(caught.value)


@pytest.mark.parametrize("tensors", [2, 2_000])
def test_of_a_mirror_that_knows_no_ranges_only_the_beginning_of_a_file_is_read(hub: LoopbackHub, tensors: int) -> None:
    header = {f"model.layers.{index}.weight": ("BF16", [128, 64]) for index in range(tensors)}
    data = safetensors(header, weights=bytes(30_000_000))
    hub.repositories["acme/Mirrored-1B"] = Repository({"config.json": CONFIG, "model.safetensors": data})
    hub.fail(r"model\.safetensors\?", lambda handler: handler.reply(200, data))
    found = read("acme/Mirrored-1B")
    assert (len(found.tensors), found.problems) == (tensors, ())
    bodies = [asked for asked in hub.asked if asked.host == "bodies"]
    assert len(bodies) == (1 if tensors == 2 else 2)
    assert all(asked.headers["range"].startswith("bytes=0-") for asked in bodies[:1])


def test_a_mirror_that_gives_the_whole_file_for_its_end_too_is_asked_for_the_beginning(hub: LoopbackHub) -> None:
    hub.fail(r"model\.safetensors\?", lambda handler: handler.reply(200, bytes(3_000_000)))
    with pytest.raises(BadResponseError, match="no safetensors file"):
        read("acme/Single-1B")


def test_a_redirect_of_a_body_to_a_foreign_host_is_refused(hub: LoopbackHub) -> None:
    hub.fail(r"resolve/.*safetensors$", status(302, Location="https://evil.example/x"))
    with pytest.raises(BadResponseError, match="another host"):
        read("acme/Single-1B")


def test_a_refusal_of_the_host_of_bodies_does_not_make_an_open_repository_gated(hub: LoopbackHub) -> None:
    hub.fail(
        "^/acme/Single-1B/model.safetensors",
        lambda handler: handler.kind == "bodies" and handler.reply(403, b"expired signature"),
    )
    with pytest.raises(BadResponseError, match="open to all"):
        read("acme/Single-1B")
