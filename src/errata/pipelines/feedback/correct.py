"""Answers to be corrected, from two kinds of files, and a judge -> pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from errata.data.shaping import RecordFile, find_records, require_folder
from errata.errors import ConfigError, DataError
from errata.feedback import (
    CorrectionSettings,
    Feedback,
    Tally,
    build_calls,
    correct_answers,
    find_lost_image,
    is_quotable,
)
from errata.judges import Estimate, Judge
from errata.pipelines.evaluate.judging import JudgeSettings, load_judge
from errata.pipelines.progress import OnProgress
from errata.records import Answer, Question, Record, Response, Turn, read_answers, read_questions
from errata.text import find_spoken, require_plain, require_plain_question


def collect_machine_corrections(
    source: RecordFile,
    answers: str | Path | None,
    out: str | Path,
    judging: JudgeSettings | None,
    settings: CorrectionSettings | None = None,
    *,
    on_progress: OnProgress | None = None,
) -> Feedback:
    """Have answers corrected. What the judge said is in its cache: the same call goes on where it stopped.

    Args:
        source: Records, whose lowest responses are corrected; or questions, as `find_source` gives them.
        answers: JSON lines of answers to the questions; None with records.
        out: The folder that will be written.
        judging: Who corrects.
        settings: What counts as a correction.
        on_progress: Told about the judge's replies.

    Raises:
        ConfigError: No judge, or one without its key.
        ModelError: A judge that is not there, or sees no images.
        DataError: Files that cannot be read, nothing to correct, or `out` is being read.
        StorageError: The cache cannot be used.
    """
    judge = _require_judge(judging)
    judge.check(images=True)
    require_folder(out, source)
    records, tally = read_candidates(source, answers)
    watch = None if on_progress is None else partial(on_progress, "corrections")
    return correct_answers(records, judge, source.root, settings, tally=tally, on_progress=watch)


def plan_machine_corrections(source: RecordFile, answers: str | Path | None, judging: JudgeSettings | None) -> Estimate:
    """What it would cost. Raises as `collect_machine_corrections`."""
    judge = _require_judge(judging)
    records, _ = read_candidates(source, answers)
    askable = [one for one in records if is_quotable(one) and not find_lost_image(one.images, source.root)]
    return judge.estimate([call for one in askable for call in build_calls(one, source.root)])


def find_source(path: str | Path, answers: str | Path | None, image_root: str | Path | None = None) -> RecordFile:
    """Records as `find_records` finds them, or with answers the file of their questions. Raises DataError."""
    if answers is None:
        return find_records(path, image_root)
    return RecordFile(Path(path), Path(image_root or Path(path).parent))


def read_candidates(source: RecordFile, answers: str | Path | None) -> tuple[list[Record], Tally]:
    """What is to be corrected as the lowest response of records, and a tally with what cannot be.

    With answers, each of them is one; a question without any counts too. Raises DataError where there is nothing.
    """
    if answers is None:
        records, tally = set_marked_aside(list(source.read()))
    else:
        questions = read_questions(source.path)
        records, tally = pair_answers(questions, read_answers(answers))
    if not tally.prompts:
        raise DataError(str(source.path), expected="answers to correct", found="none", fix="check the path")
    return records, tally


def set_marked_aside(records: Sequence[Record]) -> tuple[list[Record], Tally]:
    """Records without another tool's markup: what a judge leaves as it is would be learned."""
    tally, kept = Tally(len(records)), []
    for record in records:
        turns = (*record.prompt, *record.responses[-1].turns)
        if markup := _find_markup(partial(_require_plain_turns, turns, f"record {record.id!r}")):
            tally.fail(record.id, "another tool's markup in the record", markup)
        else:
            kept.append(record)
    return kept, tally


def pair_answers(questions: Sequence[Question], answers: Sequence[Answer]) -> tuple[list[Record], Tally]:
    """Records of one response for all answers that can be used, and why others cannot.

    A model's thoughts are no part of its answer.

    An answer belongs to the question of its id, or of `sample_of` in its `meta`, as `errata generate` writes them.
    """
    known = {question.id: question for question in questions}
    asked = [known.get(answer.id) or known.get(answer.meta.get("sample_of", "")) for answer in answers]
    unanswered = known.keys() - {question.id for question in asked if question is not None}
    tally, records = Tally(len(answers) + len(unanswered)), []
    for question in questions:
        if question.id in unanswered:
            tally.fail(question.id, "question without an answer")
    for raw, found in zip(answers, asked, strict=True):
        spoken = find_spoken(raw)
        answer = spoken.answer
        if found is None:
            tally.fail(answer.id, "answer to no question")
        elif markup := _find_markup(partial(require_plain_question, found)):
            tally.fail(answer.id, "another tool's markup in the question", markup)
        elif spoken.endless:
            tally.drop(answer.id, "thoughts that never end")
        elif len(answer.rounds) != 1 + len(found.followups):
            tally.drop(answer.id, "conversation that stopped", str(answer.meta.get("stopped", "")))
        elif not all(text.strip() for text in answer.rounds):
            tally.drop(answer.id, "empty answer")
        else:
            records.append(_build_record(found, answer))
    return records, tally


def _require_plain_turns(turns: Sequence[Turn], where: str) -> None:
    for turn in turns:
        require_plain(turn.text, turn.role, where)


def _find_markup(check: Callable[[], None]) -> str:
    try:
        check()
    except DataError as error:
        return str(error)
    return ""


def _build_record(question: Question, answer: Answer) -> Record:
    turns = [Turn("assistant", answer.rounds[0])]
    for followup, text in zip(question.followups, answer.rounds[1:], strict=True):
        turns += [Turn("user", followup), Turn("assistant", text)]
    response = Response(tuple(turns), 0, model=answer.model or None)
    return Record(answer.id, question.images, question.prompt, (response,), meta=question.meta | answer.meta)


def _require_judge(judging: JudgeSettings | None) -> Judge:
    judge = load_judge(judging)
    if judge is None:
        raise ConfigError(
            "judge", expected="who corrects", found="none", fix="name one with --judge, such as openai:MODEL@URL"
        )
    return judge
