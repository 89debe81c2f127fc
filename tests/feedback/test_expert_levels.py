"""Standard answers above those of models: what becomes of every answer, and that the counts add up."""

from __future__ import annotations

from collections import Counter

import pytest

from errata.corrections import apply_segments
from errata.errors import ConfigError
from errata.feedback import Expert, LevelSettings, build_levels, list_questions, require_levels
from errata.records import Answer, Record, Response, Turn

STANDARD = "A red dog and a cup."


def make_record(name: str, *turns: str) -> Record:
    said = [Turn("user" if n % 2 else "assistant", text) for n, text in enumerate(turns or (STANDARD,))]
    return Record(name, (f"{name}.png",), (Turn("user", "What is there?"),), (Response(tuple(said), 0),), meta={"n": 1})


def make_expert(name: str, missing: dict[str, str] | None = None, **answers: str | Answer) -> Expert:
    given = {key: one if isinstance(one, Answer) else Answer(key, one) for key, one in answers.items()}
    return Expert(name, given, missing or {})


def test_answers_stand_below_the_standard_in_the_order_of_the_models():
    experts = [make_expert("large", a=" A red dog and a cat.\n"), make_expert("small", a="A blue dog.")]
    feedback = build_levels("meg", [make_record("a")], experts)
    (record,) = feedback.records
    assert [(one.text, one.level, one.model) for one in record.responses] == [
        (STANDARD, 0, None),
        ("A red dog and a cat.", 1, "large"),
        ("A blue dog.", 2, "small"),
    ]
    for response in record.responses[1:]:  # dense objectives need segments against the standard answer
        assert response.segments
        assert apply_segments(response.text, response.segments, STANDARD) == STANDARD
    assert record.meta == {"n": 1}
    assert feedback.settings["experts"] == ["large", "small"]


def test_only_the_standard_answer_of_a_record_is_taken():
    worse = Response((Turn("assistant", "old"),), 1)
    record = make_record("a")
    record = Record(record.id, record.images, record.prompt, (*record.responses, worse))
    (made,) = build_levels("meg", [record], [make_expert("m", a="new")]).records
    assert [one.text for one in made.responses] == [STANDARD, "new"]


def test_conversations_are_asked_turn_by_turn_and_one_that_stopped_is_missing():
    record = make_record("a", "A dog.", "Which?", "The red one.")
    (question,) = list_questions([record])
    assert (question.id, question.images, question.followups) == ("a", ("a.png",), ("Which?",))
    whole = make_expert("m", a=Answer("a", "Blue.", earlier=("A dog.",)))
    (made,) = build_levels("meg", [record], [whole]).records
    assert [turn.text for turn in made.responses[1].turns] == ["A dog.", "Which?", "Blue."]
    assert {segment.round for segment in made.responses[1].segments} == {1}
    stopped = make_expert("m", a=Answer("a", "A dog.", finished=False, meta={"stopped": "too long"}))
    (dropped,) = build_levels("meg", [record], [stopped]).tally.dropped
    assert (dropped.reason, dropped.detail) == ("conversation that stopped of m", "1 of 2 rounds, too long")


PROMPTS = ["good", "failed", "empty", "cut", "equal", "standard"]
LARGE = make_expert("large", **{name: f"The {name} one." for name in PROMPTS})
SMALL = make_expert(
    "small",
    {"failed": "server error: told to fail"},
    good="A small one.",
    empty=" \n",
    cut=Answer("cut", "A small one that never", finished=False),
    equal=" The equal one.",
    standard=STANDARD,
)
STATES = {"usable": 1, "no answer": 1, "empty answer": 1, "answer cut off": 1, "equal to a better one": 2}


@pytest.mark.parametrize("missing", ["drop", "shorter"])
def test_every_answer_and_every_prompt_is_accounted_for(missing):
    feedback = build_levels("meg", list(map(make_record, PROMPTS)), [LARGE, SMALL], LevelSettings(missing))
    large, small = feedback.report["experts"]
    assert large == {"name": "large", "usable": 6}
    assert small == {"name": "small", **STATES}
    assert feedback.tally.adds_up
    levels = {record.id: record.levels for record in feedback.records}
    both = {"good": (0, 1, 2), "equal": (0, 1), "standard": (0, 1)}
    if missing == "drop":
        assert levels == both
        assert [(one.id, one.reason, one.failed) for one in feedback.tally.dropped] == [
            ("failed", "no answer of small", True),
            ("empty", "empty answer of small", False),
            ("cut", "answer cut off of small", False),
        ]
        assert feedback.tally.dropped[0].detail == "server error: told to fail"
        assert feedback.lost == 0
    else:
        assert levels == both | {"failed": (0, 1), "empty": (0, 1), "cut": (0, 1)}
        named = {record.id: record.meta.get("missing_levels") for record in feedback.records}
        assert named["failed"] == {"small": "no answer"}
        assert named["good"] is named["equal"] is None
        assert feedback.lost == 1


def test_levels_close_up_where_the_middle_one_is_missing():
    experts = [LARGE, make_expert("medium", {"good": "gone"}), SMALL]
    (record,) = build_levels("meg", [make_record("good")], experts, LevelSettings("shorter")).records
    assert [(one.level, one.model) for one in record.responses] == [(0, None), (1, "large"), (2, "small")]


def test_cut_off_answers_can_be_kept():
    feedback = build_levels("meg", [make_record("cut")], [SMALL], LevelSettings(cut_off="keep"))
    assert feedback.records[0].responses[1].text == "A small one that never"


def test_what_has_too_few_levels_is_left_out_and_a_failure_stays_one():
    settings = LevelSettings("shorter", least=3)
    feedback = build_levels("meg", list(map(make_record, PROMPTS)), [LARGE, SMALL], settings)
    assert [record.id for record in feedback.records] == ["good"]
    reasons = Counter((one.reason, one.failed) for one in feedback.tally.dropped)
    assert reasons == {("no answer of small", True): 1, ("fewer than 3 levels", False): 4}
    assert feedback.tally.adds_up
    assert next(one.detail for one in feedback.tally.dropped if one.id == "equal") == (
        "usable of large, equal to a better one of small"
    )


def test_numbers_of_models_and_rules_that_cannot_be_are_named():
    require_levels(["a", "b", "c", "d"], "models")
    for names, found in ((["a"] * 2, "a twice"), (list("abcde"), "5 models"), ([], "0 models")):
        with pytest.raises(ConfigError, match=f"models: {found}; expected 1 to 4 models"):
            require_levels(names, "models")
    for stated in ({"missing": "keep"}, {"cut_off": "drop"}, {"least": 1}):
        with pytest.raises(ConfigError, match=next(iter(stated))):
            LevelSettings(**stated)
