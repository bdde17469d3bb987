"""Resources, prompts, completions, the skill, the app, and the question to the user: through the real client, in both eras."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp.client.extension import advertise
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult, PromptReference, ResourceTemplateReference

from archviz.service.prompts import prepare_for_estimator
from archviz.service.resources import MODEL_TEMPLATE, PART_TEMPLATE, PARTS, REFERENCE_TEMPLATE
from archviz.service.skill import SkillFiles, skill_folder
from archviz.service.tools.files import PAGE_KEY

ROOT = Path(__file__).parents[2]
Ask = Callable[..., Any]
APPS = "io.modelcontextprotocol/ui"
SHOWS_APPS = [advertise(APPS, {"mimeTypes": ["text/html;profile=mcp-app"]})]
pytestmark = pytest.mark.usefixtures("fake_pipeline")


def read(uri: str) -> Callable[[Any], Any]:
    return lambda client: client.read_resource(uri)


# --- resources ---


def test_pages_schema_and_skill_are_listed_and_each_can_be_read(ask: Ask) -> None:
    async def talk(client: Any) -> dict[str, Any]:
        listed = (await client.list_resources()).resources
        return {item.uri: (item, (await client.read_resource(item.uri)).contents[0]) for item in listed}

    found = ask(talk)
    assert {"archviz://schema", "archviz://references/server.md", "ui://archviz/viewer.html"} <= set(found)
    for uri, (listed, content) in found.items():
        assert content.mime_type == listed.mime_type, uri
        assert content.text
    assert json.loads(found["archviz://schema"][1].text)["$schema"]


def test_a_model_in_short_leads_to_its_parts(ask: Ask, fake_pipeline: Any, architecture_of: Callable[..., Any]) -> None:
    fake_pipeline.architecture = architecture_of(gaps=1)
    content = ask(read("archviz://model/acme%2FSmall-1B")).contents[0]
    data = json.loads(content.text)
    assert data["summary"]["parameters"]["total"] == 1000
    assert (data["model"], data["gaps_total"], len(data["gaps"])) == ("acme/Small-1B", 1, 1)
    assert set(data["resources"]) == set(PARTS)
    assert data == json.loads(ask(read("archviz://model/acme/Small-1B")).contents[0].text)


async def read_pages(client: Any, uri: str | None) -> str:
    """A text from the page at an address to its end."""
    whole = ""
    while uri is not None:
        content = (await client.read_resource(uri)).contents[0]
        whole += content.text
        uri = (content.meta or {}).get("next")
    return whole


def test_a_long_part_is_read_in_pages_that_name_the_next(
    ask: Ask, fake_pipeline: Any, architecture_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_pipeline.architecture = architecture_of(tensors=300)
    monkeypatch.setattr("archviz.service.resources.PAGE_BYTES", 2_000)

    rows = ask(lambda client: read_pages(client, "archviz://model/acme%2FSmall-1B/tensors"))
    assert len(rows.splitlines()) == 300
    text = ask(lambda client: read_pages(client, "archviz://model/acme%2FSmall-1B/architecture"))
    assert json.loads(text)["identity"]["id"] == "acme/Small-1B"


def test_a_written_text_and_the_schema_are_read_in_pages(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, fake_pipeline: Any
) -> None:
    monkeypatch.setattr("archviz.service.resources.PAGE_BYTES", 500)

    async def talk(client: Any) -> tuple[str, list[str]]:
        drawn = await client.call_tool("draw_architecture", {"model": "acme/Small-1B", "formats": ["svg"]})
        uri = next(item.uri for item in drawn.content if item.type == "resource_link")
        whole = (await client.read_resource(uri)).contents[0].text
        return whole, [await read_pages(client, f"{uri}?offset=0"), await read_pages(client, "archviz://schema")]

    whole, (paged, schema) = ask(talk)
    assert (paged, whole[:4]) == (whole, "<svg")
    assert json.loads(schema)["$id"] == "urn:archviz:1"


def test_the_figure_of_a_model_is_a_resource(ask: Ask) -> None:
    content = ask(read("archviz://model/acme%2FSmall-1B/figure")).contents[0]
    assert (content.mime_type, content.text[:4]) == ("image/svg+xml", "<svg")


@pytest.mark.parametrize(
    "uri",
    [
        "archviz://model/acme%2FSmaller",
        "archviz://model/..%2F..%2Fetc%2Fpasswd",
        "archviz://model/%2Fetc%2Fpasswd/architecture",
        "archviz://model/~%2Fx",
        "archviz://model/a/b/c/d",
        "archviz://model/",
        "archviz://model/acme%2FSmall-1B/tensors?offset=x",
        "archviz://model/acme%2FSmall-1B/tensors?offset=99999999",
        "archviz://model/acme%2FSmall-1B/figure?offset=3",
        "archviz://schema?offset=",
        "archviz://references/server.md?offset=9999999",
        "archviz://model/acme%2FSmall-1B%00",
        "archviz://references/../SKILL.md",
        "archviz://references/..%2F..%2Fpyproject.toml",
        "archviz://files/../x.svg",
        "archviz://files/a/b/c/d/e.svg",
        "archviz://files/x.exe",
        "archviz://nothing",
        "archviz://" + "x" * 700,
        "skill://model-architecture-visualizer/../pyproject.toml",
        "skill://other/SKILL.md",
        "file:///etc/passwd",
        "ui://archviz/other.html",
    ],
)
def test_what_is_no_resource_is_an_error_that_says_so(ask: Ask, uri: str) -> None:
    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        ask(read(uri))
    error = caught.value
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, MCPError)
    assert error.code == -32602
    assert str(ROOT) not in str(error)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("archviz://references/nope.md", "there is no resource archviz://references/nope.md"),
        ("skill://x/SKILL.md", "the skill has no file"),
        ("archviz://files/a%00.md", "control characters"),
        ("archviz://" + "x" * 700, "over-long"),
        ("archviz://model/acme%2FSmall-1B/nope", f"one of {', '.join(PARTS)}"),
    ],
)
def test_an_address_that_names_nothing_is_no_question_of_the_models_name(ask: Ask, uri: str, told: str) -> None:
    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        ask(read(uri))
    error = caught.value
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    assert told in str(error)
    assert "resources/templates/list" in str(error)
    assert "exact name" not in str(error)


# --- prompts and completions ---


def test_four_prompts_name_the_tools_in_their_order(ask: Ask) -> None:
    async def talk(client: Any) -> dict[str, str]:
        listed = (await client.list_prompts()).prompts
        texts = {}
        for prompt in listed:
            arguments = {argument.name: f"<{argument.name}>" for argument in prompt.arguments}
            got = await client.get_prompt(prompt.name, arguments)
            texts[prompt.name] = got.messages[0].content.text
            assert all(value in texts[prompt.name] for value in arguments.values())
        return texts

    texts = ask(talk)
    assert list(texts) == ["draw_model", "verify_claim", "compare_models", "prepare_for_estimator"]
    assert all("resolve_model" in text for text in texts.values())


def test_the_estimators_prompt_stops_three_times_before_anything_is_saved() -> None:
    text = prepare_for_estimator("Qwen3.5", "layers")
    assert text.count("CHECKPOINT") == 3
    order = [
        "kind=validation",
        "CHECKPOINT 1",
        "save=nothing",
        "CHECKPOINT 2",
        "save=configuration",
        "CHECKPOINT 3",
        "save=gap_reports",
    ]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def complete(ref: Any, name: str, value: str) -> Callable[[Any], Any]:
    return lambda client: client.complete(ref, {"name": name, "value": value})


def test_ids_of_models_are_completed_by_what_was_typed_of_them(ask: Ask) -> None:
    template = ResourceTemplateReference(type="ref/resource", uri=MODEL_TEMPLATE)
    values = ask(complete(template, "id", "Qwen/Qwen3.5")).completion.values
    assert values == ["Qwen/Qwen3.5-27B", "Qwen/Qwen3.5-397B-A17B"]
    assert "Qwen/Qwen3.5-27B" in ask(complete(template, "id", "qwen3.5-2")).completion.values
    everything = ask(complete(template, "id", "")).completion
    assert (len(everything.values), everything.has_more) == (100, True)
    prompt = PromptReference(type="ref/prompt", name="compare_models")
    assert ask(complete(prompt, "second", "openai/gpt-oss-20")).completion.values == ["openai/gpt-oss-20b"]
    assert ask(complete(PromptReference(type="ref/prompt", name="verify_claim"), "claim", "Q")).completion.values == []
    part = ResourceTemplateReference(type="ref/resource", uri=PART_TEMPLATE)
    assert ask(complete(part, "part", "ten")).completion.values == ["tensors"]


@pytest.mark.parametrize(
    ("prompt", "argument", "typed"),
    [("nothing", "model", "Qwen"), ("draw_model", "first", "Qwen"), ("draw_model", "name", "Q" * 100_000)],
)
def test_what_no_prompt_takes_is_not_completed(ask: Ask, prompt: str, argument: str, typed: str) -> None:
    ref = PromptReference(type="ref/prompt", name=prompt)
    assert ask(lambda client: client.complete(ref, {"name": argument, "value": typed})).completion.values == []


def test_references_are_completed_by_name(ask: Ask) -> None:
    ref = ResourceTemplateReference(type="ref/resource", uri=REFERENCE_TEMPLATE)
    found = ask(lambda client: client.complete(ref, {"name": "name", "value": "serv"})).completion.values
    assert found[0] == "server.md"


def test_a_model_that_was_read_before_is_offered_first(ask: Ask) -> None:
    async def talk(client: Any) -> list[str]:
        await client.call_tool("describe_architecture", {"model": "acme/Small-1B"})
        template = ResourceTemplateReference(type="ref/resource", uri=MODEL_TEMPLATE)
        return list((await client.complete(template, {"name": "id", "value": ""})).completion.values)

    assert ask(talk)[0] == "acme/Small-1B"


# --- the skill ---


def test_the_skills_files_are_stated_with_their_digests_and_can_be_read(ask: Ask) -> None:
    skill = SkillFiles(skill_folder())
    entry = skill.entry
    assert entry["uri"] == f"skill://{entry['frontmatter']['name']}/SKILL.md"
    head = (ROOT / "SKILL.md").read_text("utf-8").split("---\n")[1]
    assert entry["frontmatter"] == yaml.safe_load(head)
    for stated in entry["resources"]:
        text = ask(read(stated["uri"])).contents[0].text.encode()
        assert stated["digest"] == f"sha256:{hashlib.sha256(text).hexdigest()}"
        assert stated["size"] == len(text)


# --- the app ---


def test_a_host_that_shows_apps_is_given_the_page_and_others_are_not(ask: Ask) -> None:
    figure = {"model_name": "m", "stages": []}
    drawn = ask(lambda client: client.call_tool("draw_architecture", {"figure": figure}), extensions=SHOWS_APPS)
    plain = ask(lambda client: client.call_tool("draw_architecture", {"figure": figure}))
    assert PAGE_KEY not in (plain.meta or {})
    assert [file["format"] for file in drawn.structured_content["files"]] == ["png", "svg", "html"]
    assert drawn.meta[PAGE_KEY] == "<!DOCTYPE html>"
    assert PAGE_KEY not in json.dumps(drawn.structured_content) + drawn.content[0].text


def test_the_apps_page_is_whole_and_asks_nobody(ask: Ask) -> None:
    tools = ask(lambda client: client.list_tools()).tools
    uris = {tool.meta["ui"]["resourceUri"] for tool in tools if tool.meta}
    assert uris == {"ui://archviz/viewer.html"}
    content = ask(read("ui://archviz/viewer.html")).contents[0]
    assert content.mime_type == "text/html;profile=mcp-app"
    assert "/* shim.js */" not in content.text
    assert "ui/initialize" in content.text
    assert "http://" not in content.text
    assert "https://" not in content.text


# --- the question to the user ---


def asking(answer: ElicitResult, questions: list[Any]) -> Callable[..., Any]:
    async def callback(context: Any, parameters: Any) -> ElicitResult:
        questions.append(parameters)
        return answer

    return callback


def resolve(name: str) -> Callable[[Any], Any]:
    return lambda client: client.call_tool("resolve_model", {"name": name})


def test_a_user_who_can_be_asked_chooses_among_the_candidates(ask: Ask) -> None:
    questions: list[Any] = []
    chosen = ElicitResult(action="accept", content={"model_id": "Qwen/Qwen3.5-27B"})
    answer = ask(resolve("Qwen3.5"), elicitation_callback=asking(chosen, questions)).structured_content
    assert (answer["status"], answer["model_id"]) == ("exact", "Qwen/Qwen3.5-27B")
    assert "The user chose it" in answer["notes"][-1]
    assert len(questions) == 1
    schema = questions[0].requested_schema
    assert schema["properties"]["model_id"]["enum"] == ["Qwen/Qwen3.5-27B", "Qwen/Qwen3.5-397B-A17B"]


@pytest.mark.parametrize("action", ["decline", "cancel"])
def test_a_user_who_does_not_choose_leaves_it_ambiguous(ask: Ask, action: Any) -> None:
    callback = asking(ElicitResult(action=action), [])
    answer = ask(resolve("Qwen3.5"), elicitation_callback=callback).structured_content
    assert answer["status"] == "ambiguous"
    assert "model_id" not in answer


@pytest.mark.parametrize("content", [{"model_id": "Qwen/Other"}, {"model_id": 7}, None])
def test_an_answer_that_is_none_of_the_candidates_is_an_error_as_data(ask: Ask, content: Any) -> None:
    callback = asking(ElicitResult(action="accept", content=content), [])
    answer = ask(resolve("Qwen3.5"), elicitation_callback=callback)
    assert answer.is_error
    assert answer.structured_content["error"] == "usage"
    assert "exact id" in answer.structured_content["hint"]
    assert answer.structured_content["next"]
    assert "archviz.service" not in answer.content[0].text


@pytest.mark.parametrize("name", ["Qwen/Qwen3.5-27B", "Qwen/Qwen3.5-400B"])
def test_nobody_is_asked_where_the_name_is_exact_or_unknown(ask: Ask, name: str) -> None:
    questions: list[Any] = []
    never = asking(ElicitResult(action="cancel"), questions)
    ask(resolve(name), elicitation_callback=never)
    assert questions == []
