"""Generated levels ranked anew: order, ties, what moves with a response, what the report counts."""

from __future__ import annotations

import pytest

from errata.corrections import diff_segments
from errata.errors import ConfigError
from errata.feedback import AgreementSettings, CheckSettings, LexicalEncoder, build_chunker, check_levels
from errata.records import Record, Response, Turn

STANDARD = "A red cup stands on a table. A dog sleeps."
BAD, FAIR, GOOD = "A cat.", "A dog sleeps.", "A red cup stands on a table. A brown dog sleeps."


def build(texts, levels=None, name="r", standard=STANDARD, **meta):
    responses = [Response((Turn("assistant", standard),), 0)]
    for number, text in enumerate(texts, 1):
        level = number if levels is None else levels[number - 1]
        segments = diff_segments(text, standard, type="object")
        responses.append(Response((Turn("assistant", text),), level, segments, f"model-{number}"))
    return Record(name, ("a.png",), (Turn("user", "What is there?"),), tuple(responses), meta=meta)


def check(*records, measure="recall", **settings):
    settings = CheckSettings(AgreementSettings(measure=measure), **settings)
    return check_levels(records, LexicalEncoder(), build_chunker("own"), settings)


def test_the_best_agreement_comes_first_and_takes_everything_along():
    given = build([BAD, FAIR, GOOD])
    (record,) = check(given).records
    assert [response.text for response in record.responses] == [STANDARD, GOOD, FAIR, BAD]
    assert record.levels == (0, 1, 2, 3)
    assert [response.model for response in record.responses] == [None, "model-3", "model-2", "model-1"]
    for response in record.responses[1:]:
        assert response.segments == diff_segments(response.text, STANDARD, type="object")
    found = record.meta["auto_check"]
    assert found["former"] == [0, 3, 2, 1]
    # Chunks: "A red cup", "a table", "A dog"; GOOD has the first two and both its first sentence's.
    assert found["acc_local"] == [None, pytest.approx(2 / 3, abs=1e-6), pytest.approx(1 / 3, abs=1e-6), 0]
    assert found["acc_global"] == [None, pytest.approx(2 / 3, abs=1e-6), pytest.approx(1 / 3, abs=1e-6), 0]
    assert found["acc"][1] == pytest.approx((found["acc_local"][1] + found["acc_global"][1]) / 2, abs=1e-6)
    assert found["encoder"] == "lexical"


def test_equal_shares_are_parted_by_the_score_and_equal_scores_by_the_former_order():
    near, far = "A brown dog.", "A cat and a mouse."
    (record,) = check(build([far, near], standard="A dog.")).records
    assert record.meta["auto_check"]["acc"] == [None, 0, 0]
    assert record.responses[1].text == near
    given = build(["A cat.", "A mouse.", "A cow."])
    (record,) = check(given).records
    assert record.responses == given.responses
    assert record.meta["auto_check"]["former"] == [0, 1, 2, 3]


def test_a_tie_stays_where_auto_check_sees_none_better_and_is_parted_where_it_does():
    (record,) = check(build(["A cat.", "A mouse.", "A cow."], levels=(1, 1, 2))).records
    assert record.levels == (0, 1, 1, 2)
    (record,) = check(build(["A cat.", "A dog.", "A cow."], levels=(1, 1, 1))).records
    assert [response.text for response in record.responses[1:]] == ["A dog.", "A cat.", "A cow."]
    assert record.levels == (0, 1, 2, 2)


def test_what_an_answer_adds_counts_only_in_precision_and_f1():
    padded = f"{STANDARD} A cow. A mouse. A horse."
    assert check(build([padded, GOOD])).records[0].responses[1].text == padded
    for measure in ("precision", "f1"):
        assert check(build([padded, GOOD]), measure=measure).records[0].responses[1].text == GOOD


def test_nothing_to_compare_keeps_the_order_or_drops_the_set():
    empty_standard = build(["A cat.", "It is."], standard="It is so.", name="standard")
    empty_response = build(["It is.", "A dog."], name="response")
    alone = build([], name="alone")
    feedback = check(empty_standard, empty_response, alone)
    assert feedback.records[0] == empty_standard
    assert [response.text for response in feedback.records[1].responses[1:]] == ["A dog.", "It is."]
    assert feedback.records[2] == alone
    assert feedback.report["sets_with_nothing_to_rank"] == 2
    feedback = check(empty_standard, empty_response, alone, empty_standard="drop", empty_response="drop")
    assert [record.id for record in feedback.records] == ["alone"]
    assert dict(feedback.tally.count_rows()) == {
        "prompts": 3,
        "kept": 1,
        "no noun chunk in the standard answer": 1,
        "a response without a noun chunk": 1,
    }
    assert feedback.tally.failed == 0
    with pytest.raises(ConfigError, match="keep or drop"):
        CheckSettings(empty_standard="no")


def test_a_set_with_two_standards_is_no_set():
    feedback = check(build(["A dog.", "A cat."], levels=(0, 1)), build([GOOD], name="good"))
    assert [record.id for record in feedback.records] == ["good"]
    assert (feedback.tally.failed, feedback.tally.adds_up) == (1, True)


def test_ratings_that_made_the_levels_move_with_them():
    given = build([BAD, GOOD], levels_by={"ratings": ["stars"]}, stars=[5, 4, 3], other=[1, 2, 3])
    (record,) = check(given).records
    assert (record.meta["stars"], record.meta["other"]) == ([5, 3, 4], [1, 2, 3])


def test_all_rounds_of_a_conversation_count():
    def talk(*texts):
        turns = [Turn("user" if i % 2 else "assistant", text) for i, text in enumerate(texts)]
        return tuple(turns)

    responses = (
        Response(talk("A red cup.", "And?", "A dog."), 0),
        Response(talk("A red cup.", "And?", "A cow."), 1),
        Response(talk("A dog.", "And?", "A red cup."), 2),
    )
    (record,) = check(Record("r", (), (Turn("user", "What?"),), responses)).records
    assert record.meta["auto_check"]["former"] == [0, 2, 1]


def test_the_report_counts_sets_and_pairs_and_shows_examples():
    feedback = check(
        build([GOOD, FAIR, BAD], name="right"),
        build([BAD, FAIR, GOOD], name="reversed"),
        build([FAIR, GOOD], name="pair"),
        build([GOOD], name="one"),
    )
    report = feedback.report
    assert (report["sets"], report["sets_with_nothing_to_rank"], report["sets_reordered"]) == (4, 1, 2)
    assert (report["pairs"], report["pairs_swapped"]) == (7, 4)
    assert report["mean_kendall_tau_with_the_given_order"] == pytest.approx((1 - 1 - 1) / 3)
    assert [one["id"] for one in report["examples"]] == ["reversed", "pair"]
    assert [row["former_place"] for row in report["examples"][0]["responses"]] == [0, 3, 2, 1]
    assert feedback.settings["encoder_is_a_stand_in"] is True
    assert feedback.settings["threshold"] == 0.85


def test_many_records_pass_in_batches_and_none_is_lost():
    records = [build([BAD, GOOD], name=f"r{i}") for i in range(130)]
    feedback = check(*records)
    assert [record.id for record in feedback.records] == [record.id for record in records]
    assert feedback.report["sets_reordered"] == 130
    assert check().report["mean_kendall_tau_with_the_given_order"] is None
