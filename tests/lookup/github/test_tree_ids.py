"""The id of a tree from its listing: as git reckons it, on a reply that GitHub gave."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.lookup.github.tree_ids import tree_id

# what GitHub answered on /repos/jacquev6/PyGithub/git/trees/f492784d8ca837779650d1fb406a1a3587a764ad
RECORDED = [
    (".gitignore", "100644", "8a9af1462c3f4e3358315c2d2e6ef1e7334c59dd"),
    ("Design.md", "100644", "7863d93a3ef3700fd05d2e0e6b9c1b5161c4572b"),
    ("IntegrationTest.py", "100644", "82be8f1b97c4cfb005ad9ce8b8215c2f71470630"),
    ("ReadMe.md", "100644", "8da6802f0b9d4acd1945440053dfd6be3ee80c95"),
    ("ReferenceOfApis.md", "100644", "3ee24565835d6a352e0ce37b1f2413572f55e368"),
    ("ReferenceOfClasses.md", "100644", "af9d09559eb6dae86af23b81e6ddcebfa4dc37e6"),
    ("ReplayDataForIntegrationTest", "040000", "60b4602b2c2070246c5df078fb7a5150b45815eb"),
    ("RoadMap.md", "100644", "61cfa6bc84a562c134770b1e10445e7b810dbc26"),
    ("github", "040000", "929f19535e74d80fb117aa021742ce2556ddc9a2"),
    ("run_tests.sh", "100644", "9532bcaa5fcc0a9d3678b3e4fd05688e32d2a321"),
    ("setup.py", "100644", "53bce9fa919b4544e67275089b3ec5b44be20667"),
]


def rows() -> list[dict[str, Any]]:
    return [
        {"path": path, "mode": mode, "type": "tree" if mode == "040000" else "blob", "sha": sha}
        for path, mode, sha in RECORDED
    ]


def test_a_recorded_listing_has_the_id_that_it_was_asked_by() -> None:
    assert tree_id(rows()) == "f492784d8ca837779650d1fb406a1a3587a764ad"
    assert tree_id(rows()[::-1]) == tree_id(rows())


def test_what_is_in_folders_does_not_count_again() -> None:
    inside = {"path": "github/x.py", "mode": "100644", "type": "blob", "sha": "0" * 40}
    assert tree_id([*rows(), inside]) == tree_id(rows())


def test_one_entry_more_is_another_tree() -> None:
    more = {"path": "x.py", "mode": "100644", "type": "blob", "sha": "0" * 40}
    assert tree_id([*rows(), more]) not in (tree_id(rows()), None)


@pytest.mark.parametrize("bad", [7, None, [7], [{}], [{"path": "x", "mode": "100644", "sha": "x"}], [{"path": "x"}]])
def test_a_listing_that_tells_less_has_no_id(bad: object) -> None:
    assert tree_id(bad) is None
