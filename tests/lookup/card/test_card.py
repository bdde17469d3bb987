"""Model cards: front matter, links, statements, text; hostile ones at a bounded cost."""

from __future__ import annotations

import time

import pytest

from archviz.lookup.card.card import parse_card, parse_front, plain_text
from archviz.lookup.card.pages import may_be_read
from archviz.lookup.card.stated import Statement, agrees, find_statements

CARD = """---
license: other
license_name: acme-community   # a comment
license_link: https://huggingface.co/acme/Acme-V2/blob/main/LICENSE
base_model:
- acme/Acme-V2-Base
tags: [moe, "text"]
model-index:
- name: x
  results: 3
---

# Acme-V2
<a href="https://acme.example/blog/acme-v2" target="_blank"><img src="https://img.example/logo.svg"></a>
- Number of Parameters: 235B in total and 22B activated
- Number of Layers: 94
- Number of Experts: 128
- Number of Activated Experts: 8
Read the [technical report](https://arxiv.org/abs/2505.09388v1), [GitHub](https://github.com/acme/Acme-V2/tree/main/src),
the [PDF](https://acme.example/report.pdf). ![badge](https://img.shields.io/x.svg) [![d](https://x.example/y.png)](https://discord.gg/x)
```
url={https://arxiv.org/abs/2505.09388},
```
"""


def test_front_matter_links_statements_and_text_are_read() -> None:
    card = parse_card(CARD)
    assert (card.licence, card.base_models) == ("acme-community", ("acme/Acme-V2-Base",))
    assert [(link.kind, link.key) for link in card.links if link.kind != "other"] == [
        ("blog", "https://acme.example/blog/acme-v2"),
        ("paper", "2505.09388"),
        ("repository", "acme/acme-v2"),
        ("report", "https://acme.example/report.pdf"),
    ]
    assert {each.key: each.value for each in card.statements} == {
        "total": 235e9,
        "active": 22e9,
        "layers": 94,
        "experts": 128,
        "experts_per_token": 8,
    }
    assert "technical report" in card.text
    assert "https://" not in card.text.replace("url=", "")


@pytest.mark.parametrize(
    "front, found",
    [
        ("license: mit", {"license": ("mit",)}),
        ("license: 'apache-2.0'\r", {"license": ("apache-2.0",)}),
        ("base_model: [a/b, c/d]", {"base_model": ("a/b", "c/d")}),
        ("base_model:\n  - a/b\n  - c/d", {"base_model": ("a/b", "c/d")}),
        ("a: |\n  text\nb: 1", {"a": (), "b": ("1",)}),
        ("not yaml at all", {}),
        ("a: &x !!python/object:os.system b", {"a": ("&x !!python/object:os.system b",)}),
    ],
)
def test_front_matter_is_read_as_text(front: str, found: dict[str, tuple[str, ...]]) -> None:
    assert parse_front(front) == found


@pytest.mark.parametrize("text", ["", "---", "---\n", "---\nlicense: mit", "# only text", "\x00---\n", "---\n---\n"])
def test_a_card_without_front_matter_is_a_card(text: str) -> None:
    assert parse_card(text).licence is None


@pytest.mark.parametrize(
    "line, key, value",
    [
        ("**Parameters:** 7.6B", "total", 7.6e9),
        ("| Total Parameters | 671B |", "total", 671e9),
        ("| Activated Params | 37B |", "active", 37e9),
        ("Number of Layers: 28", "layers", 28),
        ("Hidden Dimension: 7,168", "hidden_size", 7168),
        ("1.2 trillion are activated", "active", 1.2e12),
    ],
)
def test_sizes_are_read_from_lines_that_say_what_they_are(line: str, key: str, value: float) -> None:
    (found,) = find_statements(plain_text(line))
    assert (found.key, found.value) == (key, value)


@pytest.mark.parametrize(
    "line", ["We use 8 GPUs", "trained on 15T tokens", "layers: many", "Number of Parameters (Non-Embedding): 234B"]
)
def test_other_numbers_are_not_taken_for_sizes(line: str) -> None:
    assert find_statements(line) == ()


@pytest.mark.parametrize(
    "stated, actual, same",
    [
        (Statement("total", 235e9, 3, ""), 235_093_634_560, True),
        (Statement("total", 7e9, 1, ""), 7_615_616_512, True),
        (Statement("total", 235e9, 3, ""), 253e9, False),
        (Statement("layers", 94, 2, ""), 94, True),
        (Statement("layers", 94, 2, ""), 95, False),
    ],
)
def test_a_statement_agrees_within_its_own_digits(stated: Statement, actual: float, same: bool) -> None:
    assert agrees(stated, actual) is same


@pytest.mark.parametrize(
    "url, allowed",
    [
        ("https://qwenlm.github.io/blog/qwen3/", True),
        ("https://qwenlm.github.io:8443/blog/", False),
        ("http://qwenlm.github.io/blog/qwen3/", False),
        ("https://evil.example/blog/", False),
        ("https://qwenlm.github.io.evil.example/", False),
        ("https://user@qwenlm.github.io/", False),
        ("https://127.0.0.1/", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("https://acme.example/blog/", True),
        ("https://10.0.0.1/", False),
    ],
)
def test_pages_are_read_on_publishers_hosts_and_named_ones_only(
    url: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHVIZ_PAGE_HOSTS", "acme.example, 10.0.0.1, bad/host, localhost")
    assert may_be_read(url) is allowed


@pytest.mark.parametrize(
    "part", ["[", "<a ", "```", "<!--", "https://", "![a](", "<script", "_*", "- a: b\n", "[a](http://"]
)
def test_hostile_cards_cost_a_bounded_time(part: str) -> None:
    began = time.process_time()
    parse_card("---\n" + part * (400_000 // len(part)))
    parse_card(part * (400_000 // len(part)))
    assert time.process_time() - began < 3.0


def test_a_host_that_only_ends_like_another_is_a_link() -> None:
    hosts = ("www.minimax.com", "research.xerox.com", "x.com", "twitter.com")
    card = parse_card(" ".join(f"[a](https://{host}/blog/m1)" for host in hosts))
    assert [link.url.split("/")[2] for link in card.links] == ["www.minimax.com", "research.xerox.com"]
