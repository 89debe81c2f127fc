"""Answers to be corrected, from two kinds of files, and a judge -> pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from errata.data.shaping import RecordFile, find_records, require_folder
from errata.errors import ConfigError, DataError
from errata.feedback import CorrectionSettings, Feedback, Tally, build_calls, correct_answers
from errata.feedback.correct import is_quotable
from errata.judges import Estimate, Judge
from errata.pipelines.answer import OnProgress
from errata.pipelines.judging import JudgeSettings, load_judge
from errata.pipelines.plain_questions import require_plain_questions, require_plain_records
from errata.records import Answer, Question, Record, Response, Turn, read_answers, read_questions
from errata.text import find_spoken


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
        DataError: Files that cannot be read, nothing to correct, an image that is not there, or `out` is being read.
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
    return judge.estimate([call for one in records if is_quotable(one) for call in build_calls(one, source.root)])


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
        records = list(source.read())
        require_plain_records(records)
        tally = Tally(len(records))
    else:
        questions = read_questions(source.path)
        require_plain_questions(questions)
        records, tally = pair_answers(questions, read_answers(answers))
    if not tally.prompts:
        raise DataError(str(source.path), expected="answers to correct", found="none", fix="check the path")
    return records, tally


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
        elif spoken.endless:
            tally.drop(answer.id, "thoughts that never end")
        elif len(answer.rounds) != 1 + len(found.followups):
            tally.drop(answer.id, "conversation that stopped", str(answer.meta.get("stopped", "")))
        elif not all(text.strip() for text in answer.rounds):
            tally.drop(answer.id, "empty answer")
        else:
            records.append(_build_record(found, answer))
    return records, tally


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
