"""Which column of an answer file holds the model's words: the one that can, or the one that is named; never a guess."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from errata.errors import DataError

Row = Mapping[str, Any]

ANSWERS = (
    "prediction", "text", "answer", "caption", "response", "model_answer", "model_prediction", "model_response",
    "model_output", "output", "outputs", "completion", "generated_text", "generation", "generated", "pred",
    "predicted_answer", "predict", "reply", "answers", "responses", "predictions", "captions", "pred_answer",
    "generated_answer",
    "generated_caption", "answer_text", "output_text", "response_text", "model_text", "llm_answer", "raw_output",
)  # fmt: skip
"""What files call the model's words."""
PROMPTS = ("question", "prompt", "query")
VAGUE = frozenset(("text", "answer", "answers", "caption", "captions"))
"""Names that data sets also use for the question or for what is right."""
LEAST_LABELS = 20
"""Answers that all equal their labels in so many rows or more are hardly a model's."""
LEAST_PROSE = 3
"""The same of answers that all equal what people, or a better model, wrote about the image."""
_PROSE_WORDS = 4
"""In so many words nobody says the same by chance."""
_TABLE = {"index", "prediction"}
"""Columns of VLMEvalKit's tables, in which `answer`, `caption` and others belong to the question."""
_OF_THE_QUESTION = frozenset(("answer", "caption", "text", "answers"))
_KNOWN = re.compile(
    r"(?i)(?:.*_)?(?:ids?|index|idx|number|names?|paths?|urls?|files?|filenames?|src|sources?|hash|sha\d*|md5|images?|img|"
    r"category|categories|types?|topic|setting|split|dataset|task|label|labels|gt|target|targets|reference|references|"
    r"version|prompts?|questions?|query|queries|metadata|meta|context|description|content|contents|details|thoughts?|"
    r"thinking|reasoning|rationale|time|date|at|seed|lang|language|objects?|hint|instruction|system|round|turn|score|"
    r"scores|rating|review|judge|log|hit|status|finish|reason|capability|visual_input|strategy|sentence|sentences)"
    r"(?:_.*|\d*)|gt_.*|(?:eval_|base_|judge_|llm_|mllm_|vl_)?model(?:_id|_name|_version|_path)?|ground_?truth.*|l2-category|gpt[-_]?4?[a-z]*_.*|doc.*|ref_.*|[a-h]"
)
"""Columns that say something else than what the model answered."""
_VERDICT = re.compile(r"\W*(?:yes|no)\W*", re.IGNORECASE)


def choose_column(rows: Sequence[tuple[str, Row]], told: str | None, where: str) -> str:
    """The name of the column.

    Args:
        rows: With their places; samples of lmms-eval are rows of ours already.
        told: Its name, where somebody says so.
        where: The file, for messages.

    Raises:
        DataError: There is no such column, or several that could be meant, or what it holds are the questions.
    """
    used = (name for _, row in rows for name, value in row.items() if isinstance(name, str) and value is not None)
    names = list(dict.fromkeys(used))
    if told is not None:
        if told not in names:
            listed = ", ".join(names[:12]) or "no column"
            raise DataError(where, expected=f"a column {told!r}", found=listed, fix="check --answer-column")
        return told
    found = _list_candidates(rows, names)
    if not found and rows:
        _refuse_none(rows, names)
    if len(found) > 1:
        listed = " and ".join(map(repr, found))
        likeliest = next((name for name in reversed(found) if name not in VAGUE), found[-1])
        fix = f"name the column with the model's words: --answer-column {likeliest}"
        raise DataError(where, expected="one column of answers", found=f"{listed}, which differ", fix=fix)
    _refuse_questions(rows, found[0], where)
    return found[0]


def _list_candidates(rows: Sequence[tuple[str, Row]], names: Sequence[str]) -> list[str]:
    """The columns that could be meant, those that say the same once."""
    known = [name for name in ANSWERS if name in names or any(name in row for _, row in rows[:1])]
    if set(names) | set(rows[0][1] if rows else ()) >= _TABLE:
        known = [name for name in known if name not in _OF_THE_QUESTION]
    filled = [name for name in known if name in names] or known[:1]
    if len(filled) == 1 and filled[0] in VAGUE:
        filled += [name for name in names if _could_answer(rows, name, filled[0])]
    different: list[str] = []
    for name in filled:
        if not any(all(row.get(name) == row.get(other) for _, row in rows) for other in different):
            different.append(name)
    return different


def _could_answer(rows: Sequence[tuple[str, Row]], name: str, beside: str) -> bool:
    """Whether a column of a strange name may hold answers: it is a sentence, yes and no, or rounds as `beside` has."""
    if name in ANSWERS or _KNOWN.fullmatch(name) or name in ("earlier", "finished", "id"):
        return False
    rounds = all(isinstance(row.get(beside), list) for _, row in rows)
    values = [
        " ".join(map(str, row[name])) if rounds and isinstance(row.get(name), list) else row.get(name)
        for _, row in rows
    ]
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    if len(texts) * 2 < len(rows):
        return False
    if all(_VERDICT.fullmatch(text) for text in texts):
        return True
    return len(set(texts)) > 1 and sum(" " in text.strip() for text in texts) * 2 > len(texts)


def _refuse_none(rows: Iterable[tuple[str, Row]], names: Sequence[str]) -> None:
    where = next(where for where, _ in rows)
    listed = ", ".join(map(str, names[:12])) or "none"
    raise DataError(
        where,
        expected="an answer",
        found=f"no text under any of {', '.join(ANSWERS[:7])}; its columns are {listed}",
        fix="name the column with the model's words: --answer-column NAME",
    )


def _refuse_questions(rows: Sequence[tuple[str, Row]], name: str, where: str) -> None:
    """Raise DataError where the column repeats that of the questions in most rows."""
    same = sum(
        isinstance(row.get(name), str | list) and any(row.get(prompt) == row[name] for prompt in PROMPTS)
        for _, row in rows
    )
    if 2 * same > len(rows):
        raise build_question_error(name, where, f"the question itself, in {same} of {len(rows)} rows")


def refuse_labels(said: Sequence[tuple[str, object, Collection[str]]], column: str, where: str) -> None:
    """Raise DataError where a column that nobody named holds what is right: labels, or texts written about the images.

    A model may well answer with the label each time: only a column of a vague name is doubted for that. Nobody says a
    whole sentence of somebody else's each time.

    Args:
        said: Every answer, the label of its question, and what was written about its image.
        column: Where the answers stood.
        where: The file, for messages.
    """
    labels = len(said) >= LEAST_LABELS and column in VAGUE and all(text == label for text, label, _ in said)
    prose = len(said) >= LEAST_PROSE and all(
        text in written and len(text.split()) >= _PROSE_WORDS for text, _, written in said
    )
    if labels or prose:
        raise DataError(
            where,
            expected=f"the model's words in {column!r}",
            found=f"the {'label' if labels else 'reference'} itself, letter by letter, in all {len(said)} rows",
            fix=f"name the column with the model's words; --answer-column {column} if it did say just that",
        )


def build_question_error(name: str, where: str, found: str) -> DataError:
    """What is said where a column of answers holds the questions."""
    fix = "name the column with the model's words: --answer-column NAME"
    return DataError(where, expected=f"answers in {name!r}", found=found, fix=fix)
