"""Numbers that the configuration states and the code uses: once the code uses another one, or none, the claim follows the code."""

from __future__ import annotations

import pytest

from tests.verify.models import mutated, only, values, verified

ROOT = "variance + self.variance_epsilon"
SCORES = "    if softcap is not None:\n        attn_weights = attn_weights / softcap"
LOGITS = "if self.config.final_logit_softcapping is not None:"


def test_the_epsilon_of_a_norm_is_the_one_that_its_steps_add() -> None:
    assert only(verified("llama"), "norm.eps") == 1e-6
    assert only(mutated("llama", ROOT, "variance + 1e-3"), "norm.eps") == 1e-3
    assert only(mutated("llama", ROOT, "variance.clamp(min=1e-4)"), "norm.eps") == 1e-4


def test_a_norm_that_adds_nothing_has_no_epsilon() -> None:
    assert values(mutated("llama", ROOT, "variance"), "norm.eps") == {}


def test_a_softcap_of_the_scores_is_the_one_that_the_pass_applies() -> None:
    assert only(verified("gemma2"), "attention.softcap") == 50
    assert values(mutated("gemma2", SCORES, SCORES.replace("softcap is not None", "False")), "attention.softcap") == {}
    other = mutated("gemma2", "attn_weights * softcap", "attn_weights * 30.0")
    assert only(other, "attention.softcap") == 30


def test_a_softcap_that_divides_by_another_number_scales_too() -> None:
    found = mutated("gemma2", "attn_weights / softcap", "attn_weights / 25.0")
    assert only(found, "attention.softcap") == 50
    assert only(found, "attention.scale") == pytest.approx(2 * float(str(only(verified("gemma2"), "attention.scale"))))


@pytest.mark.parametrize(("change", "caps"), [("if False:", {}), (f"{LOGITS} # as it was", {"": 30})])
def test_a_softcap_of_the_logits_is_the_one_that_the_pass_applies(change: str, caps: dict[str, object]) -> None:
    assert values(mutated("gemma2", LOGITS, change), "logits.softcap") == caps
