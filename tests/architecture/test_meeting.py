from __future__ import annotations

import pytest

from archviz.architecture.model import MEETING
from archviz.descriptions import describe
from archviz.figure import draw_view
from archviz.settings import Settings

OFFLINE = Settings(offline=True)


@pytest.mark.parametrize(
    ("model", "steps"),
    [
        ("openai/clip-vit-base-patch32", ["L2 norm", "L2 norm", "Matrix product", "× exp(logit_scale)"]),
        (
            "transformers:siglip",
            ["L2 norm", "L2 norm", "Matrix product", "× exp(logit_scale)", "+ logit_bias"],
        ),
    ],
)
def test_two_towers_meet_in_a_similarity(model: str, steps: list[str]) -> None:
    graph = describe(model, settings=OFFLINE).block(MEETING)
    assert graph is not None
    assert [node.label for node in graph.nodes if node.role not in ("input", "output")] == steps
    assert [node.label for node in graph.nodes if node.role == "input"] == ["Text encoder", "Vision encoder"]


@pytest.mark.parametrize("model", ["openai/whisper-tiny", "google-t5/t5-small", "openai-community/gpt2"])
def test_towers_that_feed_each_other_or_stand_alone_do_not(model: str) -> None:
    assert describe(model, settings=OFFLINE).block(MEETING) is None


def test_the_overview_draws_one_box_over_both_towers() -> None:
    display, findings = draw_view(describe("openai/clip-vit-base-patch32", settings=OFFLINE))
    ids = [group.id for group in display.groups()]
    assert ids.count(f"summit/{MEETING}") == 1
    assert [f"summit/{MEETING}/in-{number}" in ids for number in (0, 1)] == [True, True]
    assert f"inset/{MEETING}" in ids
    assert not [finding for finding in findings if finding.severity == "hard"]
