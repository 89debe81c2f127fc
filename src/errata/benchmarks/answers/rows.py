"""One row of an answer file: what was said, and what it tells of its question.

What stands in place of an answer where a call failed: the marks of harnesses and clients, and nothing at all.

What the numbers of an answer file mean, told by the question file that it was made with.

LLaVA counts POPE's settings as one list (`llava_pope_test.jsonl`), and its answers hold neither image nor setting.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errata.benchmarks.answers.columns import PROMPTS
from errata.errors import DataError
from errata.records import Fields
from errata.storage import read_json_lines

_BLANK = re.compile(r"(?:nan|null|<na>|nat|undefined|none)", re.IGNORECASE)
_FAILED = re.compile(
    r"\W*(?:api|http|request|server|connection|network|generation|inference|runtime|openai|model)?[ _-]?error\W*"
    r"|\W*(?:failed|failure|timeout|timed out|blocked|content[ _]filter(?:ed)?)\W*|\[\s*\]|<\s*empty\s*>"
    r"|[\w.]*(?:Error|Exception|_ERROR)|\W*(?:cuda|gpu|hip|mps|torch)\b.{0,40}\bout of memory\b.*"
    r"|\W*(?:max(?:imum)? )?(?:number of )?(?:retries|attempts) (?:exceeded|exhausted|reached)\b.*"
    r"|\W*exceeded (?:the )?(?:max(?:imum)? )?(?:number of )?(?:retries|attempts)\b.*"
    r"|\W*(?:no|empty|invalid) (?:response|output|prediction|reply|answer)"
    r"(?: (?:from|was|received|returned|generated|provided|found|available)\b.*)?\W*"
    r"|\W*failed to (?:obtain|get|generate|call|fetch|retrieve|parse|process|produce|receive)\b.*"
    r"|\W*(?:api|http|request|server|connection|network|generation|inference|openai|gateway|rate limit|client)[ _-]?"
    r"(?:call )?(?:error|failed|failure|timeout|timed out|aborted|exceeded|limit)\b.*"
    r"|\W*(?:error|exception)(?:\s*[:\-–]|\s*\(|\s+(?:code|calling|during|generating|occurred|while|in|from|processing|"
    r"\d{3})\b).*"
    r"|\W*an? (?:unexpected )?(?:error|exception) (?:occurred|happened|was).*"
    r"|\W*[\w.]*(?:Error|Exception|Timeout)\s*[(:].*|\[\s*(?:\w+ )?error\s*\].*"
    r"|\W*traceback \(most recent call last\).*"
    r"|\W*(?:http )?(?:error )?(?:400|401|403|404|408|413|422|429|500|502|503|504)\b(?:\W*|\W+(?:bad|too many|internal|"
    r"service|gateway|unauthori|forbidden|not found|error|client|server).*)",
    re.IGNORECASE | re.DOTALL,
)


def find_failure(value: Any) -> str:
    """Why a value is no answer, as words for people; empty where it may be one, as an empty text may."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "nothing"
    if isinstance(value, list):
        return "an empty list" if not value else ""
    if isinstance(value, dict):
        return f"an error: {json.dumps(value, default=str)[:80]}" if _is_error(value) else ""
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if _BLANK.fullmatch(text) or _FAILED.fullmatch(text) or _is_error_text(text):
        return f"{text[:80]!r}"
    return ""


def _is_error_text(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        return _is_error(json.loads(text))
    except (ValueError, RecursionError):
        return bool(re.match(r"\{\s*['\"](?:error|detail|exception)['\"]\s*:", text))


def _is_error(value: Any) -> bool:
    """Whether a JSON value is what a server says of a failure."""
    if not isinstance(value, dict):
        return False
    return bool(value.get("error") or value.get("exception")) or value.get("object") == "error"


FIGURES = ("category", "subcategory", "set_id", "figure_id", "question_id")
"""What names a question of HallusionBench; a question of it may have no image."""
IMAGES = (
    "image_id", "image_source", "image", "image_path", "image_url", "image_name", "image_file", "img_id", "img_path",
    "file_name",
)  # fmt: skip
NUMBERS = ("question_id", "index", "qid", "questionId")
REFERENCES = ("ans1", "gpt4_ans", "gpt_answer", "gt_answer", "reference", "target")
_INDEX = re.compile(r"(V[DS])_([a-z]+)_(\d+)_(\d+)_(\d+)_(\d+)")
"""VLMEvalKit's name of a question of HallusionBench: category, subcategory, input, set, figure, question."""
_WHOLE = re.compile(r"(-?\d+)\.0+")


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer and what its row tells of the question; empty where it tells nothing.

    Attributes:
        where: File and row.
        text: What the model said, to the last round where there are several.
        earlier: What it said in the rounds before.
        id: The question's id in our files.
        number: The question's number in the benchmark's files.
        category: Setting or type.
        image: Name or number.
        prompt: What was asked.
        label: The right answer, as far as the row holds it.
        model: Who answered.
        finished: Whether the answer came to its end.
        failed: What stands in place of an answer, where a call failed.
        column: Where it stood.
        place: The question's place in the data set, counted from 0, as lmms-eval has it.
        context: What describes the image to a judge.
        reference: What the answer is compared with.
    """

    where: str
    text: str
    earlier: tuple[str, ...] = ()
    id: str = ""
    number: str = ""
    category: str = ""
    image: str = ""
    prompt: str = ""
    label: str = ""
    model: str = ""
    finished: bool = True
    failed: str = ""
    column: str = ""
    place: str = ""
    context: str = ""
    reference: str = ""


def parse_row(row: Mapping[str, Any], column: str, where: str) -> list[GivenAnswer]:
    """The answer of a row, once for each category that it names. Raises DataError for one that is no text."""
    failed = find_failure(row.get(column))
    texts = ("",) if failed else _take_texts(row, column, where)
    failed = failed or (find_failure(texts[0]) if len(texts) == 1 else "")
    index = _INDEX.fullmatch(_take(row, "index"))
    answer = GivenAnswer(
        where,
        "" if failed else texts[-1],
        () if failed else texts[:-1],
        id=_take(row, "id") or name_figure(row) or (_name_index(index) if index else ""),
        number=_take_first(row, NUMBERS),
        image=_take_first(row, IMAGES),
        prompt=_take_prompt(row, column),
        label=_take(row, "label") or (_take(row, "answer") if column != "answer" else ""),
        model=_take(row, "model") or _take(row, "model_id"),
        finished=row.get("finished", True) is not False,
        failed=failed,
        column=column,
        place=_take(row, "doc_id"),
        context=_take(row, "context") or (_take(row, "caption") if column != "caption" else ""),
        reference=_take_first(row, REFERENCES),
    )
    categories = _take(row, "category").split(",")  # VLMEvalKit asks once what occurs in several settings
    return [replace(answer, category=category.strip()) for category in categories]


def name_figure(row: Mapping[str, Any]) -> str:
    """The id of a question of HallusionBench, from the fields that name it; empty where the row lacks one."""
    parts = [_take(row, name) for name in FIGURES]
    return "-".join(("hallusion", *parts)) if all(parts) else ""


def _name_index(index: re.Match[str]) -> str:
    category, subcategory, _, group, figure, question = index.groups()
    return "-".join(("hallusion", category, subcategory, group, figure, question))


def _take_texts(row: Mapping[str, Any], column: str, where: str) -> tuple[str, ...]:
    """What was said in each round; a list of one text is that text."""
    value = row[column]
    value = _open_list(value) if isinstance(value, str) else value
    texts = [_open_text(one) for one in (value if isinstance(value, list) and value else [value])]
    if not all(isinstance(text, str) for text in texts):
        found = f"{column!r} is {type(value).__name__}"
        raise DataError(where, expected="an answer", found=found, fix="fix the row")
    earlier = row.get("earlier") or []
    return (*(text for text in earlier if isinstance(text, str)), *texts)


def _open_text(value: Any) -> Any:
    """The text of a message, and of a list of one inside another list, as lmms-eval's `resps` are."""
    if isinstance(value, dict) and value.get("role", "assistant") == "assistant":
        return next((value[name] for name in ("content", "text") if isinstance(value.get(name), str)), value)
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _open_list(text: str) -> Any:
    """A list of texts that a table holds as one text."""
    if text[:1] == "[" and text[-1:] == "]":
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return value
    return text


def _take_prompt(row: Mapping[str, Any], column: str) -> str:
    """The question, of a dialogue the first."""
    asked = {name: row.get(name) for name in PROMPTS if name != column}
    first = {name: value[0] if isinstance(value, list) and value else value for name, value in asked.items()}
    return _take_first(first, PROMPTS)


def _take(row: Mapping[str, Any], name: str) -> str:
    """A text or a whole number as text, 42.0 as 42; nothing else identifies a question."""
    value = row.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    whole = _WHOLE.fullmatch(str(value).strip())
    return whole[1] if whole else str(value)


def _take_first(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((value for name in names if (value := _take(row, name))), "")


def look_up_numbers(given: Sequence[GivenAnswer], path: str | Path) -> list[GivenAnswer]:
    """The answers with image, wording and category of the question whose number they have, and without the number.

    Args:
        given: Answers with numbers.
        path: JSON lines of `{question_id, image, text, category}`; the last may be absent.

    Raises:
        DataError: `file:line` of a row that cannot be used or a number that occurs twice; an answer whose number is
            not among them.
    """
    rows: dict[str, dict[str, str]] = {}
    for where, row in read_json_lines(path):
        number, told = _read_row(row, where)
        if number in rows:
            raise DataError(where, expected="numbers that occur once", found=f"{number} again", fix="drop one of them")
        rows[number] = told
    return [_describe(answer, rows, path) for answer in given]


def _read_row(row: Any, where: str) -> tuple[str, dict[str, str]]:
    fields = Fields(row, where, "question", fix="use the file that the answers were made with")
    number = fields.take("question_id", (int, str))
    told = {"image": fields.take("image", str), "prompt": fields.take("text", str)}
    return str(number), told | {"category": fields.take("category", str, "")}


def _describe(answer: GivenAnswer, rows: dict[str, dict[str, str]], path: str | Path) -> GivenAnswer:
    if answer.number not in rows:
        found, fix = f"question_id {answer.number or 'absent'}", "use the file that the answers were made with"
        raise DataError(answer.where, expected=f"a number of {path}", found=found, fix=fix)
    told = rows[answer.number]
    prompt = answer.prompt or told["prompt"]
    return replace(answer, number="", image=told["image"], prompt=prompt, category=told["category"])
