"""From a record's corrections to the weight of every token, through a real tokenizer."""

from __future__ import annotations

import pytest
from PIL import Image

from errata.corrections import diff_segments, released_changed_ids
from errata.errors import DataError
from errata.models import LlavaAdapter, ModelSettings
from errata.objectives import build_objective
from errata.records import Record, Response, Turn
from errata.training.encode.encoding import RecordEncoder
from tiny_models import build_model, build_processor, build_tokenizer
from tree_samples import build

BETTER = "A red cup and a small dog sit on the wooden table."
WORSE = "A red cup and two people sit on the wooden table."
GAMMA = 3.0


@pytest.fixture(scope="module")
def adapter():
    return build()[0]


def encode(adapter, record, name, **choices):
    objective = build_objective(name, **choices)
    encoder = RecordEncoder(
        adapter, lambda *_: adapter.encode_image(Image.new("RGB", (48, 48))), objective, "present", None, 4096
    )
    return encoder.encode(record).sample


def build_record(*answers, levels=None):
    """A record about one image whose worse answers carry their segments."""
    levels = levels or range(len(answers))
    responses = [
        Response((Turn("assistant", text),), level, diff_segments(text, answers[0]) if level else ())
        for text, level in zip(answers, levels, strict=True)
    ]
    return Record("r", ("a.png",), (Turn("user", "What is on the table?"),), tuple(responses))


def weighed(adapter, sample, number, weight):
    """The text of a response's tokens of this weight."""
    pairs = zip(sample.responses[number].input_ids, sample.token_weights[number], strict=True)
    return adapter.decode([token for token, found in pairs if found == weight])


def test_segments_weigh_the_corrected_words_on_both_sides(adapter):
    sample = encode(adapter, build_record(BETTER, WORSE), "ddpo", corrected_weight=GAMMA)
    assert weighed(adapter, sample, 0, GAMMA) == "a small dog"
    assert weighed(adapter, sample, 1, GAMMA) == "two people"
    for weights in sample.token_weights:
        assert set(weights) == {1.0, GAMMA}
        assert weights[-1] == 1.0  # the end of the turn


def test_the_released_rule_weighs_what_it_finds_in_the_whole_sequences(adapter):
    sample = encode(adapter, build_record(BETTER, WORSE), "ddpo-release", corrected_weight=GAMMA)
    assert weighed(adapter, sample, 0, GAMMA) == "a small dog"
    assert weighed(adapter, sample, 1, GAMMA) == "two people"
    start = len(sample.prompt.input_ids)
    better, worse = (sample.prompt.input_ids + response.input_ids for response in sample.responses)
    changed = released_changed_ids(worse[1:], better[1:])
    for number, found in ((1, changed[0]), (0, changed[1])):
        places = [i for i, weight in enumerate(sample.token_weights[number]) if weight == GAMMA]
        assert places == [i + 1 - start for i in found]


def test_the_released_rule_ignores_what_one_side_only_adds(adapter):
    longer = build_record("A red cup and a dog sit on the wooden table.", BETTER)
    sample = encode(adapter, longer, "ddpo-release", corrected_weight=GAMMA)
    assert {weight for weights in sample.token_weights for weight in weights} == {1.0}
    assert weighed(adapter, encode(adapter, longer, "ddpo", corrected_weight=GAMMA), 1, GAMMA) == "small"


def test_a_tie_with_the_best_is_no_correction_of_it(adapter):
    record = build_record(BETTER, "The photo shows two people walking.", WORSE, levels=(0, 0, 1))
    sample = encode(adapter, record, "ddpo-release", corrected_weight=GAMMA)
    assert [weighed(adapter, sample, number, GAMMA) for number in range(3)] == ["a small dog", "", "two people"]


def test_later_rounds_weigh_more_and_the_user_s_words_nothing(adapter):
    def talk(first, second):
        return Turn("assistant", first), Turn("user", "Is there a cat in the image?"), Turn("assistant", second)

    responses = (
        Response(talk(BETTER, "No."), 0),
        Response(talk(WORSE, "Yes."), 1),
        Response(talk("A cup.", "Yes."), 2),
    )
    record = Record("r", ("a.png",), (Turn("user", "What is on the table?"),), responses)
    sample = encode(adapter, record, "mdpo-release")
    assert sample.levels == (0, 1, 2)
    for number, response in enumerate(responses):
        assert weighed(adapter, sample, number, 1.0) == response.rounds[0]
        assert weighed(adapter, sample, number, 1.05) == response.rounds[1]
        assert "Is there a cat" in weighed(adapter, sample, number, 0.0)


OPENS_A_THOUGHT = (
    "{% for message in messages %}{{ message['content'] + '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<think>\n' }}{% endif %}"
)


def think(skip_bad, *answers):
    tokenizer = build_tokenizer()
    settings = ModelSettings("tiny", template=OPENS_A_THOUGHT)
    thinking = LlavaAdapter(build_processor(tokenizer), build_model(tokenizer).config, settings)
    encoder = RecordEncoder(thinking, None, build_objective("ddpo"), "present", None, 4096, skip_bad)
    record = build_record(*answers)
    plain = build_record(BETTER, WORSE)
    records = [
        Record("thought", (), record.prompt, record.responses),
        Record("plain", (), plain.prompt, plain.responses),
    ]
    return thinking, encoder.encode_all(records)


def test_a_record_without_the_thought_that_the_template_opens_is_named_and_can_be_set_aside():
    thoughts = [f"<think>\nI look.\n</think>\n\n{answer}" for answer in (BETTER, WORSE)]
    with pytest.raises(DataError, match=r"record 'plain': assistant turn .* an answer without a thought") as caught:
        think(False, *thoughts)
    assert caught.value.can_skip
    _, (encoded, aside) = think(True, *thoughts)
    assert [record.sample.id for record in encoded] == ["thought"]
    assert [one.id for one in aside] == ["plain"]


def test_segments_of_an_answer_weigh_the_same_words_behind_its_thought():
    thinking, (encoded, _) = think(True, *(f"<think>I look.</think>{answer}" for answer in (BETTER, WORSE)))
    for number, words in enumerate(("a small dog", "two people")):
        assert weighed(thinking, encoded[0].sample, number, build_objective("ddpo").corrected_weight) == words


@pytest.mark.parametrize("worse", ["A red cup. ", "\u00a0A red cup.\n", "\t A red cup."])
def test_a_pair_that_differs_in_blanks_around_it_is_named_and_can_be_set_aside(adapter, worse):
    good, blank = build_record("A red cup.", "A  red cup."), build_record("A red cup.", worse)

    def encode_all(objective, skip_bad):
        image = adapter.encode_image(Image.new("RGB", (48, 48)))
        encoder = RecordEncoder(adapter, lambda *_: image, build_objective(objective), "present", None, 4096, skip_bad)
        return encoder.encode_all([good, blank])

    with pytest.raises(DataError, match="record 'r': responses 0 and 1: the same tokens") as error:
        encode_all("ddpo", skip_bad=False)
    assert error.value.can_skip
    assert [len(part) for part in encode_all("ddpo", skip_bad=True)] == [1, 1]
    assert [len(part) for part in encode_all("sft", skip_bad=False)] == [2, 0]
