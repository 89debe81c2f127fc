"""Thoughts of every family apart from the answer behind them; thoughts without an end leave none."""

from __future__ import annotations

import time

import pytest

from errata.text import split_reasoning, strip_reasoning

PAIRS = {
    "DeepSeek, Qwen, GLM": "<think>\nNo dog at first. Wait, a tail.\n</think>\n\nYes",
    "the template wrote the beginning": "No dog at first. Wait, a tail.\n</think>\n\nYes",
    "capitals": "<THINK>No dog.</THINK>Yes",
    "attributes": '<think time="3 s">No dog.</think>Yes',
    "thinking": "<thinking>No dog.</thinking>\nYes",
    "EXAONE": "<thought>\nNo dog.\n</thought>\n\nYes",
    "Reka": "<reasoning>No dog.</reasoning> Yes",
    "Keye": "<analysis>No dog.</analysis>Yes",
    "Seed": "<seed:think>No dog.</seed:think>Yes",
    "LongCat": "<longcat_think>No dog.</longcat_think>Yes",
    "Sky-T1": "<|begin_of_thought|>No.<|end_of_thought|>\n\n<|begin_of_solution|>Yes<|end_of_solution|>",
    "Kimi-VL": "◁think▷No dog.◁/think▷Yes",
    "Mistral": "[THINK]No dog.[/THINK]Yes",
    "Cohere": "<|START_THINKING|>No.<|END_THINKING|><|START_RESPONSE|>Yes<|END_RESPONSE|>",
    "Apertus": "<|inner_prefix|>No.<|inner_suffix|>Yes",
    "Granite": "Here is my thought process:\nNo dog.\nHere is my response:\nYes",
    "Gemma": "<|channel>thought\nNo dog.\n<channel|>Yes",
    "gpt-oss": "<|channel|>analysis<|message|>No.<|end|><|start|>assistant<|channel|>final<|message|>Yes<|return|>",
    "gpt-oss without special tokens": "analysisThe user asks; no dog.assistantfinalYes",
    "three channels": (
        "<|channel|>analysis<|message|>No.<|end|><|start|>assistant<|channel|>commentary<|message|>Hm.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Yes"
    ),
    "an answer in a wrapper": "<think>No dog.</think><answer>Yes</answer>",
    "a wrapper cut at its end": "<think>No dog.</think>\n<answer> Yes",
    "GLM's box": "<think>No dog.</think><answer><|begin_of_box|>Yes<|end_of_box|></answer>",
    "LLaVA-CoT": "<SUMMARY>a</SUMMARY>\n<CAPTION>No</CAPTION>\n<REASONING>c</REASONING>\n<CONCLUSION>Yes</CONCLUSION>",
    "escaped": "&lt;think&gt;No dog.&lt;/think&gt;Yes",
    "another name at the end": "<think>No dog.</thinking>Yes",
    "a mark within": "<think>The tag <think> is no answer.</think> Yes",
    "thoughts of another name within": "<think>Let me see. <analysis>No.</analysis> Hm.</think> Yes",
    "two ends": "<think>No.</think> no, wait.</think> Yes",
    "an answer among the thoughts": "<think>Perhaps <answer>No</answer>?</think><answer>Yes</answer>",
}


@pytest.mark.parametrize("text", PAIRS.values(), ids=PAIRS)
def test_the_answer_stands_behind_the_thoughts(text):
    found = split_reasoning(text)
    assert found.answer == "Yes"
    assert found.finished
    assert found.reasoning
    assert "Yes" not in found.reasoning


ENDLESS = [
    "<think>\nIs there one? No sign of it so far, let me",
    "  <think>No",
    "[THINK]No",
    "◁think▷No",
    "<|begin_of_thought|>No",
    "<|START_THINKING|>No",
    "<|channel|>analysis<|message|>No dog so",
    "<|start|>assistant<|channel|>analysis<|message|>No",
    "<|channel>thought\nNo dog",
    "analysisThe user asks whether there is no",
    "Here is my thought process:\nNo",
    "<think>Perhaps <answer>No</answer>",
    "<SUMMARY>a</SUMMARY><CAPTION>No</CAPTION><REASONING>No",
    "Well.\n<think>\nNo",
]


@pytest.mark.parametrize("text", ENDLESS)
def test_thoughts_without_an_end_leave_no_answer(text):
    found = split_reasoning(text)
    assert (found.answer, found.finished) == ("", False)
    assert "No" in found.reasoning or "no" in found.reasoning


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  Yes. ",
        "A poster that says <think> different.",
        "An analysis of the image: a dog.",
        "analysis of the image: a dog",
        "I think so. No reasoning is needed; the answer is yes.",
        "a < b, and <b>bold</b>, [THINKING] of <image>",
    ],
)
def test_what_has_no_thoughts_stays_as_it_is(text):
    found = split_reasoning(text)
    assert (found.answer, found.reasoning, found.finished) == (text, "", True)


def test_thoughts_between_parts_of_an_answer_are_taken_out():
    found = split_reasoning("<think>a</think>A dog.\n<think>b</think>It runs.")
    assert found.answer == "A dog.\nIt runs."
    assert found.reasoning == "a\nb"


def test_empty_thoughts_are_none():
    found = split_reasoning("<think>\n\n</think>\n\nYes")
    assert (found.answer, found.reasoning) == ("Yes", "")


def test_thoughts_with_nothing_behind_them_leave_no_answer():
    assert strip_reasoning("<think>No.</think>\n") == ""


@pytest.mark.parametrize("mark", ["a <think> b ", "<think>a</think>", "<think>a</thought>", "<answer>", "</answer>"])
def test_a_hostile_text_takes_no_time(mark):
    began = time.monotonic()
    split_reasoning(mark * 10_000)
    assert time.monotonic() - began < 10
