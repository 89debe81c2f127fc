"""A judge's corrections as pairs: typed segments, what is no correction, and the world's truth as the judge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from errata.corrections import apply_segments
from errata.errors import ConfigError
from errata.feedback import CORRECT, CorrectionSettings, Tally, build_calls, correct_answers
from errata.feedback.correct import parse_correction
from errata.judges import Judge, JudgeRequest, ScriptedJudge, VerdictCache, build_world_rule
from errata.judges.world_truth import PERFECT
from errata.records import Record, Response, Turn
from errata.world import (
    CORRECTION,
    DESCRIBE,
    careless_caption,
    correct_description,
    image_name,
    sample_scenes,
    write_images,
)

ANSWER = "A red dog sits on two chairs. A cat sleeps behind it, near the window."


def make_record(name: str, *turns: str) -> Record:
    said = [Turn("user" if n % 2 else "assistant", text) for n, text in enumerate(turns or (ANSWER,))]
    return Record(name, (), (Turn("user", f"What is {name}?"),), (Response(tuple(said), 0, model="tiny"),))


def make_judge(folder: Path, replies: dict[str, str], samples: int = 1) -> Judge:
    """One reply to each call by its id; others get none that can be read."""

    def rule(request: JudgeRequest) -> str:
        return replies.get(request.call.id, "I would rather not.")

    backend = ScriptedJudge("test", {CORRECT.name: rule})
    return Judge(backend, VerdictCache(folder / "verdicts.sqlite"), attempts=1, samples=samples)


def say(text: str, *errors: str) -> str:
    return "\n".join([*errors, "<corrected>", text, "</corrected>"])


def test_a_correction_becomes_a_pair_with_typed_segments(tmp_path):
    better = "A blue dog sits on three chairs near the window."
    reply = say(better, "- attribute: red => blue", "- Number: two => three", "- object: A cat sleeps behind it, =>")
    feedback = correct_answers([make_record("a")], make_judge(tmp_path, {"a": reply}), tmp_path)
    (record,) = feedback.records
    best, worse = record.responses
    assert (best.text, best.level, best.model) == (better, 0, "tiny, corrected by scripted:test")
    assert (worse.text, worse.level, worse.model) == (ANSWER, 1, "tiny")
    assert apply_segments(worse.text, worse.segments, better) == better
    typed = [(worse.text[one.start : one.end].strip(), one.type) for one in worse.segments]
    assert typed[:2] == [("red", "attribute"), ("two", "number")]
    assert {kind for _, kind in typed[2:]} == {"object"}
    assert record.meta["corrected_by"] == "scripted:test"
    assert record.meta["named_errors"][0] == ["attribute", "red", "blue"]
    assert feedback.report["segments"] == dict(Counter(kind for _, kind in typed))
    assert feedback.report["judging"]["prompts"]["correct-answer"]["version"] == 1


def test_a_segment_that_the_judge_names_by_no_type_or_by_two_has_none(tmp_path):
    better = ANSWER.replace("red dog", "blue cat").replace("two", "three")
    reply = say(better, "- attribute: red => blue", "- object: red dog => blue cat")
    (record,) = correct_answers([make_record("a")], make_judge(tmp_path, {"a": reply}), tmp_path).records
    assert [one.type for one in record.responses[1].segments] == [None, None]


def test_only_the_lowest_response_is_corrected_and_white_space_at_its_ends_stays(tmp_path):
    responses = (Response((Turn("assistant", "Gold."),), 0), Response((Turn("assistant", f" {ANSWER}\n"),), 1))
    record = Record("a", (), (Turn("user", "What?"),), responses, meta={"from": "b"})
    reply = say(ANSWER.replace("red", "blue"))
    (made,) = correct_answers([record], make_judge(tmp_path, {"a": reply}), tmp_path).records
    assert made.responses[0].text == f" {ANSWER.replace('red', 'blue')}\n"
    assert [made.responses[1].text[one.start : one.end] for one in made.responses[1].segments] == ["red"]
    assert made.meta["from"] == "b"


def test_rounds_are_corrected_one_by_one_after_what_was_said_before(tmp_path):
    record = make_record("a", ANSWER, "And the dog?", "It is red.")
    first, second = build_calls(record, tmp_path)
    assert (first.id, first.values["question"]) == ("a", "What is a?")
    assert second.id == "a round 2"
    assert second.values["question"].splitlines() == [
        "user: What is a?",
        f"assistant: {ANSWER}",
        "user: And the dog?",
    ]
    replies = {"a": "NOTHING WRONG", "a round 2": say("It is blue.", "- attribute: red => blue")}
    (made,) = correct_answers([record], make_judge(tmp_path, replies), tmp_path).records
    assert made.responses[0].rounds == (ANSWER, "It is blue.")
    assert [(one.round, one.type) for one in made.responses[1].segments] == [(1, "attribute")]


def test_what_is_no_correction_is_dropped_by_name(tmp_path):
    replies = {
        "right": "Nothing wrong.",
        "same": say(f" {ANSWER}\n"),
        "gone": say(""),
        "rewritten": say("Here we can see an entirely different, freshly worded description of some scene."),
        "corrected": say(ANSWER.replace("red", "blue")),
    }
    names = [*replies, "mumbled", "marks"]
    records = [make_record(name, "A dog. </s> A cat.") if name == "marks" else make_record(name) for name in names]
    feedback = correct_answers(records, make_judge(tmp_path, replies), tmp_path)
    assert [record.id for record in feedback.records] == ["corrected"]
    assert {(one.id, one.reason, one.failed) for one in feedback.tally.dropped} == {
        ("right", "nothing wrong", False),
        ("same", "nothing wrong", False),
        ("gone", "nothing left of the answer", False),
        ("rewritten", "rewritten", False),
        ("mumbled", "unreadable reply", True),
        ("marks", "control marks in the answer", False),
    }
    assert feedback.tally.adds_up
    loose = correct_answers(records, make_judge(tmp_path, replies), tmp_path, CorrectionSettings(max_edit=1.0))
    assert [record.id for record in loose.records] == ["rewritten", "corrected"]


def test_short_answers_may_change_whole(tmp_path):
    feedback = correct_answers([make_record("a", "Yes.")], make_judge(tmp_path, {"a": say("No.")}), tmp_path)
    assert feedback.records[0].responses[0].text == "No."


def test_a_judge_that_says_nothing_loses_no_verdict_and_is_asked_again(tmp_path):
    silent = Judge(ScriptedJudge("test", {}), VerdictCache(tmp_path / "verdicts.sqlite"))
    feedback = correct_answers([make_record("a")], silent, tmp_path)
    assert [(one.reason, one.failed) for one in feedback.tally.dropped] == [("no reply", True)]
    judge = make_judge(tmp_path, {"a": say(ANSWER.replace("red", "blue"))})
    assert len(correct_answers([make_record("a")], judge, tmp_path).records) == 1
    assert judge.asked == 1
    again = make_judge(tmp_path, {})
    assert len(correct_answers([make_record("a")], again, tmp_path).records) == 1
    assert again.asked == 0


@pytest.mark.parametrize(
    "reply",
    ["", "<corrected>\nA dog.", say("A dog.") + "\n" + say("A cat."), say("A dog.") + "\nNOTHING WRONG", "A dog."],
)
def test_replies_without_one_corrected_answer_are_unreadable(reply):
    with pytest.raises(ValueError, match="corrected answers"):
        parse_correction(reply)


def test_replies_are_read_in_the_forms_that_models_use():
    reply = 'Sure!\n* **Object**: "a cat" → “a dog”\n- colour: red => blue\n<corrected>A dog.</corrected>'
    assert parse_correction(reply) == {"corrected": "A dog.", "errors": [["object", "a cat", "a dog"]]}
    assert parse_correction("**Nothing wrong.**") == {"corrected": None, "errors": []}
    assert parse_correction(say("One.\n\nTwo."))["corrected"] == "One.\n\nTwo."


def test_what_a_judge_is_asked_does_not_change_without_a_new_version():
    assert (CORRECT.version, CORRECT.hash) == (1, "eec57e9bce9802084004")


def test_a_limit_that_cannot_be_is_named():
    for share in (0.0, 1.5):
        with pytest.raises(ConfigError, match="max_edit"):
            CorrectionSettings(share)


def test_the_world_s_truth_as_a_judge_corrects_all_and_types_what_it_corrects(tmp_path):
    scenes = sample_scenes("correction", 60, 0, CORRECTION)
    write_images(scenes, tmp_path)
    rng = np.random.default_rng(0)
    records = [
        Record(
            scene.id,
            (image_name(scene),),
            (Turn("user", DESCRIBE),),
            (Response((Turn("assistant", careless_caption(scene, rng, 2.0)),), 0, model="careless"),),
        )
        for scene in scenes
    ]

    def reply(call, finding):
        edits = correct_description(finding.scene, finding.answer, PERFECT, np.random.default_rng(0))
        errors = [f"- {edit.type}: {finding.answer[edit.start : edit.end].strip()} => {edit.text}" for edit in edits]
        return say(finding.corrected, *errors) if errors else "NOTHING WRONG"

    backend = ScriptedJudge("truth", {CORRECT.name: build_world_rule(scenes, reply)})
    tally = Tally(len(records))
    judge = Judge(backend, VerdictCache(tmp_path / "verdicts.sqlite"))
    feedback = correct_answers(records, judge, tmp_path, tally=tally)
    assert feedback.tally.adds_up
    assert set(Counter(one.reason for one in tally.dropped)) == {"nothing wrong"}
    assert len(feedback.records) > 20
    truth = {scene.id: scene for scene in scenes}
    for record in feedback.records:
        best, worse = record.responses
        assert not correct_description(truth[record.id], best.text, PERFECT, rng)
        assert apply_segments(worse.text, worse.segments, best.text) == best.text
    assert set(feedback.report["segments"]) == {"object", "attribute"}  # none is without a type
