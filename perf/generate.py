"""How fast questions are answered: by a tiny model here, and by endpoints.

    python perf/generate.py                     every part, a table, exit code 1 when a target is missed
    python perf/generate.py --only endpoint     one part: model, endpoint
    python perf/generate.py --quick             a few questions, no demands
    python perf/generate.py --json              the same as JSON

`model`: descriptions of synthetic scenes by the shipped medium base, greedy, one thread; CPU seconds of methods that
take turns, the median of the rounds, images read and processed every time. `pipeline` is transformers' with its
defaults, which take questions one by one; batches of 16 are its best case. All give the same answers, or the run fails.
`endpoint`: scripted servers in processes of their own reply after 50 ms. The share is that of the requests under way at
the servers, as these see it, in the configured concurrency, on average over a whole run from questions to a finished
file. A bare client shows what the machine has to give at that moment.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bare import ask_bare
from errata.endpoints import ChatClient, EndpointSettings, parse_endpoint
from errata.generation import GenerationSettings, ask_endpoint
from errata.generation.local import generate
from errata.models import ModelSettings, load_model, quiet_transformers
from errata.records import Question, Turn
from errata.world import EVALUATION, base_folder, describe_questions, sample_scenes, write_images

BATCH, MAX_TOKENS = 16, 64
GAIN, SHARE = 4.0, 0.9
LATENCY_S = 0.05
SERVER = Path(__file__).parents[1] / "tests" / "endpoint_server.py"


@dataclass(frozen=True)
class Line:
    """One target: what is measured, what it must be, what it was."""

    name: str
    target: str
    found: str
    met: bool
    value: float


class Methods:
    """The same questions to the same model in several ways; each returns the texts."""

    def __init__(self, root: Path, count: int) -> None:
        scenes = sample_scenes("perf", count, 0, EVALUATION)
        write_images(scenes, root)
        self.root, self.questions = root, describe_questions(scenes)
        self._loaded, self._pipeline = (load_model(ModelSettings(str(base_folder("medium")))) for _ in range(2))
        self._pipe = self._build_pipe()

    def ours(self, batch_size: int | None) -> list[str]:
        """Errata."""
        settings = GenerationSettings(max_tokens=MAX_TOKENS, batch_size=batch_size)
        return [answer.text for answer in generate(self._loaded, self.questions, settings, image_root=self.root)]

    def _build_pipe(self) -> Any:
        from transformers import pipeline

        self._pipeline.processor.tokenizer.padding_side = "left"
        with quiet_transformers():
            return pipeline(
                "image-text-to-text", model=self._pipeline.model, processor=self._pipeline.processor, device="cpu"
            )

    def pipeline(self, batch_size: int) -> list[str]:
        """transformers."""
        with quiet_transformers():
            given = self._pipe(
                text=[self._build_chat(question) for question in self.questions],
                batch_size=batch_size,
                return_full_text=False,
                generate_kwargs={"max_new_tokens": MAX_TOKENS, "do_sample": False},
            )
        return [answers[0]["generated_text"].strip() for answers in given]

    def _build_chat(self, question: Question) -> list[dict[str, Any]]:
        image = {"type": "image", "image": str(self.root / question.images[0])}
        return [{"role": "user", "content": [image, {"type": "text", "text": question.prompt[0].text}]}]


def take_turns(methods: dict[str, Callable[[], list[str]]], rounds: int) -> dict[str, float]:
    """Median CPU seconds by name, after one round that does not count. Raises SystemExit where answers differ."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for number in range(rounds + 1):
        texts = {}
        for name, method in methods.items():
            start = time.process_time()
            texts[name] = method()
            if number:
                seconds[name].append(time.process_time() - start)
        if len({tuple(found) for found in texts.values()}) > 1:
            raise SystemExit("the methods give different answers")
    return {name: median(values) for name, values in seconds.items()}


def measure_model(count: int, rounds: int) -> list[Line]:
    """Batches of 16 against everything else."""
    with tempfile.TemporaryDirectory() as folder:
        methods = Methods(Path(folder), count)
        seconds = take_turns(
            {
                "ours": lambda: methods.ours(BATCH),
                "one by one": lambda: methods.ours(1),
                "transformers.pipeline": lambda: methods.pipeline(1),
                "transformers.pipeline, batches of 16": lambda: methods.pipeline(BATCH),
                "as many as fit": lambda: methods.ours(None),
            },
            rounds,
        )
    ours = seconds.pop("ours")
    lines = []
    for name, other in seconds.items():
        gain, demanded = other / ours, name in ("one by one", "transformers.pipeline")
        found = f"{gain:.2f} x ({1000 * other / count:.1f} -> {1000 * ours / count:.1f} ms a question)"
        target = f">= {GAIN:g} x" if demanded else ""
        lines.append(Line(f"batches of 16, against {name}", target, found, gain >= GAIN or not demanded, gain))
    return lines


class Server:
    """A scripted server in a process of its own, which notes how many requests are under way."""

    def __init__(self, script: Path) -> None:
        command = [sys.executable, str(script), "--latency-s", str(LATENCY_S)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self._read()

    def read_busy_s(self) -> float:
        """Request-seconds under way so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("busy?\n")
        self._process.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def stop(self) -> None:
        """End the process."""
        with self._process:  # closes its pipes
            self._process.terminate()


@contextmanager
def serve(count: int, script: Path = SERVER) -> Iterator[list[Server]]:
    """So many servers; `script` is what each process runs."""
    servers = [Server(script) for _ in range(count)]
    try:
        yield servers
    finally:
        for server in servers:
            server.stop()


def measure_endpoint(servers: int, concurrency: int, seconds: float) -> Line:
    """As many questions as an ideal client gets answered in `seconds`, and the same by a bare client right after."""
    count = int(seconds / LATENCY_S) * concurrency
    with serve(servers) as running:
        share, rate = watch(running, concurrency, count, partial(ask_questions, running, concurrency, count))
        urls = [server.url for server in running]
        possible, _ = watch(running, concurrency, count, partial(ask_bare, urls, concurrency, count))
    ideal = servers * concurrency / LATENCY_S
    text = f"{100 * share:.1f} % ({rate:.0f} answers/s of {ideal:.0f}; a bare client {100 * possible:.1f} %)"
    title = f"{servers} server{'s' * (servers > 1)}, {concurrency} at a time each: concurrency kept"
    return Line(title, f">= {100 * SHARE:.0f} %", text, share >= SHARE, share)


def watch(running: list[Server], concurrency: int, count: int, ask: Callable[[], None]) -> tuple[float, float]:
    """The share of the concurrency that the servers saw while `ask` ran, and answers a second."""
    before, start = sum(server.read_busy_s() for server in running), time.perf_counter()
    ask()
    took = time.perf_counter() - start
    busy = sum(server.read_busy_s() for server in running) - before
    return busy / took / (len(running) * concurrency), len(running) * count / took


def ask_questions(running: list[Server], concurrency: int, count: int) -> None:
    """The whole way from questions to a finished file."""
    questions = [Question(f"q{number}", (), (Turn("user", "Is it so?"),)) for number in range(count * len(running))]
    endpoint = parse_endpoint("openai:scripted@" + ",".join(server.url for server in running))
    client = ChatClient(endpoint, EndpointSettings(concurrency=concurrency))
    with tempfile.TemporaryDirectory() as folder:
        found = ask_endpoint(client, questions, GenerationSettings(), out=Path(folder) / "answers.jsonl")
    if found.missing:
        raise SystemExit(f"{len(found.missing)} questions got no answer")


def measure(parts: Sequence[str], *, quick: bool) -> list[Line]:
    """The chosen parts."""
    lines = []
    if "model" in parts:
        lines += measure_model(*((8, 1) if quick else (96, 5)))
    if "endpoint" in parts:
        lines += [measure_endpoint(*each, 0.3 if quick else 5.0) for each in ((1, 8), (1, 16), (2, 8))]
    return lines


def main() -> int:
    """Measure, print, and say by the exit code whether every target was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="model,endpoint", help="parts, separated by commas (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few questions, no demands")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    parts = args.only.split(",")
    if unknown := set(parts) - {"model", "endpoint"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")  # of libraries about their own future
    torch.set_num_threads(1)
    lines = measure(parts, quick=args.quick)
    if args.json:
        print(json.dumps([asdict(line) for line in lines], indent=1))
    else:
        for line in lines:
            mark = "" if args.quick or not line.target else "met" if line.met else "MISSED"
            print(f"{mark:8}{line.name:64}{line.target:12}{line.found}")
    return 0 if args.quick or all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
