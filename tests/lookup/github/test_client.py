"""The real client against GitHub on this machine: exact repositories, renames, files by commit, searches, faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from archviz.errors import ArchvizError, BadResponseError, ModelNotFoundError, RateLimitedError, UsageError
from archviz.lookup.github.client import GithubClient
from archviz.lookup.github.files import modelling_files
from archviz.network.session import Session
from archviz.settings import Limits
from tests.lookup.conftest import Reply

Make = Callable[..., Session]
FILES = {
    "README.md": "# acme",
    "inference/model.py": "class Transformer: ...",
    "inference/configs/config_16B.json": "{}",
    "src/modeling_acme.py": "class AcmeModel: ...",
    "tests/test_modeling_acme.py": "",
    "config.json": "{}",
    "train.py": "",
}


@pytest.fixture
def commit(github: Any, github_data: Any) -> str:
    github_data.add("other/first", {})
    found: str = github_data.add("acme/Acme-V2", FILES)
    github_data.renamed["oldacme/Acme2"] = "acme/Acme-V2"
    return found


@pytest.fixture
def client(commit: str, session: Make) -> GithubClient:
    return GithubClient(session())


def test_an_exact_repository_is_found_with_its_facts(client: GithubClient) -> None:
    found = client.find_repository("acme/Acme-V2")
    assert (found.name, found.renamed_from, found.licence, found.default_branch) == (
        "acme/Acme-V2",
        None,
        "Apache-2.0",
        "main",
    )


def test_a_renamed_repository_is_followed_and_reported(client: GithubClient) -> None:
    found = client.find_repository("oldacme/Acme2")
    assert (found.name, found.renamed_from) == ("acme/Acme-V2", "oldacme/Acme2")


def test_another_letter_case_is_the_same_repository(client: GithubClient) -> None:
    found = client.find_repository("ACME/acme-v2")
    assert (found.name, found.renamed_from) == ("acme/Acme-V2", None)


@pytest.mark.parametrize("name", ["acme/Acme-V3", "acme/Acme", "nobody/Acme-V2"])
def test_no_other_repository_stands_in_for_a_missing_one(client: GithubClient, name: str) -> None:
    with pytest.raises(ModelNotFoundError):
        client.find_repository(name)


@pytest.mark.parametrize("name", ["acme", "a/b/c", "../x", "acme/..", "a b/c", "acme/x?y", "", "settings/x"])
def test_what_is_no_repository_s_name_is_never_asked_for(client: GithubClient, github: Any, name: str) -> None:
    with pytest.raises(UsageError):
        client.find_repository(name)
    assert github.asked == []


def test_files_are_read_at_the_pinned_commit_from_the_raw_host(
    client: GithubClient, commit: str, github: Any, github_raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    assert client.find_commit("acme/Acme-V2", "main") == commit
    found = modelling_files(client.read_tree("acme/Acme-V2", commit).files)
    assert [(file.path, file.kind) for file in found] == [
        ("src/modeling_acme.py", "modelling"),
        ("inference/model.py", "modelling"),
        ("config.json", "configuration"),
        ("inference/configs/config_16B.json", "configuration"),
    ]
    assert client.read_file("acme/Acme-V2", commit, "inference/model.py") == b"class Transformer: ..."
    assert github_raw.paths == [f"/acme/Acme-V2/{commit}/inference/model.py"]
    assert {asked.headers["authorization"] for asked in github.asked} == {"Bearer ghp_secret"}
    assert "authorization" not in github_raw.asked[0].headers


def test_every_request_says_who_asks_and_which_version_of_the_api(client: GithubClient, github: Any) -> None:
    client.find_repository("acme/Acme-V2")
    headers = github.asked[0].headers
    assert headers["user-agent"].startswith("archviz/")
    assert (headers["accept"], headers["x-github-api-version"]) == ("application/vnd.github+json", "2026-03-10")


def test_a_file_at_a_commit_is_asked_for_once(
    client: GithubClient, commit: str, github_raw: Any, session: Make
) -> None:
    client.read_file("acme/Acme-V2", commit, "config.json")
    assert GithubClient(session(offline=True)).read_file("acme/Acme-V2", commit, "config.json") == b"{}"
    assert len(github_raw.asked) == 1


@pytest.mark.parametrize("path", ["../x", "a//b", "/etc/passwd", "a/../../b", "a\\b", "a\nb", ""])
def test_a_path_that_leads_elsewhere_is_not_asked_for(
    client: GithubClient, commit: str, github_raw: Any, path: str
) -> None:
    with pytest.raises(UsageError):
        client.read_file("acme/Acme-V2", commit, path)
    assert github_raw.asked == []


def test_a_branch_is_no_pinned_commit(client: GithubClient) -> None:
    with pytest.raises(UsageError):
        client.read_file("acme/Acme-V2", "main", "config.json")
    with pytest.raises(ModelNotFoundError):
        client.find_commit("acme/Acme-V2", "v9")


def test_one_folder_is_listed_without_its_subfolders(client: GithubClient, commit: str) -> None:
    assert [file.path for file in client.read_folder("acme/Acme-V2", commit, "inference")] == ["inference/model.py"]
    with pytest.raises(ModelNotFoundError):
        client.read_folder("acme/Acme-V2", commit, "nowhere")


def test_hostile_paths_in_a_tree_are_left_out(client: GithubClient, commit: str, github: Any, reply: Any) -> None:
    paths = ["../modeling_x.py", "/modeling_x.py", "a/./modeling_x.py", "ok/modeling_x.py", "a\\modeling_x.py", "", 7]
    tree = [{"path": path, "type": "blob", "size": 1} for path in paths]
    github.next.append(reply(200, json.dumps({"tree": tree}).encode(), {"Content-Type": "application/json"}))
    assert [file.path for file in client.read_tree("acme/Acme-V2", commit).files] == ["ok/modeling_x.py"]


def item(repository: str, path: str, *fragments: str) -> dict[str, object]:
    matches = [{"fragment": fragment} for fragment in fragments]
    return {
        "path": path,
        "html_url": f"https://github.com/{repository}",
        "repository": {"full_name": repository},
        "text_matches": matches,
    }


def test_code_that_defines_exactly_the_name_comes_first(
    client: GithubClient, github_data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_secret")
    github_data.code = [
        item("x/like", "a.py", "class AcmeAttentionPlus:"),
        item("x/use", "b.py", "self.mixer = AcmeAttention(config)"),
        item("acme/Acme-V2", "src/modeling_acme.py", "import torch\nclass AcmeAttention(nn.Module):"),
        item("x/file", "lib/AcmeAttention.py"),
    ]
    found = client.search_code("AcmeAttention")
    assert [(each.repository, each.match) for each in found] == [
        ("acme/Acme-V2", "defines"),
        ("x/file", "file"),
        ("x/use", "names"),
        ("x/like", "other"),
    ]


def test_code_search_without_a_token_says_what_is_missing(client: GithubClient) -> None:
    with pytest.raises(ArchvizError) as caught:
        client.search_code("AcmeAttention")
    assert (caught.value.exit_status, caught.value.hint) == (4, "Set GITHUB_TOKEN.")


def test_repositories_of_exactly_the_name_come_first(client: GithubClient, github_data: Any) -> None:
    github_data.add("z/Acme-V2-Instruct", {})
    github_data.add("z/acme-v2", {})
    assert client.search_repositories("acme-v2") == (
        ("acme/Acme-V2", True),
        ("z/acme-v2", True),
        ("z/Acme-V2-Instruct", False),
    )


# --- faults ---------------------------------------------------------------------------------------------------------


def test_few_remaining_requests_are_told_with_the_hour(client: GithubClient, github_data: Any) -> None:
    github_data.remaining = 5
    client.find_repository("acme/Acme-V2")
    assert client._session.notes == ["GitHub allows 4 more requests until 17:46 UTC; a GITHUB_TOKEN raises the limit."]


@pytest.mark.parametrize(
    "status, headers, body",
    [
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4000000000"}, b"{}"),
        (429, {"Retry-After": "600"}, b"{}"),
        (403, {"Retry-After": "600"}, b'{"message": "You have exceeded a secondary rate limit."}'),
        (403, {}, b'{"message": "API rate limit exceeded for 1.2.3.4."}'),
    ],
)
def test_a_rate_limit_is_told_as_one(
    client: GithubClient, github: Any, reply: Any, status: int, headers: dict[str, str], body: bytes
) -> None:
    github.next.append(reply(status, body, {"Content-Type": "application/json", **headers}))
    with pytest.raises(RateLimitedError) as caught:
        client.find_repository("acme/Acme-V2")
    assert caught.value.exit_status == 4


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_passing_fault_is_asked_again(client: GithubClient, github: Any, reply: Any, status: int) -> None:
    github.next.append(reply(status, b'{"error": "Server Error"}', {"Content-Type": "application/json"}))
    assert client.find_repository("acme/Acme-V2").name == "acme/Acme-V2"


def test_a_branch_that_can_be_none_is_a_fault_of_the_answer(client: GithubClient, github: Any) -> None:
    body = json.dumps({"full_name": "acme/Acme-V2", "default_branch": "../../x"}).encode()
    github.answer = lambda _: Reply(200, body, {"Content-Type": "application/json"})
    with pytest.raises(BadResponseError):
        client.find_repository("acme/Acme-V2")


@pytest.mark.parametrize("body", [b"[]", b"null", b"{}", b'{"full_name": "../x"}', b'{"full_name": 7}'])
def test_an_answer_of_another_shape_is_a_fault(client: GithubClient, github: Any, reply: Any, body: bytes) -> None:
    github.next.append(reply(200, body, {"Content-Type": "application/json"}))
    with pytest.raises(BadResponseError):
        client.find_repository("acme/Acme-V2")


@pytest.mark.parametrize("fault", ["truncated", "reset"])
def test_a_cut_answer_is_asked_for_again(client: GithubClient, github: Any, reply: Any, fault: str) -> None:
    github.next.append(reply(200, b'{"full_name": "acme', {"Content-Type": "application/json"}, fault))
    assert client.find_repository("acme/Acme-V2").name == "acme/Acme-V2"


def test_invalid_json_is_asked_for_again_and_never_kept(client: GithubClient, github: Any, reply: Any) -> None:
    github.next += [reply(200, b'{"full_name": ', {"Content-Type": "application/json"})]
    assert client.find_repository("acme/Acme-V2").name == "acme/Acme-V2"


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_to_a_foreign_host_is_not_followed(
    client: GithubClient, github: Any, reply: Any, status: int
) -> None:
    github.next.append(reply(status, b"", {"Location": "https://evil.example/repos/acme/Acme-V2"}))
    with pytest.raises(BadResponseError):
        client.find_repository("acme/Acme-V2")


def test_a_file_beyond_the_bound_is_not_taken(github: Any, github_data: Any, session: Make) -> None:
    commit = github_data.add("acme/Big", {"model.py": "x" * 3000})
    with pytest.raises(BadResponseError):
        GithubClient(session(Limits(source_bytes=2000))).read_file("acme/Big", commit, "model.py")


def test_another_repository_without_a_redirect_is_no_rename_and_not_kept(
    client: GithubClient, github: Any, reply: Any
) -> None:
    body = b'{"full_name": "other/first", "default_branch": "main"}'
    github.next = [reply(200, body, {"Content-Type": "application/json"})]
    with pytest.raises(BadResponseError, match="no redirect leads there"):
        client.find_repository("acme/Acme-V2")
    assert client.find_repository("acme/Acme-V2").name == "acme/Acme-V2"


# --- heads ----------------------------------------------------------------------------------------------------------


def test_a_head_that_is_stated_under_its_commit(client: GithubClient, github: Any, github_data: Any) -> None:
    commit = github_data.add("acme/Deep", {"README.md": "x", "a.b": "1", "a/b/model.py": "y", "a-b": "2"})
    head = client.find_head("acme/Deep")
    assert (head.name, head.tree.commit, head.is_commit) == ("acme/Deep", commit, True)
    assert {file.path for file in head.tree.files} == {"README.md", "a.b", "a/b/model.py", "a-b"}
    assert client.read_file(head.name, head.tree.commit, "README.md") == b"x"
    assert len(github.asked) == 1


def test_the_files_of_a_head_that_is_stated_under_its_tree_are_read_by_their_own_ids(
    client: GithubClient, github: Any, github_data: Any
) -> None:
    commit = github_data.add("acme/Deep", {"README.md": "x", "a/b/model.py": "y"})
    github_data.states_commits = False
    head = client.find_head("acme/Deep")
    assert (head.name, head.is_commit, head.tree.commit == commit) == ("acme/Deep", False, False)
    texts = {file.path: client.read_blob(head.name, file) for file in head.tree.files}
    assert texts == {"README.md": b"x", "a/b/model.py": b"y"}
    assert len(github.asked) == 3


@pytest.mark.parametrize("content", ["eg==", "", "no base64", 5])
def test_a_file_that_has_not_the_content_of_its_id_is_refused(
    client: GithubClient, github: Any, github_data: Any, reply: Any, content: object
) -> None:
    github_data.add("acme/Deep", {"README.md": "x"})
    (file,) = client.find_head("acme/Deep").tree.files
    body = json.dumps({"sha": file.sha, "content": content, "encoding": "base64"}).encode()
    github.next.append(reply(200, body, {"Content-Type": "application/json"}))
    with pytest.raises(BadResponseError, match=r"not the content of README\.md"):
        client.read_blob("acme/Deep", file)


def test_a_listing_that_is_cut_does_not_tell_what_it_is_stated_under(client: GithubClient, github_data: Any) -> None:
    github_data.add("acme/Huge", {"model.py": "y"})
    github_data.is_cut = True
    assert not client.find_head("acme/Huge").is_commit


def test_a_renamed_repository_s_head_is_found_under_its_new_name(client: GithubClient, github_data: Any) -> None:
    commit = github_data.add("acme/New", {"model.py": "y"})
    github_data.renamed["acme/Old"] = "acme/New"
    head = client.find_head("acme/Old")
    assert (head.name, head.renamed_from, head.tree.commit) == ("acme/New", "acme/Old", commit)
