"""Which question a foreign answer is about: by id, number or image and wording, never by its place in the file.

Answers joined with what they answer, by id, never by order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from errata.benchmarks.answers.columns import build_question_error, refuse_labels
from errata.benchmarks.answers.rows import GivenAnswer
from errata.errors import DataError
from errata.records import Answer, Question

Key = tuple[str, ...]
Ids = tuple[str, ...]
"""Of questions that ask the same about one image, in several settings."""
Matched = tuple[GivenAnswer, Ids]
STRANGERS = "check the benchmark, its options, and --data or --annotations"
"""What to do where answers are not about the benchmark's questions, as far as nothing more is known."""


def join_answers(
    given: Sequence[GivenAnswer],
    questions: Sequence[Question],
    *,
    where: str,
    fix: str = STRANGERS,
    named: bool = False,
) -> list[Answer]:
    """Answers under the ids of the questions; some may have none, and one asked in several settings answers in each.

    What stands in place of an answer, where a call failed, is none.

    Args:
        given: In any order. Where the same is asked about one image in several settings and no row says which it is of,
            as many answers as settings are one for each: nothing tells them apart.
        questions: Of the whole benchmark.
        where: The answer file, for messages.
        fix: What to do about answers to none of the questions.
        named: Whether somebody named the column of the answers, so that it is not doubted.

    Raises:
        DataError: A row that names no question, or none of this benchmark; two answers to one question; a row whose
            wording is not that of the question with its number; several answers where one round was asked; questions or
            labels in place of answers.
    """
    matched = _match(given, questions, where, fix)
    _refuse_lists(matched, questions)
    _refuse_questions(matched, questions, where)
    if not named:
        by_id = {question.id: question for question in questions}
        asked = [by_id[ids[0]] for _, ids in matched]
        texts = ["\n".join((*answer.earlier, answer.text)) for answer, _ in matched]
        labels = [question.meta.get("label", question.meta.get("truth")) for question in asked]
        refuse_labels(list(zip(texts, labels, map(_list_written, asked), strict=True)), given[0].column, where)
    alike = Counter(ids for _, ids in matched)
    met: Counter[Ids] = Counter()
    found: dict[str, tuple[str, Answer]] = {}
    for answer, ids in matched:
        met[ids] += 1
        for one in ids[met[ids] - 1 : met[ids]] if alike[ids] == len(ids) else ids:
            if one in found:
                twice = f"a second to {one!r}, first at {found[one][0]}"
                raise DataError(answer.where, expected="one answer a question", found=twice, fix="drop one of them")
            said = Answer(one, answer.text, answer.model, answer.finished, earlier=answer.earlier)
            found[one] = answer.where, said
    failed = {answer.where for answer in given if answer.failed}
    return [answer for place, answer in found.values() if place not in failed]


def find_images(given: Sequence[GivenAnswer], questions: Sequence[Question], *, where: str, fix: str) -> set[str]:
    """The images of the questions that a file answers, or the questions where they have none. Raises DataError."""
    met = {one for _, ids in _match(given, questions, where, fix) for one in ids}
    return {find_image(question) for question in questions if question.id in met}


def find_image(question: Question) -> str:
    """A question's image; the question itself where it has none."""
    return question.images[0] if question.images else question.id


def are_about(given: Sequence[GivenAnswer], questions: Sequence[Question]) -> bool:
    """Whether every answer is about one of the questions."""
    try:
        _match(given, questions, "", STRANGERS)
    except DataError:
        return False
    return True


def _match(given: Sequence[GivenAnswer], questions: Sequence[Question], where: str, fix: str) -> list[Matched]:
    """Every answer with its questions; several only where they ask the same. Raises DataError as `join_answers`."""
    index = _index(questions)
    known = {question.id: question for question in questions}
    if not _has_places(given, questions):
        given = [replace(answer, place="") for answer in given]
    matched = [(answer, _find(answer, index, known)) for answer in given]
    _refuse_strangers([answer for answer, ids in matched if not ids], len(given), where, fix)
    for answer, ids in matched:
        _require_wording(answer, known[ids[0]])
    return matched


def find_image_key(name: str) -> str:
    """What two names of one image have in common: COCO's number, else the file's name without folder and ending."""
    stem = PurePath(name).stem if not name.isdigit() else name
    number = re.fullmatch(r"(?:COCO_\w+?_)?0*(\d+)", stem)
    return number.group(1) if number else stem


def _index(questions: Sequence[Question]) -> dict[Key, list[str]]:
    index: dict[Key, list[str]] = {}
    for place, question in enumerate(questions):
        number, setting = (str(question.meta.get(name, "")) for name in ("question_id", "setting"))
        asked = _normalise(question.prompt[-1].text)
        context, reference = (_flatten(str(question.meta.get(name, ""))) for name in ("context", "reference"))
        keys: list[Key] = [("id", question.id), ("numbered", setting, number), ("number", number)]
        keys += [("referred", asked, reference), ("described", asked, context), ("place", str(place))]
        if question.followups:  # files of dialogues call the number so
            keys.append(("id", number))
        if not setting:  # in another setting the same is asked about other images
            keys.append(("worded", asked))
        for image in _list_images(question):
            keys += [("asked", image, asked, setting), ("asked", image, asked), ("image", image)]
        for key in keys:
            index.setdefault(key, []).append(question.id)
    return index


def _list_images(question: Question) -> set[str]:
    """The keys of a question's image: by its file and, where the benchmark numbers it otherwise, by `meta.image_id`."""
    names = [question.images[0] if question.images else "", str(question.meta.get("image_id", ""))]
    return {find_image_key(name) if name else "" for name in names[: 1 + bool(names[1])]}


def _find(answer: GivenAnswer, index: dict[Key, list[str]], known: Mapping[str, Question]) -> Ids:
    """The questions of the first key that names some in the answer's wording, else of the first that names any."""

    def is_clear(ids: Ids) -> bool:
        """One alone, or several that ask the same, of which the row then has to tell the wording."""
        same = {(known[one].images, _normalise(known[one].prompt[-1].text)) for one in ids}
        return len(ids) == 1 or (len(same) == 1 and bool(answer.prompt))

    named = [ids for key in _list_keys(answer) if (ids := tuple(index.get(key, ())))]
    for ids in named:
        worded = tuple(one for one in ids if _is_worded(answer, known[one]))
        if worded and is_clear(worded):
            return worded
    return next((ids for ids in named if is_clear(ids)), ())


def _list_keys(answer: GivenAnswer) -> Iterator[Key]:
    """From the narrowest to the widest; parts that the row lacks make no key."""
    image, asked = find_image_key(answer.image) if answer.image else "", _normalise(answer.prompt)
    keys: list[Key] = [
        ("id", answer.id),
        ("numbered", answer.category, answer.number),
        ("asked", image, asked, answer.category),
        ("asked", image, asked),
        ("id", answer.number),
        ("number", answer.number),
        ("image", image),
        ("referred", asked, _flatten(answer.reference)),
        ("described", asked, _flatten(answer.context)),
        ("worded", asked),
        ("place", answer.place),
    ]
    return (key for key in keys if all(key))


def _flatten(text: str) -> str:
    """A reference, or the sentences about an image, without the boxes below them."""
    return " ".join(text.strip().partition("\n\n")[0].split()).casefold()


def _has_places(given: Sequence[GivenAnswer], questions: Sequence[Question]) -> bool:
    """Whether the rows count the questions as the benchmark does: all of them, worded as there, and not all alike."""
    told = [answer for answer in given if answer.place.isdigit() and answer.prompt]
    fits = all(
        int(answer.place) < len(questions) and _is_worded(answer, questions[int(answer.place)]) for answer in told
    )
    return fits and len({_normalise(answer.prompt) for answer in told}) > 1


def _normalise(prompt: str) -> str:
    """The question alone: no image mark, no request for a short answer below it, no typing error of the old vintage."""
    lines = [line.strip() for line in prompt.replace("<image>", "").strip().splitlines()]
    return lines[0].replace("imange", "image").casefold() if lines else ""


def _is_worded(answer: GivenAnswer, question: Question) -> bool:
    """Whether the row's wording, where it has one, is the question's."""
    return not answer.prompt or _normalise(question.prompt[-1].text) in _normalise(answer.prompt)


def _require_wording(answer: GivenAnswer, question: Question) -> None:
    """A number means another question in another vintage."""
    if not _is_worded(answer, question):
        wanted, found = _normalise(question.prompt[-1].text), f"an answer to {_normalise(answer.prompt)[:80]!r}"
        fix = "score it with the question file, or the benchmark's option for the wording, that it was made with"
        raise DataError(answer.where, expected=f"one to {wanted!r} ({question.id})", found=found, fix=fix)


def _list_written(question: Question) -> list[str]:
    """What people or a better model wrote about a question's image; of a dialogue, the answers of all rounds."""
    meta = question.meta
    single = [meta.get(name) for name in ("reference", "gt_answer", "description")]
    return [
        *(text for text in single if isinstance(text, str)),
        *meta.get("captions", []),
        "\n".join(meta.get("references", [])),
    ]


def _refuse_lists(matched: Sequence[Matched], questions: Sequence[Question]) -> None:
    """A list is the rounds of a dialogue; elsewhere nothing says which of several texts was the answer."""
    rounds = {question.id: 1 + len(question.followups) for question in questions}
    for answer, ids in matched:
        if answer.earlier and rounds[ids[0]] == 1:
            found = f"a list of {len(answer.earlier) + 1} texts in {answer.column!r}"
            raise DataError(answer.where, expected="one answer", found=found, fix="keep one text a row")


def _refuse_questions(matched: Sequence[Matched], questions: Sequence[Question], where: str) -> None:
    """Raise DataError where most of the answers are what was asked."""
    asked = {question.id: _normalise(question.prompt[-1].text) for question in questions}
    same = [answer for answer, ids in matched if answer.text.strip() and _normalise(answer.text) == asked[ids[0]]]
    if 2 * len(same) > len(matched):
        raise build_question_error(same[0].column, where, f"the questions, in {len(same)} of {len(matched)} rows")


def _refuse_strangers(strangers: Sequence[GivenAnswer], count: int, where: str, fix: str) -> None:
    if not strangers:
        return
    first = strangers[0]
    if not any((first.id, first.number, first.image, first.prompt)):
        add = "add the question's id, or image and question, to each row"
        raise DataError(first.where, expected="a row that names its question", found="none of its fields does", fix=add)
    if len(strangers) == count:
        raise DataError(
            where, expected="answers to this benchmark", found="none that is about one of its questions", fix=fix
        )
    found = (
        f"an answer to none of them, and {len(strangers) - 1} more"
        if len(strangers) > 1
        else "an answer to none of them"
    )
    raise DataError(first.where, expected="an answer to one question of the benchmark", found=found, fix=fix)


REST = "answer the rest too, or score what is there with --allow-missing"


def align_answers(
    ids: Iterable[str], answers: Sequence[Answer], *, where: str, allow_missing: bool = False, fix: str = REST
) -> dict[str, Answer]:
    """The answer to every id, in the order of `ids`.

    Args:
        ids: Of the questions.
        answers: In any order.
        where: The benchmark, for messages.
        allow_missing: Leave out questions without an answer instead of raising.
        fix: What to do about them.

    Raises:
        DataError: An id that occurs twice, an answer to no question, a question without an answer.
    """
    wanted = list(ids)
    given = [answer.id for answer in answers]
    _refuse(where, "question ids that occur once", "twice", _repeated(wanted), "drop one of them")
    _refuse(where, "one answer per question", "two answers to", _repeated(given), "drop one of them")
    known = set(wanted)
    _refuse(
        where, "answers to its questions", "answers to unknown", [i for i in given if i not in known], "check the set"
    )
    by_id = {answer.id: answer for answer in answers}
    if not allow_missing:
        missing = [item for item in wanted if item not in by_id]
        _refuse(
            where,
            "an answer to every question",
            "no answer to",
            missing,
            fix,
        )
    return {item: by_id[item] for item in wanted if item in by_id}


def _repeated(ids: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    return [item for item in ids if item in seen or seen.add(item)]  # type: ignore[func-returns-value]


def _refuse(where: str, expected: str, problem: str, ids: Sequence[str], fix: str) -> None:
    if ids:
        shown = ", ".join(map(repr, ids[:3])) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
        raise DataError(where, expected=expected, found=f"{problem} {shown}", fix=fix)
