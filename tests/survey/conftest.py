"""The Hub, arXiv and GitHub on this machine, with one model that all three know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.lookup.conftest import arxiv as arxiv  # noqa: PLC0414 # the fixtures of the services
from tests.lookup.conftest import arxiv_data as arxiv_data  # noqa: PLC0414
from tests.lookup.conftest import github as github  # noqa: PLC0414
from tests.lookup.conftest import github_data as github_data  # noqa: PLC0414
from tests.lookup.conftest import github_raw as github_raw  # noqa: PLC0414
from tests.lookup.hub.conftest import hub as hub  # noqa: PLC0414
from tests.lookup.hub.loopback import LoopbackHub, Repository
from tests.lookup.hub.repositories import TINY

CARD = """---
license: mit
base_model: acme/Other-Base
---
- Number of Layers: 3
- Number of Parameters: 0.1B
See [report](https://arxiv.org/abs/2505.09388), [code](https://github.com/acme/Acme),
[vLLM](https://github.com/vllm-project/vllm), [blog](https://acme.example/blog/acme).
"""

README = """# Acme
Weights: [acme/Acme-1B](https://huggingface.co/acme/Acme-1B), [more](https://huggingface.co/acme/Sharded-1B),
[tuned](https://huggingface.co/other/Tuned-1B/tree/main), [data](https://huggingface.co/datasets/acme/Data).
[Report](https://arxiv.org/abs/2505.09388v2)
"""


@pytest.fixture
def services(hub: LoopbackHub, arxiv: Any, arxiv_data: Any, github: Any, github_data: Any) -> LoopbackHub:
    hub.repositories["acme/Acme-1B"] = Repository(
        {"config.json": json.dumps(TINY).encode(), "README.md": CARD.encode()},
        tags=[
            "arxiv:2505.09388",
            "license:apache-2.0",
            "base_model:acme/Acme-Base",
            "base_model:finetune:acme/Acme-Base",
        ],
        card={"license": "apache-2.0"},
    )
    arxiv_data.add("2505.09388", "Acme Technical Report", version="v2")
    arxiv_data.add("2410.00001", "GPT-4o System Card")
    github_data.add("other/first", {})
    github_data.add("acme/Acme", {"inference/model.py": "", "train.py": "", "README.md": README})
    github_data.add("someone/gpt-4o", {})
    github_data.renamed["oldacme/Acme"] = "acme/Acme"
    return hub
