"""TRL's own trainer learns from what `errata data export --format trl` wrote, loaded by `datasets`."""

from __future__ import annotations

import math

import datasets
import pytest

import tiny_models
from errata.data import export_records
from errata.models.templates import VICUNA
from errata.records import Record, Response, Turn


def build_record(number: int) -> Record:
    texts = ("A red cup" + " and a small dog" * (number % 2) + ".", "Two people" + " walking" * number + ".")
    answers = tuple(Response((Turn("assistant", text),), level) for level, text in enumerate(texts))
    prompt = (Turn("user", "What is on the table?"),)
    return Record(f"r{number}", (f"image{number}.png",), prompt, answers, "s", "CC0")


@pytest.mark.filterwarnings("ignore")  # TRL's own
def test_trl_trains_on_an_export(tmp_path):
    from transformers import AutoProcessor, LlavaForConditionalGeneration
    from trl import DPOConfig, DPOTrainer

    folder = tiny_models.save_tiny_model(tmp_path / "model", chat_template=VICUNA)
    tiny_models.save_images(tmp_path, 4)
    export_records([build_record(i) for i in range(4)], tmp_path, tmp_path / "set", format="trl")
    data = datasets.load_dataset(str(tmp_path / "set"), split="train", cache_dir=str(tmp_path / "cache"))
    args = DPOConfig(
        output_dir=str(tmp_path / "out"),
        max_steps=2,
        per_device_train_batch_size=2,
        learning_rate=1e-2,
        logging_steps=1,
        save_strategy="no",
        bf16=False,
        use_cpu=True,
        disable_tqdm=True,
        report_to=[],
    )
    model = LlavaForConditionalGeneration.from_pretrained(folder)
    trainer = DPOTrainer(
        model=model, args=args, train_dataset=data, processing_class=AutoProcessor.from_pretrained(folder)
    )
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert losses[1] != losses[0]
