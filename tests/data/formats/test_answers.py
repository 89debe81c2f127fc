"""Questions and answers in every form that rows give them become the prompt and the levels that they mean."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from errata.data.formats import recognise
from errata.data.formats.format import Format, Sample
from errata.errors import DataError
from errata.records import Record
from format_rows import read_row


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def said(text: str) -> dict:
    return {"role": "assistant", "content": text}


def human(text: str) -> dict:
    return {"from": "human", "value": text}


def gpt(text: str) -> dict:
    return {"from": "gpt", "value": text}


def find(row: dict) -> Format:
    known = recognise(Sample(Path("data.json"), "json", row))
    assert known is not None
    return known


def convert(row: dict, **context: Any) -> Record:
    (record,) = read_row(find(row), row, **context)
    return record


def levels(record: Record) -> list[tuple[int, str]]:
    return [(one.level, one.text) for one in record.responses]


TWO = [(0, "Good."), (1, "Bad.")]
WHOLE = [user("Q?"), said("Good.")], [user("Q?"), said("Bad.")]
PAIRS = {
    "query": {"query": "Q?", "chosen": "Good.", "rejected": "Bad."},
    "question": {"question": "Q?", "chosen": "Good.", "rejected": "Bad."},
    "instruction": {"instruction": "Q?", "chosen": "Good.", "rejected": "Bad."},
    "conversations and texts": {"conversations": [human("Q?")], "chosen": "Good.", "rejected": "Bad."},
    "conversations up to the better answer": {
        "conversations": [human("Q?"), gpt("Good.")],
        "chosen": "Good.",
        "rejected": "Bad.",
    },
    "POVID": {"conversations": [human("Q?"), gpt("Good.")], "rejected_conversations": [human("Q?"), gpt("Bad.")]},
    "conversations and a worse answer": {"conversations": [human("Q?"), gpt("Good.")], "rejected": "Bad."},
    "ms-swift, a message": {"messages": [user("Q?"), said("Good.")], "rejected_response": said("Bad.")},
    "ms-swift, messages": {"messages": [user("Q?"), said("Good.")], "rejected_response": [said("Bad.")]},
    "ms-swift of old": {"query": "Q?", "response": "Good.", "rejected_response": "Bad."},
    "TRL, the question repeated": {"prompt": "Q?", "chosen": WHOLE[0], "rejected": WHOLE[1]},
    "TRL, one of them repeated": {"prompt": [user("Q?")], "chosen": WHOLE[0], "rejected": [said("Bad.")]},
    "Zephyr": {"prompt": "Q?", "messages": WHOLE[0], "chosen": WHOLE[0], "rejected": WHOLE[1]},
    "torchtune": {"chosen_conversations": WHOLE[0], "rejected_conversations": WHOLE[1]},
    "messages as Python prints them": {"prompt": str([user("Q?")]), "chosen": str(WHOLE[0][1:]), "rejected": "Bad."},
    "the question as a text too": {
        "question": "Q?",
        "images": ["a.png"],
        "messages": [user("<image>Q?")],
        "chosen": "Good.",
        "rejected": "Bad.",
    },
    "Human and Assistant": {
        "chosen": "\n\nHuman: Q?\n\nAssistant: Good.",
        "rejected": "\n\nHuman: Q?\n\nAssistant: Bad.",
    },
    "transcripts behind the question": {
        "prompt": "Q?",
        "chosen": "User: Q?\nAssistant: Good.",
        "rejected": "User: Q?\nAssistant: Bad.",
    },
    "one line": {"chosen": "USER: Q? ASSISTANT: Good.", "rejected": "USER: Q? ASSISTANT: Bad."},
    "SENTINEL": {"question": "Q?", "y_win": "Good.", "y_lose": "Bad."},
    "messages as JSON": {"prompt": "Q?", "chosen": json.dumps(WHOLE[0]), "rejected": json.dumps(WHOLE[1])},
    "responses": {"prompt": "Q?", "chosen_response": "Good.", "rejected_response": "Bad."},
    "messages and texts": {"prompt": [user("Q?")], "chosen": "Good.", "rejected": said("Bad.")},
    "an object of lists": {
        "prompt": "Q?",
        "chosen": {"role": ["assistant"], "content": ["Good."]},
        "rejected": {"role": ["assistant"], "content": ["Bad."]},
    },
    "winner": {"prompt": "Q?", "response_a": "Bad.", "response_b": "Good.", "winner": "model_b"},
    "the column": {"prompt": "Q?", "response_a": "Bad.", "response_b": "Good.", "preference": "response_b"},
    "numbers": {"question": "Q?", "output_1": "Good.", "output_2": "Bad.", "preference": 1},
    "PKU": {"prompt": "Q?", "response_0": "Bad.", "response_1": "Good.", "better_response_id": 1},
    "chosen by letter": {"instruction": "Q?", "response_a": "Bad.", "response_b": "Good.", "chosen": "B"},
    "an arena": {"conversation_a": WHOLE[0], "conversation_b": WHOLE[1], "winner": "model_a"},
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_is_read_in_every_form(name):
    record = convert(PAIRS[name])
    assert [(turn.role, turn.text.removeprefix("<image>")) for turn in record.prompt] == [("user", "Q?")]
    assert levels(record) == TWO
    assert (record.source, record.license) == (None, None)


TIES = {
    "HA-DPO": {"question": "Q?", "chosen": ["A", "B"], "rejected": ["C", "D"]},
    "LLaMA-Factory": {"conversations": [human("Q?")], "chosen": [gpt("A"), gpt("B")], "rejected": ["C", "D"]},
    "TRL, whole conversations": {
        "chosen": [[user("Q?"), said("A")], [user("Q?"), said("B")]],
        "rejected": [[user("Q?"), said("C")], [user("Q?"), said("D")]],
    },
}


@pytest.mark.parametrize("name", TIES)
def test_several_answers_of_a_side_are_ties_and_told(name):
    told: Counter[str] = Counter()
    record = convert(TIES[name], told=told)
    assert levels(record) == [(0, "A"), (0, "B"), (1, "C"), (1, "D")]
    assert +told == {"sides with several answers, read as ties": 2}


def test_several_worse_answers_of_ms_swift_are_ties():
    talk = [user("Q?"), said("Good.")]
    for worse in (["B", "C", "B"], [[user("Q?"), said("B")], [user("Q?"), said("C")]]):
        name = "rejected_response" if isinstance(worse[0], str) else "rejected_messages"
        assert levels(convert({"messages": talk, name: worse})) == [(0, "Good."), (1, "B"), (1, "C")]


def test_rounds_and_system_turns_stay():
    talk = [user("Q?"), said("A"), user("And?"), said("Good.")]
    record = convert({"messages": talk, "rejected_response": "Bad.", "system": "S"})
    assert [turn.text for turn in record.prompt] == ["S", "Q?", "A", "And?"]
    worse = [user("Q?"), said("X"), user("And?"), said("Bad.")]
    record = convert({"messages": talk, "rejected_messages": worse, "system": "S"})
    assert [turn.text for turn in record.prompt] == ["S", "Q?"]
    assert [one.rounds for one in record.responses] == [("A", "Good."), ("X", "Bad.")]
    row = {"query": "And?", "history": [["Q?", "A"]], "system": "S", "response": "Good.", "rejected_response": "Bad."}
    assert [turn.text for turn in convert(row).prompt] == ["S", "Q?", "A", "And?"]
    inside = [{"role": "system", "content": "S"}]
    row = {"prompt": "Q?", "chosen": inside + WHOLE[0], "rejected": inside + WHOLE[1]}
    assert [turn.text for turn in convert(row).prompt] == ["S", "Q?"]


def test_what_both_answers_begin_with_is_the_question_only_where_nothing_else_can_be():
    told: Counter[str] = Counter()
    pair = {"chosen": "Q? Good.", "rejected": "Q? Bad."}
    assert convert(pair | {"category": "vqa", "id": "a"}, told=told).prompt[0].text == "Q?"
    assert +told == {"questions found as what both answers begin with": 1}
    for other in ({"frage": "Was?"}, {"q": "What?"}, {"text_in": "x"}):
        with pytest.raises(DataError, match=rf"'{next(iter(other))}'.*--columns prompt={next(iter(other))}"):
            convert(pair | other)


def test_conversations_of_several_rounds_are_read_from_one_text_and_told():
    told: Counter[str] = Counter()
    rounds = "Human: Hi.\n\nAssistant: Hello:\nthere.\n\nHuman: What does it say?\n\nAssistant: "
    record = convert({"chosen": f"\n\n{rounds}Stop.", "rejected": f"\n\n{rounds}Go."}, told=told)
    assert [turn.text for turn in record.prompt] == ["Hi.", "Hello:\nthere.", "What does it say?"]
    assert levels(record) == [(0, "Stop."), (1, "Go.")]
    assert +told == {"conversations read from one text, by the speakers' names": 1}
    line = "A chat. USER: <image>\nHi. ASSISTANT: "
    record = convert({"image": "a.png", "chosen": f"{line}A cup.", "rejected": f"{line}A cat."})
    assert [(turn.role, turn.text) for turn in record.prompt] == [("system", "A chat."), ("user", "<image>\nHi.")]
    assert levels(record) == [(0, "A cup."), (1, "A cat.")]


@pytest.mark.parametrize(
    "prompt",
    [
        "<|im_start|>user\nQ?<|im_end|>\n<|im_start|>assistant\n",
        "<|start_header_id|>user<|end_header_id|>\n\nQ?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "<start_of_turn>user\nQ?<end_of_turn>\n<start_of_turn>model\n",
        "[INST] Q? [/INST]",
        "### Human: Q? ### Assistant: ",
    ],
)
def test_no_word_of_answers_goes_into_a_question_that_a_template_rendered(prompt):
    record = convert({"chosen": f"{prompt}A red cup.", "rejected": f"{prompt}A blue cup."})
    assert record.prompt[0].text == prompt
    assert levels(record) == [(0, "A red cup."), (1, "A blue cup.")]


def test_a_transcript_that_was_asked_for_is_an_answer():
    chat = "User: hi\nAssistant: hello"
    row = {"question": "What does the screen say?", "chosen": chat, "rejected": f"{chat}!"}
    assert levels(convert(row)) == [(0, chat), (1, f"{chat}!")]


@pytest.mark.parametrize("name", ["system", "system_prompt", "system_message"])
def test_a_system_turn_is_read_under_its_usual_names_and_two_that_differ_are_refused(name):
    for row in PAIRS["query"], PAIRS["POVID"], {"messages": WHOLE[0]}:
        assert [turn.text for turn in convert(row | {name: "S"}).prompt] == ["S", "Q?"]
    inside = [{"role": "system", "content": "S"}, user("Q?")]
    assert [turn.text for turn in convert({"prompt": inside, "chosen": "A", "rejected": "B", name: "S"}).prompt] == [
        "S",
        "Q?",
    ]
    for row in ({"prompt": inside, "chosen": "A", "rejected": "B"}, {"messages": [*inside, said("A")]}):
        with pytest.raises(DataError, match="expected one system turn"):
            convert(row | {name: "T"})
    with pytest.raises(DataError, match="expected one system turn"):
        convert(PAIRS["query"] | {"system": "S", "system_prompt": "T"})


BAD = {
    "values of a pair in a turn": (
        {"conversations": [human("Q?"), {"from": "gpt", "preference_values": ["A", "B"]}]},
        "only from, preference_values; expected what is said, under content or value or text",
    ),
    "two questions": ({"prompt": "P?", "question": "Q?", "chosen": "A", "rejected": "B"}, "'prompt' and 'question'"),
    "another question": ({"prompt": "P?", "chosen": WHOLE[0], "rejected": WHOLE[1]}, "a turn of the user, 'Q?'"),
    "no question": ({"chosen": [said("A")], "rejected": [said("B")]}, "no question"),
    "a tie": ({"prompt": "Q?", "response_a": "A", "response_b": "B", "winner": "tie"}, "'tie'"),
    "a number for letters": ({"prompt": "Q?", "response_a": "A", "response_b": "B", "winner": 1}, "1; expected"),
    "an empty side": ({"prompt": "Q?", "chosen": [], "rejected": ["B"]}, "an empty list"),
    "mixed answers": ({"prompt": "Q?", "chosen": ["A", 3], "rejected": "B"}, "list ['A', 3]"),
    "two conversations": ({"messages": [user("Q?"), said("A")], "conversations": [human("R?"), gpt("A")]}, "and"),
    "AMP's columns as texts": ({"output_1": [human("Q?"), gpt("A")], "output_2": "B"}, "a text, 'B'"),
    "tool calls": ({"messages": [user("Q?"), said("A") | {"tool_calls": [1]}]}, "a tool call"),
    "an answer beside the text": ({"messages": [user("Q?"), said("A") | {"rejected": "B"}]}, "'rejected', an answer"),
    "a picture beside the text": ({"messages": [user("Q?") | {"images": ["a.png"]}, said("A")]}, "'images', a picture"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_told_is_an_error_and_never_guessed(name):
    row, words = BAD[name]
    with pytest.raises(DataError, match=r"^data\.json:7") as caught:
        convert(row)
    assert words in str(caught.value)
    assert all((caught.value.expected, caught.value.found, caught.value.fix))


def test_ids_may_be_numbers_of_any_kind():
    pair = {"prompt": "Q?", "chosen": "A", "rejected": "B"}
    ids = {7: "7", 0: "0", 12.0: "12", 1.5: "1.5", float("nan"): "data-7", None: "data-7", "": "data-7"}
    assert [convert(pair | {"id": one}).id for one in ids] == list(ids.values())


@pytest.mark.parametrize("turns", [[{"from": "USER", "value": "Q?"}, {"from": "GPT", "value": "A"}], "json"])
def test_speakers_in_capitals_and_turns_as_json(turns):
    turns = json.dumps([human("Q?"), gpt("A")]) if turns == "json" else turns
    assert levels(convert({"conversations": turns})) == [(0, "A")]
