"""Two levels with unit weights are the installed TRL's `DPOTrainer`: its loss and gradients on identical tokens."""

from __future__ import annotations

import copy

import datasets
import pytest
import torch
from PIL import Image

from errata.models import EncodedImage, LlavaAdapter, ModelSettings
from errata.models.templates import VICUNA
from errata.objectives import aggregate, preference_loss
from errata.records import Turn
from errata.training import PreferenceConfig
from errata.trees import TreeSample, build_row, enable_tree_attention, token_logps
from tiny_models import build_model, build_processor, build_tokenizer
from tree_samples import ANSWERS

BETA = 0.3
TOLERANCE = 1e-5
QUESTIONS = ("What is on the table?", "Describe it.", "Is there a dog in the image? Say where.")

# TRL's `loss_type`, its other settings, and how many pairs are compared at a time. TRL's `sft` is a mean over the
# tokens of a batch and its `aot` sorts a batch: of one pair they are our per-record mean and our smoothed logistic.
CASES = {
    "sigmoid": ({}, {"loss_type": "sigmoid"}, 3),
    "hinge": ({"loss_type": "hinge"}, {"loss_type": "hinge"}, 3),
    "ipo": ({"loss_type": "ipo"}, {"loss_type": "ipo"}, 3),
    "sigmoid_norm": ({"loss_type": "sigmoid_norm"}, {"loss_type": "sigmoid_norm"}, 3),
    "sft": ({"loss_type": "sft"}, {"loss_type": "sft"}, 1),
    "label smoothing": ({"loss_type": "aot", "label_smoothing": 0.2}, {"label_smoothing": 0.2}, 1),
    "sigmoid and sft": (
        {"loss_type": ["sigmoid_norm", "sft"], "loss_weights": [1.0, 0.4]},
        {"loss_type": "sigmoid_norm", "sft_weight": 0.4},
        1,
    ),
}


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


@pytest.fixture(scope="module")
def models(tokenizer):
    """A policy and the reference that it has moved away from."""
    reference = build_model(tokenizer)
    policy = copy.deepcopy(reference)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return policy, reference


@pytest.fixture(scope="module")
def samples(tokenizer, models):
    """Three pairs of unequal length, each about an image of its own."""
    adapter = build_adapter(tokenizer, models[0])
    return [build_sample(adapter, number) for number in range(3)]


def build_adapter(tokenizer, model):
    return LlavaAdapter(build_processor(tokenizer), model.config, ModelSettings("tiny", template="vicuna"))


def build_sample(adapter, number):
    pixels = torch.randn(3, 48, 48, generator=torch.Generator().manual_seed(number))
    image = EncodedImage(pixels, adapter.count_image_tokens(pixels))
    prompt = adapter.encode_prompt((Turn("user", QUESTIONS[number]),), [image])
    answers = (ANSWERS[number], ANSWERS[(number + 1) % 4])
    responses = tuple(adapter.encode_response(prompt, [Turn("assistant", text)]) for text in answers)
    return TreeSample(f"r{number}", prompt, responses, (0, 1))


def our_step(tokenizer, models, samples, settings, folder):
    """Loss and gradients through the tree row, as the trainer computes them."""
    policy, reference = (copy.deepcopy(model) for model in models)
    adapter, row = build_adapter(tokenizer, policy), build_row(samples)
    objective = PreferenceConfig(output_dir=str(folder), use_cpu=True, beta=BETA, **settings).build_objective()

    def score(model):
        enable_tree_attention(model, adapter)
        logps = token_logps(adapter, model, row)
        return aggregate(logps, row.token_weights, row.response_index, row.num_responses, objective.reduction)

    with torch.no_grad():
        against = score(reference)
    loss = preference_loss(objective, score(policy), against, row.records).losses.mean()
    return loss, read_gradients(policy, loss)


def trl_step(tokenizer, models, samples, settings, folder):
    """Loss and gradients of `DPOTrainer._compute_loss` on a batch in its collator's layout."""
    from trl import DPOConfig, DPOTrainer

    policy, reference = (copy.deepcopy(model) for model in models)
    options = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": "none"}
    row = {
        "images": [Image.new("RGB", (48, 48))],
        "prompt": [{"role": "user", "content": "Is there a dog?"}],
        "chosen": [{"role": "assistant", "content": "Yes."}],
        "rejected": [{"role": "assistant", "content": "No."}],
    }
    trainer = DPOTrainer(
        policy,
        reference,
        DPOConfig(str(folder), beta=BETA, disable_tqdm=True, **options, **settings),
        train_dataset=datasets.Dataset.from_list([row]),
        processing_class=build_processor(tokenizer, chat_template=VICUNA),
    )
    loss = trainer._compute_loss(trainer.model.train(), pad(samples, tokenizer), False)
    return loss, read_gradients(policy, loss)


def pad(samples, tokenizer):
    """All chosen sequences, then all rejected ones, each with its copy of the image."""
    sequences = [(sample, number) for number in range(2) for sample in samples]
    ids = [sample.prompt.input_ids + sample.responses[number].input_ids for sample, number in sequences]
    longest = max(map(len, ids))
    return {
        "input_ids": torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in ids]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids]),
        "completion_mask": torch.tensor(
            [
                [int(len(sample.prompt.input_ids) <= place < len(row)) for place in range(longest)]
                for (sample, _), row in zip(sequences, ids, strict=True)
            ]
        ),
        "pixel_values": torch.stack([sample.prompt.images[0].pixels for sample, _ in sequences]),
    }


def read_gradients(model, loss):
    loss.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.filterwarnings("ignore")  # TRL's own
@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_are_trl_s(tokenizer, models, samples, case, tmp_path):
    theirs, ours, pairs = CASES[case]
    expected, their_gradients = trl_step(tokenizer, models, samples[:pairs], theirs, tmp_path)
    found, our_gradients = our_step(tokenizer, models, samples[:pairs], ours, tmp_path)
    assert float(found) == pytest.approx(float(expected), rel=TOLERANCE)
    assert our_gradients.keys() == their_gradients.keys()
    assert any("vision_tower" in name for name in our_gradients)
    # One constant in all keys moves no softmax: that gradient is zero but for rounding.
    names = [name for name in their_gradients if not name.endswith("k_proj.bias")]
    assert len(names) > 30
    differences = {
        name: float((our_gradients[name] - their_gradients[name]).abs().max() / their_gradients[name].abs().max())
        for name in names
    }
    assert max(differences.values()) <= TOLERANCE, differences
