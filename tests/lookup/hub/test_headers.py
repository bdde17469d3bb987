"""Stored tensors by ranged requests: no byte of a weight body is ever asked for beyond the first hundred kilobytes."""

from __future__ import annotations

import json

import pytest

from archviz.errors import BadResponseError, GatedError, SourceUnavailableError
from archviz.lookup.checkpoint import NoSafetensorsError
from archviz.lookup.hub.find import find_model
from archviz.lookup.hub.headers import read_hub_checkpoint
from tests.lookup.hub.loopback import TOKEN, LoopbackHub, Repository, cut, reset, safetensors, status
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
    ranged = [asked.headers.get("range") for asked in hub.asked if asked.host == "bodies"]
    header = len(hub.repositories["acme/Sharded-1B"].files[SHARDS[1]]) - 8 - 64
    assert header > 100_000
    assert sorted(ranged) == ["bytes=0-100000", "bytes=0-100000", f"bytes=8-{header + 7}"]


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


def test_a_single_file_and_a_scalar(hub: LoopbackHub) -> None:
    found = read("acme/Single-1B")
    assert list(found.csv_rows()) == [
        ("kind", "name", "shape", "dtype"),
        ("tensor", "lm_head.weight", "256x64", "F32"),
        ("tensor", "scale", "", "F32"),
    ]
    assert found.as_dict()["elements"] == 256 * 64 + 1


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


def test_a_whole_weight_file_in_answer_to_a_range_is_not_read(hub: LoopbackHub) -> None:
    hub.fail(r"model\.safetensors\?", lambda handler: handler.reply(200, bytes(3_000_000)))
    with pytest.raises(BadResponseError):
        read("acme/Single-1B")


def test_a_redirect_of_a_body_to_a_foreign_host_is_refused(hub: LoopbackHub) -> None:
    hub.fail(r"resolve/.*safetensors$", status(302, Location="https://evil.example/x"))
    with pytest.raises(BadResponseError, match="another host"):
        read("acme/Single-1B")
