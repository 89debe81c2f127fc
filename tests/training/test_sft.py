"""Supervised fine-tuning: which tokens are learned, and that the loss is everybody's."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
import torch
from PIL import Image
from trl import SFTConfig, SFTTrainer

from errata.data import LoadedRecords
from errata.errors import ConfigError
from errata.models import ModelSettings
from errata.objectives import PRESETS
from errata.records import Record, Response, Turn
from errata.training import SftRun
from errata.training.sampler import MicroBatch
from training_checks import read_curve

QUESTIONS = ("What is on the table?", "Is there a cat in the image?", "Describe the picture.")
ANSWERS = ("A red cup.", "No.", "The photo shows two people walking on a sunny street.")


def build_talk(name: str, images: tuple[str, ...], rounds: int) -> Record:
    turns = [turn for q, a in zip(QUESTIONS, ANSWERS, strict=True) for turn in (Turn("user", q), Turn("assistant", a))]
    return Record(name, images, (turns[0],), (Response(tuple(turns[1 : 2 * rounds]), 0),))


@pytest.fixture(scope="module")
def talks(image_folder) -> list[Record]:
    first, second = sorted(path.name for path in image_folder.iterdir())[:2]
    return [
        build_talk("one", (first,), 1),
        build_talk("three", (first,), 3),
        build_talk("two images", (first, second), 2),
        build_talk("text only", (), 3),
    ]


@pytest.fixture
def build_sft(build_trainer, image_folder):
    def build(records, **settings):
        loaded = LoadedRecords(list(records), image_folder)
        return build_trainer({"train_dataset": loaded}, objective="sft", **settings)

    return build


def build_labels(trainer, record: Record) -> tuple[list[int], list[int]]:
    """The conversation as LLaVA-1.5's template writes it, tokenised in pieces, and its labels: -100 but for answers."""
    tokenizer, adapter = trainer.processing_class.tokenizer, trainer.adapter
    n_tokens = adapter.encode_image(Image.new("RGB", (60, 48))).n_tokens
    ids: list[int] = []
    labels: list[int] = []
    for number, turn in enumerate((*record.prompt, *record.responses[0].turns)):
        shown = "" if number else ("<image>" * n_tokens + "\n") * len(record.images)
        text = f"USER: {shown}{turn.text} ASSISTANT:" if turn.role == "user" else f" {turn.text}</s>"
        new = tokenizer(text, add_special_tokens=False).input_ids
        ids += new
        labels += new if turn.role == "assistant" else [-100] * len(new)
    return ids, labels


def cross_entropy(trainer, record: Record) -> torch.Tensor:
    """transformers' own loss of one conversation: the mean over its labelled tokens."""
    ids, labels = build_labels(trainer, record)
    pixels = [trainer.train_dataset._load_pixels(name, len(record.images)).pixels for name in record.images]
    inputs = {"pixel_values": torch.stack(pixels)} if pixels else {}
    return trainer.model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels]), **inputs).loss


def read_gradients(model) -> dict[str, torch.Tensor]:
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def test_every_answer_is_learned_with_its_end_and_no_question(build_sft, talks):
    trainer = build_sft(talks)
    for number, record in enumerate(talks):
        sample = trainer.train_dataset.build_sample(number)
        (response,) = sample.responses
        tokenizer = trainer.processing_class.tokenizer
        learned = [token for token, own in zip(response.input_ids, response.is_response, strict=True) if own]
        assert tokenizer.decode(learned) == "".join(f" {text}</s>" for text in record.responses[0].rounds)
        ids, labels = build_labels(trainer, record)
        assert sample.prompt.input_ids + response.input_ids == ids
        assert [label for label in labels if label != -100] == learned


def test_the_loss_and_its_gradients_are_those_of_transformers(build_sft, talks):
    trainer = build_sft(talks, max_tokens_per_row=200)
    numbers = tuple(range(len(talks)))
    share = trainer.train_dataset[MicroBatch(numbers, len(numbers))]
    assert {len(row.samples) for row in share.rows} != {1}, "records share a row"
    trainer.model.train()
    ours = trainer.compute_loss(trainer.model, {"share": share})
    ours.backward()
    found = read_gradients(trainer.model)
    singly = [cross_entropy(trainer, record) for record in talks]
    theirs = torch.stack(singly).mean()
    theirs.backward()
    expected = read_gradients(trainer.model)
    assert abs(ours.item() - theirs.item()) <= 1e-5
    assert max(loss.item() for loss in singly) - min(loss.item() for loss in singly) > 0.1, "records differ"
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert (found[name] - value).abs().max() <= 1e-4 * value.abs().max(), name


@pytest.mark.filterwarnings("ignore")  # TRL's own
def test_the_loss_of_a_record_is_that_of_trl(build_sft, talks, load_tiny, tmp_path):
    record = talks[3]
    trainer = build_sft([record], records_per_step=1, num_train_epochs=1)
    ids, labels = build_labels(trainer, record)
    trainer.train()
    rows = datasets.Dataset.from_list([{"input_ids": ids, "assistant_masks": [int(label != -100) for label in labels]}])
    args = SFTConfig(
        output_dir=str(tmp_path / "trl"), max_steps=1, per_device_train_batch_size=1, logging_steps=1, use_cpu=True,
        bf16=False, save_strategy="no", report_to="none", disable_tqdm=True, gradient_checkpointing=False,
    )  # fmt: skip
    loaded = load_tiny()
    theirs = SFTTrainer(
        model=loaded.model, args=args, train_dataset=rows, processing_class=trainer.processing_class.tokenizer
    )
    theirs.train()
    assert abs(read_curve(trainer)[0] - read_curve(theirs)[0]) <= 1e-5


def test_all_best_answers_of_a_record_are_learned_and_no_other(build_sft, image_folder):
    texts = ("A red cup.", "Two people.", "A cat.")
    responses = tuple(Response((Turn("assistant", text),), level) for text, level in zip(texts, (0, 0, 1), strict=True))
    record = Record("r", (), (Turn("user", QUESTIONS[0]),), responses)
    trainer = build_sft([record])
    (row,) = trainer.train_dataset.build_rows([0])
    assert row.num_responses == 2
    share = trainer.train_dataset[MicroBatch((0,), 1)]
    singly = [
        cross_entropy(trainer, Record("s", (), record.prompt, (Response(response.turns, 0),)))
        for response in responses[:2]
    ]
    assert trainer.compute_loss(trainer.model, {"share": share}).item() == pytest.approx(
        sum(loss.item() for loss in singly) / 2, abs=1e-5
    )


def test_text_alone_is_trained_on(build_sft, talks):
    trainer = build_sft([talks[3]], records_per_step=1, num_train_epochs=8)
    trainer.train()
    curve = read_curve(trainer)
    assert curve[-1] < curve[0] - 0.1


def test_an_objective_that_compares_is_no_sft(tmp_path):
    settings = {"data": Path("a.json"), "model": ModelSettings("m", device="cpu"), "out": tmp_path}
    assert SftRun(**settings).build_objective() == PRESETS["sft"]
    for objective in ("ddpo", "simpo"):
        with pytest.raises(ConfigError, match=f"objective: '{objective}'.*errata train"):
            SftRun(objective=objective, **settings)
    with pytest.raises(ConfigError, match="loss_type"):
        SftRun(loss_type="sigmoid", **settings)
