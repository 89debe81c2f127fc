"""Whatever stands in any place of a row, a format gives records or says what is wrong; it never fails otherwise."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from errata.data.formats.amp import AMP
from errata.data.formats.argilla import ARGILLA
from errata.data.formats.conversations import CONVERSATIONS
from errata.data.formats.format import Format
from errata.data.formats.label_studio import LABEL_STUDIO
from errata.data.formats.llama_factory import LLAMA_FACTORY
from errata.data.formats.llava_rlhf import LLAVA_RLHF
from errata.data.formats.ms_swift import MS_SWIFT
from errata.data.formats.own import JSON_LINES
from errata.data.formats.rlaifv import RLAIFV
from errata.data.formats.rlhfv import RLHFV
from errata.data.formats.table import TABLE
from errata.data.formats.trl import TRL
from errata.data.formats.vlfeedback import VLFEEDBACK
from errata.data.formats.vqa import VQA
from errata.data.text_limits import require_text
from errata.errors import DataError
from foreign_rows import amp_row, llava_rlhf_row, rlaifv_row, vlfeedback_row
from format_rows import WHERE, read_row, recognises


def said(value: Any) -> list[dict]:
    return [{"value": value, "user_id": "u", "status": "submitted"}]


def result(kind: str, to: str, **value: Any) -> dict:
    return {"id": "x", "type": kind, "from_name": "c", "to_name": to, "value": value}


LABELS = result("labels", "response", start=5, end=9, text="blue", labels=["object"])
DATA = {"image": "/data/upload/1/a.png", "prompt": "Q", "response": "🚌 A blue bus.", "other": "A cat."}
SHOWN = DATA | {"image": "a.png"}
PAIR = {"prompt": "Q", "response_a": "A.", "response_b": "B."}
FLAT = {"pick.responses": ["A"], "pick.responses.users": ["u"], "pick.responses.status": ["submitted"]}
MESSAGES = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Q"}]}]
ANSWER = {"role": "assistant", "content": "A."}
ITEMS = [{"id": 1, "title": "t", "body": "A."}, {"id": 2, "title": "t", "body": "B."}]

ORIGIN = {"ds_name": "RLHF-V", "origin_dataset": "COCO", "origin_split": '{"model": "x"}', "idx": 1, "image_path": "p"}
RATED = vlfeedback_row(("5", "5", "5"), ("4", "4", "4"), ("1", "1", "x"))
LISTS = ("annotations", "model", "response")
GPT = {"from": "gpt", "value": "A."}
SEGMENT = {"start": 0, "end": 1, "better_start": 0, "better_end": 1, "type": "object"}
RANKED = [{"level": 0, "text": "A."}, {"level": 1, "text": "B.", "segments": [SEGMENT]}]

ROWS = [
    (
        LLAMA_FACTORY,
        {"messages": MESSAGES, "chosen": ANSWER, "rejected": {"from": "gpt", "value": "B."}, "images": ["a"]},
    ),
    (LLAMA_FACTORY, {"instruction": "Q", "input": "x", "chosen": "A.", "rejected": "B.", "history": [["a", "b"]]}),
    (MS_SWIFT, {"messages": [*MESSAGES, ANSWER], "rejected_response": "B.", "images": ["a"], "system": "S"}),
    (
        MS_SWIFT,
        {
            "messages": [*MESSAGES, ANSWER],
            "rejected_messages": [*MESSAGES, {**ANSWER, "content": "B."}],
            "images": ["a"],
        },
    ),
    (
        LABEL_STUDIO,
        {"id": 1, "data": DATA, "annotations": [{"result": [LABELS, result("textarea", "x", text=["A."])]}]},
    ),
    (
        LABEL_STUDIO,
        {"data": DATA, "annotations": [{"result": [result("pairwise", "response,other", selected="left")]}]},
    ),
    (
        LABEL_STUDIO,
        {"data": DATA, "annotations": [{"result": [LABELS, {**result("textarea", "x", start=5, end=9, text="y")}]}]},
    ),
    (
        LABEL_STUDIO,
        {"data": {**DATA, "l": ITEMS}, "annotations": [{"result": [result("ranker", "l", ranker={"r": [1, 2]})]}]},
    ),
    (
        LABEL_STUDIO,
        {
            "data": DATA,
            "annotations": [{"result": [result("rating", n, rating=len(n)) for n in ("response", "other")]}],
        },
    ),
    (
        ARGILLA,
        {
            "fields": SHOWN,
            "responses": {"corrected": said("A."), "s": said([{"start": 5, "end": 9, "label": "object"}])},
        },
    ),
    (ARGILLA, {"fields": PAIR, "responses": {"r": said([{"value": "A", "rank": 1}, {"value": "B", "rank": 2}])}}),
    (ARGILLA, {"fields": PAIR, "responses": {"rating_a": said(1), "rating_b": said(2.5)}, "metadata": {"x": 1}}),
    (ARGILLA, {"id": "r", **PAIR, **FLAT}),
    (TABLE, {"prompt": "Q", "chosen": "A.", "rejected": ["B."], "image": "[]", "id": "1", "rejected_model": "m"}),
    (
        VQA,
        {"question": "Q", "question_id": 1, "image_id": 2, "answers": [{"answer": "a"}], "multiple_choice_answer": "a"},
    ),
    (TABLE, {"prompt": "Q", "responses": [{"text": "A.", "level": 0}, {"text": "B.", "level": 1}], "image": "a"}),
    (TRL, {"images": ["a"], "prompt": MESSAGES, "chosen": [ANSWER], "rejected": [{**ANSWER, "content": "B."}]}),
    (TRL, {"image": "a", "chosen": [*MESSAGES, ANSWER], "rejected": [*MESSAGES, {**ANSWER, "content": "B."}]}),
    (TRL, {"prompt": "Q", "chosen": "A.", "rejected": "B.", "image": "a"}),
    (RLAIFV, rlaifv_row(image={"bytes": None, "path": "a"})),
    (RLHFV, {"image": "a", "text": '{"question": "Q", "chosen": "A.", "rejected": "B."}', **ORIGIN}),
    (VLFEEDBACK, RATED),
    (VLFEEDBACK, {**RATED, "completions": {name: [one[name] for one in RATED["completions"]] for name in LISTS}}),
    (AMP, amp_row("A.", "B.", "C.")),
    (LLAVA_RLHF, llava_rlhf_row()),
    (CONVERSATIONS, {"id": "1", "image": "a", "conversations": [{"from": "human", "value": "Q"}, GPT]}),
    (JSON_LINES, {"id": "1", "images": ["a"], "prompt": "Q", "responses": RANKED, "meta": {"x": 1}}),
]

HOSTILE: list[Any] = [
    *(None, True, 0, -1, 7, 10**18, 0.5, "", " ", "x", "../../etc/passwd", "\0", "🚌", "[", "{}", "meta"),
    *(float("nan"), b"x", '{"x": NaN}', '"\\ud800"'),
    *([], {}, [None], [[]], [{}], ["x", "x"], {"": ""}, {"value": {}}, {"id": []}, {"from": "gpt", "value": "<image>"}),
]


def damage(row: Any, value: Any) -> Iterator[Any]:
    """Copies of a row with `value` in one place each."""
    items = list(row.items()) if isinstance(row, dict) else list(enumerate(row)) if isinstance(row, list) else []
    for key, inner in items:
        changed = copy.copy(row)
        changed[key] = value
        yield changed
        for one in damage(inner, value):
            changed = copy.copy(row)
            changed[key] = one
            yield changed


def without(row: Any) -> Iterator[Any]:
    """Copies of a row that lack one thing each."""
    items = list(row.items()) if isinstance(row, dict) else list(enumerate(row)) if isinstance(row, list) else []
    for key, inner in items:
        changed = copy.copy(row)
        del changed[key]
        yield changed
        for one in without(inner):
            changed = copy.copy(row)
            changed[key] = one
            yield changed


def is_read(known: Format, row: dict) -> bool:
    """Whether a row gives records; an error of four parts with its place says why not."""
    try:
        for record in read_row(known, row):
            require_text(record, WHERE)
    except DataError as error:
        if not (error.where.startswith(WHERE) and error.expected and error.found and error.fix):
            raise
        return False
    return True


@pytest.mark.parametrize("number", range(len(ROWS)))
def test_damage_in_any_place_is_an_error_or_harmless(number):
    known, row = ROWS[number]
    assert read_row(known, copy.deepcopy(row))
    tried = [*without(row), *(one for value in HOSTILE for one in damage(row, value))]
    refused = 0
    for one in tried:
        recognises(known, one)
        if not (known is LABEL_STUDIO and not recognises(known, one)):
            refused += not is_read(known, one)
    assert refused > len(tried) // 10
