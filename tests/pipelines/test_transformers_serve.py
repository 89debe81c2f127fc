"""`transformers serve` with a tiny model: an evaluation through it has the answers and scores of the model here."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from errata.cli import main
from errata.records import read_answers
from errata.world import base_folder

BASE = base_folder("small")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server in a process of its own."""
    folder = tmp_path_factory.mktemp("serve")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "transformers", "serve", BASE, "--device", "cpu", "--dtype", "float32"]
    env = {**os.environ, "HF_HOME": str(folder), "HF_HUB_OFFLINE": "1"}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(word) for word in [*command, "--port", port]], env=env, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, folder / "log")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait(30)


def wait_for(url, process, log):
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"no server: {log.read_text()[-2000:]}")


@pytest.mark.slow
def test_an_evaluation_through_the_server_equals_one_of_the_loaded_model(server, tmp_path, capsys):
    assert main(["world", "scenes", "--count", "6", "--out", str(tmp_path / "scenes")]) == 0
    runs = {"served": f"openai:{BASE}@{server}", "loaded": str(BASE)}
    for name, model in runs.items():
        words = ["eval", model, "--annotations", tmp_path / "scenes" / "annotations.jsonl", "--out", tmp_path / name]
        words += ["--vocabulary", tmp_path / "scenes" / "vocabulary.txt", "--max-tokens", "64"]
        assert main([str(word) for word in words]) == 0
    found = {name: json.loads((tmp_path / name / "results.json").read_text())["stages"] for name in runs}
    metrics = {name: read_metrics(stages) for name, stages in found.items()}
    assert metrics["served"] == metrics["loaded"]
    answers = {name: read_all(tmp_path / name / "answers") for name in runs}
    assert answers["served"] == answers["loaded"]
    assert len(answers["served"]) > 12


def read_metrics(stages):
    return [{name: each["metrics"] for name, each in stage["benchmarks"].items()} for stage in stages]


def read_all(folder):
    files = [path for path in sorted(folder.glob("*.jsonl")) if path.suffixes == [".jsonl"]]
    return {answer.id: (answer.text, answer.finished) for path in files for answer in read_answers(path)}


@pytest.mark.slow
def test_a_conversation_goes_through_it(server, tmp_path):
    asked = {"id": "a", "prompt": "Is there a star in the image?", "followups": ["Is there a cone in the image?"]}
    assert main(["world", "scenes", "--count", "1", "--out", str(tmp_path)]) == 0
    (image,) = (tmp_path / "images").iterdir()
    (tmp_path / "q.jsonl").write_text(json.dumps(asked | {"images": [f"images/{image.name}"]}) + "\n")
    said = []
    for model, out in ((f"openai:{BASE}@{server}", "served"), (str(BASE), "loaded")):
        words = ["generate", model, tmp_path / "q.jsonl", "--out", tmp_path / f"{out}.jsonl", "--max-tokens", "8"]
        assert main([str(word) for word in words]) == 0
        (answer,) = read_answers(tmp_path / f"{out}.jsonl")
        said.append(answer.rounds)
    assert len(said[0]) == 2
    assert said[0] == said[1]
