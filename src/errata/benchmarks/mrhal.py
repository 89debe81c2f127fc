"""MRHal-Bench: dialogues about an image, every round rated from 0 to 6 (Zhang et al. 2024, arXiv 2405.11165).

The model answers each round after its own answers to those before. One call of the judge rates a whole dialogue.

The list of ratings that a judge gives to the rounds of a dialogue.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from errata.benchmarks.mmhal import TRUSTED, to_rating
from errata.benchmarks.official_files import Row, find_image, read_rows, require_file
from errata.benchmarks.protocol import Benchmark, Card, Item, Mode, Published, Reply, Setup
from errata.benchmarks.statistics import Unit
from errata.errors import DataError, count_noun
from errata.judges import JudgeCall, JudgePrompt
from errata.records import BenchmarkResult, Fields, Question, Turn

_LIST = re.compile(r"\bratings?\b[\s*_`\"']*[:：=][\s*_`\"']*[\[(]([^\[\](){}]*)[\])]", re.IGNORECASE)


def read_ratings(reply: str, rounds: int, mode: Mode) -> list[int]:
    """One rating per round.

    Official is the released rule: the one bracketed list, or of two the last without Yes and No; N/A is 0, and any
    whole number counts. Strict takes the list behind "Ratings:" where all such lists agree, else that of the last line.

    Returns:
        The ratings; empty in official mode where the released code finds no list and keeps that of the dialogue before.

    Raises:
        ValueError: A list that cannot be read, or one of another length, on which the released code ends.
    """
    if mode == "official":
        return _read_released(reply, rounds)
    lines = [line for line in reply.splitlines() if line.strip()]
    lists = _LIST.findall(reply)
    if len(set(lists)) > 1:
        lists = _LIST.findall(lines[-1])
    if len(set(lists)) != 1:
        raise ValueError("no list of ratings, or several")
    return _require_length([to_rating(part) for part in re.split(r"[,;，、]", lists[0])], rounds)


def _read_released(reply: str, rounds: int) -> list[int]:
    groups = re.findall(r"\[(.*?)\]", reply)
    if len(groups) == 2:
        groups = [group for group in groups if "Yes" not in group and "No" not in group][-1:]
    if len(groups) != 1:
        return []
    return _require_length([0 if "N/A" in part else int(part) for part in groups[0].split(",")], rounds)


def _require_length(ratings: list[int], rounds: int) -> list[int]:
    if len(ratings) != rounds:
        raise ValueError(f"{count_noun(len(ratings), 'rating')} for {count_noun(rounds, 'round')}")
    return ratings


_NOTE = "Hall c/m: cumulative, and mean by the release's rule; another judge and prompt; second-hand"
_PAPER = "AMP paper (arXiv 2405.11165)"

RATINGS = JudgePrompt(
    "mrhal-ratings",
    1,
    """\
You rate how truthful and how informative the answers in a dialogue about an image are. You do not see the image; you
get the names of objects in it and, for each round, an answer that a person gave, which is right.

An answer hallucinates where it claims something about the image that the person's answers and the objects contradict,
or that nothing of them supports. General knowledge and cautious reasoning from what is there are no hallucinations. A
claim that was made in an earlier round and is repeated is judged again.

Objects in the image:
{objects}
The dialogue has {rounds} rounds:
{dialogue}

Scale, where informative means that the question is answered fully and to the point:
6: no hallucination, very informative, with helpful analysis or reasoning
5: no hallucination, very informative
4: no hallucination, somewhat informative
3: no hallucination, not informative
2: hallucination, very informative
1: hallucination, somewhat informative
0: hallucination, not informative

Say first, round by round and without brackets, what the answer claims and whether it holds. End with one line of this
form and nothing else on it, with one number of the scale for each of the {rounds} rounds, in their order:
Ratings: [N, N]""",
    max_tokens=2048,
)


@dataclass(frozen=True)
class MRHal(Benchmark[Question]):
    """Ratings of every round of dialogues."""

    units: ClassVar = {
        "score_cumulative": Unit("points", "higher"),
        "score_mean": Unit("points", "higher"),
        "hallucination_cumulative": Unit("share", "lower"),
        "hallucination_mean_release": Unit("share", "lower"),
        "hallucination_mean_paper": Unit("share", "lower"),
        "unreadable": Unit("share", "lower"),
    }
    card = Card(
        name="mrhal",
        title="MRHal-Bench",
        measures="hallucination in dialogues of several rounds, each after the model's own answers",
        paper="Zhang et al. 2024, arXiv 2405.11165",
        licence="none stated",
        size="about 105 dialogues of 2 to 5 rounds",
        metrics="score and hallucination rate, over rounds (cumulative) and dialogues (mean: release and paper)",
        data="eval_gt.json of mengxizhang/MRHal-Bench (Hugging Face) and its images",
        judge="1 call per dialogue; published with gpt-4 (0613, 32k)",
        published=(
            Published("MRHal score c/m, Hall c/m", "LLaVA-1.5 7B", "3.38/3.39, .32/.29", _PAPER, _NOTE),
            Published("MRHal score c/m, Hall c/m", "AMP-MEG 7B", "4.07/4.06, .20/.15", _PAPER, _NOTE),
        ),
    )

    def load(self, setup: Setup) -> list[Question]:
        """The dialogues, without the answers of people between the rounds."""
        path = require_file(setup.data, self.card.name, "eval_gt.json")
        rows = read_rows(path, {"id": (str, int), "image": str, "image_content": list, "revised": list})
        questions = [_to_question(row, where, setup) for where, row in rows]
        twice = [question.id for number, question in enumerate(questions) if question.id in _ids(questions[:number])]
        if twice or not questions:
            found = f"{twice[0]} again" if twice else "no rows"
            raise DataError(str(path), expected="dialogues with ids that occur once", found=found, fix="fix the file")
        return questions

    def prompt(self, row: Question) -> Question:
        """A row is a question already."""
        return row

    def judge(self, question: Question, reply: Reply, setup: Setup, /) -> Sequence[JudgeCall]:
        """One list of ratings."""
        if reply.verdicts:
            return ()
        asked = (question.prompt[-1].text, *question.followups)
        if len(reply.answer.rounds) != len(asked):
            found = count_noun(len(reply.answer.rounds), "answer")
            fix = "each round needs its answer, the earlier ones under 'earlier'"
            raise DataError(f"answer {question.id}", expected=f"one per round, {len(asked)}", found=found, fix=fix)
        rounds = zip(asked, question.meta["references"], reply.answer.rounds, strict=True)
        values: dict[str, Any] = {
            "objects": ", ".join(question.meta["image_content"]),
            "rounds": len(asked),
            "dialogue": [{"question": one, "reference": two, "answer": three} for one, two, three in rounds],
        }
        return (JudgeCall(question.id, RATINGS, values, lambda text: read_ratings(text, len(asked), setup.mode)),)

    def parse(self, question: Question, reply: Reply, setup: Setup) -> Item:  # noqa: ARG002 -- the rule was the judge's
        """The ratings of the rounds."""
        rounds = 1 + len(question.followups)
        ratings = reply.verdicts[0].value
        return {"counts": _count(ratings), "ratings": ratings, "rounds": rounds}

    def score(self, items: Sequence[Item], setup: Setup) -> list[BenchmarkResult]:
        """All metrics; official mode gives a dialogue whose reply holds no list the ratings of the one before."""
        if setup.mode == "official":
            items = _repeat_stale(items)
        return super().score(items, setup)


def _count(ratings: Sequence[int] | None, *, own: bool = True) -> dict[str, Any]:
    """The share in each metric; nothing but `unreadable` without ratings."""
    if not ratings:
        return {"unreadable": [1, 1]}
    low, n = sum(rating < TRUSTED for rating in ratings), len(ratings)
    mean = sum(ratings) / n
    return {
        "score_cumulative": [sum(ratings), n],
        "score_mean": [mean, 1],
        "hallucination_cumulative": [low, n],
        "hallucination_mean_release": [int(mean < TRUSTED), 1],
        "hallucination_mean_paper": [low / n, 1],
        "unreadable": [int(not own), 1],
    }


def _repeat_stale(items: Sequence[Item]) -> list[Item]:
    """Items where an empty list became the last one that was read; the released code ends where its length differs."""
    last: Sequence[int] = ()
    filled = []
    for item in items:
        stale = item["ratings"] == [] and len(last) == item["rounds"]
        filled.append({**item, "ratings": last, "counts": _count(last, own=False), "stale": True} if stale else item)
        last = item["ratings"] or last
    return filled


def _ids(questions: Sequence[Question]) -> set[str]:
    return {question.id for question in questions}


def _to_question(row: Row, where: str, setup: Setup) -> Question:
    turns = [turn.get("value") if isinstance(turn, dict) else None for turn in row["revised"]]
    texts = [turn for turn in turns if isinstance(turn, str)]
    if len(texts) != len(turns) or not texts or len(texts) % 2:
        found, fix = f"{len(texts)} of {len(turns)} turns with a value", "use the released file, or fix the row"
        raise DataError(where, expected="questions and answers in turn", found=found, fix=fix)
    first, *others = texts[::2]
    contents = Fields(row, where, "dialogue", fix="use the released file").take_texts("image_content")
    meta = {"image_content": [*contents], "label": row.get("label", []), "references": texts[1::2]}
    asked = (Turn("user", first.replace("<image>", "").strip()),)
    image = find_image(setup, row["image"])
    return Question(f"mrhal-{row['id']}", (image,), asked, {"question_id": row["id"], **meta}, tuple(others))
