"""The page of records: it stands alone, what models wrote stays text, and it holds what it must show."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

import errata
from errata.data import write_browse_page
from errata.records import Record, Response, Segment, Turn

HOSTILE = "</script><script>document.title='x'</script><img src=x onerror=alert(1)>\u202e\x1b"
HOUSE = Path(errata.__file__).parent


def build(text: str = "A ball.", name: str = "r", **fields) -> Record:
    values = {"images": ("a.png",), "prompt": (Turn("user", "What?"),), "source": "made"} | fields
    worse = Response((Turn("assistant", text),), 1, (Segment(2, 6, 2, 6, "object"),))
    return Record(name, responses=(Response((Turn("assistant", "A cube."),), 0), worse), **values)


class Page(html.parser.HTMLParser):
    """Elements with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] in ("script", "style"):
            self.texts.append((self.elements[-1][1], data))


@pytest.fixture
def write(tmp_path):
    Image.new("RGB", (300, 200), "red").save(tmp_path / "a.png")

    def run(*records, **options):
        missing = write_browse_page(tmp_path / "page.html", records, tmp_path, **options)
        text = (tmp_path / "page.html").read_text(encoding="utf-8")
        return missing, Page(text), text

    return run


def data_of(page: Page) -> dict:
    return json.loads(next(text for attributes, text in page.texts if attributes.get("id") == "data"))


def test_the_page_holds_records_and_each_picture_once(write):
    missing, page, _ = write(build(), build(name="s"), title="Some records", px=64)
    assert missing == 0
    data = data_of(page)
    assert data["images"] == [[64, 43, False]]
    first = data["records"][0]
    assert first["responses"][1]["turns"] == [["assistant", ["A ", ["ball", 0, 0, "cube", [0]], "."]]]
    assert (first["types"], first["levels"], first["words"], first["source"]) == ([0], 2, 2, "made")
    pictures = [text for attributes, text in page.texts if attributes.get("type") == "text/plain" and text.strip()]
    assert len(pictures) == 1
    assert pictures[0].startswith("data:image/webp;base64,")


def test_a_placeholder_before_the_question_is_left_to_the_picture(write):
    asked = [
        build(name="a", prompt=(Turn("user", "<image>\nماذا؟"),)),
        build(name="b", prompt=(Turn("user", "Is <image>\nred?"),)),
    ]
    _, page, _ = write(*asked)
    assert [one["prompt"] for one in data_of(page)["records"]] == [[["user", "ماذا؟"]], [["user", "Is <image>\nred?"]]]


def test_pictures_keep_their_numbers_where_one_does_not_open(write, tmp_path):
    missing, page, _ = write(build(images=("none.png",)), build(name="s"))
    assert missing == 1
    assert data_of(page)["images"][0] is None
    assert [a["id"] for t, a in page.elements if a.get("type") == "text/plain"] == ["i1"]
    assert data_of(page)["records"][1]["images"] == [[1, "a.png"]]


def test_hostile_text_stays_text(write):
    plain = write(build())[1]
    prompt = (Turn("system", HOSTILE), Turn("user", HOSTILE))
    _, page, text = write(
        build(f"A ball. {HOSTILE}", HOSTILE, prompt=prompt, source=HOSTILE, license=HOSTILE, images=(HOSTILE,)),
        title=HOSTILE,
    )
    kinds = [tag for tag, _ in page.elements]
    assert kinds.count("script") == [tag for tag, _ in plain.elements].count("script") - 1  # its picture does not open
    assert "img" not in kinds
    assert not {"\u202e", "\x1b"} & set(text)
    assert data_of(page)["records"][0]["prompt"][0][1].startswith("</script>")


def test_the_policy_lets_only_this_style_and_script_work(write):
    _, page, text = write(build())
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    for name, file in (("script-src", "browse.js"), ("style-src", "browse.css")):
        source = (HOUSE / "data" / "browse" / file).read_bytes()
        assert rules[name] == f"'sha256-{base64.b64encode(hashlib.sha256(source).digest()).decode()}'"
        assert source.decode() in text
    assert rules["img-src"] == "data:"
    assert not re.search(r"https?:|//[a-z]", re.sub(r"^\s*//.*$|data:image/.*$", "", text, flags=re.MULTILINE))
    assert [a for _, a in page.elements if any(name.startswith("on") or name == "style" for name in a)] == []


def test_the_script_never_builds_html_from_text():
    script = (HOUSE / "data" / "browse" / "browse.js").read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|setAttribute", script
    )


def test_the_page_looks_like_the_report():
    """Both rooms keep a style sheet of their own, as neither may import the other; their palettes must not part."""
    palettes = []
    for name in ("data/browse/browse.css", "reports/templates/report.css"):
        css = (HOUSE / name).read_text(encoding="utf-8").partition("@media print")[0]
        palettes.append(re.findall(r"--(page|paper|ink|muted|rule|before|after|serif|sans): ([^;]+);", css))
    assert palettes[0] == palettes[1]
    assert len(palettes[0]) == 16


CHROMIUM = shutil.which(os.environ.get("CHROMIUM", "chromium"))


def dump(page: Path, profile: Path) -> str:
    """The page's elements after it was opened and two seconds of its own time passed."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    command = [CHROMIUM, *options, f"--user-data-dir={profile}", "--virtual-time-budget=2000", "--dump-dom"]
    return subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_shows_the_records_and_runs_nothing_else(write, tmp_path):
    write(build(), build(f"A ball. {HOSTILE}", HOSTILE, prompt=(Turn("user", HOSTILE),)), title="T")
    page = dump(tmp_path / "page.html", tmp_path / "profile")
    assert "<title>T · Errata</title>" in page
    cards = page.partition('<main id="list"')[2].partition("</main>")[0]
    assert cards.count('class="card"') == 2
    assert cards.count("<mark") == 4
    assert "&lt;/script&gt;&lt;script&gt;" in cards
    assert cards.count('src="data:image/') == 2
    assert 'data-arrived-ms="' in page


STEPS = """
const seen = [], id = (name) => document.getElementById(name);
const note = () => seen.push(id("found").textContent + "; " + id("page").textContent + "; " +
  (document.activeElement.closest(".card")?.querySelector(".about b").textContent ?? document.activeElement.id));
const wait = () => new Promise((done) => setTimeout(done, 250));
const send = (target, event) => target.dispatchEvent(event);
const press = (key) => { send(document.activeElement, new KeyboardEvent("keydown", { key, bubbles: true })); note(); };
const set = async (name, value) => {
  id(name).value = value;
  send(id(name), new Event("input", { bubbles: true }));
  await wait();
  note();
};
addEventListener("load", async () => {
  press("j"); press("j"); press("k"); press("ArrowRight"); press("k"); press("/"); press("j"); press("Escape");
  await set("text", "PINK"); await set("text", "");
  await set("levels", "3"); await set("levels", "");
  await set("source", '"other"'); await set("source", "");
  await set("least", "5"); press("x");
  document.querySelector('.chip[data-type="3"]').click(); note();
  press("x");
  document.body.append(Object.assign(document.createElement("pre"), { id: "seen", textContent: seen.join("\\n") }));
});
"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_keys_and_filters(write, tmp_path):
    records = [build(name=f"r{n}") for n in range(23)]
    third = Response((Turn("assistant", "A pink cone of ice."),), 2, (Segment(2, 6, 2, 2, "attribute"),))
    records.append(Record("three", ("a.png",), records[0].prompt, (*records[0].responses, third), "other"))
    _, _, text = write(*records)
    # The test's script needs a policy that lets it run.
    text = re.sub(r"<meta http-equiv=[^>]*>", "", text).replace("</body>", f"<script>{STEPS}</script></body>")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    shown = re.search(r'<pre id="seen">(.*?)</pre>', dump(tmp_path / "page.html", tmp_path / "profile"), re.DOTALL)
    assert shown is not None
    everything = "24 records; page {} of 2; {}"
    assert shown[1].splitlines() == [
        everything.format(1, "r0"),
        everything.format(1, "r1"),
        everything.format(1, "r0"),
        everything.format(2, "r20"),
        everything.format(1, "r19"),
        everything.format(1, "text"),
        everything.format(1, "text"),  # j is a letter there
        everything.format(1, ""),
        "1 of 24 records; page 1 of 1; ",
        everything.format(1, ""),
        "1 of 24 records; page 1 of 1; ",
        everything.format(1, ""),
        "1 of 24 records; page 1 of 1; ",
        everything.format(1, ""),
        "1 of 24 records; page 1 of 1; ",
        everything.format(1, ""),
        "1 of 24 records; page 1 of 1; ",
        everything.format(1, ""),
    ]
