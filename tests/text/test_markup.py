"""Another tool's markup is found in every spelling, and ordinary words about such things are not."""

from __future__ import annotations

import time

import pytest

from errata.errors import DataError
from errata.text import find_markup, parse_messages_text, require_plain

QUESTIONS = {
    "image-mark": [
        "<image1><image2>\nWhich?",
        "<image_1> What is it?",
        "<image-1>\nWhat is it?",
        "<image 1> What is it?",
        "<|image_1|>\nWhat is it?",
        "<|image|>What is it?",
        "<Image1> and <Picture 2>",
        "<ImageHere>What is it?",
        "<Img><ImageHere></Img> What is it?",
        "<img>photos/cat.png</img>\nWhat is it?",
        "Picture 1: <img>cat.png</img>\nWhat is it?",
        "<img><IMG_CONTEXT><IMG_CONTEXT></img>\nWhat is it?",
        "![](cat.png)\nWhat is it?",
        "What is it? ![a cat](photos/cat.jpeg)",
        "<|vision_start|><|image_pad|><|vision_end|>What is it?",
        "<start_of_image> What is it?",
        "<image_soft_token><image_soft_token>What is it?",
        "[IMG]What is it?",
        "[IMG][IMG][IMG_BREAK][IMG][IMG_END]What is it?",
        "<im_start><image><im_end>\nWhat is it?",
        "<image_placeholder>What is it?",
        "<|begin_of_image|>What is it?",
        "<image>\nIn <image1>, what is it?",
        "<IMAGE>\nWhat is it?",
        "<Image>What is it?",
        "<img>\nWhat is it?",
        "<img src='cat.png'>\nWhat is it?",
        "[image]\nWhat is it?",
        "{image}\nWhat is it?",
        "What is it?\n<image/>",
        "<video>\nWhat happens?",
        "(<image>./</image>)\nWhat is it?",
        "<image>./</image>What is it?",
    ],
    "rendered": [
        "USER: <image>\nWhat colour is the box? ASSISTANT:",
        "A chat between a user and an assistant. USER: <image>\nWhat is it? ASSISTANT:",
        "USER: What? ASSISTANT: A cat. USER: Sure? ASSISTANT:",
        "USER: <image>\nWhat is it?",
        "<image>\nWhat is it? ASSISTANT:",
        "\n\nHuman: What is it?\n\nAssistant:",
        "Human: What is it? Assistant:",
        "User:<image>What is it?<end_of_utterance>\nAssistant:",
        "### Human: <image>\nWhat is it? ### Assistant:",
        "Below is a task.\n\n### Instruction:\nWhat is it?\n\n### Response:",
        "<|im_start|>user\nWhat is it?<|im_end|>\n<|im_start|>assistant\n",
        "<s>[INST] What is it? [/INST]",
        "<start_of_turn>user\nWhat is it?<end_of_turn>\n<start_of_turn>model\n",
        "<|start_header_id|>user<|end_header_id|>\n\nWhat is it?<|eot_id|>",
        "<|user|>\nWhat is it?<|end|>\n<|assistant|>",
        "<｜User｜>What is it?<｜Assistant｜>",
        "<|turn>user\nWhat is it?<turn|>",
        "user\nWhat is it?\nassistant\n",
        "system\nBe brief.\nuser\nWhat is it?\nmodel\n",
    ],
    "messages": [
        '[{"role": "user", "content": "What is it?"}]',
        "[{'from': 'human', 'value': 'What is it?'}]",
        '{"messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}]}]}',
    ],
    "foreign-token": [
        "<fim_prefix>x",
        "<ref>a dog</ref><box>(1,2),(3,4)</box>",
        "segment <loc0123>",
        "<|repo_name|>x",
        "<ref-object><bbox> it?",
    ],
}
ANSWERS = {
    "end-token": [
        "Red.</s>",
        "Red.<|im_end|>",
        "Red.<|eot_id|>\n",
        "Red.<end_of_turn>",
        "Red.<|endoftext|>",
        "Red.<eos>",
        "<s>Red.</s>",
        "Red.</s></s>",
        "Red.<｜end▁of▁sentence｜>",
    ],
    "rendered": [
        "ASSISTANT: Red.",
        "### Assistant: Red.",
        "assistant\nRed.",
        "<|im_start|>assistant\nRed.",
        "Red. USER: Sure? ASSISTANT: Yes.",
        "Red.\nUSER:",
        "Red.\n### Human: And?",
        "USER: <image>\nWhat? ASSISTANT: Red.",
    ],
    "messages": ['[{"role": "assistant", "content": "Red."}]', "{'role': 'assistant', 'content': 'Red.'}"],
    "image-mark": ["In <image1> it is red."],
}
NATURAL = [
    "The assistant: a woman in red.",
    "User: John",
    "USER: John, ROLE: admin",
    "Assistant: A person who helps.",
    "Assistant Manager: Jo",
    "Human: a living being.",
    "The manual says: USER: press A.\nThen wait.",
    "The label reads 'USER MANUAL: ASSISTANT'.",
    "Here is a chat:\nUser: Hi\nAssistant: Hello\nIs the assistant polite?",
    "User: Hi\nAssistant: Hello\nUser: Bye\nAssistant: Bye",
    "### Human anatomy\nThe heart beats.",
    "### Response time\nFast.",
    "Question: What is it? Answer:",
    "Q: What? A: A dog.",
    "Use the <img> tag: <img src='a.png'> loads it.",
    "<img> is a tag. What does it do?",
    "The <Image> component of next/image, the <picture> and the <video> element.",
    "Use <s>old</s> to strike text.",
    "<s>12</s> 9 euros",
    "Write `<|im_end|>` where a turn ends.",
    "```html\n</s>\n<image1>\n```",
    "Write ![alt](a.png) in Markdown to show it.",
    "![alt text](url)",
    "Picture 1 shows a dog, picture 2 a cat, image 3 nothing.",
    "[1] Smith 2001, [Image] courtesy of Jo",
    "- [ ] to do\n- [x] done",
    "a < b and c > d, x <- [1, 2], if (a<|b|>c)",
    "std::vector<Image> v; List<String> x; Map<Integer, Image> m;",
    "SELECT * FROM user WHERE a <> b",
    "<div>hello</div> <user@example.com> <unknown> <Start>",
    '{"role": "admin", "content": 3}',
    '[{"name": "cup", "count": 2}]',
    "The sign says [INST. 1990].",
    "<ref>Smith 2001</ref> and a <box> element",
    "user\nname",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in QUESTIONS for text in QUESTIONS[kind]])
def test_markup_of_a_question_is_found(kind, text):
    found = find_markup(text, "user")
    assert kind in {one.kind for one in found}
    assert all(text[one.start : one.end] == one.text for one in found)
    with pytest.raises(DataError, match="question 'q'") as caught:
        require_plain(text, "user", "question 'q'", lambda _: False)
    assert all((caught.value.expected, caught.value.found, caught.value.fix))


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind in ANSWERS for text in ANSWERS[kind]])
def test_markup_of_an_answer_is_found(kind, text):
    assert kind in {one.kind for one in find_markup(text, "assistant")}


@pytest.mark.parametrize("role", ["user", "assistant", "system"])
@pytest.mark.parametrize("text", NATURAL)
def test_ordinary_words_are_left_alone(text, role):
    assert find_markup(text, role) == []


def test_the_marks_of_records_are_none():
    assert find_markup("<image><image>\nWhich of <image> is it?") == []


def test_what_is_a_token_of_the_model_is_no_word_to_it():
    require_plain("detect <loc0001>", "user", "here", lambda text: text == "<loc0001>")
    require_plain("detect <loc0001>", "user", "here")  # whose model is not known
    with pytest.raises(DataError, match="a token of another model, '<loc0001>'"):
        require_plain("detect <loc0001>", "user", "here", lambda _: False)


def test_messages_are_read_as_json_and_as_python_prints_them():
    assert parse_messages_text("[{'role': 'user', 'content': \"it's\"}]") == [{"role": "user", "content": "it's"}]
    assert parse_messages_text('{"role": "user", "content": "x"} and more') is None
    assert parse_messages_text("[{'role': 'user', 'content': open('x')}]") is None


HOSTILE = [
    "USER: ",
    "user\n",
    "[IMG]",
    "<img>",
    "<img><a>",
    "USER: ASSISTANT: ",
    "<s>",
    "`",
    "![](",
    "<img ",
    "### Human: ",
]


@pytest.mark.parametrize("role", ["user", "assistant"])
@pytest.mark.parametrize("part", [*HOSTILE, "[{'role':" + "[" * 99_000, "[{'role':" + "-" * 99_000 + "1}]"])
def test_a_long_hostile_text_takes_no_time(part, role):
    begin = time.monotonic()
    find_markup((part * (100_000 // len(part) + 1))[:100_000], role)
    assert time.monotonic() - begin < 2
