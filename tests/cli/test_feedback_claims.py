"""`errata feedback claims` as a user runs it: endpoints that die, files that do not fit, and nothing asked twice."""

from __future__ import annotations

import json
import re

import pytest

from endpoint_server import EndpointServer, Fault
from errata.cli.main import main
from errata.errors import DONE, INCOMPLETE, USAGE
from errata.feedback.claims.split import SPLIT
from errata.records import Answer, Question, Turn, read_answers, read_records, write_answers, write_questions
from errata.storage import read_json_lines
from errata.world import base_folder, describe_questions, sample_scenes, write_images
from errata.world.scenes import EVALUATION
from tiny_models import save_images

COUNT = 4
MEDIUM, LARGE = (f"local:{base_folder(name)}" for name in ("medium", "large"))


@pytest.fixture
def folder(tmp_path):
    """Questions about noise with two answers each."""
    names = save_images(tmp_path, COUNT)
    questions = [Question(f"q{n}", (name,), (Turn("user", "What is there?"),)) for n, name in enumerate(names)]
    write_questions(tmp_path / "questions.jsonl", questions)
    answers = [
        Answer(f"q{n}#{k}", f"There is a {what} number {n}.", meta={"sample_of": f"q{n}", "sample": k})
        for n in range(COUNT)
        for k, what in enumerate(("cup", "dog"), 1)
    ]
    write_answers(tmp_path / "answers.jsonl", answers)
    return tmp_path


def answer(seen):
    """Both judges: a claim for every answer, and a no about dogs."""
    if SPLIT.text[-40:] in seen.text:
        said = re.search(r"There is (a \w+ number \d)\.", seen.text)[1]
        return f"- There is {said}. => Is there {said}?"
    return "No" if "dog" in seen.text else "Yes."


def run(folder, *options, out="out", server=None):
    judge = (
        [] if server is None else ["--splitter", f"openai:tiny@{server.url}", "--labeller", f"openai:tiny@{server.url}"]
    )
    files = [
        str(folder / "questions.jsonl"),
        "--judge-cache",
        str(folder / "verdicts.sqlite"),
        "--out",
        str(folder / out),
    ]
    return main(["feedback", "claims", *files, *judge, "--concurrency", "2", *map(str, options)])


def given(folder):
    return "--answers", folder / "answers.jsonl"


def test_an_endpoint_that_dies_half_way_loses_nothing(folder, capsys):
    with EndpointServer(answer, fault=lambda n, seen: Fault("status", status=401) if n >= 12 else None) as server:
        assert run(folder, *given(folder), server=server) == INCOMPLETE
        assert len(server.seen) <= 14
    told = capsys.readouterr()
    assert "a claim without a verdict" in told.out
    assert "4 answers that could not be judged" in told.err
    assert "4 x a claim without a verdict: key refused: " in told.err
    assert "set a key that the server takes" in told.err
    (bad, *_) = [row for _, row in read_json_lines(folder / "out" / "bad.jsonl")]
    assert "401" in json.dumps(bad)
    with EndpointServer(answer) as server:
        assert run(folder, *given(folder), server=server) == DONE
        assert len(server.seen) == 4, "what had a verdict is not asked again"
        assert run(folder, *given(folder), server=server, out="again") == DONE
        assert len(server.seen) == 4
    records = read_records(folder / "out" / "records.jsonl")
    assert [record.id for record in records] == [f"q{n}@1" for n in range(COUNT)]
    assert all("cup" in record.responses[0].text for record in records)
    assert (folder / "out" / "records.jsonl").read_bytes() == (folder / "again" / "records.jsonl").read_bytes()
    assert not (folder / "out" / "bad.jsonl").exists()


def test_a_dry_run_asks_nobody(folder, capsys):
    with EndpointServer(answer) as server:
        assert run(folder, *given(folder), "--dry-run", server=server) == DONE
        assert not server.seen
        told = capsys.readouterr().out
        assert re.search(r"splitter +calls +8 to make", told)
        assert re.search(r"labeller +calls +8 to make", told)
        assert re.search(r"labeller +cost +unknown", told)
        run(folder, *given(folder), server=server)
        capsys.readouterr()
        run(folder, *given(folder), "--dry-run", server=server)
    assert len(re.findall("calls +0 to make, 8 of 8 in the cache", capsys.readouterr().out)) == 2


def test_files_that_do_not_fit_each_other(folder, capsys):
    answers = read_answers(folder / "answers.jsonl")
    write_answers(folder / "answers.jsonl", [*answers[2:], Answer("nobody#1", "There is a cup.")])
    (folder / "image1.png").unlink()
    with EndpointServer(answer) as server:
        assert run(folder, *given(folder), server=server) == INCOMPLETE
    assert {row["id"] for _, row in read_json_lines(folder / "out" / "bad.jsonl")} == {"q0", "q1"}
    report = json.loads((folder / "out" / "feedback.json").read_text())
    assert {row["what"]: row["count"] for row in report["counts"]} == {
        "prompts": 4,
        "kept": 2,
        "no answers": 1,
        "no picture to look at": 1,
    }
    assert report["report"]["answers to no question"] == 1
    assert "3 answers that could not be judged" in capsys.readouterr().err


def test_recorded_replies_and_offline_rules(folder):
    rows = [
        {"prompt": "claim-label", "id": f"q{n}#{k}/0", "reply": reply}
        for n in range(COUNT)
        for k, reply in ((1, '{"yes": 0.1, "Yes": 0.5, "no": 0.2, "No": 0.1}'), (2, "no"))
    ]
    (folder / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judges = ("--splitter", "rules", "--labeller", f"scripted:{folder / 'replies.jsonl'}")
    assert run(folder, *given(folder), *judges) == DONE
    report = json.loads((folder / "out" / "feedback.json").read_text())["report"]
    assert (report["labeller"]["from_probabilities"], report["labeller"]["from_words"]) == (4, 4)
    assert len(list(read_json_lines(folder / "out" / "claims.jsonl"))) == 8


def test_a_base_answers_and_another_one_looks(tmp_path, capsys):
    scenes = sample_scenes("claims", 6, 0, EVALUATION)
    write_images(scenes, tmp_path)
    write_questions(tmp_path / "questions.jsonl", describe_questions(scenes))
    (tmp_path / "images" / "claims-0-00005.png").unlink()
    judges = ("--splitter", "world", "--labeller", LARGE, "--length-balance", "none")
    answers = ("--model", MEDIUM.removeprefix("local:"), "--samples", 4, "--max-tokens", 48, "--temperature", 1)
    assert run(tmp_path, *answers, *judges) == INCOMPLETE
    told = capsys.readouterr()
    assert "no picture to look at" not in told.out.split("prompts")[0]
    assert (tmp_path / "out" / "answers.jsonl").is_file()
    report = json.loads((tmp_path / "out" / "feedback.json").read_text())
    assert report["report"]["labeller"]["shares_prefix"] == "yes"
    assert report["report"]["labeller"]["answer_tokens"]["yes"] == "not in the vocabulary"
    first = (tmp_path / "out" / "records.jsonl").read_bytes()
    assert read_records(tmp_path / "out" / "records.jsonl")
    assert run(tmp_path, *answers, *judges) == INCOMPLETE
    assert (tmp_path / "out" / "records.jsonl").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--splitter", "magic", "--labeller", LARGE), "splitter 'magic'"),
        (("--splitter", "rules", "--labeller", "rules"), "judge 'rules'"),
        (("--splitter", "rules", "--labeller", "local:"), "judge 'local:'"),
        (("--splitter", "rules", "--labeller", LARGE, "--pairs", "0"), "pairs: 0"),
    ],
)
def test_names_and_numbers_that_are_none(folder, capsys, options, told):
    assert run(folder, *given(folder), *options) == USAGE
    assert told in capsys.readouterr().err
