"""The documents say what is so: their commands, links, examples, and the generated schema."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from archviz import cli
from archviz.cli import INTERRUPTED
from archviz.commands import NAMES
from archviz.commands.command import STATUSES
from archviz.errors import EXIT_DONE_WITH_GAPS, ArchvizError
from archviz.figure.diagram_config import load_diagram_config
from archviz.schemas import schema_text

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("references/**/*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("assets/*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text("utf-8")
    return [body for name, body in BLOCK.findall(text) if name == language]


def shown_commands() -> list[tuple[str, str]]:
    """Every `archviz …` command line in the documents; not those with placeholders in capitals, nor bare mentions."""
    found = []
    for path in DOCUMENTS:
        for line in re.findall(r"(?:^    |`|bin/)(archviz [a-z][^`\n]*)", path.read_text("utf-8"), re.MULTILINE):
            command = line.split(" > ")[0].split(" && ")[0]
            mentions = command.count(" ") == 1 and command.split()[1] not in ("schema", "doctor", "serve")
            if not mentions and not re.search(r"\b(NAME|MODEL|OUT|COMMAND|FILE|FIGURE)\b|…|, ", command):
                found.append((path.name, command))
    return found


def all_errors(root: type[ArchvizError] = ArchvizError) -> list[type[ArchvizError]]:
    return [root, *(error for child in root.__subclasses__() for error in all_errors(child))]


# --- README ---


def test_the_readme_opens_with_the_two_commands_drawing_and_testing() -> None:
    draw, test = blocks("README.md", "sh")
    assert "-m venv" in draw
    assert "archviz draw Qwen/Qwen3.5-397B-A17B --offline" in draw
    assert "-m venv" in test
    assert test.rstrip().endswith("-m pytest -n 2")
    assert (ROOT / "README.md").read_text("utf-8").index("## ") > (ROOT / "README.md").read_text("utf-8").index(test)


def test_ci_takes_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert '"$(readme_command 1)"' in script
    assert '"$(readme_command 2)"' in script
    assert "pip install" not in script
    assert "pytest" not in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("number", [1, 2])
def test_what_ci_reads_off_the_readme_is_the_whole_command(number: int) -> None:
    function = (ROOT / ".ci" / "run").read_text("utf-8").partition("readme_command() {")[2].partition("\n}")[0]
    script = f"readme_command() {{{function}\n}}\nreadme_command {number}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == blocks("README.md", "sh")[number - 1]


def test_contributing_sets_up_and_tests_as_the_readme_does() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    setup, test = (part.strip() for part in " ".join(blocks("README.md", "sh")[1].split()).rsplit("&&", 1))
    assert f"`{setup}`" in text
    assert f"`{test}`" in text


# --- all documents ---


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text("utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (path.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize(("document", "command"), shown_commands())
def test_every_command_shown_is_one_that_the_parser_takes(document: str, command: str) -> None:
    arguments = shlex.split(command)[1:]
    options = cli._parser().parse_args(arguments)
    assert callable(options.run)


def test_commands_are_really_looked_at() -> None:
    assert len(shown_commands()) >= 8
    with pytest.raises(ArchvizError):
        cli._parser().parse_args(["draw", "x", "--no-such-option"])


@pytest.mark.parametrize("document", ["references/diagram-config.md", "SKILL.md"])
def test_every_diagram_config_shown_can_be_drawn(document: str) -> None:
    shown = [text for text in blocks(document, "json") if '"stages"' in text]
    assert shown
    for text in shown:
        load_diagram_config(text)


def test_the_keys_of_diagram_configs_are_all_explained() -> None:
    from archviz.figure.diagram_model import CustomEdge, CustomNode, DiagramBlock, DiagramConfig, DiagramStage

    text = (ROOT / "references" / "diagram-config.md").read_text("utf-8")
    for part in (DiagramConfig, DiagramStage, DiagramBlock, CustomNode, CustomEdge):
        for name, field in part.model_fields.items():
            assert f"`{field.alias or name}`" in text, f"{part.__name__}.{name}"


def test_every_exit_status_and_error_code_is_documented() -> None:
    text = (ROOT / "references" / "contracts.md").read_text("utf-8")
    statuses = {error.exit_status for error in all_errors()} | {0, EXIT_DONE_WITH_GAPS, INTERRUPTED}
    for status in statuses:
        assert f"| {status} |" in text
        assert f"\n  {status}  " in STATUSES
    (too_large,) = [line for line in STATUSES.splitlines() if line.startswith("  1  ")]
    assert "too large" in too_large
    for script in (ROOT / "scripts").glob("*.py"):
        told = script.read_text("utf-8").partition("exit status: 0 done")[2]
        assert not told or "1 internal fault or too large" in told, script.name
    public = [error for error in all_errors() if error.__module__ == "archviz.errors"]
    for error in public:
        assert f"`{error.code}`" in text


def test_the_published_schema_is_current() -> None:
    published = (ROOT / "references" / "architecture.schema.json").read_text("utf-8")
    assert published == schema_text(), "run: archviz schema > references/architecture.schema.json"


def test_decisions_are_numbered_and_say_context_choice_and_consequence() -> None:
    pages = sorted((ROOT / "references" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text("utf-8")
        assert text.startswith(f"# {int(page.name[:4])}. ")
        for part in ("**Context.**", "**Choice.**", "**Consequence.**"):
            assert part in text


# --- the skill ---


def frontmatter() -> dict[str, object]:
    text = (ROOT / "SKILL.md").read_text("utf-8")
    assert text.startswith("---\n")
    data = yaml.safe_load(text.split("---\n")[1])
    assert isinstance(data, dict)
    return data


def test_the_skills_frontmatter_is_valid() -> None:
    from archviz import __version__

    data = frontmatter()
    assert set(data) <= {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
    assert data["name"] == "model-architecture-visualizer"
    description, compatibility = str(data["description"]), str(data["compatibility"])
    assert 100 < len(description) <= 1024
    assert not set("<>") & set(description)
    assert len(compatibility) <= 500
    assert data["metadata"] == {"version": __version__}


def test_the_skill_is_short_enough_to_be_read_whole() -> None:
    text = (ROOT / "SKILL.md").read_text("utf-8")
    assert len(text.splitlines()) < 500
    assert len(text.encode()) < 14_000  # about 3.5 bytes a token: under 4,000 tokens


def test_the_skill_names_only_tools_and_commands_that_exist() -> None:
    published = json.loads((ROOT / "tests" / "tables" / "mcp_schemas.json").read_text("utf-8"))
    tools = {tool["name"] for tool in published["tools"]}
    text = (ROOT / "SKILL.md").read_text("utf-8")
    assert set(re.findall(r"`(\w+_\w+)\(", text)) <= tools
    for command in set(re.findall(r"`archviz ([a-z-]+)", text)):
        assert command in NAMES
    for script in set(re.findall(r"\bscripts/\w+\.py", text)):
        assert (ROOT / script).is_file(), script


def test_the_references_that_the_skill_names_are_one_level_deep() -> None:
    for target in LINK.findall((ROOT / "SKILL.md").read_text("utf-8")):
        assert target.count("/") == 1
    assert json.loads((ROOT / "references" / "architecture.schema.json").read_text("utf-8"))["$schema"]
