"""Rewards are those of two plain forward passes; what has none is not chosen."""

from __future__ import annotations

import pytest
import torch
from peft import get_peft_model
from PIL import Image

from errata.errors import ConfigError, DataError, ModelError
from errata.feedback.local import SelfReward, compute_reward
from errata.generation import choose_best
from errata.models import LoadedModel, ModelSettings, PixelCache, load_model, quiet_transformers
from errata.records import Answer, Question, Turn
from errata.trees import Scorer
from tiny_models import save_images, save_tiny_model
from tree_checks import build_lora

TEXTS = ("A red cup and a small dog.", "A dog.", "", "Two people walking on a sunny street.", "A dog.")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    save_images(folder, 2)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return [save_tiny_model(root / name, seed=seed) for seed, name in enumerate(("policy", "base"))]


@pytest.fixture
def policy(folders):
    return load_model(ModelSettings(str(folders[0])))


@pytest.fixture
def base(folders):
    return load_model(ModelSettings(str(folders[1])))


@pytest.fixture
def questions():
    asked = [("q0", ("image0.png",), "What is it?"), ("q1", ("image1.png",), "Describe it."), ("q2", (), "A dog?")]
    return [Question(name, images, (Turn("user", text),)) for name, images, text in asked]


def score(policy, base, questions, candidates, place, **options):
    return SelfReward(policy, base, **options).score(questions, candidates, PixelCache(policy.adapter, place))


def say(question, texts, **options):
    return [Answer(f"{question.id}#{n}", text, **options) for n, text in enumerate(texts, 1)]


def add_logps(loaded, question, place, text, *, end):
    """Log-probabilities of a text's tokens and its end from the model's own pass over its processor's own inputs."""
    images = [Image.open(place / name) for name in question.images]
    asked = f"USER: {'<image>' + chr(10) if images else ''}{question.prompt[0].text} ASSISTANT:"

    def process(words):
        return loaded.processor(text=words, images=images or None, return_tensors="pt")

    whole = process(f"{asked} {text}" + ("</s>" if end else ""))
    start, ids = process(asked)["input_ids"].shape[1], whole["input_ids"][0]
    with torch.no_grad():
        logps = loaded.model(**whole).logits[0].log_softmax(dim=-1)
    return logps[:-1].gather(1, ids[1:, None])[start - 1 :, 0]


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("normalise", ["length", "none"])
def test_a_reward_is_that_of_two_plain_passes(policy, base, questions, place, finished, normalise):
    candidates = [say(question, TEXTS, finished=finished) for question in questions]
    expected = []
    for question in questions:
        for text in filter(None, TEXTS):
            ratios = add_logps(policy, question, place, text, end=finished) - add_logps(
                base, question, place, text, end=finished
            )
            expected.append(float(ratios.mean() if normalise == "length" else ratios.sum()))
    found = score(policy, base, questions, candidates, place, normalise=normalise)
    assert [rewards[2] for rewards in found] == [None] * 3
    plain = [reward for rewards in found for reward in rewards if reward is not None]
    assert plain == pytest.approx(expected, abs=1e-4)
    assert max(plain) - min(plain) > 0.1


def test_a_model_finds_nothing_likelier_than_itself_does(policy, questions, place):
    found = score(policy, policy, questions, [say(question, TEXTS) for question in questions], place)
    assert found == [[0.0, 0.0, None, 0.0, 0.0]] * 3
    assert [choose_best(rewards) for rewards in found] == [0, 0, 0]


def test_an_adapter_is_switched_off_for_its_base(base, questions, place, folders):
    plain = load_model(ModelSettings(str(folders[1])))
    torch.manual_seed(0)
    with quiet_transformers():
        model = get_peft_model(plain.model, build_lora()).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.1)
    policy = LoadedModel(model, plain.processor, plain.adapter, "adapted")
    candidates = [say(question, TEXTS) for question in questions]
    found = score(policy, None, questions, candidates, place)
    for one, other in zip(found, score(policy, base, questions, candidates, place), strict=True):
        assert one[2] is None
        assert [r for r in one if r is not None] == pytest.approx([r for r in other if r is not None], abs=1e-4)
    assert abs(found[0][0]) > 1e-3


def test_a_conversation_is_one_response(policy, base, place):
    asked = Question("q", ("image0.png",), (Turn("user", "What is it?"),), followups=("Is there a cat?",))
    whole = Answer("q#1", "No.", earlier=("A red cup.",))
    stopped = Answer("q#2", "A red cup.", finished=False)
    [[reward, alone]] = score(policy, base, [asked], [[whole, stopped]], place)
    sums, count = 0.0, 0
    for loaded, sign in ((policy, 1), (base, -1)):
        first = add_logps(loaded, asked, place, "A red cup.", end=True)
        told = f"{asked.prompt[0].text} ASSISTANT: A red cup.</s>USER: Is there a cat?"
        second = add_logps(loaded, Question("q", asked.images, (Turn("user", told),)), place, "No.", end=True)
        sums, count = sums + sign * float(first.sum() + second.sum()), len(first) + len(second)
    assert reward == pytest.approx(sums / count, abs=1e-4)
    cut = [add_logps(loaded, asked, place, "A red cup.", end=False) for loaded in (policy, base)]
    assert alone == pytest.approx(float((cut[0] - cut[1]).mean()), abs=1e-4)


def test_the_best_is_the_first_of_the_highest():
    assert choose_best([None, -2.0, -1.0, -1.0, None]) == 2
    assert choose_best([None, None]) == 0
    assert choose_best([-3.0]) == 0


def test_a_sum_prefers_what_a_mean_does_not():
    short, long = torch.tensor([-0.3, -0.3]), torch.tensor([-0.2] * 10)
    zero = torch.zeros(10)
    assert compute_reward(short, zero[:2]) < compute_reward(long, zero)
    assert compute_reward(short, zero[:2], "none") > compute_reward(long, zero, "none")


def test_a_text_that_the_model_cannot_be_told_has_no_reward(policy, base, questions, place):
    [rewards] = score(policy, base, questions[:1], [say(questions[0], ("A <image>.", "A dog."))], place)
    assert rewards[0] is None
    assert rewards[1] is not None


def test_what_cannot_be_compared_is_refused(policy, base, questions, place, tmp_path):
    with pytest.raises(ConfigError, match=r"name it with --base"):
        SelfReward(policy, None)
    with pytest.raises(ConfigError, match="'length' or 'none'"):
        SelfReward(policy, base, "mean")
    other = load_model(ModelSettings(str(save_tiny_model(tmp_path / "other", texts=("cup dog",), vocab_size=300))))
    with pytest.raises(ModelError, match="another tokenizer"):
        SelfReward(policy, other)
    asked = Question("q", ("absent.png",), questions[0].prompt)
    with pytest.raises(DataError, match=r"absent\.png"):
        score(policy, base, [asked], [say(asked, TEXTS)], place)
    with torch.no_grad():
        base.model.get_output_embeddings().weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match=r"question 'q0'.*NaN"):
        score(policy, base, questions, [say(question, TEXTS) for question in questions], place)


def test_candidates_share_one_row_with_their_prompt(policy, base, questions, place, monkeypatch):
    rows = []

    read_row = Scorer._read_row

    def count(self, row, compute):
        rows.append([sample.num_responses for sample in row.samples])
        return read_row(self, row, compute)

    monkeypatch.setattr(Scorer, "_read_row", count)
    score(policy, base, questions, [say(question, TEXTS) for question in questions], place)
    assert [sorted(row) for row in rows] == [[3, 3, 3], [3, 3, 3]]  # distinct texts that are not empty, both models
