"""How levels differ in style: what is measured, what is dropped, and that no method can leave it out."""

from __future__ import annotations

import json
import math

import pytest

from errata.cli.main import main
from errata.errors import DONE, ConfigError, DataError
from errata.feedback import Feedback, StyleRule, Tally, guard_style, measure_style, write_feedback
from errata.feedback.style.rule import balance_lengths
from errata.records import Record, Response, Turn, read_records, write_records


def make_record(name: str, *texts: str, levels: tuple[int, ...] | None = None, **meta: object) -> Record:
    ranks = levels or tuple(range(len(texts)))
    responses = tuple(Response((Turn("assistant", text),), level) for text, level in zip(texts, ranks, strict=True))
    return Record(name, (), (Turn("user", "What is there?"),), responses, meta=meta)


def make_feedback(*records: Record) -> Feedback:
    tally = Tally(len(records))
    for _ in records:
        tally.keep()
    return Feedback("ratings", list(records), tally)


def test_lengths_and_edits_are_means_by_level():
    style = measure_style(
        [make_record("a", "a red dog here", "a red cat"), make_record("b", "one two", "one two three.")]
    )
    best, lower = style.levels
    assert (best.responses, best.words, best.characters, best.edit_ratio) == (2, 3.0, 10.5, 0.0)
    assert (lower.responses, lower.words, lower.characters) == (2, 3.0, 11.5)
    # "dog here" against "cat": 2 + 1 of 4 + 3 words; "two" against "two three.": 1 of 2 + 3.
    assert lower.edit_ratio == pytest.approx((3 / 7 + 1 / 5) / 2)
    assert (style.pairs, style.better_longer, style.better_shorter) == (2, 0.5, 0.5)
    assert style.mean_log_ratio == pytest.approx((math.log(4 / 3) + math.log(2 / 3)) / 2)


def test_ties_are_no_pairs_and_every_two_levels_are():
    assert measure_style([make_record("a", "x", "y", "z", levels=(0, 0, 1))]).pairs == 2
    assert measure_style([make_record("a", "w", "x", "y", "z")]).pairs == 6


def test_marks_are_no_words_and_an_answer_of_marks_alone_has_a_length():
    assert measure_style([make_record("a", "Yes, 3.5!", "…")]).mean_log_ratio == pytest.approx(math.log(2))


def test_records_that_differ_in_length_alone_are_found_by_length_and_not_by_words():
    records = [make_record(f"r{n}", "dog " * (5 + n % 3), "dog " * (2 + n % 3)) for n in range(40)]
    style = measure_style(records)
    assert style.guessed_by_length == 1.0
    assert style.words_of_better == ()


def test_records_that_differ_in_a_phrase_are_found_by_words_and_not_by_length():
    pairs = [("indeed", "maybe"), ("indeed so", "maybe"), ("indeed", "maybe so")]
    style = measure_style([make_record(f"r{n}", *pairs[n % 3]) for n in range(60)])
    assert style.guessed_by_words == 1.0
    assert style.guessed_by_length == pytest.approx(0.5, abs=0.1)
    assert [one.word for one in style.words_of_better] == ["indeed"]
    assert [(one.word, one.better, one.worse) for one in style.words_of_worse] == [("maybe", 0, 60)]
    assert style.words_of_better[0].z > 5


def test_what_is_the_same_on_both_sides_is_chance():
    texts = ["a dog and a cat", "the cup is red now"]
    style = measure_style([make_record(f"r{n}", texts[n % 2], texts[1 - n % 2]) for n in range(200)])
    assert style.guessed_by_words == pytest.approx(0.5, abs=0.12)
    assert style.words_of_better == style.words_of_worse == ()


def test_nothing_to_compare_is_none_and_never_zero():
    style = measure_style([make_record("a", "alone")])
    assert (style.pairs, style.better_longer, style.guessed_by_length) == (0, None, None)
    assert measure_style([]).levels == ()


def test_far_answers_go_by_name_and_levels_close_up():
    feedback = make_feedback(
        make_record("whole", "one two three", "one two four"),
        make_record("some", "one two", "x " * 9, "one three", ratings=[3, 2, 1], levels_by={"ratings": ["ratings"]}),
        make_record("none", "one two three four five six seven", "one"),
    )
    guarded = guard_style(feedback, StyleRule(max_length_factor=2))
    assert [(record.id, record.levels) for record in guarded.records] == [("whole", (0, 1)), ("some", (0, 1))]
    assert guarded.records[1].meta["style_guard"] == [1]
    assert guarded.records[1].meta["ratings"] == [3, 1]
    assert [(one.id, one.reason) for one in guarded.tally.dropped] == [
        ("none", "length too far from the best answer's")
    ]
    assert guarded.tally.adds_up
    assert guarded.tally.failed == 0
    assert guarded.settings["style_guard"] == {"max_length_factor": 2, "length_balance": None}
    counts = {"dropped": {"length too far from the best answer's": 2}, "ratio": None}
    assert guarded.report["style_guard"] == counts
    assert feedback.tally.kept == 3  # what came in is as it was


@pytest.mark.parametrize("longer_is_best", [True, False])
def test_balanced_answers_are_equally_long_on_average_and_the_most_extreme_go(longer_is_best):
    records = []
    for number in range(30):
        long, short = "word " * (10 + number), "word " * (5 + number // 2)
        texts = (long, short) if (number % 3 > 0) == longer_is_best else (short, long)
        records.append(make_record(f"r{number}", *texts))
    before = measure_style(records)
    guarded = guard_style(make_feedback(*records), StyleRule(length_balance="extremes"))
    best, lower = measure_style(guarded.records).levels
    assert abs(before.levels[0].words / before.levels[1].words - 1) > 0.2
    assert abs(best.words / lower.words - 1) < 0.1
    assert 10 < len(guarded.records) < 30
    assert guarded.tally.adds_up
    assert {one.reason for one in guarded.tally.dropped} == {"left out to balance lengths"}


@pytest.mark.parametrize("by", ["lengths", "shares"])
def test_the_released_rule_drops_answers_that_are_much_longer_than_the_best(by):
    texts = [("a b", "a b c d e f g h"), ("a b c d", "a b c"), ("a b c", "d e f g"), ("a b c d", "e f g h")]
    feedback = make_feedback(*(make_record(f"r{n}", *pair) for n, pair in enumerate(texts)))
    guarded = guard_style(feedback, StyleRule(length_balance=by))
    expected = balance_lengths(texts, by)
    assert [record.id for record in guarded.records] == [f"r{n}" for n in expected.kept] == ["r1", "r2", "r3"]
    assert guarded.report["style_guard"] == {"dropped": {"left out to balance lengths": 1}, "ratio": expected.ratio}
    assert guarded.tally.adds_up


def test_what_auto_check_found_goes_with_its_answer():
    found = {"former": [0, 2, 1], "encoder": "lexical", "acc": [None, 0.5, 0.25]}
    record = make_record("a", "one two", "x " * 9, "one three", auto_check=found)
    (guarded,) = guard_style(make_feedback(record), StyleRule(max_length_factor=2)).records
    assert guarded.meta["auto_check"] == {"former": [0, 1], "encoder": "lexical", "acc": [None, 0.25]}
    assert record.meta["auto_check"] == found


def test_lengths_that_cannot_be_balanced_are_named():
    feedback = make_feedback(make_record("a", "one two three", "one"), make_record("b", "one two three", "two"))
    with pytest.raises(DataError, match="longer in all 2"):
        guard_style(feedback, StyleRule(length_balance="extremes"))
    with pytest.raises(ConfigError, match="at least 1"):
        StyleRule(max_length_factor=0.5)
    with pytest.raises(ConfigError, match="extremes, lengths, shares or none"):
        StyleRule(length_balance="words")  # type: ignore[arg-type]


def test_every_folder_says_how_its_levels_differ(tmp_path, capsys):
    feedback = make_feedback(make_record("a", "one two", "one two three"))
    folder = write_feedback(tmp_path / "out", feedback, tmp_path)
    style = json.loads(folder.summary.read_text())["style"]
    assert [row["words"] for row in style["levels"]] == [2.0, 3.0]
    assert (style["pairs"], style["better_shorter"], style["guessed_by_length"]) == (1, 1.0, None)

    rated = [make_record(f"r{n}", "one two", "one " * (3 + 3 * n), ratings=[2, 1]) for n in range(3)]
    write_records(tmp_path / "in" / "records.jsonl", rated)
    command = ["feedback", "ratings", str(tmp_path / "in"), "--ratings", "ratings", "--max-length-factor", "3"]
    assert main([*command, "--out", str(tmp_path / "guarded")]) == DONE
    assert [record.id for record in read_records(tmp_path / "guarded" / "records.jsonl")] == ["r0", "r1"]
    printed = capsys.readouterr().out
    assert "1  length too far from the best answer's" in printed
    assert "the better answer is longer in 0% of 2 pairs, shorter in 100%" in printed
