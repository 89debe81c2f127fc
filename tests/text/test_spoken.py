"""What of an answer counts, wherever it goes: into a score, a dialogue, claims, corrections."""

from __future__ import annotations

from errata.feedback.claims.judging import _open
from errata.generation.dialogue import Dialogue
from errata.pipelines.feedback.claims import join_answers
from errata.pipelines.feedback.correct import pair_answers
from errata.records import Answer, Question, Turn
from errata.text import find_spoken

THOUGHT = "<think>No dog at first. Wait.</think>\n\nA dog."
ENDLESS = "<think>No dog at first. Wait,"


def ask(*followups):
    return Question("q", (), (Turn("user", "What is here?"),), followups=followups)


def test_every_round_is_without_thoughts():
    spoken = find_spoken(Answer("q", "Yes.", earlier=(THOUGHT,)))
    assert (spoken.answer.rounds, spoken.reasoned, spoken.endless, spoken.refused) == (
        ("A dog.", "Yes."),
        True,
        False,
        False,
    )
    assert spoken.marks == {"reasoned": True}
    assert find_spoken(Answer("q", ENDLESS)).marks == {"reasoned": True, "endless": True}
    assert find_spoken(Answer("q", "A dog.")).answer == Answer("q", "A dog.")


def test_a_model_is_told_its_answers_without_its_thoughts():
    dialogue = Dialogue(ask("And then?"))
    dialogue.add(THOUGHT, finished=True)
    assert dialogue.is_open
    assert [turn.text for turn in dialogue.build_question().prompt] == ["What is here?", "A dog.", "And then?"]
    dialogue.add("It runs.", finished=True)
    assert dialogue.build_answer("m").rounds == (THOUGHT, "It runs.")


def test_thoughts_without_an_end_stop_a_dialogue():
    dialogue = Dialogue(ask("And then?"))
    dialogue.add(ENDLESS, finished=False)
    answer = dialogue.build_answer("m")
    assert not dialogue.is_open
    assert (answer.text, answer.meta["stopped"]) == (ENDLESS, "the thoughts of round 1 did not end")
    alone = Dialogue(ask())
    alone.add(ENDLESS, finished=False)
    assert alone.build_answer("m").meta == {}


def test_claims_and_corrections_are_of_what_was_said():
    answers = [Answer("q#1", THOUGHT, meta={"sample_of": "q"}), Answer("q#2", ENDLESS, meta={"sample_of": "q"})]
    (candidates,), strays = join_answers([ask()], answers)
    assert ([answer.text for answer in candidates.answers], strays) == (["A dog.", ENDLESS], 0)
    seen = Question("q", ("a.png",), ask().prompt)
    assert _open(type(candidates)(ask(), candidates.answers), (candidates.answers[1], ""), ".").problem
    records, tally = pair_answers([seen], answers)
    assert [record.responses[0].rounds for record in records] == [("A dog.",)]
    assert tally.prompts == 2
