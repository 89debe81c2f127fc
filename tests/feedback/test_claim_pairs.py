"""Verdicts to scores to pairs, as the released code of RLAIF-V does, and seeded where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from errata.feedback.claims.pairs import (
    ClaimPair,
    ClaimVerdict,
    JudgedResponse,
    draw_pairs,
    find_pairs,
)
from errata.feedback.style.rule import balance_lengths

VECTORS = Path(__file__).parents[1] / "vectors"
PAIRS = json.loads((VECTORS / "rlaifv_pairs.json").read_text())["cases"]
BALANCE = json.loads((VECTORS / "rlaifv_length_balance.json").read_text())["cases"]


def build_verdict(row):
    p = row["scores"]
    return ClaimVerdict(row["raw_question"], row["raw_question"], p["yes"] + p["Yes"], p["no"] + p["No"])


def build_prompts(rows):
    """Prompt -> its responses, each with as many claims as it has questions."""
    prompts = {}
    for row in rows:
        prompts.setdefault(row["ds_question_id"], {}).setdefault(row["question_id"], []).append(build_verdict(row))
    return {
        prompt: [JudgedResponse(str(name), f"text {name}", tuple(found), len(found)) for name, found in said.items()]
        for prompt, said in prompts.items()
    }


@pytest.mark.parametrize("case", PAIRS)
def test_pairs_are_the_released_ones(case):
    assert [int(build_verdict(row).ok) for row in case["rows"]] == case["claim_labels"]
    found = [
        [f"{prompt}@Q", int(pair.chosen.id), pair.chosen.score, int(pair.rejected.id), pair.rejected.score]
        for prompt, responses in build_prompts(case["rows"]).items()
        for pair in find_pairs(prompt, responses, case["diff"])
    ]
    assert sorted(found) == sorted(case["pairs"])


@pytest.mark.parametrize("case", BALANCE)
def test_length_balance_is_the_released_one(case):
    texts = [
        (
            ("same " if n in case["same_text_idx"] else "chosen ") * one,
            ("same " if n in case["same_text_idx"] else "rejected ") * other,
        )
        for n, (one, other) in enumerate(case["lens"])
    ]
    found = balance_lengths(texts, "lengths" if case["use_len"] else "shares")
    assert found.ratio == pytest.approx(case["ratio"])
    assert list(found.kept) == case["kept"]


def judged(name, *oks, claims=None, text=None):
    verdicts = tuple(ClaimVerdict(f"c{n}", f"q{n}", float(ok), 1.0 - ok) for n, ok in enumerate(oks))
    return JudgedResponse(name, text or name, verdicts, len(oks) if claims is None else claims)


def test_a_tie_rejects_the_claim():
    assert not ClaimVerdict("c", "q", 0.3, 0.3).ok
    assert ClaimVerdict("c", "q", 0.3001, 0.3).ok


def test_incomplete_and_empty_responses_never_pair():
    bad = judged("bad", 0, 0)
    assert find_pairs("p", [judged("good", 1, 1), bad]) == [ClaimPair("p", judged("good", 1, 1), bad)]
    assert find_pairs("p", [judged("good", 1, 1, claims=3), bad]) == []
    assert find_pairs("p", [judged("none"), bad]) == []
    same_question = JudgedResponse("twice", "twice", (ClaimVerdict("a", "q", 1, 0), ClaimVerdict("b", "q", 1, 0)), 2)
    assert find_pairs("p", [same_question, bad]) == []


def test_equal_texts_and_equal_scores_never_pair():
    assert find_pairs("p", [judged("a", 1, text="same"), judged("b", 0, text="same ")]) == []
    assert find_pairs("p", [judged("a", 1, 0), judged("b", 0, 1)]) == []


def test_the_draw_is_seeded_per_prompt():
    pairs = [ClaimPair("p", judged(f"a{n}", 1), judged(f"b{n}", 0)) for n in range(20)]
    assert draw_pairs(pairs[:2], 2, 0) == pairs[:2]
    first = draw_pairs(pairs, 2, 0)
    assert len(first) == 2
    assert first == draw_pairs(pairs, 2, 0)
    assert len({tuple(pair.chosen.id for pair in draw_pairs(pairs, 2, seed)) for seed in range(10)}) > 5
    others = [ClaimPair("other", pair.chosen, pair.rejected) for pair in pairs]
    names = lambda drawn: [pair.chosen.id for pair in drawn]  # noqa: E731
    assert any(names(draw_pairs(pairs, 2, seed)) != names(draw_pairs(others, 2, seed)) for seed in range(5))


def test_nothing_to_balance():
    assert balance_lengths([]).kept == ()
    assert balance_lengths([("a", "a ")]).ratio is None
    assert balance_lengths([("short", "a very much longer text of many words " * 20)]).kept == ()
