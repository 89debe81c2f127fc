"""How long scoring takes: 9,000 POPE answers and 5,000 captions of 100 words, intervals included.

    python perf/score.py            a table, exit code 1 when a line is missed; less than a minute
    python perf/score.py --json     the same as JSON
    python perf/score.py --quick    a hundredth of the answers, to see that everything runs; its figures mean nothing

CPU seconds of one thread, the median of five rounds. The texts are drawn from a fixed seed. Official CHAIR is timed
with our own list of objects: the released one is not ours to ship, and is as long.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Literal

from errata.benchmarks import SETTINGS, score_chair, score_pope_settings
from errata.records import Answer, Question, Turn
from errata.text import load_coco_vocabulary

POPE_TARGET_S, CHAIR_TARGET_S = 0.5, 3.0
ROUNDS = 5
SAID = ("Yes.", "No.", "Yes, there is one on the left.", "No, there is none in the image.", "I cannot tell.")
WORDS = (
    "a man and a woman are sitting at the wooden dining table with two cups of coffee near an old window while the dog "
    "sleeps under the chair there is also one large green traffic light on the street next to parked cars and buses "
    "people walking a baby elephant holding hot dogs knives umbrellas no bicycle without backpacks orange cat bright"
).split()


@dataclass(frozen=True)
class Line:
    """One figure and what it must not exceed."""

    name: str
    seconds: float
    target: float

    @property
    def met(self) -> bool:
        """Whether it is fast enough."""
        return self.seconds < self.target


def time_pope(answers: int, mode: Literal["official", "strict"]) -> Line:
    """Score the three settings, six questions an image."""
    rng = random.Random(0)
    turn = (Turn("user", "Is there a cat in the image?"),)
    questions = [
        Question(str(i), (str(i // 18),), turn, {"label": rng.choice(("yes", "no")), "setting": SETTINGS[i % 3]})
        for i in range(answers)
    ]
    said = [Answer(question.id, rng.choice(SAID)) for question in questions]
    seconds = measure(lambda: score_pope_settings(questions, said, mode=mode))
    return Line(f"POPE, {answers:,} answers, {mode}", seconds, POPE_TARGET_S)


def time_chair(captions: int, mode: Literal["official", "strict"]) -> Line:
    """Score captions of 100 words, ten to a sentence."""
    rng = random.Random(0)
    vocabulary = load_coco_vocabulary()
    texts = [". ".join(" ".join(rng.choices(WORDS, k=10)) for _ in range(10)) + "." for _ in range(captions)]
    answers = [Answer(str(i), text) for i, text in enumerate(texts)]
    truth = {answer.id: set(rng.sample(vocabulary.objects, 4)) for answer in answers}
    seconds = measure(lambda: score_chair(answers, truth, vocabulary=vocabulary, mode=mode))
    return Line(f"CHAIR, {captions:,} captions of 100 words, {mode}", seconds, CHAIR_TARGET_S)


def measure(score: Callable[[], object]) -> float:
    """CPU seconds of a call, the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        score()
        rounds.append(time.process_time() - start)
    return median(rounds)


def main() -> int:
    """Print every line; 1 when one is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    share = 100 if args.quick else 1
    lines = [time_pope(9000 // share, mode) for mode in ("strict", "official")]
    lines += [time_chair(5000 // share, mode) for mode in ("strict", "official")]
    if args.json:
        print(json.dumps([asdict(line) | {"met": line.met} for line in lines], indent=1))
    else:
        for line in lines:
            print(f"{line.name:50}{line.seconds:7.2f} s   target < {line.target} s{'' if line.met else '   MISSED'}")
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
