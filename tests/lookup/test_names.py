from __future__ import annotations

import os
from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.lookup.names import MAX_LENGTH, ModelName, classify, why_no_hub_name


@pytest.mark.parametrize(
    "text, kind, body, revision",
    [
        ("Qwen/Qwen3-0.6B", "hub_id", "Qwen/Qwen3-0.6B", None),
        ("Qwen/Qwen3-0.6B@main", "hub_id", "Qwen/Qwen3-0.6B", "main"),
        ("Qwen/Qwen3-0.6B@refs/pr/3", "hub_id", "Qwen/Qwen3-0.6B", "refs/pr/3"),
        ("https://huggingface.co/Qwen/Qwen3-0.6B", "hub_id", "Qwen/Qwen3-0.6B", None),
        ("http://hf.co/Qwen/Qwen3-0.6B/", "hub_id", "Qwen/Qwen3-0.6B", None),
        ("huggingface.co/Qwen/Qwen3-0.6B", "hub_id", "Qwen/Qwen3-0.6B", None),
        ("https://huggingface.co/Qwen/Qwen3-0.6B/blob/v1/config.json", "hub_id", "Qwen/Qwen3-0.6B", "v1"),
        ("https://huggingface.co/Qwen/Qwen3-0.6B/tree/refs%2Fpr%2F3", "hub_id", "Qwen/Qwen3-0.6B", "refs/pr/3"),
        ("https://huggingface.co/gpt2/tree/main", "bare_name", "gpt2", "main"),
        ("hf.co/bert-base-uncased/blob/v1/config.json", "bare_name", "bert-base-uncased", "v1"),
        ("https://huggingface.co/acme/tree/tree/v1", "hub_id", "acme/tree", "v1"),
        ("acme/_x", "hub_id", "acme/_x", None),
        ("gpt2", "bare_name", "gpt2", None),
        ("gpt2@v1", "bare_name", "gpt2", "v1"),
        ("Llama 3", "bare_name", "Llama 3", None),
        ("Qwen/-x", "bare_name", "Qwen/-x", None),
        ("Qwen/Qwen3--x", "bare_name", "Qwen/Qwen3--x", None),
        ("2505.09388", "arxiv_id", "2505.09388", None),
        ("0704.0001v2", "arxiv_id", "0704.0001v2", None),
        ("1412.6980", "arxiv_id", "1412.6980", None),
        ("1706.3762", "bare_name", "1706.3762", None),  # five digits since 2015
        ("1412.06980", "bare_name", "1412.06980", None),
        ("arXiv:2505.09388v2", "arxiv_id", "2505.09388v2", None),
        ("arxiv:hep-th/9901001", "arxiv_id", "hep-th/9901001", None),
        ("hep-th/9901001", "hub_id", "hep-th/9901001", None),
        ("2513.09388", "bare_name", "2513.09388", None),
        ("https://arxiv.org/abs/2505.09388v1", "arxiv_id", "2505.09388v1", None),
        ("10.48550/arXiv.2505.09388", "arxiv_id", "2505.09388", None),
        ("doi:10.48550/ARXIV.hep-th/9901001", "arxiv_id", "hep-th/9901001", None),
        ("https://doi.org/10.48550/arXiv.2505.09388", "arxiv_id", "2505.09388", None),
        ("doi.org/10.48550%2FarXiv.2505.09388", "arxiv_id", "2505.09388", None),
        ("10.48550/arXiv.2513.09388", "hub_id", "10.48550/arXiv.2513.09388", None),
        ("arxiv.org/pdf/2505.09388.pdf", "arxiv_id", "2505.09388", None),
        ("https://arxiv.org/html/math.GT/0309136", "arxiv_id", "math/0309136", None),
        ("https://huggingface.co/papers/2505.09388", "arxiv_id", "2505.09388", None),
        ("https://github.com/QwenLM/Qwen3", "github", "QwenLM/Qwen3", None),
        ("github.com/QwenLM/Qwen3.git", "github", "QwenLM/Qwen3", None),
        ("https://github.com/QwenLM/Qwen3/tree/v1.0/src", "github", "QwenLM/Qwen3", "v1.0"),
        ("https://github.com/QwenLM/Qwen3/releases/tag/v1.0", "github", "QwenLM/Qwen3", "v1.0"),
        ("https://github.com/QwenLM/Qwen3/issues/7", "github", "QwenLM/Qwen3", None),
        ("transformers:qwen3_moe", "transformers_type", "qwen3_moe", None),
        ("transformers:gpt-sw3", "transformers_type", "gpt-sw3", None),
        ("./gpt2", "path", "./gpt2", None),
        ("models/", "path", "models/", None),
        ("a/b/c", "path", "a/b/c", None),
        ("config.json", "path", "config.json", None),
        ("a/CONFIG.JSON", "path", "a/CONFIG.JSON", None),
        ("..", "path", "..", None),
        ("~/x", "path", "~/x", None),
        ("/tmp/a@b", "path", "/tmp/a@b", None),
    ],
)
def test_the_form_of_a_text_decides_what_it_is(text: str, kind: str, body: str, revision: str | None) -> None:
    assert classify(text) == ModelName(kind, body, revision)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "x" * (MAX_LENGTH + 1),
        "a\x00b",
        "a\nb",
        "a\x7fb",
        "\udc80",
        "transformers:",
        "transformers:../x",
        "transformers:a b",
        "Qwen/Qwen3@",
        "Qwen/Qwen3@a b",
        "Qwen/Qwen3@../..",
        "https://github.com/",
        "https://github.com/settings/profile",
        "https://github.com/Qwen",
        "https://gitlab.com/Qwen/Qwen3",
        "https://github.com/Qwen/Qwen3/pull/12",
        "https://arxiv.org/",
        "https://arxiv.org/list/cs.CL/new",
        "https://arxiv.org/abs/2505",
        "https://arxiv.org.evil.example/abs/2505.09388",
        "https://huggingface.co/",
        "https://huggingface.co/spaces/a/b",
        "https://huggingface.co/a/b/discussions/1",
        "https://huggingface.co/a/b/tree",
        "https://huggingface.co/a/tree/main/sub",
        "https://doi.org/10.1000/182",
        "git@gitlab.com:a/b.git",
        "https://huggingface.co/a/b/tree/..%2F..",
        "ftp://huggingface.co/a/b",
    ],
)
def test_what_cannot_be_a_model_is_refused_with_a_way_on(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        classify(text)
    assert refused.value.hint
    assert str(refused.value).isprintable() or "\n  " in str(refused.value)
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    "page, what",
    [
        ("spaces/a/b", "a Space"),
        ("Datasets/a/b", "a data set"),
        ("collections/a/b-1", "a collection"),
        ("blog/a", "a blog"),
    ],
)
@pytest.mark.parametrize("host", ["https://huggingface.co", "hf.co", "http://www.huggingface.co"])
def test_an_address_of_something_else_on_the_hub_is_called_what_it_is(host: str, page: str, what: str) -> None:
    with pytest.raises(UsageError, match=f"is the address of {what}.* on the Hub, not of a model"):
        classify(f"{host}/{page}")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hf_secret@huggingface.co/a/b",
        "https://hf_secret@huggingface.co/datasets/a",
        "https://x:hf_secret@gitlab.example/a/b",
        "https://huggingface.co/datasets/a?token=hf_secret",
        "https://gitlab.example/a/b#hf_secret",
        "acme/Lynx-1B@v1?token=hf_secret",
        "@v1?token=hf_secret",
    ],
)
def test_a_token_in_an_address_is_never_shown(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        classify(url)
    assert "hf_secret" not in str(refused.value.as_dict())


def test_a_folder_of_the_same_name_does_not_stand_in_for_a_model(tmp_path: Path) -> None:
    (tmp_path / "Qwen" / "Qwen3-0.6B").mkdir(parents=True)
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert classify("Qwen/Qwen3-0.6B").kind == "hub_id"
    finally:
        os.chdir(here)


def test_organisation_and_repository_are_the_sides_of_the_slash() -> None:
    assert (classify("Qwen/Qwen3-0.6B").organisation, classify("Qwen/Qwen3-0.6B").repository) == ("Qwen", "Qwen3-0.6B")
    assert (classify("gpt2").organisation, classify("gpt2").repository) == (None, "gpt2")


@pytest.mark.parametrize("text", ["Qwen3.5", "a_b-c.d", "Llama 3", "org/name"])
def test_names_of_allowed_characters_could_be_on_the_hub(text: str) -> None:
    assert why_no_hub_name(text) is None


@pytest.mark.parametrize(
    "text, said", [("a\u200bb", "ZERO WIDTH SPACE"), ("a;b", "';'"), ("a..b", "'..'"), ("a--b", "'--'")]
)
def test_a_name_that_no_repository_can_have_says_why(text: str, said: str) -> None:
    assert said in (why_no_hub_name(text) or "")


@pytest.mark.parametrize(
    ("path", "revision"),
    [
        ("tree/refs/pr/1", "refs/pr/1"),
        ("tree/refs%2Fpr%2F1", "refs/pr/1"),
        ("blob/refs/pr/1/config.json", "refs/pr/1"),
        ("blob/main/README.md", "main"),
        ("resolve/main/config.json?download=true", "main"),
        ("tree/v1.0/?library=transformers", "v1.0"),
    ],
)
def test_an_address_gives_the_whole_revision(path: str, revision: str) -> None:
    found = classify(f"https://huggingface.co/acme/Lynx-1B/{path}")
    assert (found.text, found.revision) == ("acme/Lynx-1B", revision)


@pytest.mark.parametrize(
    "path",
    ["blob/main/fp8/config.json", "tree/main/sub", "tree/feature/x", "?revision=v2", "tree/main?x=1&revision=v2"],
)
def test_an_address_of_a_part_or_of_an_unread_revision_is_refused_with_what_to_write(path: str) -> None:
    with pytest.raises(UsageError) as caught:
        classify(f"https://huggingface.co/acme/Lynx-1B/{path}")
    assert "acme/Lynx-1B@REVISION" in str(caught.value.hint)


@pytest.mark.parametrize(
    "text, kind, about",
    [
        ("export.arxiv.org/abs/2505.09388", "arxiv_id", "2505.09388"),
        ("ar5iv.org/abs/2505.09388", "arxiv_id", "2505.09388"),
        ("git@github.com:acme/Acme.git", "github", "acme/Acme"),
        ("ssh://git@github.com/acme/Acme.git", "github", "acme/Acme"),
        ("git@hf.co:acme/Acme", "hub_id", "acme/Acme"),
        ("git@hf.co:acme/Acme.git", "hub_id", "acme/Acme"),
        ("https://huggingface.co/acme/Acme.git", "hub_id", "acme/Acme"),
    ],
)
def test_addresses_that_tools_write_are_addresses(text: str, kind: str, about: str) -> None:
    name = classify(text)
    assert (name.kind, name.text) == (kind, about)


@pytest.mark.parametrize("text", ["@main", "@", "@acme/x"])
def test_a_revision_alone_is_told_as_that_and_not_as_a_path(text: str) -> None:
    with pytest.raises(UsageError, match="is a revision without the name of a model"):
        classify(text)


@pytest.mark.parametrize("endpoint", ["https://mirror.example", "https://mirror.example/hub", "http://127.0.0.1:8080"])
def test_an_address_at_the_endpoint_in_use_is_one_of_the_hub(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="is not the address of a model"):
        classify(f"{endpoint}/acme/Lynx-1B")
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    assert classify(f"{endpoint}/acme/Lynx-1B") == ModelName("hub_id", "acme/Lynx-1B", None)
    assert classify(f"{endpoint}/acme/Lynx-1B/blob/v1/config.json").revision == "v1"
    with pytest.raises(UsageError, match="a data set"):
        classify(f"{endpoint}/datasets/acme/Lynx")
    with pytest.raises(UsageError, match="is not the address of a model"):
        classify(f"{endpoint}.evil.example/acme/Lynx-1B")
