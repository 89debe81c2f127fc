"""A file checked row by row: what is found in it, by kind and line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from errata.cli import main
from errata.data import FINDING_KINDS, REPAIRS, check_file
from errata.data.checks.findings import NOTES

BETTER, WORSE = "A red cube is on the table.", "A red ball is on the table."
SEGMENT = {"start": 6, "end": 10, "better_start": 6, "better_end": 10}


def row(number: int = 1, better: str = BETTER, worse: str = WORSE, **fields):
    segments = [SEGMENT] if (better, worse) == (BETTER, WORSE) else fields.pop("segments", [])
    responses = [{"level": 0, "text": better}, {"level": 1, "text": worse, "segments": segments}]
    return {"id": f"r{number}", "images": ["a.png"], "prompt": f"What {number}?", "responses": responses} | fields


@pytest.fixture
def check(tmp_path):
    """Kinds and lines of what is found in rows; texts are written as they are."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")

    def run(*rows, **options):
        lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in rows]
        (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        report = check_file(tmp_path / "a.jsonl", **options)
        assert report.rows == len([line for line in lines if line])
        places = [(finding.kind, finding.where.removeprefix(str(tmp_path / "a.jsonl"))) for finding in report.findings]
        return [(kind, int(place[1:] or 0)) for kind, place in places]

    return run


def levels(*numbers: int):
    texts = ["A cube.", "A ball.", "A cone."]
    return row(responses=[{"level": level, "text": text} for level, text in zip(numbers, texts, strict=False)])


REFUSED = {
    "truncated": (b'{"id": "r', "json"),
    "nan": (b'{"id": NaN}', "json"),
    "deep": (b"[" * 100_000, "json"),
    "deeper than records": (row(meta={"x": json.loads("[" * 200 + "]" * 200)}), "json"),
    "not UTF-8": (b'{"id": "caf\xe9"}', "encoding"),
    "surrogate": (b'{"id": "\\ud83d"}', "encoding"),
    "list": (b"[]", "field"),
    "unknown": (row(promt="?"), "field"),
    "mistyped": (row(images="a.png"), "field"),
    "no id": (row(id=""), "field"),
    "no image path": (row(images=[""]), "field"),
    "placeholders": (row(prompt="<image><image> What?"), "placeholder"),
    "no question": (row(prompt=" "), "empty"),
    "no answer": (row(responses=[]), "empty"),
    "empty answer": (row(worse=" "), "empty"),
    "equal answers": (row(worse=BETTER), "identical"),
    "levels from 1": (levels(1, 2), "levels"),
    "levels unsorted": (levels(0, 2, 1), "levels"),
    "level out of range": (levels(0, 10**6), "levels"),
    "segment outside": (row(worse="A ball.", segments=[SEGMENT | {"end": 99}]), "segment"),
    "segment type": (row(worse="A ball.", segments=[SEGMENT | {"type": "colour"}]), "segment"),
    "segment round": (row(worse="A ball.", segments=[SEGMENT | {"round": 3}]), "segment"),
    "prompt by the model": (row(prompt=[{"role": "assistant", "text": "Hm."}]), "turns"),
    "turns": (row(responses=[{"level": 0, "turns": [{"role": "user", "text": "Hm."}]}]), "turns"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_row_that_cannot_be_read_has_its_kind_and_line(check, name):
    damaged, kind = REFUSED[name]
    assert check(row(1), damaged) == [(kind, 2)]


FOUND = {
    "gap in levels": (row(2, responses=[*row()["responses"][:1], row()["responses"][1] | {"level": 4}]), "levels"),
    "same id": (row(1, prompt="Another?"), "duplicate-id"),
    "same content": (row(2, prompt="What 1?"), "duplicate"),
    "nul": (row(2, prompt="What\0?"), "nul"),
    "escape": (row(2, prompt="What\x1b[31m?"), "invisible"),
    "zero width": (row(2, prompt="Wh\u200bat?"), "invisible"),
    "direction": (row(2, prompt="What \u202eevil?"), "invisible"),
    "mojibake": (row(2, prompt="In a cafÃ©?"), "mojibake"),
    "mojibake quote": (row(2, prompt="the dogâ€™s?"), "mojibake"),
    "mojibake cyrillic": (row(2, prompt="ÐŸÑ€Ð¸?"), "mojibake"),
    "mojibake emoji": (row(2, prompt="ðŸ˜€?"), "mojibake"),
    "lost": (row(2, prompt="In a caf\ufffd?"), "replacement"),
    "apart": (row(2, prompt="In a cafe\u0301?"), "not-nfc"),
    "licence": (row(2, license="CC BY-NC 4.0"), "licenses"),
    "no image": (row(2, images=[]), "no-image"),
    "image": (row(2, images=["b.png"]), "image"),
    "length": (row(2, worse=f"{BETTER} {'It is a sunny day. ' * 12}", segments=[]), "length"),
    "long": (row(2, prompt="What is it? " * 20_000), "long"),
    "unexplained": (row(2, worse="A blue ball is on the floor.", segments=[SEGMENT | {"end": 11}]), "unexplained"),
    "white space": (row(2, worse=f"{BETTER} ", segments=[]), "same-text"),
    "no pair": (row(2, responses=[row()["responses"][0], {"level": 0, "text": "A cone."}]), "no-pair"),
    "another tool's picture": (row(2, prompt="<image1>\nWhat 2?"), "image-mark"),
    "a rendered question": (row(2, prompt="USER: What 2? ASSISTANT:"), "rendered"),
    "an end token": (row(2, worse="A red box is on the table.</s>", segments=[]), "end-token"),
    "another tokenizer's token": (row(2, prompt="<fim_prefix>What 2?"), "foreign-token"),
    "messages": (row(2, prompt="[{'role': 'user', 'content': 'What 2?'}]"), "messages"),
    "the question again": (row(2, worse="What 2? A red box is on the table.", segments=[]), "echo"),
    "segment without change": (row(2, worse="A red box.", segments=[dict.fromkeys(SEGMENT, 0)]), "segment"),
}


@pytest.mark.parametrize("name", FOUND)
def test_trouble_has_its_kind_and_line(check, name):
    found = [kind for kind in check(row(1), FOUND[name][0]) if kind[0] != "no-segments"]
    assert found == [(FOUND[name][1], 0 if name == "licence" else 2)]


@pytest.mark.parametrize(
    "text",
    [
        "Café à la «MAISON RÂPÉ» — 20\u00a0°C, déjà\u00a0«\u00a0vu\u00a0»",
        "NÃO, São Paulo: “ÃO”",
        "👩‍👩‍👧 👍🏽 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ❤️ 🇩🇪",
        "می‌خواهم \u200fעברית\u200f 한국어 हिन्दी น้ำ",
        "tabs\tand\nlines\r\n",
    ],
)
def test_good_text_of_any_language_is_no_trouble(check, text):
    assert check(row(1, prompt=text)) == []


def test_a_rewrite_shows_among_corrections_only(check):
    rewrite = row(9, worse="Someone walks two dogs along some beach.", segments=[])
    corrections = [row(number) for number in range(5)]
    assert ("rewrite", 6) in check(*corrections, rewrite)
    assert "rewrite" not in dict(check(rewrite))


def test_a_short_answer_is_changed_as_a_whole_without_being_a_rewrite(check):
    corrections = [row(number) for number in range(5)]
    assert "rewrite" not in dict(check(*corrections, row(9, better="Yes.", worse="No.", segments=[])))


def test_a_worse_answer_without_segments_and_a_file_without_rows_are_found(check):
    assert check(row(1, worse="A red box is on the table.", segments=[])) == [("no-segments", 1)]
    assert [kind for kind, _ in check(b"")] == ["no-records"]


def test_a_length_bias_needs_many_pairs(check):
    def shorter(count):
        return [row(n, worse="A red ball.", segments=[]) for n in range(count)]

    assert "length-bias" not in dict(check(*shorter(49)))
    assert "length-bias" in dict(check(*shorter(50)))


def test_images_are_left_alone_when_asked(check):
    assert check(row(1, images=["none.png"]), images=False) == []


def test_conversations_are_checked_too(check):
    talk = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A caf\ufffd."}]
    assert check({"image": "a.png", "conversations": talk}, {"conversations": talk[:1]}) == [
        ("turns", 2),
        ("replacement", 1),
    ]


def test_every_kind_is_found_by_a_test_of_this_page():
    of_whole_files = {"no-records", "no-segments", "rewrite", "length-bias"}
    of_pictures = {"animated", *NOTES}  # test_check_pictures.py
    found = {kind for _, kind in [*REFUSED.values(), *FOUND.values()]}
    assert found | of_whole_files | of_pictures == FINDING_KINDS.keys()


def test_the_command_groups_by_kind_and_gives_json(tmp_path, capsys):
    rows = [row(n, prompt=f"What\0 {n}?") for n in range(5)] + [
        row(7, id="b\x1b[31m\nc", worse="A red box is on the table.", segments=[])
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    command = ["data", "check", str(tmp_path / "a.jsonl"), "--no-images"]
    assert main([*command, "--examples", "2"]) == 3
    output = capsys.readouterr().out
    assert "nul (5): NUL characters, which no other verb reads\n" in output
    assert "a.jsonl:1 r0: prompt: 1 of them" in output
    assert "  and 3 more\n" in output
    assert "\x1b" not in output
    assert output.splitlines()[-1] == "6 records, 1 no-segments, 5 nul"
    assert main([*command, "--json"]) == 3
    values = json.loads(capsys.readouterr().out)
    assert (values["rows"], values["counts"]) == (6, {"no-segments": 1, "nul": 5})
    assert len(values["findings"]) == 6
    assert main(["data", "check", str(tmp_path / "a.jsonl"), "--out", "b.jsonl"]) == 2
    assert "add --fix" in capsys.readouterr().err


def test_the_page_has_every_kind_and_every_repair():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    section = page.partition("## check")[2].partition("## show")[0]
    table, _, repairs = section.partition("--fix --out")
    assert {f"`{kind}`" for kind in FINDING_KINDS} <= set(re.findall(r"`[a-z-]+`", table))
    assert {f"`{kind}`" for kind in REPAIRS} <= set(re.findall(r"`[a-z-]+`", repairs))
