"""The best of several samples: what is written, that a stopped run goes on, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import get_peft_model

from errata.errors import ConfigError
from errata.feedback.local import SelfReward
from errata.generation import GenerationSettings
from errata.models import ModelSettings, load_model, quiet_transformers
from errata.pipelines.answering.answer import BestOf, answer_file
from errata.pipelines.evaluate.run import evaluate
from errata.pipelines.evaluate.settings import EvaluationSettings
from errata.records import Question, Turn, read_answers, write_questions
from tiny_models import save_images, save_tiny_model
from tree_checks import build_lora

SAMPLED = GenerationSettings(max_tokens=6, temperature=1.0, batch_size=4)
COUNT = 4


class StopError(Exception):
    """A kill."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    for seed, name in enumerate(("policy", "base")):
        save_tiny_model(root / name, seed=seed)
    names = save_images(root, 3)
    questions = [Question(f"q{n}", (name,), (Turn("user", "What is it?"),)) for n, name in enumerate(names)]
    questions.append(Question("talk", names[:1], (Turn("user", "What is it?"),), followups=("Is there a cat?",)))
    write_questions(root / "questions.jsonl", questions)
    rows = [{"image": names[0], "objects": ["dog", "cat"]}, {"image": names[1], "objects": ["cup", "person"]}]
    (root / "images.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def answer(place, out, *, model="policy", settings=SAMPLED, base="base", **options):
    best_of = BestOf(COUNT, str(place / base) if base else None, **options.pop("chosen", {}))
    name = model if ":" in model else str(place / model)
    return answer_file(name, place / "questions.jsonl", out, settings=settings, best_of=best_of, **options).answers


def samples_of(out):
    return out.with_name(out.name + ".samples.jsonl")


def test_one_answer_a_question_and_all_samples_beside_it(place, tmp_path):
    out = tmp_path / "answers.jsonl"
    answers = answer(place, out)
    assert [one.id for one in answers] == ["q0", "q1", "q2", "talk"]
    assert read_answers(out) == answers
    samples = read_answers(samples_of(out))
    assert len(samples) == COUNT * len(answers)
    for number, one in enumerate(answers):
        own = samples[number * COUNT : (number + 1) * COUNT]
        assert [each.id for each in own] == [f"{one.id}#{n + 1}" for n in range(COUNT)]
        rewards = [-float("inf") if reward is None else reward for reward in one.meta["rewards"]]
        assert one.meta["best_of"] == len(rewards) == COUNT
        assert one.meta["sample"] == 1 + rewards.index(max(rewards))
        assert one.meta["reward"] == max(rewards)
        assert one.rounds == own[one.meta["sample"] - 1].rounds
    assert len(answers[3].rounds) == 2
    assert len({one.meta["sample"] for one in answers}) > 1


@pytest.mark.parametrize("stage", ["samples", "rewards"])
def test_a_stopped_run_makes_nothing_twice(place, tmp_path, stage, monkeypatch):
    monkeypatch.setattr("errata.pipelines.answering.best_answerer.SCORED_AT_A_TIME", 1)
    whole = answer(place, tmp_path / "whole.jsonl")
    out = tmp_path / "answers.jsonl"

    def stop(what, done, total, tokens=0, /):
        if what == f"answers: {stage}" and done >= 2:
            raise StopError

    with pytest.raises(StopError):
        answer(place, out, on_progress=stop)
    scored, seen = [], []
    own = SelfReward.score

    def note(self, questions, *others):
        scored.extend(question.id for question in questions)
        return own(self, questions, *others)

    monkeypatch.setattr(SelfReward, "score", note)
    again = answer(place, out, on_progress=lambda what, done, *_: seen.append((what, done)))
    assert again == whole
    assert samples_of(out).read_bytes() == samples_of(tmp_path / "whole.jsonl").read_bytes()
    assert scored == (["q0", "q1", "q2", "talk"] if stage == "samples" else ["q2", "talk"])
    assert seen[0] == ("answers: samples", 4 if stage == "samples" else 16)
    assert answer(place, out) == whole
    assert len(scored) <= 4


def test_files_of_other_runs_are_not_continued(place, tmp_path):
    out = tmp_path / "answers.jsonl"
    answer(place, out)
    with pytest.raises(ConfigError, match=r"settings\.best_of\.normalise was 'length' and is now 'none'"):
        answer(place, out, chosen={"normalise": "none"})
    with pytest.raises(ConfigError, match=r"best_of\.base"):
        answer(place, out, base="policy")
    with pytest.raises(ConfigError, match="best_of"):
        answer_file(str(place / "policy"), place / "questions.jsonl", out, settings=SAMPLED)
    other = GenerationSettings(max_tokens=6, temperature=1.0, batch_size=4, seed=5)
    fresh = answer(place, out, settings=other, fresh=True)
    assert read_answers(out) == fresh


def test_what_cannot_be_is_refused_before_a_model_is_loaded(place, tmp_path):
    out = tmp_path / "answers.jsonl"
    with pytest.raises(ConfigError, match=r"the endpoint 'openai:x'; expected .* every token"):
        answer(place, out, model="openai:x")
    with pytest.raises(ConfigError, match="a temperature above 0"):
        answer(place, out, model="none", settings=GenerationSettings())
    with pytest.raises(ConfigError, match="1 beside best_of"):
        answer(place, out, model="none", samples=2)
    with pytest.raises(ConfigError, match="at least 1"):
        BestOf(0)
    with pytest.raises(ConfigError, match="with --base"):
        answer(place, out, base=None)
    with pytest.raises(ConfigError, match="the endpoint 'openai:x'"):
        answer_file(
            str(place / "policy"), place / "questions.jsonl", out, settings=SAMPLED, best_of=BestOf(2, "openai:x")
        )
    assert not list(Path(tmp_path).iterdir())


def test_under_an_adapter_the_base_is_the_one_below_it(place, tmp_path, monkeypatch):
    with quiet_transformers():
        model = get_peft_model(load_model(ModelSettings(str(place / "base"))).model, build_lora())
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.fill_(0.05)
    model.save_pretrained(place / "adapter")
    expected = answer(place, tmp_path / "two.jsonl", model=f"base+{place / 'adapter'}", base="policy/../base")
    monkeypatch.setattr("errata.pipelines.answering.best_answerer.load_model", None)  # nothing more is loaded
    for number, base in enumerate((None, "base")):
        one = answer(place, tmp_path / f"{number}.jsonl", model=f"base+{place / 'adapter'}", base=base)
        assert [each.text for each in one] == [each.text for each in expected]
        for each, other in zip(one, expected, strict=True):
            assert each.meta["rewards"] == pytest.approx(other.meta["rewards"], abs=1e-4)
    assert abs(expected[0].meta["reward"]) > 1e-3


def test_an_adapter_that_learnt_on_is_measured_against_the_one_that_its_run_began_with(place, tmp_path):
    run = tmp_path / "run"
    for name, value in (("start", 0.05), ("model", 0.15)):
        with quiet_transformers():
            model = get_peft_model(load_model(ModelSettings(str(place / "base"))).model, build_lora())
        for parameter, weight in model.named_parameters():
            if "lora_B" in parameter:
                weight.data.fill_(value)
        model.save_pretrained(run / name)
    (run / "start" / "origin.json").write_text("{}\n")
    named = answer(place, tmp_path / "named.jsonl", model=str(run / "model"), base=str(run / "start"))
    found = answer(place, tmp_path / "found.jsonl", model=str(run / "model"), base=None)
    (run / "start" / "origin.json").unlink()
    below = answer(place, tmp_path / "below.jsonl", model=str(run / "model"), base=None)
    rewards = [[each.meta["rewards"] for each in one] for one in (named, found, below)]
    assert rewards[0] == rewards[1] != rewards[2]


def test_a_benchmark_measures_the_best(place, tmp_path):
    settings = EvaluationSettings(
        str(place / "policy"),
        place / "images.jsonl",
        benchmarks=("chair",),
        generation=SAMPLED,
        best_of=BestOf(COUNT, str(place / "base")),
    )
    evaluate(settings, tmp_path / "out")
    first = (tmp_path / "out" / "results.json").read_bytes()
    result = json.loads(first)
    assert result["settings"]["best_of"] == {
        "count": COUNT,
        "base": str(place / "base"),
        "reward": "self",
        "normalise": "length",
    }
    assert result["made_with"]["answers"]["chair"]["settings"]["best_of"]["base_weights"]
    assert list(result["made_with"]["revisions"]) == [str(place / "policy"), str(place / "base")]
    answers = read_answers(tmp_path / "out" / "answers" / "chair.jsonl")
    assert [one.meta["best_of"] for one in answers] == [COUNT] * 2
    assert [item["text"] for item in result["stages"][0]["benchmarks"]["chair"]["items"]] == [a.text for a in answers]
    evaluate(settings, tmp_path / "out")
    assert (tmp_path / "out" / "results.json").read_bytes() == first
    with pytest.raises(ConfigError, match=r"best_of\.count"):
        evaluate(
            EvaluationSettings(
                settings.model,
                settings.annotations,
                benchmarks=("chair",),
                generation=SAMPLED,
                best_of=BestOf(2, str(place / "base")),
            ),
            tmp_path / "out",
        )
