"""Records with another tool's markup are refused, unless it is a token of the model's; `skip_bad` sets them aside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image

from errata.errors import DataError
from errata.objectives import build_objective
from errata.records import Record, Response, Turn
from errata.training.encode.encoding import RecordEncoder
from tree_samples import build


@pytest.fixture(scope="module")
def adapter():
    return build()[0]


def build_encoder(adapter, name="dpo", **options) -> RecordEncoder:
    def load(*_):
        return adapter.encode_image(Image.new("RGB", (48, 48)))

    return RecordEncoder(adapter, load, build_objective(name), "present", None, 4096, **options)


def build_record(name="r", prompt="What is it?", better="A cube.", worse="A ball.") -> Record:
    answers = tuple(Response((Turn("assistant", text),), level) for level, text in enumerate((better, worse)))
    return Record(name, ("a.png",), (Turn("user", prompt),), answers)


MARKED = {
    "an image mark": ({"prompt": "<image1>\nWhat is it?"}, "user turn .*a picture's mark of another tool, '<image1>'"),
    "a rendered turn": ({"prompt": "USER: <image>\nWhat? ASSISTANT:"}, "a turn that a chat template has rendered"),
    "an end token": ({"better": "A cube.<|im_end|>"}, r"response 0.*'<\|im_end\|>'"),
    "a worse answer": ({"worse": "ASSISTANT: A ball."}, "response 1.*'ASSISTANT:'"),
    "messages": ({"worse": "[{'role': 'assistant', 'content': 'A ball.'}]"}, "messages as text"),
    "a box": ({"worse": "<box>(1,2),(3,4)</box>"}, "a token of another model"),
}


@pytest.mark.parametrize("name", MARKED)
def test_markup_is_refused_with_the_record_and_can_be_set_aside(adapter, name):
    fields, words = MARKED[name]
    records = [build_record(), build_record("marked", **fields)]
    with pytest.raises(DataError, match=f"record 'marked': .*{words}") as caught:
        build_encoder(adapter).encode_all(records)
    assert caught.value.can_skip
    encoded, aside = build_encoder(adapter, skip_bad=True).encode_all(records)
    assert [one.sample.id for one in encoded] == ["r"]
    assert [one.id for one in aside] == ["marked"]


def test_an_answer_that_is_not_learned_stops_nothing(adapter):
    record = build_record(worse="A ball.<|im_end|>")
    encoded, _ = build_encoder(adapter, "sft").encode_all([record])
    assert len(encoded) == 1


def test_words_about_such_things_are_learned(adapter):
    words = ["The assistant: a woman in red.", "User: John", "Use `<|im_end|>`, <img> and ![x](y.png) here."]
    for text in words:
        build_encoder(adapter).encode(build_record(prompt=text, better=text))


def test_a_token_of_the_tokenizer_is_no_markup(adapter):
    token = "<loc0001>"
    record = build_record(worse=f"A ball {token}.")
    with pytest.raises(DataError, match=token):
        build_encoder(adapter).encode(record)
    assert not adapter.has_token(token)
    own, _ = build()[:2]
    own._tokenizer.add_tokens([token])
    assert own.has_token(token)
    assert not own.has_token("<loc0002>")
    build_encoder(own).encode(record)


def test_a_special_token_is_refused_as_one(adapter):
    with pytest.raises(DataError, match="text without the model's special tokens"):
        build_encoder(adapter).encode(replace(build_record(better="A </s> cube.")))
