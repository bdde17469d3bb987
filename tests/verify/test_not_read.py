"""What a pass did not read is told with the statements, so that no changed line is taken for proven."""

from __future__ import annotations

import ast

import pytest

from archviz.verify.report import Verification
from archviz.verify.size_tests import decided_by_pass, names_of_sizes
from tests.verify.models import claim_of, mutated, values, verified

OLD = "        # Fully Connected\n"


def told(found: Verification) -> set[str]:
    assert {claim.status for claim in found.claims if claim.key == "branch.not_read"} <= {"unverified"}
    return {str(claim.value) for claim in found.claims if claim.key == "branch.not_read"}


@pytest.mark.parametrize(
    "test", ["hidden_states.shape[1] > 4096", "hidden_states.dtype == torch.float16", "torch.cuda.is_available()",
             "os.environ.get('FAST') == '1'"],
)  # fmt: skip
@pytest.mark.parametrize("step", ["hidden_states = hidden_states * 2", "hidden_states = hidden_states * 3"])
def test_a_branch_that_sizes_or_the_machine_decide_is_told_with_its_steps(test: str, step: str) -> None:
    found = mutated("llama", OLD, f"        import os\n        if {test}:\n            {step}\n{OLD}")
    assert told(found) - told(verified("llama")) == {f"if {test}: {step}"}
    assert claim_of(found, "branch.not_read", "model.layers.{0-1}").evidence[0].text == f"if {test}:"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "match hidden_states.shape[1]:\n            case 4096: hidden_states = hidden_states * 2\n            case _: pass",
            {"match hidden_states.shape[1]: case 4096: hidden_states = hidden_states * 2"},
        ),
        (
            "match self.hidden_size:\n            case 7 if hidden_states.shape[1] > 4096: hidden_states = hidden_states * 2",
            {"match self.hidden_size: case 7 if hidden_states.shape[1] > 4096: hidden_states = hidden_states * 2"},
        ),
        ("match self.hidden_size:\n            case 7: hidden_states = hidden_states * 2", set()),
        (
            "match hidden_states.shape[1]:\n            case 4096: raise ValueError('long')\n            case _: pass",
            set(),
        ),
        (
            "parts = [each * 2 for each in hidden_states.unbind(1) if each.shape[0] > 4096]",
            {"each * 2 for each in hidden_states.unbind(1) if each.shape[0] > 4096"},
        ),
        ("parts = [each * 2 for each in hidden_states.unbind(1) if each.shape[0] < 4096]", set()),
        (
            "parts = {i: hidden_states * i for i in range(hidden_states.shape[1] // 4096)}",
            {"for i in range(hidden_states.shape[1] // 4096): i: hidden_states * i"},
        ),
        (
            "parts = sum(hidden_states * i for i in range(hidden_states.shape[0]))",
            {"for i in range(hidden_states.shape[0]): the second round of hidden_states * i"},
        ),
        ("first = next(hidden_states * i for i in range(hidden_states.shape[1]))", set()),
        ("parts = [hidden_states * i for i in range(2)]", set()),
    ],
)
def test_cases_and_clauses_that_sizes_decide_are_told(statement: str, expected: set[str]) -> None:
    found = mutated("llama", OLD, f"        {statement}\n{OLD}")
    assert told(found) - told(verified("llama")) == expected


def test_what_follows_an_early_return_is_told() -> None:
    old = "        return hidden_states\n\n\n@auto_docstring\nclass LlamaPreTrainedModel"
    new = "        if hidden_states.size(1) < 4096:\n            return hidden_states\n        return hidden_states * 2\n\n\n@auto_docstring\nclass LlamaPreTrainedModel"
    assert "unless hidden_states.size(1) < 4096: return hidden_states * 2" in told(mutated("llama", old, new))


def test_what_the_model_itself_decides_is_not_told() -> None:
    assert told(verified("llama")) == set()
    assert told(verified("qwen3_moe")) == set()


def test_a_second_round_over_chunks_is_told_and_what_is_handed_to_it() -> None:
    kept = values(verified("kimi_linear"), "mixer.unread")
    old = "last_recurrent_state * g_i[:, :, -1].exp()"
    found = mutated("kimi_linear", old, old.replace("-1", "0"))
    assert set(values(found, "mixer.unread")) == set(kept) == {"model.layers.{0-2}.self_attn"}
    assert values(found, "mixer.unread") != kept
    assert any(each.startswith("for i in range(") and ": the second round of" in each for each in told(found))


def test_experts_are_told_to_be_one_of_each_hit() -> None:
    formula = str(claim_of(verified("qwen3_moe"), "module.formula", "model.layers.{0-1}.mlp.experts").value)
    rounds = "; once for each expert_idx in expert_hit, but where expert_idx == self.num_experts"
    assert formula.endswith(rounds)
    old = "if expert_idx == self.num_experts:\n                continue"
    found = mutated("qwen3_moe", old, old.replace("== self.num_experts", "== 0"))
    changed = str(claim_of(found, "module.formula", "model.layers.{0-1}.mlp.experts").value)
    assert changed.endswith("but where expert_idx == 0")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("n = x.shape[1]\nif n > 4: pass", True),
        ("b, n, *rest = x.size()\nm = n // 2\nif m: pass", True),
        ("n = len(x)\nif self.window < n: pass", True),
        ("if seq_len > self.longest: pass", True),
        ("if self.layer_idx > 3: pass", False),
        ("y = x.view(x.shape[0], -1)\nif y is not None: pass", False),
        ("if self.config.act == 'silu' and not self.training: pass", False),
        ("if isinstance(x, tuple) or hasattr(x, 'shape'): pass", False),
        ("if past is None: pass", False),
        ("if is_torch_greater_or_equal('2.9'): pass", True),
    ],
)
def test_tests_that_a_pass_decides(code: str, expected: bool) -> None:
    body = ast.parse(code).body
    branch = body[-1]
    assert isinstance(branch, ast.If)
    assert decided_by_pass(branch.test, names_of_sizes(body)) is expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("hidden_states = hidden_states.shape[1] > 2048 and -hidden_states or hidden_states",
         "-hidden_states if hidden_states.shape[1] > 2048"),
        ("hidden_states = hidden_states.shape[1] < 2048 and hidden_states or -hidden_states",
         "-hidden_states unless hidden_states.shape[1] < 2048 and hidden_states"),
        ("while hidden_states.shape[1] > 4096:\n            hidden_states = hidden_states[:, ::2]",
         "while hidden_states.shape[1] > 4096: hidden_states = hidden_states[:, ::2]"),
        ("try:\n            hidden_states[:, 4096]\n            hidden_states *= -1\n        except IndexError:\n            pass",
         "unless IndexError: hidden_states[:, 4096]; hidden_states *= -1"),
        ("try:\n            hidden_states[:, 3]\n        except IndexError:\n            hidden_states = -hidden_states",
         "if IndexError: hidden_states = -hidden_states"),
    ],
)  # fmt: skip
def test_operands_while_loops_and_attempts_that_sizes_decide_are_told(code: str, expected: str) -> None:
    found = mutated("llama", OLD, f"        {code}\n{OLD}")
    assert told(found) - told(verified("llama")) == {expected}


@pytest.mark.parametrize(
    "code",
    [
        "if hidden_states.shape[1] > 2048 and self.training:\n            pass",
        "hidden_states = position_ids is None and -hidden_states or hidden_states",
        "try:\n            self.missing\n        except AttributeError:\n            hidden_states = hidden_states * 2",
    ],
)
def test_what_the_model_decides_in_an_operand_or_an_attempt_is_not_told(code: str) -> None:
    assert told(mutated("llama", OLD, f"        {code}\n{OLD}")) == set()


def test_what_sizes_exchange_in_a_model_is_told_and_its_mask_is_not_verified() -> None:
    found = verified("big_bird")
    place = "bert.encoder.layer.{0}.attention"
    assert "self.set_attention_type('original_full')" in str(claim_of(found, "branch.exchanges").value)
    assert claim_of(found, "attention.mask", place).status == "unverified"
    assert claim_of(found, "norm.placement").status == "verified"
    full = mutated("big_bird", "seq_length <= max_tokens_to_attend:", "seq_length > max_tokens_to_attend:")
    assert values(full, "branch.exchanges") == {}


def test_a_mask_that_is_made_only_where_one_is_given_leaves_what_is_seen_unverified() -> None:
    found = verified("aimv2")
    assert any(
        words.startswith("if attention_mask is not None: attention_mask = create_causal_mask(") for words in told(found)
    )
    masks = {claim.scope: claim.status for claim in found.claims if claim.key == "attention.mask"}
    assert {status for scope, status in masks.items() if scope.startswith("text_model")} == {"unverified"}
    assert {status for scope, status in masks.items() if scope.startswith("vision_model")} == {"verified"}
