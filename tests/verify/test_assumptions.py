"""What a pass takes for granted is told by `verify`, and claims that rest on it are not verified."""

from __future__ import annotations

from archviz.verify.report import verification_text
from tests.verify.models import claim_of, mutated, verified

OLD = "        # Fully Connected\n"
NEW = "        if hidden_states.abs().max() > 100:\n            hidden_states = hidden_states * 0.5\n" + OLD
TAKEN = "a test on numbers in a tensor is taken as true"


def test_a_claim_behind_a_test_on_numbers_is_not_verified() -> None:
    found = mutated("llama", OLD, NEW)
    (own,) = [each for each in found.assumed if each.module.startswith("model.layers.")]
    assert own.what == TAKEN
    for key in ("layer.formula", "residual.skip_scale"):
        claim = claim_of(found, key)
        assert claim.status == "unverified"
        assert (claim.evidence[-1].where, claim.evidence[-1].text) == (str(own.at), TAKEN)
    assert "· 0.5" in str(claim_of(found, "layer.formula").value)


def test_claims_elsewhere_stay_verified() -> None:
    found = mutated("llama", OLD, NEW)
    kept = ("attention.formula", "feed_forward.formula", "model.formula")
    assert {claim.status for claim in found.claims if claim.key in kept} == {"verified"}
    assert claim_of(verified("llama"), "layer.formula").status == "verified"


def test_assumptions_are_listed() -> None:
    found = mutated("llama", OLD, NEW)
    rows = found.as_dict()["assumed"]
    assert isinstance(rows, list)
    assert rows[-1] == {"module": "model.layers.0", "what": TAKEN, "at": str(found.assumed[-1].at)}
    assert f"assumed: {TAKEN} ({found.assumed[-1].at})\n" in verification_text(found)
