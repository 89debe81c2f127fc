"""`errata bench`, `score` and `compare` on the command line, with an endpoint that fails some of an evaluation."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from endpoint_server import EndpointServer, Fault
from errata.benchmarks import BENCHMARKS
from errata.cli import main

ROWS = [{"image": f"{n}.png", "objects": ["dog", "cat", "car"]} for n in range(4)]
SAID = [{"image_id": f"{n}.png", "caption": text} for n, text in enumerate(("A dog.", "A cup.", "", "No cup, a cat."))]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in SAID))
    return tmp_path


def score(folder, out, *more):
    command = ["score", "chair", folder / "answers.jsonl", "--annotations", folder / "images.jsonl", *more]
    return main([str(word) for word in [*command, "--out", out]])


def test_every_benchmark_is_listed_and_described(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("ERRATA_CACHE", str(tmp_path))
    assert main(["bench", "list"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines() if not line.startswith(" ")] == list(BENCHMARKS)
    assert all(
        fact in listed for one in BENCHMARKS.values() for fact in (one.card.paper, one.card.size, one.card.licence)
    )
    for name, benchmark in BENCHMARKS.items():
        assert main(["bench", "info", name]) == 0
        printed = capsys.readouterr().out
        card = benchmark.card
        for fact in (card.paper, card.licence, card.size, card.judge or "no judge, no cost"):
            assert fact in printed
    assert main(["bench", "info", "none"]) == 2
    refused = capsys.readouterr().err
    assert "expected pope or chair or " in refused
    assert " or all;" in refused


def test_metrics_are_printed_with_denominators_under_their_own_names(folder, capsys):
    assert score(folder, folder / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["chair", "(strict)", "chair_s", "25.0", "%", "(0.0", "-", "75.0)", "1", "/", "4"]
    assert lines[1].split()[2:5] == ["chair_i", "33.3", "%"]
    assert lines[-2] == "chair: 4 of 4 answered, 0 missing, 1 empty"
    assert score(folder, folder / "dropped", "chair.cut_sentence=drop") == 0


def test_missing_answers_are_an_error_or_exit_code_3(folder, capsys):
    (folder / "answers.jsonl").write_text(json.dumps(SAID[1]) + "\n")
    assert score(folder, folder / "out") == 2
    assert "no answer to '0.png', '2.png', '3.png'" in capsys.readouterr().err
    assert score(folder, folder / "out", "--allow-missing") == 3
    assert "chair: 1 of 4 answered" in capsys.readouterr().out


def test_two_runs_are_compared(folder, capsys):
    assert score(folder, folder / "one") == 0
    (folder / "answers.jsonl").write_text("".join(json.dumps(row | {"caption": "A dog."}) + "\n" for row in SAID[:3]))
    assert score(folder, folder / "two", "--allow-missing") == 3
    capsys.readouterr()
    assert main(["compare", str(folder / "one"), str(folder / "two"), "--out", str(folder / "difference.json")]) == 0
    printed = capsys.readouterr().out
    assert "chair: 3 items, left out 1 and 0 that only one run has" in printed
    assert "CHAIR strict" in printed
    assert "p: paired randomisation test" in printed
    assert json.loads((folder / "difference.json").read_text())["differences"]["after"]["chair"]["chair_s"]["p"]


def test_what_an_endpoint_refuses_is_missing_and_asked_again(folder, capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for row in ROWS:
        Image.new("RGB", (8, 8)).save(folder / row["image"])
    refused = [Fault("status", 400), Fault("status", 400)]
    with EndpointServer(lambda seen: "A dog and a cup.", refused) as server:
        command = ["eval", f"openai:nobody@{server.url}", "--annotations", folder / "images.jsonl"]
        command += ["--benchmarks", "chair", "--concurrency", "1", "--out", folder / "out"]
        assert main([str(word) for word in command]) == 3
        assert "chair: 2 of 4 answered" in capsys.readouterr().out
        content = json.loads((folder / "out" / "results.json").read_text())
        assert content["coverage"]["chair"]["answered"] == 2
        assert content["stages"][0]["benchmarks"]["chair"]["metrics"]["chair_s"]["n"] == 2
        assert main([str(word) for word in command]) == 0
        assert "chair: 4 of 4 answered" in capsys.readouterr().out
