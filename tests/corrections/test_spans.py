"""Which characters a record's segments ask to weigh, and the three rules for one-sided edits."""

from __future__ import annotations

from typing import Any

import pytest

from errata.corrections import diff_segments, response_spans
from errata.errors import ConfigError
from errata.records import Record, Response, Segment, Turn


def make_record(
    *rounds: list[str], segments: list[list[Segment]] | None = None, levels: list[int] | None = None
) -> Record:
    """A record from the texts of each response's rounds; segments default to the differences from the first."""
    responses = []
    for number, texts in enumerate(rounds):
        turns = [turn for text in texts for turn in (Turn("user", "and?"), Turn("assistant", text))][1:]
        found = [
            s
            for r, (own, best) in enumerate(zip(texts, rounds[0], strict=False))
            for s in diff_segments(own, best, round=r)
        ]
        level = levels[number] if levels else number
        responses.append(Response(tuple(turns), level, tuple(segments[number] if segments else found)))
    return Record("r", (), (Turn("user", "what?"),), tuple(responses))


def weighed(record: Record, **rules: Any) -> list[list[list[str]]]:
    spans = response_spans(record, **rules)
    return [
        [[text[a:b] for a, b in found] for text, found in zip(response.rounds, rounds, strict=True)]
        for response, rounds in zip(record.responses, spans, strict=True)
    ]


def test_a_pair_weighs_both_sides_of_a_replacement() -> None:
    assert weighed(make_record(["a blue ball"], ["a red ball"])) == [[["blue"]], [["red"]]]


def test_the_best_of_several_gets_the_union() -> None:
    record = make_record(["a blue ball left"], ["a red ball left"], ["a red ball right"], ["a blue cube right"])
    assert weighed(record) == [[["blue", "ball left"]], [["red"]], [["red", "right"]], [["cube right"]]]


def test_rounds_are_kept_apart() -> None:
    record = make_record(["a dog", "it runs"], ["a cat", "it runs"], ["a dog", "it sits"])
    assert weighed(record) == [[["dog"], ["runs"]], [["cat"], []], [[], ["sits"]]]


def test_ties_at_the_best_level_compare_with_the_first() -> None:
    record = make_record(["a dog"], ["a hound"], levels=[0, 0])
    assert weighed(record) == [[["dog"]], [["hound"]]]


@pytest.mark.parametrize(
    ("rule", "best", "worse"),
    [("present", [], [(6, 15)]), ("ignore", [], []), ("junction", [(5, 5)], [(6, 15)])],
)
def test_a_deletion_under_each_rule(rule: str, best: list[Any], worse: list[Any]) -> None:
    record = make_record(["a dog."], ["a dog and a cat."])
    assert response_spans(record, one_sided=rule) == [[best], [worse]]  # type: ignore[arg-type]


def test_white_space_at_the_edges_is_left_out_unless_it_is_all() -> None:
    padded = make_record(["a ball"], ["a red ball"], segments=[[], [Segment(1, 6, 1, 2)]])
    assert weighed(padded) == [[[" "]], [["red"]]]


def test_overlapping_sides_are_merged() -> None:
    own = [[], [Segment(0, 1, 0, 3)], [Segment(0, 1, 2, 5), Segment(2, 3, 8, 9)]]
    record = make_record(["abcde fgh"], ["x y"], ["z w"], segments=own)
    assert response_spans(record)[0] == [[(0, 5), (8, 9)]]


def test_another_rule_is_named() -> None:
    with pytest.raises(ConfigError, match=r"one_sided: 'both'; expected one of present, ignore, junction"):
        response_spans(make_record(["a"], ["b"]), one_sided="both")  # type: ignore[arg-type]
