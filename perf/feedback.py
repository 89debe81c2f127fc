"""How fast claims are judged: how busy an endpoint is kept, and what a shared image saves a labeller.

    python perf/feedback.py                     both parts, a table, exit code 1 when a target is missed
    python perf/feedback.py --only labels       one part: endpoint, labels
    python perf/feedback.py --quick             a few answers and a small toy, no demands
    python perf/feedback.py --json              the same as JSON

`endpoint`: 1,000 answers of 60 words, ten to a question, to a scripted server in a process of its own that replies
after 50 ms: it takes each answer apart into six claims and then says yes or no to every claim, whose image is sent
along. The share is that of the requests under way at the server, as it sees it, in the configured concurrency, on
average over the whole verb, from files to a finished folder of pairs. A bare client shows what the machine has to give
at that moment.
`labels`: ten yes/no questions about each image to a LLaVA-shaped toy with random weights, the image's 576 tokens once
for all ten and once for each, side by side; CPU seconds, the median of rounds that take turns. Both give the same
probabilities, or the run fails.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image

from bare import ask_bare
from errata.endpoints import EndpointSettings
from errata.feedback.local.labeller import YesNo
from errata.models import EncodedImage, EncodedPrompt, LoadedModel
from errata.pipelines.feedback.claims import run_claims
from errata.pipelines.feedback.claims_job import ClaimsJob
from errata.records import Answer, Question, Turn, write_answers, write_questions
from generate import Line, Server, serve, watch
from toy import QUICK, SPECIAL_TOKENS, Toy, build_adapter, build_model, build_processor

ANSWERS, SAMPLES, SENTENCES, WORDS = 1000, 10, 6, 10
CONCURRENCY = (4, 8)
IMAGE_PX = 336
SHARE, GAIN = 0.9, 3.0
QUESTIONS, QUESTION_TOKENS = 10, 16
ROUNDS = 5
JUDGES = Path(__file__).with_name("claim_judges.py")


def write_job(folder: Path, answers: int) -> None:
    """Questions, pictures, and answers of 60 words of which no two sentences are alike."""
    chance = random.Random(0)
    questions, said = [], []
    for number in range(answers // SAMPLES):
        noise = Image.frombytes("RGB", (24, 24), chance.randbytes(24 * 24 * 3)).resize((IMAGE_PX, IMAGE_PX))
        noise.save(folder / f"{number}.jpg", quality=85)
        questions.append(Question(f"q{number}", (f"{number}.jpg",), (Turn("user", "Describe the image in detail."),)))
        for sample in range(1, SAMPLES + 1):
            objects = (f"{number}{sample}{chance.randrange(10**6)}" for _ in range(SENTENCES))
            text = " ".join(f"Here stands object {name} with a colour of its own." for name in objects)
            said.append(Answer(f"q{number}#{sample}", text, "scripted"))
    write_questions(folder / "questions.jsonl", questions)
    write_answers(folder / "answers.jsonl", said)


def ask_claims(folder: Path, server: Server, answers: int, concurrency: int) -> None:
    """The whole verb. Raises SystemExit where something got no verdict."""
    name = f"openai:scripted@{server.url}"
    job = ClaimsJob(
        questions=folder / "questions.jsonl",
        splitter=name,
        labeller=name,
        answers=folder / "answers.jsonl",
        cache=folder / "verdicts.sqlite",
        endpoint=EndpointSettings(concurrency=concurrency),
    )
    done = run_claims(job, folder / "out")
    if done.lost or done.feedback.report["claims"]["with_verdicts"] != answers * SENTENCES:
        raise SystemExit(f"{done.lost} answers were not judged: {done.feedback.report['answers']}")


def measure_endpoint(answers: int, concurrency: int) -> Line:
    """The share of the concurrency that the server saw, and that of a bare client right after."""
    requests = answers * (1 + SENTENCES)
    with tempfile.TemporaryDirectory() as name, serve(1, JUDGES) as running:
        folder = Path(name)
        write_job(folder, answers)
        share, _ = watch(running, concurrency, requests, partial(ask_claims, folder, running[0], answers, concurrency))
        few = max(concurrency, requests // 10)
        urls = [server.url for server in running]
        possible, _ = watch(running, concurrency, few, partial(ask_bare, urls, concurrency, few))
    text = f"{100 * share:.1f} % ({requests:,} requests; a bare client {100 * possible:.1f} %)"
    title = f"claims of {answers:,} answers, {concurrency} at a time: concurrency kept"
    return Line(title, f">= {100 * SHARE:.0f} %", text, share >= SHARE, share)


def build_prompts(toy: Toy, images: int) -> list[list[EncodedPrompt]]:
    """Per image ten questions of random words behind it, as long as a question with its template is."""
    chance, groups = random.Random(0), []
    for number in range(images):
        noise = torch.randn(3, toy.image_px, toy.image_px, generator=torch.Generator().manual_seed(number))
        image = EncodedImage(noise, toy.image_tokens, name=f"toy {number}")
        start = [1, *_draw(chance, toy, toy.prefix - toy.image_tokens - 1), *[4] * toy.image_tokens]
        groups.append(
            [
                EncodedPrompt([*start, *_draw(chance, toy, QUESTION_TOKENS)], (image,), "", (), images_end=len(start))
                for _ in range(QUESTIONS)
            ]
        )
    return groups


def _draw(chance: random.Random, toy: Toy, count: int) -> list[int]:
    return [chance.randrange(SPECIAL_TOKENS, toy.vocabulary) for _ in range(count)]


def build_reader(toy: Toy, *, share: bool) -> YesNo:
    """The toy as a labeller whose words are renamed so that two of them are yes and no."""
    processor = build_processor(toy)
    model = build_model(toy).eval()
    loaded = LoadedModel(model, _Words(processor.tokenizer), build_adapter(toy, model), "toy")
    return YesNo(loaded, share=share)


class _Words:
    """The toy's tokenizer with a yes and a no in its vocabulary."""

    def __init__(self, tokenizer: Any) -> None:
        self._vocabulary = {**tokenizer.get_vocab(), "Yes": SPECIAL_TOKENS, "No": SPECIAL_TOKENS + 1}
        self.unk_token_id = tokenizer.unk_token_id

    def get_vocab(self) -> dict[str, int]:
        """Words and their tokens."""
        return self._vocabulary

    def __call__(self, *_: Any, **__: Any) -> Any:
        return argparse.Namespace(input_ids=[self.unk_token_id])


def measure_labels(toy: Toy, images: int, rounds: int) -> Line:
    """Ten questions an image, sharing it and one by one."""
    groups = build_prompts(toy, images)
    readers = {share: build_reader(toy, share=share) for share in (True, False)}
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(rounds + 1):
        found = {}
        for share, reader in readers.items():
            start = time.process_time()
            found[share] = reader.read(groups)
            if number:
                seconds[share].append(time.process_time() - start)
        _require_equal(found[True], found[False])
    if readers[True].message:
        raise SystemExit(f"nothing was shared: {readers[True].message}")
    shared, alone = (median(seconds[share]) for share in (True, False))
    gain, questions = alone / shared, images * QUESTIONS
    text = f"{gain:.2f} x ({1000 * alone / questions:.1f} -> {1000 * shared / questions:.1f} ms a question)"
    return Line("ten questions an image, against one by one", f">= {GAIN:g} x", text, gain >= GAIN, gain)


def _require_equal(ours: Sequence[Sequence[dict[str, float]]], theirs: Sequence[Sequence[dict[str, float]]]) -> None:
    pairs = [
        (one[form], other[form])
        for group, others in zip(ours, theirs, strict=True)
        for one, other in zip(group, others, strict=True)
        for form in ("Yes", "No")
    ]
    worst = max(abs(math.log(one) - math.log(other)) for one, other in pairs)
    if not worst <= 1e-4:
        raise SystemExit(f"the two ways differ by {worst:.1e} in a log-probability")


def measure(parts: Sequence[str], *, quick: bool) -> list[Line]:
    """The chosen parts."""
    lines = []
    if "labels" in parts:
        lines.append(measure_labels(QUICK if quick else Toy(), 2, 1 if quick else ROUNDS))
    if "endpoint" in parts:
        lines += [measure_endpoint(20 if quick else ANSWERS, each) for each in CONCURRENCY]
    return lines


def main() -> int:
    """Measure, print, and say by the exit code whether every target was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="labels,endpoint", help="parts, separated by commas (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few answers and a small toy, no demands")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    parts = args.only.split(",")
    if unknown := set(parts) - {"labels", "endpoint"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")  # of libraries about their own future
    torch.set_num_threads(1)
    lines = measure(parts, quick=args.quick)
    if args.json:
        print(json.dumps([asdict(line) for line in lines], indent=1))
    else:
        for line in lines:
            mark = "" if args.quick else "met" if line.met else "MISSED"
            print(f"{mark:8}{line.name:64}{line.target:12}{line.found}")
    return 0 if args.quick or all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
