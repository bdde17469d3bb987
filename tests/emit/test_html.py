from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from archviz.descriptions import describe
from archviz.emit import html
from archviz.emit.architecture_files import architecture_files
from archviz.figure import draw_view
from archviz.figure.scene import scene_of, scene_of_drawing
from archviz.formats import Look
from archviz.settings import Settings
from tests.emit.browser import CHROMIUM, Browser, browser
from tests.emit.hash_seeds import printed
from tests.figure.zoo import ZOO

ROOT = Path(__file__).parents[2]
DIGEST = (
    "import hashlib\nfrom archviz.emit import html\nfrom archviz.figure.scene import scene_of\n"
    "from tests.figure.zoo import ZOO\nprint(hashlib.sha256(html.emit(scene_of(ZOO['qwen35']()))).hexdigest())"
)
SHOWN = "[...document.querySelectorAll('#view>.page,#view>.piece')].filter(e => !e.hasAttribute('hidden'))"


class Elements(HTMLParser):
    """All elements with their attributes, and the text of scripts and styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[tuple[str, str]] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            self.raw.append((self.cdata_elem, data))


def viewer(name: str) -> str:
    return html.emit(scene_of(ZOO[name]())).decode()


def data_of(source: str) -> dict[str, object]:
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', source)[1])  # type: ignore[index, no-any-return]


@pytest.mark.parametrize("name", ZOO)
def test_a_viewer_is_one_file_that_asks_for_nothing(name: str) -> None:
    source = viewer(name)
    assert len(source) < 400_000
    for tag, attributes in Elements(source).elements:
        assert not any(key.startswith("on") or key == "style" for key in attributes), tag
        for key in ("src", "href", "srcset", "action", "data"):
            assert attributes.get(key, "data:,") in ("data:,", None), (tag, attributes)
    assert not re.search(
        r"url\((?!data:)|@import|https?://(?!www\.w3\.org/(2000|1999)/)", source.replace("huggingface.co", "")
    )


def test_the_policy_names_exactly_the_scripts_and_styles_of_the_file() -> None:
    parsed = Elements(viewer("qwen35"))
    policy = next(a["content"] for t, a in parsed.elements if t == "meta" and a.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    for tag, text in parsed.raw:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        is_data = text.startswith('{"title"')
        assert (f"'sha256-{digest}'" in policy) is not is_data, (tag, text[:80])


def test_hostile_text_stays_text_in_markup_and_in_data() -> None:
    source = viewer("hostile")
    allowed = {
        "html", "head", "meta", "link", "title", "style", "body", "header", "h1", "h2", "label", "input", "span", "button",
        "main", "p", "svg", "g", "rect", "path", "circle", "text", "tspan", "aside", "dl", "script",
    }  # fmt: skip
    parsed = Elements(source)
    assert {tag for tag, _ in parsed.elements} <= allowed
    assert [tag for tag, _ in parsed.elements].count("script") == 2
    assert "<script>alert(1)</script>" in json.dumps(data_of(source))


def test_every_box_of_the_overview_is_in_the_viewer_with_what_is_known_of_it() -> None:
    scene = scene_of(ZOO["qwen35"]())
    details = data_of(viewer("qwen35"))["details"]
    numbers = set(map(int, re.findall(r'data-n="(\d+)"', viewer("qwen35"))))
    drawn = {g.id for page in scene.pages for g in page.drawing.light.groups() if g.role == "node" and g.items}
    drawn |= {g.id for piece in scene.insets for g in piece.drawing.light.groups() if g.role == "node" and g.items}
    assert drawn <= set(scene.details)
    assert numbers == {number for number, box in enumerate(scene.details) if box in drawn}
    assert isinstance(details, list)
    assert len(details) == len(scene.details)


def test_light_and_dark_differ_in_colours_alone() -> None:
    source = viewer("gemma3")
    light, dark = re.findall(r":root[^{]*\{color-scheme:(?:light|dark);([^}]*)\}", source)
    assert re.findall(r"--\w+", light) == re.findall(r"--\w+", dark)
    assert light != dark
    assert 'data-theme="light"' in source
    assert 'data-theme="dark"' in html.emit(scene_of(ZOO["llama"]()), "dark").decode()


def test_another_view_is_shown_as_it_is_drawn() -> None:
    light, dark = (draw_view(ZOO["llama"](), "params", theme=theme)[0] for theme in ("light", "dark"))
    source = html.emit(scene_of_drawing(light, dark)).decode()
    assert 'id="expand"' not in source
    assert len(data_of(source)["pages"]) == 1  # type: ignore[arg-type]


def test_the_file_is_the_same_under_every_hash_seed() -> None:
    assert len(printed(DIGEST)) == 1


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: the viewer is not driven here")
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "qwen.html").write_text(viewer("qwen35"), encoding="utf-8")
    with browser(folder / "profile") as opened:
        opened.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        yield opened.open(f"file://{folder}/qwen.html")


def saved(folder: Path, after: float) -> bytes:
    for _ in range(200):
        for path in folder.glob("*.svg"):
            if path.stat().st_mtime_ns > after and path.read_bytes().endswith(b"</svg>\n"):
                return path.read_bytes()
        time.sleep(0.05)
    raise AssertionError("nothing was saved")


def test_panels_and_insets_open_and_close(page: Browser) -> None:
    page.click("#collapse")
    assert page.run(f"{SHOWN}.filter(e => e.querySelector('.shut')).length") == 0
    assert page.run(f"{SHOWN}[0].querySelectorAll('[aria-expanded=true]').length") == 0
    few = page.run(f"{SHOWN}[0].querySelectorAll('.node').length")
    page.click(".page:not([hidden]) .panel")
    assert page.run(f"{SHOWN}[0].querySelectorAll('.panel[aria-expanded=true]').length") == 1
    assert page.run("document.activeElement.classList.contains('panel')")
    assert page.run(f"{SHOWN}[0].querySelectorAll('.node').length") > few
    page.run("document.querySelector('.page:not([hidden]) .node[data-zoom]').focus()")
    page.press("Enter")
    assert page.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    assert page.run(f"{SHOWN}.filter(e => e.querySelector('.shut')).length") == 1
    page.click("#expand")
    assert page.run("document.querySelectorAll('.piece[hidden]').length") == 0


def search(page: Browser, text: str) -> None:
    page.run(
        "(() => { const s = document.getElementById('search'); s.focus();"
        f" s.value = {json.dumps(text)}; s.dispatchEvent(new Event('input')) }})()"
    )


def test_search_finds_boxes_and_goes_to_them(page: Browser) -> None:
    search(page, "norm")
    found = int(page.run("document.getElementById('found').textContent").split()[0])
    assert found == page.run("document.querySelectorAll('.hit').length") > 3
    page.press("Enter")
    assert "norm" in page.run("document.getElementById('what').textContent").lower()
    search(page, "")
    assert page.run("document.querySelectorAll('.hit').length") == 0


def test_the_keyboard_goes_from_box_to_box_and_tells_what_is_known(page: Browser) -> None:
    page.run("document.querySelector('.page:not([hidden]) .node').focus()")
    seen = set()
    for _ in range(4):
        page.press("ArrowRight")
        seen.add(page.run("document.getElementById('what').textContent"))
    assert len(seen) > 1
    assert page.run("document.querySelectorAll('#view [tabindex=\"0\"]').length") == 1
    assert page.run("!document.getElementById('about').hidden")
    assert page.run("document.getElementById('rows').children.length") > 0
    page.press("Escape")
    assert page.run("document.getElementById('about').hidden")


def test_zooming_keeps_the_figure_and_fit_brings_it_back(page: Browser) -> None:
    page.click("#fit")
    before = page.run("document.getElementById('view').getAttribute('transform')")
    page.call("Input.dispatchMouseEvent", type="mouseWheel", x=700, y=500, deltaX=0, deltaY=-400)
    page.wait_for(f"document.getElementById('view').getAttribute('transform') !== {json.dumps(before)}")
    page.click("#fit")
    assert page.run("document.getElementById('view').getAttribute('transform')") == before


def test_the_theme_changes_and_what_is_seen_is_saved_in_it(page: Browser) -> None:
    folder = Path(page.run("location.pathname")).parent
    page.click("#collapse")
    page.click("#theme")
    assert page.run("document.documentElement.dataset.theme") == "dark"
    page.click("#save")
    root = ET.fromstring(saved(folder, 0))
    namespace = "{http://www.w3.org/2000/svg}"
    style = root.findtext(f"{namespace}style") or ""
    assert style.endswith(".paper{fill:#11161d}")
    assert "var(" not in style
    texts = "".join(root.itertext())
    assert "Token embedding" in texts
    assert len(root.findall(f".//{namespace}g[@class='page']")) == 1
    page.click("#theme")
    page.click("#expand")


def test_nothing_is_requested_and_nothing_complained(page: Browser) -> None:
    page.run("new Promise(done => setTimeout(done, 200))")
    assert page.requests() == []
    assert page.complaints() == []


def test_panels_stand_in_columns_that_fill_the_window(page: Browser) -> None:
    """In columns no higher than the page they would leave half of a tall window empty, and be half as large."""
    page.call("Emulation.setDeviceMetricsOverride", width=800, height=1000, deviceScaleFactor=1, mobile=False)
    page.click("#expand")
    shares = page.run(
        "(([a, b]) => [b.width / a.width, b.height / a.height])"
        "(['canvas', 'view'].map(id => document.getElementById(id).getBoundingClientRect()))"
    )
    page.call("Emulation.clearDeviceMetricsOverride")
    page.click("#expand")
    assert min(shares) > 0.7


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: the page is not looked at here")
def test_no_more_layers_are_open_at_first_than_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(html.emit(scene_of(describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True)))))
    with browser(tmp_path / "profile") as opened:
        page = opened.open(path.as_uri())
        scale = "Number(document.getElementById('view').getAttribute('transform').match(/scale.([.\\d]+)/)[1])"
        high = "document.getElementById('view').getBoundingClientRect().height"
        window = page.run("document.getElementById('canvas').getBoundingClientRect().height")
        assert page.run(scale) >= 0.4
        assert page.run(high) <= window  # and all of it is seen
        page.click("#expand")
        assert page.run(high) > window  # with all layers open it would be


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: the page is not looked at here")
def test_a_figure_too_tall_to_be_read_whole_begins_at_its_upper_end(tmp_path: Path) -> None:
    model = describe("google/gemma-4-26B-A4B", settings=Settings(offline=True))
    path = tmp_path / "page.html"
    path.write_bytes(architecture_files(model, ["html"], Look(), "detailed")[0]["html"])
    with browser(tmp_path / "profile") as opened:
        page = opened.open(path.as_uri())
        _, y, scale = page.run(
            "document.getElementById('view').getAttribute('transform').match(/[-\\d.]+/g).map(Number)"
        )
        assert (y, scale) == (0, 1)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: the page is not looked at here")
def test_bars_of_the_params_view_are_reached_and_told(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    model = describe("Qwen/Qwen3-0.6B", settings=Settings(offline=True))
    path.write_bytes(architecture_files(model, ["html"], Look(), "params")[0]["html"])
    with browser(tmp_path / "profile") as opened:
        page = opened.open(path.as_uri())
        page.run(
            "[...document.querySelectorAll('[role=button]')].find(each => each.textContent.includes('q_proj')).focus()"
        )
        assert "2,097,152" in page.run("document.getElementById('rows').textContent")
