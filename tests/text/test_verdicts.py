"""Yes, no or neither: affirmations and denials are read alike, beside what was asked."""

from __future__ import annotations

import pytest

from errata.text import find_verdict_words, read_yes_no

SAID = {
    ("Is there a dog in the image?", "yes"): [
        "Yes.",
        "There is a dog in the picture.",
        "The picture shows a dog beside a bench.",
        "A dog.",
        "I can see a dog.",
        "There are two dogs in the image.",
        "There is a dog, not a cat.",
        "There is a dog but no cat.",
        "It is clear that there is a dog.",
        "No doubt there is a dog.",
        "There is.",
        "I see no cat. Yes, there is a dog.",
        "I'm not sure. Yes, probably.",
        "Is there a dog? Yes.",
        "Yes, it's not small.",
        "Yeah, a dog sits there",
        "Not only a dog but also a cat is visible.",
        "**Yes**",
        '"Yes"',
        "answer: yes",
    ],
    ("Is there a dog in the image?", "no"): [
        "No.",
        "There is no dog in the picture.",
        "The picture does not show a dog.",
        "There isn't a dog.",
        "There is not a dog.",
        "I cannot see a dog",
        "I cannot see any dog in the image.",
        "No, I cannot see a dog.",
        "There is a cat, not a dog.",
        "There are no dogs, cats or birds.",
        "There are no cats, dogs or birds.",
        "The dog is not present in the image.",
        "The dog is missing.",
        "No dog is visible.",
        "I'm sorry, but I cannot see a dog in the image.",
        "There isn't.",
        "None.",
        "Not that I can see.",
        "The answer is no.",
        "Nope",
        "Neither a cat nor a dog is visible.",
        "The image shows a street without a dog.",
        "I am unable to see a dog in this picture.",
        "There’s no dog.",
        "no, the animal is a cat",
        "No people, no dogs.",
    ],
    ("Is there a dog in the image?", "unknown"): [
        "",
        "I'm not sure.",
        "I can’t tell",
        "There is a cat in the image.",
        "There is no cat in the image.",
        "The picture shows a bench.",
        "There is a no-parking sign",
        "Nobody knows",
        "I'm sorry, but I can't assist with that.",
        "I cannot see the image.",
        "Is there a dog in the image?",
        "I cannot tell whether there is a dog.",
        "There might be a dog.",
        "It is hard to say.",
        "Yes or no?",
        "The dog is not on the bench.",
        "It is unclear if there is a dog.",
        "Hard to say",
    ],
    ("Is the sky sunny in this image?", "yes"): [
        "The sky is sunny in this image.",
        "The sky is sunny.",
        "It is.",
        "It is sunny, and the sky is blue.",
    ],
    ("Is the sky sunny in this image?", "no"): [
        "The sky is not sunny.",
        "The sky isn't sunny in this image.",
        "It is not.",
        "It's not sunny; the sky is grey.",
    ],
    ("Is the sky sunny in this image?", "unknown"): [
        "The sky is cloudy.",
        "The sky is not cloudy.",
    ],
    ("Does the person swim in this image?", "yes"): [
        "The person is swimming.",
        "The person swims.",
        "It does.",
    ],
    ("Does the person swim in this image?", "no"): [
        "The person is not swimming.",
        "The person does not swim.",
        "No person swims here.",
    ],
    ("Is there direct contact between the person and ground?", "yes"): [
        "There is direct contact between the person and the ground.",
    ],
    ("Is there direct contact between the person and ground?", "no"): [
        "There is no direct contact between the person and the ground.",
    ],
    ("Are there two cups in this image?", "yes"): [
        "There are two cups in this image.",
    ],
    ("Are there two cups in this image?", "no"): [
        "There are not two cups.",
    ],
    ("Are there two cups in this image?", "unknown"): [
        "There are three cups.",
    ],
    ("Is there a person in the image?", "yes"): [
        "There are people in the image.",
    ],
    ("Is there a person in the image?", "no"): [
        "There are no people in the image.",
    ],
    ("Is there a dining table in the image?", "yes"): [
        "A dining table is visible.",
    ],
    ("Is there a dining table in the image?", "no"): [
        "A dining table is not visible.",
        "There is no dining table.",
    ],
    ("", "no"): [
        "There isn't a dog.",
        "There is not a dog.",
        "I cannot see a dog",
        "Well,no",
        "no",
        "ＮＯ",
        "NO!",
    ],
    ("", "yes"): [
        "There is a dog.",
        "1. Yes",
    ],
    ("", "unknown"): [
        "I'm not sure.",
        "I can’t tell",
        "Nobody knows",
        "Hard to say",
        "不",
    ],
    ("Is there a dog in picture 0?", "yes"): [
        "There is a dog in the picture.",
        "The picture shows a dog beside a bench.",
    ],
    ("Is there a dog in picture 0?", "no"): [
        "There is no dog in the picture.",
        "The picture does not show a dog.",
    ],
}
CASES = [(question, said, answer) for (question, said), answers in SAID.items() for answer in answers]


@pytest.mark.parametrize("answer", ["yes,no", "No / yes.", "Yes. No."])
def test_both_words_alone_are_no_verdict(answer):
    assert read_yes_no(answer, "Is there a dog in the image?") == "unknown"


@pytest.mark.parametrize(("question", "said", "answer"), CASES)
def test_what_an_answer_says(question, said, answer):
    assert read_yes_no(answer, question) == said


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("There is a {}.", "There is no {}."),
        ("The picture shows a {}.", "The picture doesn't show a {}."),
        ("I can see a {} here.", "I can't see a {} here."),
        ("A {} is visible.", "A {} is not visible."),
        ("It contains a {}", "It does not contain a {}"),
    ],
)
@pytest.mark.parametrize(("named", "asked"), [("dog", True), ("fire hydrant", True), ("cat", False)])
def test_both_sides_are_read_or_neither(yes, no, named, asked):
    question = f"Is there a {named if asked else 'dog'} in the image?"
    read = [read_yes_no(form.format(named), question) for form in (yes, no)]
    assert read == (["yes", "no"] if asked else ["unknown", "unknown"])


@pytest.mark.parametrize(
    ("text", "words"),
    [("Yes.", {"yes"}), ("The answer is no.", {"no"}), ("There is no dog.", set()), ("Yes or no?", set()),
     ("yes, then no", {"yes", "no"}), ("No there isn't", {"no"})],
)  # fmt: skip
def test_words_that_are_verdicts(text, words):
    assert find_verdict_words(text) == words


@pytest.mark.parametrize(
    "answer", ["No puedo ver la imagen.", "No lo sé", "No tengo acceso a la imagen.", "No hay imagen"]
)
def test_a_refusal_in_spanish_is_no_denial(answer):
    assert read_yes_no(answer, "Is there a dog in the image?") == "unknown"
