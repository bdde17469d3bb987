"""`PreTrainedConfig.validate_token_ids` only warns, but what it compares has to be numbers."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.interpreter.control import RaisedError
from archviz.pipeline import new_interpreter
from archviz.settings import Settings


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({"vocab_size": 10, "eos_token_id": 99}, False),
        ({"vocab_size": None, "eos_token_id": 99}, False),
        ({"vocab_size": "ten", "eos_token_id": 9}, True),
        ({"vocab_size": "ten", "eos_token_id": -1}, False),
        ({"vocab_size": "ten"}, False),
    ],
)
def test_only_what_cannot_be_compared_is_refused(values: dict[str, Any], refused: bool) -> None:
    interp = new_interpreter(Settings())
    config = interp.call(interp.import_name("transformers.configuration_utils", "PreTrainedConfig", None), [], {})
    for name, value in values.items():
        config.attrs[name] = value
    check = interp.get_attribute(config, "validate_token_ids")
    if refused:
        with pytest.raises(RaisedError, match="not supported between"):
            interp.call(check, [], {})
    else:
        interp.call(check, [], {})
