"""An evaluation with a judge: stages of calls, samples, what is missing, and what a dry run says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from PIL import Image

from errata.benchmarks import BENCHMARKS
from errata.cli import main
from errata.errors import ConfigError, ModelError
from errata.pipelines.evaluate.judging import JudgeSettings, open_judge
from errata.pipelines.evaluate.run import evaluate
from errata.pipelines.evaluate.score_file import plan_evaluation
from errata.pipelines.evaluate.settings import EvaluationSettings
from errata.records import Answer, Question, write_answers
from judged_benchmark import Toy

MARKS = {"a": "Mark: 5", "b": "Mark: 2", "c": "good", "d": ["Mark: 1", "Mark: 3"], "e": "Mark: 4"}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setitem(BENCHMARKS, "toy", Toy)
    for name in "abcde":
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
    judge = JudgeSettings(f"scripted:{tmp_path / 'judge.jsonl'}", cache=tmp_path / "verdicts.sqlite")
    record(tmp_path, MARKS)
    return EvaluationSettings("tiny", image_root=tmp_path, benchmarks=("toy",), judge=judge)


def record(folder, marks, reasons=("b", "d")):
    rows = [{"prompt": "toy-mark", "id": name, "reply": reply} for name, reply in marks.items()]
    rows += [{"prompt": "toy-reason", "id": f"{name}-why", "reply": ["wrong", "false"]} for name in reasons]
    for row in rows:
        row["reply"] = [row["reply"]] * 2 if isinstance(row["reply"], str) else row["reply"]
    (folder / "judge.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def script(questions, path):
    return [Answer(question.id, f"Yes, {question.id}.", "tiny", earlier=("A dog.",)) for question in questions]


def read_judge(out):
    return json.loads((out / "results.json").read_text())["made_with"]["judge"]["toy"]


def refuse(questions, path):
    raise AssertionError("asked the model")


def test_calls_follow_on_verdicts_and_the_unreadable_is_counted(settings, tmp_path):
    evaluation = evaluate(settings, tmp_path / "out", ask=script)
    (result,) = evaluation.results
    assert {name: (metric.numerator, metric.n) for name, metric in result.metrics.items()} == {
        "mark": (12, 4), "low": (2, 4), "unreadable": (1, 5),
    }  # fmt: skip
    assert [item["reason"] for item in result.items] == ["", "wrong", "", "wrong", ""]
    assert result.items[2]["verdicts"] == [{"status": "unreadable", "value": None, "raw": "good"}]
    assert evaluation.coverage["toy"].unreadable == 1
    assert not evaluation.complete
    said = read_judge(tmp_path / "out")
    assert said["verdicts"] == 7
    assert said["prompts"]["toy-mark"]["hash"]
    assert said["samples"] == 1


def test_several_samples_give_mean_and_spread(settings, tmp_path):
    twice = replace(settings, judge=replace(settings.judge, samples=2))
    (result,) = evaluate(twice, tmp_path / "out", ask=script).results
    mark = result.metrics["mark"]
    assert (mark.numerator, mark.n) == (13, 4)
    assert mark.value == pytest.approx((12 / 4 + 14 / 4) / 2)
    assert mark.spread == pytest.approx(0.5 / 2**0.5)
    assert result.metrics["unreadable"].spread == 0
    assert result.settings["judge_samples"] == 2


def test_a_judge_that_fails_leaves_what_there_is_and_is_asked_again(settings, tmp_path):
    record(tmp_path, {name: MARKS[name] for name in "ab"}, reasons=("b",))
    evaluation = evaluate(settings, tmp_path / "out", ask=script)
    assert not evaluation.complete
    assert evaluation.coverage["toy"].unjudged == 3
    assert evaluation.results[0].metrics["mark"].n == 2
    record(tmp_path, {})
    evaluation = evaluate(settings, tmp_path / "out", ask=script)
    assert evaluation.results[0].metrics["mark"].value is None
    record(tmp_path, MARKS)
    assert evaluate(settings, tmp_path / "out", ask=script).coverage["toy"].unjudged == 0


def test_verdicts_are_scored_again_without_the_judge(settings, tmp_path):
    evaluate(settings, tmp_path / "out", ask=script)
    first = (tmp_path / "out" / "results.json").read_bytes()
    again = evaluate(settings, tmp_path / "out", ask=script)
    assert (again.asked, again.recalled) == (0, 9)  # of seven verdicts the unreadable one took three
    assert (tmp_path / "out" / "results.json").read_bytes() == first
    offline = replace(settings, judge=replace(settings.judge, offline=True))
    assert evaluate(offline, tmp_path / "again", ask=script).coverage["toy"].unjudged == 0
    online, cached = read_judge(tmp_path / "out"), read_judge(tmp_path / "again")
    assert (online.pop("offline"), cached.pop("offline")) == (False, True)
    assert online == cached
    record(tmp_path, MARKS | {"e": "Mark: 3"})
    evaluate(settings, tmp_path / "other", ask=script)
    assert read_judge(tmp_path / "other")["replies_sha256"] != online["replies_sha256"]
    empty = replace(offline, judge=replace(offline.judge, cache=tmp_path / "other.sqlite"))
    assert evaluate(empty, tmp_path / "none", ask=script).coverage["toy"].unjudged == 5


def test_a_dry_run_asks_nobody(settings, tmp_path, capsys):
    estimate = plan_evaluation(settings, tmp_path / "out")["toy"]
    assert (estimate.calls, estimate.cached) == (5, 0)  # each for an answer of its own
    assert estimate.prompt_tokens > 1000
    (tmp_path / "out" / "answers").mkdir(parents=True)
    write_answers(tmp_path / "out" / "answers" / "toy.jsonl", script([Question("a", (), ())], None))
    assert plan_evaluation(settings, tmp_path / "out")["toy"].calls == 5
    evaluate(settings, tmp_path / "out", ask=script)
    estimate = plan_evaluation(settings, tmp_path / "out")["toy"]
    assert (estimate.calls, estimate.cached) == (5, 1)
    command = ["eval", "none", "--benchmarks", "toy", "--dry-run", "--judge", settings.judge.name]
    assert main([*command, "--judge-cache", str(tmp_path / "x.sqlite"), "--out", str(tmp_path / "dry")]) == 0
    printed = capsys.readouterr().out
    assert "5 to make" in printed
    assert "cost" in printed
    assert not (tmp_path / "dry").exists()


def test_a_benchmark_with_a_judge_needs_one_before_the_model_runs(settings, tmp_path):
    with pytest.raises(ConfigError, match="--judge"):
        evaluate(replace(settings, judge=None), tmp_path / "out", ask=refuse)


def test_scoring_a_file_with_a_judge(settings, tmp_path, capsys):
    rows = [{"id": name, "text": f"Yes, {name}.", "earlier": ["A dog."]} for name in "abcde"]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["score", "toy", str(tmp_path / "answers.jsonl"), "--judge", settings.judge.name]
    command += ["--judge-cache", str(tmp_path / "v.sqlite"), "--out", str(tmp_path / "out")]
    assert main([*command, "--dry-run"]) == 0
    assert "5 to make" in capsys.readouterr().out
    assert main(command) == 3, "a verdict that cannot be read is missing"
    printed = capsys.readouterr().out
    assert "toy: 5 of 5 answered, 0 missing, 0 without a verdict, 1 verdict unreadable" in printed
    assert "judge: 9 replies asked for, 0 from the cache" in printed
    assert main(command) == 3
    assert "judge: 0 replies asked for, 9 from the cache" in capsys.readouterr().out
    record(tmp_path, {})
    assert main(command) == 3
    assert "5 without a verdict" in capsys.readouterr().out


@pytest.fixture
def no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ERRATA_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_a_judge_without_its_key_ends_a_run_before_the_model_is_asked(settings, tmp_path, no_key):
    keyless = replace(settings, judge=replace(settings.judge, name="openai:gpt-4o"))
    with pytest.raises(ConfigError, match=r"set OPENAI_API_KEY, or .* --judge-offline"):
        evaluate(keyless, tmp_path / "out", ask=refuse)
    assert not (tmp_path / "out").exists()
    assert plan_evaluation(keyless, tmp_path / "out")["toy"].calls == 5
    offline = replace(keyless, judge=replace(keyless.judge, offline=True))
    assert evaluate(offline, tmp_path / "offline", ask=script).coverage["toy"].unjudged == 5


def test_a_judge_that_no_benchmark_asks_needs_no_key(settings, tmp_path, no_key):
    judge = replace(settings.judge, name="openai:gpt-4o")
    assert open_judge([BENCHMARKS["chair"]()], judge) is not None
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        open_judge([BENCHMARKS["chair"](), Toy()], judge)


def test_a_local_judge_that_is_not_there_ends_a_run_before_the_model_is_asked(settings, tmp_path):
    absent = replace(settings, judge=replace(settings.judge, name=f"local:{tmp_path / 'no-such-judge'}"))
    with pytest.raises(ModelError, match="no-such-judge: no such folder"):
        evaluate(absent, tmp_path / "out", ask=refuse)


def test_scoring_checks_the_judge_too(settings, tmp_path, capsys, no_key):
    rows = [{"id": name, "text": f"Yes, {name}.", "earlier": ["A dog."]} for name in "abcde"]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["score", "toy", str(tmp_path / "answers.jsonl"), "--judge", "openai:gpt-4o"]
    command += ["--judge-cache", str(tmp_path / "v.sqlite"), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    assert "OPENAI_API_KEY" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*command, "--dry-run"]) == 0
    assert main([*command, "--judge-offline"]) == 3
