"""Answers to pairs by their claims: every fate has a name, and the counts add up."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest
from PIL import Image

from errata.errors import ConfigError
from errata.feedback import (
    LABEL,
    RULES,
    Candidates,
    ClaimSettings,
    Labeller,
    ask_splitter,
    build_claim_pairs,
    judge_claims,
    list_judged,
    measure_label_agreement,
    write_feedback,
)
from errata.feedback.claims.split import SPLIT
from errata.judges import Judge, ScriptedJudge, VerdictCache
from errata.records import Answer, Question, Turn, read_records
from errata.world import EVALUATION, describe, image_name, sample_scenes, write_images

TRUE, FALSE = "There is a cup.", "There is a dog."
"""What the labeller below accepts and rejects."""


def say(request):
    question = request.call.values["question"]
    if "unread" in question:
        return "perhaps"
    return "No" if "dog" in question else "Yes"


def build_labeller(folder, rules=None):
    judge = Judge(
        ScriptedJudge("test", rules or {LABEL.name: say}), VerdictCache(folder / "verdicts.sqlite"), attempts=2
    )
    return Labeller(judge, LABEL)


def split(items):
    return [RULES["rules"](item) for item in items]


def build(name, *texts, image="image.png", earlier=()):
    question = Question(name, (image,) if image else (), (Turn("user", "What is there?"),), {"from": "a test"})
    answers = [Answer(f"{name}#{n}", text, "tiny", earlier=earlier) for n, text in enumerate(texts, 1)]
    return Candidates(question, tuple(answers))


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "image.png")
    return tmp_path


def run(folder, candidates, settings=None, **options):
    judging = judge_claims(candidates, options.pop("split", split), build_labeller(folder, **options), folder)
    feedback = build_claim_pairs(candidates, judging, settings or ClaimSettings(length_balance=None))
    assert feedback.tally.adds_up
    answers = dict(feedback.report["answers"])
    assert answers.pop("answers") == sum(answers.values()) == sum(len(each.answers) for each in candidates)
    return feedback, judging


def test_the_answer_with_fewer_rejected_claims_is_chosen(folder):
    good, bad, worse = f"{TRUE} The cup is red.", f"{TRUE} {FALSE}", f"{FALSE} The dog is red."
    feedback, _ = run(folder, [build("q", bad, worse, good)], ClaimSettings(pairs=9, length_balance=None))
    found = [(r.id, r.responses[0].text, r.responses[1].text) for r in feedback.records]
    assert found == [("q@1", bad, worse), ("q@2", good, bad), ("q@3", good, worse)]
    record = feedback.records[0]
    assert record.meta["from"] == "a test"
    best, worst = record.meta["claims"]
    assert (best["answer"], best["score"], worst["score"]) == ("q#1", -1, -2)
    claim = {"claim": FALSE, "question": "Is there a dog?", "p_yes": 0.0, "p_no": 1.0, "ok": False}
    assert best["claims"][1] == claim
    assert record.responses[0].model == "tiny"
    assert feedback.report["labeller"]["from_words"] == 6


def test_at_most_two_pairs_a_prompt(folder):
    texts = [" ".join([FALSE.replace("dog", f"dog {n}") for n in range(k)] or [TRUE]) for k in range(5)]
    feedback, _ = run(folder, [build("q", *texts)])
    again, _ = run(folder, [build("p", *texts), build("q", *texts)])
    assert len(feedback.records) == 2
    assert feedback.report["pairs"] == {"found": 10, "drawn": 2, "kept": 2}
    assert [r for r in again.records if r.id.startswith("q@")] == feedback.records


def test_what_cannot_be_paired_has_a_name(folder):
    candidates = [
        build("kept", TRUE, FALSE, "", f"{TRUE} ", "Yes."),
        build("same score", TRUE, "The cup is red."),
        build("lone", TRUE, "Perhaps."),
        build("nobody"),
        build("lost", TRUE, FALSE, image="nowhere.png"),
        build("outside", TRUE, FALSE, image="../image.png"),
        build("no image", TRUE, FALSE, image=""),
        build("turns", TRUE, FALSE, earlier=("Yes.",)),
        build("unread", "There is an unread book.", FALSE),
    ]
    feedback, judging = run(folder, candidates)
    assert [record.id for record in feedback.records] == ["kept@1"]
    assert {one.id: one.reason for one in feedback.tally.dropped} == {
        "same score": "no other answer with more or fewer rejected claims",
        "lone": "fewer than two answers with claims",
        "nobody": "no answers",
        "lost": "no picture to look at",
        "outside": "no picture to look at",
        "no image": "no picture to look at",
        "turns": "fewer than two answers with claims",
        "unread": "a verdict that is neither yes nor no",
    }
    failed = {"nobody", "lost", "outside", "no image", "unread"}
    assert {one.id for one in feedback.tally.dropped if one.failed} == failed
    assert {one["what"]: one["reason"] for one in feedback.list_reasons()} == {
        "no picture to look at": "the question has no image",
        "a verdict that is neither yes nor no": "neither yes nor no",
        "no answers": "no answers",
    }
    assert feedback.report["answers"] == {
        "answers": 19,
        "in a pair": 2,
        "no picture to look at": 6,
        "no other answer with more or fewer rejected claims": 4,
        "no claims in the answer": 2,
        "an answer in several turns": 2,
        "an empty answer": 1,
        "the text of another answer": 1,
        "a verdict that is neither yes nor no": 1,
    }
    rows = list_judged(judging)
    assert len(rows) == 19
    json.dumps(rows, allow_nan=False)


def test_equal_questions_of_one_answer_count_once(folder):
    feedback, _ = run(folder, [build("q", f"{FALSE} There is a dog! {TRUE}", TRUE)])
    assert feedback.records[0].meta["claims"][1]["score"] == -1
    assert feedback.report["claims"]["equal_questions_merged"] == 1


def test_what_the_labeller_did_not_say_is_asked_again(folder):
    candidates = [build("q", TRUE, FALSE), build("p", TRUE, f"{TRUE} {FALSE}")]
    mute, judging = run(folder, candidates, rules={"another": say})
    assert mute.records == []
    assert mute.tally.failed == 2
    assert {one.reason for one in mute.tally.dropped} == {"a claim without a verdict"}
    assert all(one.failed for one in judging.answers)
    done, _ = run(folder, candidates)
    assert len(done.records) == 2


@pytest.mark.parametrize(
    ("rules", "problem", "reason", "remedy"),
    [
        ({}, "the splitter gave no reply", "scripted:mute has no rule", ""),
        ({SPLIT.name: lambda request: "hm"}, "claims that cannot be read", "no claim", "another judge"),
    ],
)
def test_a_splitter_that_says_nothing_or_nothing_that_can_be_read(folder, rules, problem, reason, remedy):
    judge = Judge(ScriptedJudge("mute", rules), VerdictCache(folder / "splits.sqlite"), attempts=1)
    feedback, judging = run(folder, [build("q", TRUE, FALSE)], split=partial(ask_splitter, judge))
    assert (feedback.tally.failed, feedback.records) == (1, [])
    assert all(one.failed for one in judging.answers)
    (told,) = feedback.list_reasons()
    assert (told["what"], told["count"]) == (problem, 2)
    assert told["reason"].startswith(reason)
    assert remedy in told["remedy"]
    assert feedback.report["splitter"]["verdicts"] == 2
    assert feedback.report["splitter"]["unreadable"] == (2 if rules else 0)


def test_length_balance_drops_pairs_by_name(folder):
    long = " ".join(FALSE.replace("dog", f"dog {n}") for n in range(9))
    candidates = [build("short", TRUE, long), build("even", TRUE, FALSE), build("odd", "There is a cat.", FALSE)]
    feedback, _ = run(folder, candidates, ClaimSettings())
    assert {record.id for record in feedback.records} == {"even@1", "odd@1"}
    assert [(one.id, one.reason) for one in feedback.tally.dropped] == [("short", "left out to balance lengths")]
    guard = feedback.report["style_guard"]
    assert (guard["ratio"], guard["words_after"]) == (0.0, {"chosen": 4.0, "rejected": 4.0})
    assert guard["dropped"] == {"left out to balance lengths": 1}
    assert feedback.report["answers"]["left out to balance lengths"] == 2


def test_pairs_of_very_unequal_lengths_go_by_name(folder):
    long = " ".join(FALSE.replace("dog", f"dog {n}") for n in range(9))
    candidates = [build("short", TRUE, long), build("even", TRUE, FALSE)]
    settings = ClaimSettings(length_balance=None, max_length_factor=2.0)
    feedback, _ = run(folder, candidates, settings)
    assert [record.id for record in feedback.records] == ["even@1"]
    assert [(one.id, one.reason) for one in feedback.tally.dropped] == [
        ("short", "length too far from the best answer's")
    ]
    assert feedback.tally.adds_up


@pytest.mark.parametrize("wrong", [{"gap": 0}, {"pairs": 0}, {"length_balance": "words"}, {"max_length_factor": 0.5}])
def test_settings_that_cannot_be(wrong):
    with pytest.raises(ConfigError):
        ClaimSettings(**wrong)


def test_the_folder_is_one_of_records(folder, tmp_path):
    feedback, _ = run(folder, [build("q", TRUE, FALSE)])
    written = write_feedback(tmp_path / "out", feedback, folder)
    (record,) = read_records(written.records)
    assert record == feedback.records[0]


def test_agreement_with_the_world(tmp_path):
    scenes = sample_scenes("claims", 6, 0, EVALUATION)
    write_images(scenes, tmp_path)
    candidates = [
        Candidates(
            Question(scene.id, (image_name(scene),), (Turn("user", "Describe the image."),)),
            (Answer("true " + scene.id, describe(scene)), Answer("false " + scene.id, describe(other))),
        )
        for scene, other in zip(scenes, scenes[1:] + scenes[:1], strict=True)
    ]
    objects = {image_name(scene): scene.objects for scene in scenes}

    def look(request):
        asked = re.search(r"Is there an? (\w+)", request.call.values["question"])[1]
        return "Yes" if asked in objects[str(request.call.images[0].relative_to(tmp_path))] else "No"

    rules = {LABEL.name: look}
    world = lambda items: [RULES["world"](item) for item in items]  # noqa: E731
    _, judging = run(tmp_path, candidates, split=world, rules=rules)
    known = {scene.id: scene for scene in scenes}
    perfect = measure_label_agreement(known, judging.answers)
    assert perfect.share == 1
    assert perfect.verdicts == perfect.true_claims + perfect.false_claims
    assert min(perfect.true_claims, perfect.false_claims) > 3
    assert measure_label_agreement({}, judging.answers).unknown == perfect.verdicts
    assert measure_label_agreement({}, judging.answers).share is None


def test_a_labeller_that_says_yes_agrees_with_true_claims_alone(tmp_path):
    scenes = sample_scenes("claims", 4, 1, EVALUATION)
    write_images(scenes, tmp_path)
    texts = " ".join(describe(scene) for scene in scenes)
    candidates = [
        Candidates(Question(scene.id, (image_name(scene),), (Turn("user", "?"),)), (Answer(scene.id, texts),))
        for scene in scenes
    ]
    world = lambda items: [RULES["world"](item) for item in items]  # noqa: E731
    _, judging = run(tmp_path, candidates, split=world, rules={LABEL.name: lambda request: "Yes"})
    found = measure_label_agreement({scene.id: scene for scene in scenes}, judging.answers)
    assert (found.true_accepted, found.false_rejected) == (found.true_claims, 0)
    assert found.share == found.true_claims / found.verdicts < 1
