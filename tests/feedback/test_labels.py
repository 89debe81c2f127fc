"""What labellers say, read: probabilities, words, and servers that give one or the other."""

from __future__ import annotations

import math

import pytest
from PIL import Image

from endpoint_server import EndpointServer, Fault
from errata.endpoints import EndpointSettings
from errata.feedback.claims.labels import LABEL, EndpointLabeller, read_label, sum_forms, write_label
from errata.judges import Judge, JudgeCall, VerdictCache

QUICK = EndpointSettings(concurrency=4, backoff_s=0.01, max_backoff_s=0.05, give_up_s=0.3)


def test_probabilities_go_round():
    found = read_label(write_label({"yes": 0.1, "Yes": 0.4, "no": 0.2, "No": 0.15}))
    assert found == {"p_yes": 0.5, "p_no": pytest.approx(0.35), "from": "probabilities"}


@pytest.mark.parametrize(
    ("reply", "yes"), [("Yes", 1), ("yes.", 1), ("**No**, it is not", 0), ("The answer is no.", 0)]
)
def test_words_count_as_certain(reply, yes):
    assert read_label(reply) == {"p_yes": yes, "p_no": 1 - yes, "from": "words"}


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "maybe",
        "it is either yes or no",
        "There is a dog",
        "There is no dog",
        "I'm sorry, I can't assist with that.",
        "No image was provided.",
        "{yes}",
        '{"yes": 1}',
        '{"yes": 2, "Yes": 0, "no": 0, "No": 0}',
        "[1]",
    ],
)
def test_what_is_neither_has_no_verdict(reply):
    with pytest.raises(ValueError, match=r"neither|Expecting"):
        read_label(reply)


def test_forms_are_summed_over_blanks_and_others_left_out():
    found = sum_forms(
        [("Yes", math.log(0.5)), (" Yes", math.log(0.1)), ("no", math.log(0.2)), ("YES", -1.0), ("I", -2.0)]
    )
    assert found == pytest.approx({"yes": 0, "Yes": 0.6, "no": 0.2, "No": 0})
    assert sum_forms([("I", -0.1)]) is None
    assert sum_forms([]) is None


def choice(text, content):
    message = {"role": "assistant", "content": text}
    return [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": content}}]


def place(token, *others):
    rows = [{"token": t, "logprob": math.log(p), "bytes": None} for t, p in others]
    return {"token": token, "logprob": math.log(0.5), "top_logprobs": rows}


def ask(server, tmp_path, count=3):
    image = tmp_path / "image.png"
    Image.new("RGB", (8, 8)).save(image)
    calls = [
        JudgeCall(f"c{n}", LABEL, {"question": f"Is there a dog {n}?"}, read_label, (image,)) for n in range(count)
    ]
    labeller = EndpointLabeller(f"openai:tiny@{server.url}", QUICK)
    judge = Judge(labeller, VerdictCache(tmp_path / "verdicts.sqlite"), attempts=2)
    return judge.ask(calls)


def test_probabilities_of_an_endpoint(tmp_path):
    content = [place("\n"), place("Yes", ("Yes", 0.5), (" no", 0.25), ("No", 0.125), ("I", 0.01))]
    with EndpointServer(fault=lambda n, seen: Fault("reply", reply={"choices": choice("Yes", content)})) as server:
        verdicts = ask(server, tmp_path)
    assert all(seen.body["logprobs"] is True and seen.body["top_logprobs"] == 20 for seen in server.seen)
    for verdict in verdicts:
        assert verdict.value == {"p_yes": 0.5, "p_no": pytest.approx(0.375), "from": "probabilities"}


def test_an_endpoint_without_probabilities_is_taken_at_its_word(tmp_path):
    with EndpointServer(lambda seen: "No.") as server:
        verdicts = ask(server, tmp_path)
    assert [verdict.value for verdict in verdicts] == [{"p_yes": 0.0, "p_no": 1.0, "from": "words"}] * 3


def test_an_endpoint_that_refuses_is_asked_for_words(tmp_path):
    refuse = lambda n, seen: Fault("status", status=400) if "logprobs" in seen.body else None  # noqa: E731
    with EndpointServer(lambda seen: "Yes", fault=refuse) as server:
        verdicts = ask(server, tmp_path, 5)
    assert [verdict.value["from"] for verdict in verdicts] == ["words"] * 5
    assert sum("logprobs" in seen.body for seen in server.seen) == 1
    assert len(server.seen) == 6


NONSENSE = [
    {"content": None},
    {"content": "x"},
    {"content": [None, 3]},
    {"content": [{"token": 5, "logprob": "a", "top_logprobs": {}}]},
    {"content": [{"token": "Yes", "logprob": True, "top_logprobs": [None, {"token": "Yes", "logprob": float("nan")}]}]},
    [],
]


@pytest.mark.parametrize("logprobs", NONSENSE)
def test_nonsense_for_probabilities_is_passed_over(tmp_path, logprobs):
    reply = choice("Yes", [])
    reply[0]["logprobs"] = logprobs
    with EndpointServer(fault=lambda n, seen: Fault("reply", reply={"choices": reply})) as server:
        verdicts = ask(server, tmp_path)
    assert {verdict.value["from"] for verdict in verdicts} == {"words"}


@pytest.mark.parametrize("text", ["<think>\nNo dog? There is one.\n</think>\nYes", "Yes"])
def test_the_tokens_of_a_thought_are_no_verdict(tmp_path, text):
    """Also where the server takes the thoughts away and gives the probabilities of what the model wrote first."""
    content = [place("<think>", ("<think>", 0.9), ("No", 0.05), ("Yes", 0.01))]
    with EndpointServer(fault=lambda n, seen: Fault("reply", reply={"choices": choice(text, content)})) as server:
        verdicts = ask(server, tmp_path)
    assert [verdict.value for verdict in verdicts] == [{"p_yes": 1.0, "p_no": 0.0, "from": "words"}] * 3


def test_tokens_that_are_neither_leave_the_words(tmp_path):
    content = [place("It", ("It", 0.9), ("The", 0.1))]
    with EndpointServer(fault=lambda n, seen: Fault("reply", reply={"choices": choice("It is so", content)})) as server:
        verdicts = ask(server, tmp_path, 2)
    assert {verdict.status for verdict in verdicts} == {"unreadable"}
    assert len(server.seen) == 4


def test_an_endpoint_that_is_dead_is_not_asked_for_long(tmp_path):
    with EndpointServer(fault=lambda n, seen: Fault("status", status=503)) as server:
        verdicts = ask(server, tmp_path, 20)
    assert {verdict.status for verdict in verdicts} == {"missing"}
    assert len(server.seen) <= 4 * 20, "the first question finds nothing out, and is not asked on"
