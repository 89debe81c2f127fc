"""The page stands alone, shows what was measured, and takes no orders from a model's text."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from demo_run import write_run
from errata.errors import StorageError
from errata.reports import render_report
from errata.reports.marking import embed_image

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"' {{ 7 * 7 }}</p></style>"


class Page(HTMLParser):
    """Tags with attributes, and the text outside style."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def find(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()]


def check_harmless(page: Page) -> None:
    """No script, no handler, no inline style attribute, nothing that another address serves."""
    assert not page.find("script")
    for tag, attrs in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attrs), (tag, attrs)
        for name in ("src", "srcset", "href", "action", "data"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a full run, beside its plots; no test may change it."""
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, compare=True)
    return render_report(folder)


@pytest.fixture(scope="module")
def page(rendered: Path) -> Page:
    return Page(rendered)


def test_page_stands_alone(page: Page) -> None:
    check_harmless(page)
    assert len(page.find("img")) == 5 + 4 + 3
    assert len(page.find("img", **{"class": "pixelated"})) == 4 + 3
    assert len(page.source) < 3_000_000


def test_policy_allows_only_this_style_and_embedded_images(page: Page) -> None:
    (policy,) = page.find("meta", **{"http-equiv": "Content-Security-Policy"})
    css = page.source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert policy["content"].startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'; img-src data:;" in policy["content"]
    assert "url(" not in css
    assert "@import" not in css


def test_page_says_what_was_measured(page: Page) -> None:
    assert "fell from 41.2 % to 17.2 %" in page.text
    assert "−24.0 points" in page.text
    assert "95 % interval −29.0 to −19.0" in page.text
    for label in ("DPO", "SFT on corrections", "SFT on own text (control)", "overlooks 15 % of the errors"):
        assert label in page.text


def test_every_image_has_a_text_alternative(page: Page) -> None:
    assert all(attrs.get("alt") for attrs in page.find("img"))
    assert page.text.count("not in the image: ") == 4 + 1  # one per phantom: four before, one left after


def test_figures_are_written_beside_the_page(rendered: Path) -> None:
    plots = list((rendered.parent / "plots").iterdir())
    names = {path.name for path in plots}
    stems = ("before_after", "objects", "pope", "methods", "training")
    assert names == {f"{stem}{theme}.png" for stem in stems for theme in ("", "-dark")}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in plots)


def test_rendering_twice_gives_the_same_page(minimal: dict[str, Any], write_results: Any) -> None:
    folder = write_results(minimal)
    first = render_report(folder).read_bytes()
    assert render_report(folder).read_bytes() == first


def test_absent_parts_leave_no_trace(minimal: dict[str, Any], write_results: Any) -> None:
    page = Page(render_report(write_results(minimal)))
    check_harmless(page)
    assert "40.0 % of the descriptions name something that the image does not show." in page.text
    for absent in ("Training", "What was corrected", "The same question", "Settings and times", "None"):
        assert absent not in page.text


def test_two_stages_without_pope_or_differences(minimal: dict[str, Any], write_results: Any) -> None:
    after = json.loads(json.dumps(minimal["stages"][0])) | {"name": "ddpo", "label": "After"}
    after["benchmarks"]["chair"]["metrics"]["chair_s"]["value"] = None
    page = Page(render_report(write_results(minimal | {"stages": [*minimal["stages"], after]})))
    assert "n/a" in page.text


def test_hostile_text_stays_text(run_folder: Path) -> None:
    results = json.loads((run_folder / "results.json").read_text(encoding="utf-8"))
    results |= {"title": ATTACK, "created": ATTACK, "settings": {ATTACK: {ATTACK: [ATTACK]}}, "timings": {ATTACK: 1.0}}
    results["annotation"]["types"] = {ATTACK: 3}
    results["training"]["tree"] = {ATTACK: ATTACK}
    for stage in results["stages"]:
        stage["label"] = ATTACK
        stage["benchmarks"]["chair"]["items"][0]["mentions"] = [{"object": "$\\frac" + ATTACK, "hallucinated": True}]
        stage["benchmarks"][ATTACK] = {"metrics": {ATTACK: {"value": 1}}}
    spans = [
        {"start": -5, "end": 10**9, "kind": "hallucinated", "object": ATTACK},
        {"start": 3, "end": 9, "kind": ATTACK},
    ]
    hostile = {"text": ATTACK + "\ud800\u202e\x00", "spans": [*spans, None, 7, {"start": "0", "end": True}]}
    results["examples"] = [
        {"image": ATTACK, "question": ATTACK, "before": hostile, "after": hostile, "truth": [ATTACK]}
    ]
    segments = [{"start": 0, "end": 8, "better_start": 0, "better_end": 9, "type": ATTACK}, "nonsense"]
    results["corrections_shown"] = [
        {"image": "", "question": ATTACK, "original": ATTACK, "corrected": ATTACK, "segments": segments}
    ]
    (run_folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    page = Page(render_report(run_folder))
    check_harmless(page)
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text


def test_an_image_that_is_missing_is_named(tmp_path: Path) -> None:
    write_run(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    page = Page(render_report(tmp_path))
    assert not page.find("img", **{"class": "pixelated"})
    assert "No readable image at images/example-0.png" in page.text


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/hostname", "images", "results.json", "", "a\0b", "images/torn.png"]
)
def test_only_images_inside_the_run_folder_are_embedded(tmp_path: Path, name: str) -> None:
    write_run(tmp_path / "run")
    whole = (tmp_path / "run" / "images" / "example-0.png").read_bytes()
    (tmp_path / "secret.png").write_bytes(whole)
    (tmp_path / "run" / "images" / "torn.png").write_bytes(whole[:60])
    assert embed_image(tmp_path / "run", name) is None


def test_a_large_photo_is_embedded_smaller_and_smooth(tmp_path: Path) -> None:
    Image.new("RGBA", (2000, 1000), "teal").save(tmp_path / "photo.png")
    embedded = embed_image(tmp_path, "photo.png")
    assert embedded is not None
    assert (embedded.width, embedded.height, embedded.pixelated) == (640, 320, False)
    assert embedded.uri.startswith("data:image/jpeg;base64,")


def test_pictures_are_opened_as_everywhere_else(tmp_path: Path) -> None:
    """Only formats that start no other program, and turned as EXIF says."""
    photo = Image.new("RGB", (300, 200), "teal")
    photo.save(tmp_path / "photo.ppm")
    assert embed_image(tmp_path, "photo.ppm") is None
    exif = Image.Exif()
    exif[274] = 6  # orientation: a quarter turn
    photo.save(tmp_path / "photo.jpg", exif=exif)
    embedded = embed_image(tmp_path, "photo.jpg")
    assert embedded is not None
    assert (embedded.width, embedded.height) == (200, 300)


def test_folder_that_cannot_be_written(run_folder: Path) -> None:
    (run_folder / "plots").write_text("a file where the folder should stand", encoding="utf-8")
    with pytest.raises(StorageError, match=r"plots.*expected a writable place.*choose another folder"):
        render_report(run_folder)


def test_reports_load_without_torch() -> None:
    code = "import errata.reports, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_published_numbers_and_what_is_missing_stand_apart(minimal, write_results):
    row = {"benchmark": "chair", "model": "Other", "metric": "CHAIR", "value": "1.0", "source": "Its page", "note": ""}
    minimal |= {"published": [row], "coverage": {"chair": {"questions": 400, "answered": 399}}}
    minimal["stages"][0]["benchmarks"]["chair"]["metrics"]["chair_s"] |= {"numerator": 40.0}
    page = render_report(write_results(minimal)).read_text(encoding="utf-8")
    assert "Quoted, not measured here" in page
    assert "Its page" in page
    assert '<th scope="row">chair</th><td>399 of 400 answered, 1 missing</td>' in page
    assert "40 of 100" in page


def test_a_model_that_refuses_does_not_look_truthful(minimal, write_results):
    minimal["stages"][0]["benchmarks"]["chair"]["settings"] = {"refused": 90, "empty": 10}
    page = render_report(write_results(minimal)).read_text(encoding="utf-8")
    assert "100 of 100 descriptions of" in page
    assert "refuse or say nothing, and so make nothing up" in page
    assert "90 refused, 10 empty" in page


def test_only_what_was_measured_is_explained(minimal: dict[str, Any], write_results: Any) -> None:
    (stage,) = json.loads(json.dumps(minimal["stages"]))
    assert "<dt>CHAIR</dt>" in Page(render_report(write_results(minimal))).source
    stage["benchmarks"] = {"pope_random": {"metrics": {"accuracy": {"value": 1}}}}
    page = Page(render_report(write_results(minimal | {"stages": [stage]})))
    assert "<dt>POPE</dt>" in page.source
    assert "<dt>CHAIR</dt>" not in page.source
