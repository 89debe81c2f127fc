"""Answers of models that think: the thought that a template opens is trained once, and refused where it is missing."""

from __future__ import annotations

import pytest

from errata.errors import DataError
from errata.models import NOT_TEXT, EncodedPrompt
from errata.models.encoding import ChatEncoder
from errata.models.rounds import ImageText
from errata.models.templates import Template
from errata.records import Turn
from tiny_models import build_tokenizer

# The rule of Qwen's templates: thoughts stay in the last turn, and are taken out of earlier ones.
TURNS = (
    "{%- set ns = namespace(last=-1) %}"
    "{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}"
    "{%- for message in messages %}{%- set c = namespace(text='', thought='') %}"
    "{%- for part in message.content %}{%- set c.text = c.text + (part.text if part.type == 'text' else '<image>') %}"
    "{%- endfor %}{{- '<turn>' + message.role + '\n' }}{%- if message.role == 'assistant' %}"
    "{%- if '</think>' in c.text %}{%- set c.thought = c.text.split('</think>')[0].split('<think>')[-1] %}"
    "{%- set c.text = c.text.split('</think>')[-1].lstrip('\n') %}{%- endif %}"
    "{%- if loop.index0 > ns.last %}{{- '<think>\n' + c.thought.strip('\n') + '\n</think>\n\n' }}{%- endif %}"
    "{%- endif %}{{- c.text + '</s>\n' }}{%- endfor %}"
)
CAN_SWITCH = "{%- if enable_thinking is defined and not enable_thinking %}{{- '<think>\n\n</think>\n\n' }}"
ALWAYS = TURNS + "{%- if add_generation_prompt %}{{- '<turn>assistant\n<think>\n' }}{%- endif %}"
HYBRID = TURNS + "{%- if add_generation_prompt %}{{- '<turn>assistant\n' }}" + CAN_SWITCH + "{%- endif %}{%- endif %}"
SWITCHED = (
    TURNS
    + "{%- if add_generation_prompt %}{{- '<turn>assistant\n' }}"
    + CAN_SWITCH
    + "{%- else %}{{- '<think>\n' }}{%- endif %}{%- endif %}"
)
STRIPPING = (
    "{%- for message in messages %}{%- set text = message.content[0].text %}{# type #}"
    "{{- '<turn>' + message.role + '\n' + text.split('</think>')[-1].lstrip('\n') + '</s>\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<turn>assistant\n<think>\n' }}{%- endif %}"
)
"""Takes thoughts out of every turn that is over, the last one too, as DeepSeek's."""
QUESTION = (Turn("user", "Which colour?"),)
WHOLE = "<think>\nI look at the box.\n</think>\n\nGreen."
MODELS = {"always": ALWAYS, "hybrid": HYBRID, "switched": SWITCHED, "stripping": STRIPPING}


def build_chat(name, thinking=None):
    tokenizer = build_tokenizer()
    template = Template(MODELS[name], tokenizer.special_tokens_map, thinking=thinking)
    return ChatEncoder(tokenizer, template, ImageText("<image>", "<image>", "<image>"), None), tokenizer


def encode(chat, *turns):
    turns_before, text, ids = chat.encode_prompt(QUESTION, 0)
    prompt = EncodedPrompt(list(ids), (), text, turns_before)
    return prompt, chat.encode_response(prompt, turns)


def written(tokenizer, response):
    own = [token for token, is_own in zip(response.input_ids, response.is_response, strict=True) if is_own]
    return tokenizer.decode(own)


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        "  <think>I look at the box.</think>Green. ",
        "I look at the box.\n</think>\n\nGreen.",  # as the model writes it: the prompt holds the beginning
    ],
)
@pytest.mark.parametrize("name", ["always", "hybrid", "switched"])
def test_tokens_are_those_of_the_template_s_own_rendering(name, answer):
    chat, tokenizer = build_chat(name)
    prompt, response = encode(chat, Turn("assistant", answer))
    whole = chat.template.render((*QUESTION, Turn("assistant", answer.strip())), 0, open_assistant=False).rstrip("\n")
    assert whole.count("<think>") == 1
    assert tokenizer.decode(prompt.input_ids + response.input_ids) == whole
    assert prompt.input_ids + response.input_ids == tokenizer(whole).input_ids
    assert all(response.is_response)
    opened = "" if name == "hybrid" else "<think>\n"
    assert opened + written(tokenizer, response) == WHOLE + "</s>"


@pytest.mark.parametrize("answer", [WHOLE, "<think> I look at the box.</think>Green.", "I look.</think> Green."])
@pytest.mark.parametrize("name", ["always", "hybrid", "switched", "stripping"])
def test_places_in_the_answer_are_places_in_its_own_text(name, answer):
    chat, tokenizer = build_chat(name)
    _, response = encode(chat, Turn("assistant", answer))
    start = answer.index("Green")
    pairs = zip(response.input_ids, response.offsets, strict=True)
    green = [token for token, span in pairs if span != NOT_TEXT and span[0] < start + 5 and span[1] > start]
    assert tokenizer.decode(green).strip() == "Green"


def test_a_template_that_takes_every_thought_out_trains_what_the_model_writes():
    chat, tokenizer = build_chat("stripping")
    _, response = encode(chat, Turn("assistant", WHOLE))
    assert written(tokenizer, response) == "I look at the box.\n</think>\n\nGreen.</s>"


@pytest.mark.parametrize("name", ["always", "switched", "stripping"])
@pytest.mark.parametrize("answer", ["Green.", "think", "<think>\nI look", "<think>\nI look\n</think>"])
def test_an_answer_without_the_thought_that_the_template_opens_is_an_error_of_its_record(name, answer):
    chat, _ = build_chat(name)
    with pytest.raises(DataError, match=r"the thought that the model's template opens with '<think>'") as caught:
        encode(chat, Turn("assistant", answer))
    assert "vicuna" not in str(caught.value)
    assert ("set model.thinking to false" in str(caught.value)) == (name == "switched")


@pytest.mark.parametrize("name", ["hybrid", "switched"])
def test_a_model_that_is_not_to_think_learns_the_answer_alone(name):
    chat, tokenizer = build_chat(name, thinking=False)
    prompt, response = encode(chat, Turn("assistant", "Green."))
    assert prompt.text.endswith("<turn>assistant\n<think>\n\n</think>\n\n")
    assert written(tokenizer, response) == "Green.</s>"
    with pytest.raises(DataError, match=r"no thought, as the prompt ends with an empty one.*leave model\.thinking out"):
        encode(chat, Turn("assistant", WHOLE))


def test_a_hybrid_model_writes_the_empty_thought_of_its_template():
    chat, tokenizer = build_chat("hybrid")
    for answer in ("Green.", "think", "a"):
        _, response = encode(chat, Turn("assistant", answer))
        assert written(tokenizer, response) == f"<think>\n\n</think>\n\n{answer}</s>"
    with pytest.raises(DataError, match="a thought with an end"):
        encode(chat, Turn("assistant", "<think>\nI look"))


def test_rounds_without_thoughts_are_learnt_behind_what_each_is_asked_with():
    chat, tokenizer = build_chat("switched", thinking=False)
    turns = (Turn("assistant", "Green."), Turn("user", "Sure?"), Turn("assistant", "Yes."))
    _, response = encode(chat, *turns)
    assert written(tokenizer, response) == "Green.</s>Yes.</s>"
    assert "Sure?</s>\n<turn>assistant\n<think>\n\n</think>\n\nYes." in tokenizer.decode(response.input_ids)


@pytest.mark.parametrize("name", MODELS)
def test_rounds_of_which_the_template_takes_thoughts_out_cannot_share_a_sequence(name):
    chat, _ = build_chat(name)
    turns = (Turn("assistant", WHOLE), Turn("user", "Sure?"), Turn("assistant", WHOLE))
    with pytest.raises(DataError, match="make a record of each round"):
        encode(chat, *turns)
    # … as that record: what was said before is shown as the template shows it.
    before = chat.encode_prompt((*QUESTION, *turns[:2]), 0)
    prompt = EncodedPrompt(list(before[2]), (), before[1], before[0])
    assert "I look" not in prompt.text
    chat.encode_response(prompt, turns[2:])


def test_a_text_model_s_words_about_thoughts_are_words():
    """Only a template that knows thoughts can say that one is missing."""
    tokenizer = build_tokenizer()
    source = "{% for message in messages %}{{ message['content'] }}</s>{% endfor %}"
    chat = ChatEncoder(
        tokenizer, Template(source, tokenizer.special_tokens_map), ImageText("<image>", "<image>", "<image>"), None
    )
    _, response = encode(chat, Turn("assistant", "<think> is a tag."))
    assert written(tokenizer, response) == "<think> is a tag.</s>"
