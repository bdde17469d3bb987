"""Models that refuse the first inputs of a pass are given others, as their refusal asks for, and read to the end."""

from __future__ import annotations

import pytest

from tests.verify.models import only, verified


@pytest.mark.parametrize(
    "model_type",
    [
        "seggpt",  # images half as high, of which it puts two together
        "kyutai_speech_to_text",  # a token for each codebook
        "qwen3_asr_encoder",  # a mask of sound with numbers
        "speecht5",  # the decoder's twin of the encoder's input
        "minicpm_ocr_vision",  # rows and columns of patches
        "muse_glimmer_assistant",  # a mask as wide as the keys
        "vibevoice_acoustic_tokenizer_encoder",  # more samples than a kernel has
        "depth_pro",  # a larger image
        "rf_detr",  # more tokens than are chosen
        "tvp",  # the size that a prompt has
    ],
)
def test_a_pass_that_was_refused_is_mended(model_type: str) -> None:
    assert verified(model_type).claims


def test_what_a_mended_pass_shows_is_told() -> None:
    found = verified("kyutai_speech_to_text")
    assert only(found, "norm.kind") == "RMSNorm"
    assert only(found, "attention.mask") == "causal"  # the window that layers keep is read by none
