"""What people install: manifests that agree, a skill folder that works alone, archives that are whole and tell nothing of this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from archviz import __version__
from archviz.service.skill import SkillFiles, links_of

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts" / "dev"))

import build_packages
import set_version

ROOT = Path(__file__).parents[1]


def read(name: str) -> Any:
    return json.loads((ROOT / name).read_text("utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all packages."""
    folder = tmp_path_factory.mktemp("dist")
    for part in build_packages.PARTS:
        assert build_packages.build(part, folder).exists()
    return folder


@pytest.fixture(scope="module")
def skill(built: Path) -> Path:
    return built / build_packages.SKILL


def names_of(archive: Path) -> set[str]:
    if archive.suffix == ".gz":
        with tarfile.open(archive) as tar:
            return {name.partition("/")[2] for name in tar.getnames()}
    with zipfile.ZipFile(archive) as bundle:
        return set(bundle.namelist())


def contents_of(archive: Path) -> dict[str, bytes]:
    if archive.suffix == ".gz":
        with tarfile.open(archive) as tar:
            files = [member for member in tar.getmembers() if member.isfile()]
            return {member.name: tar.extractfile(member).read() for member in files}  # type: ignore[union-attr]
    with zipfile.ZipFile(archive) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def archives(built: Path) -> list[Path]:
    return sorted(path for path in built.iterdir() if path.is_file())


# --- manifests ---


def test_every_manifest_states_the_version_of_the_package() -> None:
    assert set_version.current_version() == __version__
    assert set_version.other_versions(__version__) == []
    assert set_version.main(["--check"]) == 0


def test_another_version_is_seen_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in set_version.STATED:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text((ROOT / path).read_text("utf-8"), "utf-8")
    monkeypatch.setattr(set_version, "ROOT", tmp_path)
    assert len(set_version.other_versions("9.9.9")) == sum(
        len(pattern.findall((ROOT / path).read_text("utf-8"))) for path, pattern in set_version.STATED.items()
    )
    assert set_version.main(["9.9.9"]) == 0
    assert set_version.other_versions("9.9.9") == []
    assert set_version.current_version() == "9.9.9"


def test_the_registry_entry_has_its_form_and_the_readme_its_marker() -> None:
    entry = read("server.json")
    assert entry["$schema"].endswith("/2025-12-11/server.schema.json")
    assert len(entry["description"]) <= 100
    assert re.fullmatch(r"[a-z0-9.-]+/[a-z0-9.-]+", entry["name"])
    assert f"<!-- mcp-name: {entry['name']} -->" in (ROOT / "README.md").read_text("utf-8")
    (package,) = entry["packages"]
    assert (package["registryType"], package["identifier"], package["transport"]) == (
        "pypi",
        "archviz",
        {"type": "stdio"},
    )
    assert [argument["value"] for argument in package["packageArguments"]] == ["serve"]


def test_the_plugin_starts_the_server_of_its_own_folder() -> None:
    plugin, market, project = (
        read(".claude-plugin/plugin.json"),
        read(".claude-plugin/marketplace.json"),
        read(".mcp.json"),
    )
    (entry,) = market["plugins"]
    assert {key: entry[key] for key in ("name", "version", "description", "license")} == {
        key: plugin[key] for key in ("name", "version", "description", "license")
    }
    assert entry["source"] == "./"
    assert plugin["mcpServers"]["archviz"]["args"] == ["--from", "${CLAUDE_PLUGIN_ROOT}", "archviz", "serve"]
    assert project["mcpServers"]["archviz"]["args"] == ["--from", ".", "archviz", "serve"]


def test_the_bundle_lists_the_tools_of_the_server_and_the_skill_names_each_of_them() -> None:
    import anyio
    from mcp import Client

    from archviz.service.server import build_server

    async def tools() -> set[str]:
        async with Client(build_server()) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    listed = {tool["name"] for tool in read("packaging/mcpb/manifest.json")["tools"]}
    assert anyio.run(tools) == listed
    named = set(re.findall(r"`(\w+_\w+)\(", (ROOT / "SKILL.md").read_text("utf-8")))
    assert named == listed


def test_the_bundle_is_started_by_uv() -> None:
    server = read("packaging/mcpb/manifest.json")["server"]
    assert (server["type"], server["entry_point"], server["mcp_config"]["command"]) == ("uv", "server.py", "uv")


def test_the_image_runs_as_no_root_and_writes_to_its_volumes_only() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"(?m)^USER (?!root|0)\w+$", last)
    assert not re.search(r"(?m)^USER", last.partition("\nUSER ")[2])
    assert "--read-only" in text
    assert "--no-compile" in text  # bytecode by times of files is stale after a copy between layers
    assert "compileall -q --invalidation-mode unchecked-hash" in text
    assert 'VOLUME ["/out", "/cache"]' in last
    copied = [word for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", text) for word in line.split()[:-1]]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert set(copied) == allowed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert all(any(source == name or source.startswith(f"{name}/") for name in copied) for source in needed)


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "clients").glob("*.md")), ids=lambda page: page.stem)
def test_what_a_client_is_given_can_be_read_and_starts_the_server(page: Path) -> None:
    text = page.read_text("utf-8")
    shown = [json.loads(body) for body in re.findall(r"(?ms)^```json\n(.*?)^```", text)]
    shown += [tomllib.loads(body) for body in re.findall(r"(?ms)^```toml\n(.*?)^```", text)]
    for data in shown:
        (servers,) = [data[key] for key in ("mcpServers", "servers", "mcp", "mcp_servers") if key in data]
        entry = servers["archviz"]
        command = entry["command"] if isinstance(entry["command"], list) else [entry["command"], *entry["args"]]
        assert command[:3] in (["uvx", "--from", "/path/to/archviz"], ["docker", "run", "--rm"])
        assert command[-2:] == ["archviz", "serve"] or command[-1] == "archviz"
    for line in re.findall(r"(?m)^\S+ mcp add .*archviz serve$", text):
        assert line.endswith("--from /path/to/archviz archviz serve")
    first = (page.parent / "README.md").read_text("utf-8")
    assert page.name == "README.md" or f"]({page.name})" in first
    assert f"archviz-{__version__}" in text or "archviz-0" not in text


# --- the skill folder ---


def test_the_skill_folder_has_what_it_links_and_nothing_of_the_rest(skill: Path) -> None:
    files = {path.relative_to(skill).as_posix() for path in skill.rglob("*") if path.is_file()}
    assert {"SKILL.md", "LICENSE", "evals/evals.json", "assets/example_config.json"} <= files
    for name in (
        "extraction-guide", "architecture-families", "parameter-formulas", "diagram-config", "verification-checklist",
        "troubleshooting", "estimator-export",
    ):  # fmt: skip
        assert f"references/{name}.md" in files
    assert {"evals/files/notes.md", "evals/files/layers/attention.py"} <= set(files)
    assert {name.partition("/")[0] for name in files} == {
        "SKILL.md",
        "LICENSE",
        "assets",
        "evals",
        "references",
        "scripts",
    }
    assert not [name for name in files if "dev/" in name or name.endswith(".pyc")]
    for page in skill.rglob("*.md"):
        for target in links_of(page):
            assert target.is_file(), f"{page.name}: {target}"


def test_every_file_of_the_skill_is_linked_from_its_first_page_or_one_step_further_or_is_a_script(skill: Path) -> None:
    first = (skill / "SKILL.md").read_text("utf-8")
    linked = {target.name for target in links_of(skill / "SKILL.md")}
    for page in list(linked):
        if page.endswith(".md") and (skill / "references" / page).is_file():
            linked |= {target.name for target in links_of(skill / "references" / page)}
    for folder in ("references", "assets"):
        assert {path.name for path in (skill / folder).iterdir()} <= linked
    for script in (skill / "scripts").glob("*.py"):
        assert script.name in first or script.stem == "skill_script", script.name


def test_the_server_serves_the_pages_of_the_built_skill_and_no_other(skill: Path) -> None:
    pages = {path.relative_to(skill).as_posix() for path in skill.rglob("*") if path.suffix in (".md", ".json")}
    served = SkillFiles(ROOT)
    assert {uri.removeprefix(served.base) for uri in served.files} == {name for name in pages if name[:5] != "evals"}
    assert next(iter(served.files)).endswith("SKILL.md")


def test_pages_of_the_skill_name_no_script_that_it_lacks(skill: Path) -> None:
    for page in skill.rglob("*.md"):
        for script in re.findall(r"\bscripts/[\w/]+\.(?:py|sh)\b", page.read_text("utf-8")):
            assert script == "scripts/NAME.py" or (skill / script).is_file(), f"{page.name}: {script}"


def test_scripts_of_the_built_folder_require_this_version(skill: Path) -> None:
    for script in [*(skill / "scripts").glob("*.py"), skill / "evals" / "run_evals.py"]:
        if script.stem != "skill_script":
            text = script.read_text("utf-8")
            assert f'# dependencies = ["archviz=={__version__}"]' in text
            assert "tool.uv" not in text


def test_the_skill_draws_a_model_from_a_configuration_with_its_scripts_alone(skill: Path, tmp_path: Path) -> None:
    values = {"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"], "num_hidden_layers": 3}
    (tmp_path / "config.json").write_text(json.dumps(values))
    arguments = ["config.json", "-o", "model", "-f", "png,svg", "--offline"]
    command = [sys.executable, str(skill / "scripts" / "visualize_architecture.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # in place of the package that uv would install
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["model.png", "model.svg"]), done.stderr
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")
    assert "3 × " in (tmp_path / "model.svg").read_text("utf-8") or "× 3" in (tmp_path / "model.svg").read_text("utf-8")


def test_a_link_that_leads_out_of_the_skill_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "references" / "deep").mkdir(parents=True)
    (tmp_path / "references" / "deep" / "page.md").write_text("x")
    (tmp_path / "notes.md").write_text("x")
    monkeypatch.setattr(build_packages, "ROOT", tmp_path)
    for target, says in (
        ("references/deep/page.md", "deeper"),
        ("notes.md", "no file"),
        ("references/x.md", "no file"),
    ):
        (tmp_path / "SKILL.md").write_text(f"[a]({target})")
        with pytest.raises(SystemExit, match=says):
            build_packages.linked_files()


def test_the_skill_is_short_by_a_conservative_count_of_tokens() -> None:
    data = (ROOT / "SKILL.md").read_bytes()
    assert len(data.splitlines()) < 500
    assert len(data.decode()) / 4 < 3_000  # skillsaw's estimate and limit
    assert len(data) / 3 < 5_000  # the vocabulary of o200k takes 3.8 bytes a token here; check_packages.py counts


# --- archives ---


def test_the_wheel_carries_the_skill_for_the_server(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = names_of(wheel)
    assert f"archviz-{__version__}-py3-none-any.whl" == wheel.name
    assert {"archviz/skill/SKILL.md", "archviz/figure/fonts/OFL.txt", "archviz/py.typed"} <= names
    linked = {path.as_posix() for path in build_packages.linked_files() if path.parts[0] in ("references", "assets")}
    carried = {name.removeprefix("archviz/skill/") for name in names if name.startswith("archviz/skill/")}
    assert carried - {"SKILL.md"} == linked, "pyproject.toml's force-include lists what SKILL.md links"
    metadata = contents_of(wheel)[f"archviz-{__version__}.dist-info/METADATA"].decode()
    assert f"\nVersion: {__version__}\n" in metadata


def test_the_source_archive_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (sdist,), (wheel,) = built.glob("*.tar.gz"), built.glob("*.whl")
    with tarfile.open(sdist) as tar:
        tar.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    again = contents_of(next((tmp_path / "out").glob("*.whl")))
    assert again == contents_of(wheel)
    assert (tree / "tests" / "test_packages.py").is_file()


def test_the_bundle_has_its_manifest_and_all_that_uv_needs(built: Path) -> None:
    (bundle,) = built.glob("*.mcpb")
    names = names_of(bundle)
    assert {
        "manifest.json",
        "pyproject.toml",
        "server.py",
        "README.md",
        "LICENSE",
        "archviz/cli.py",
        "SKILL.md",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "/")) or "__pycache__" in name or ".." in name]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"])
    assert needed <= names
    assert {name for name in names if name.startswith("references/")} <= needed


def test_manifests_take_every_variable_that_the_pages_for_clients_list() -> None:
    (table,) = re.findall(r"(?s)\| variable \|.*?\n\n", (ROOT / "docs" / "clients" / "README.md").read_text("utf-8"))
    listed = set(re.findall(r"`([A-Z_]+)`", table))
    bundle, (package,) = read("packaging/mcpb/manifest.json"), read("server.json")["packages"]
    environment = bundle["server"]["mcp_config"]["env"]
    assert {each["name"] for each in package["environmentVariables"]} == listed
    assert set(environment) == listed
    asked = {value.removeprefix("${user_config.").removesuffix("}") for value in environment.values()}
    assert asked == set(bundle["user_config"])


def test_archives_are_the_same_when_they_are_built_again(built: Path, tmp_path: Path) -> None:
    for part in ("wheel", "mcpb"):
        path = build_packages.build(part, tmp_path)
        assert path.read_bytes() == (built / path.name).read_bytes(), part


def test_nothing_built_tells_a_path_of_this_machine(built: Path, skill: Path) -> None:
    told = {str(ROOT), str(Path.home()), tempfile.gettempdir() + "/pytest-", sys.prefix, str(built)} - {"/", "/usr"}
    held = {
        f"{archive.name}: {name}": data for archive in archives(built) for name, data in contents_of(archive).items()
    }
    held |= {str(path): path.read_bytes() for path in skill.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert len(held) > 1_000
    for name, data in held.items():
        for path in told:
            assert path.encode() + b"/" not in data, f"{name} tells {path}"
