"""A tiny random LLaVA, and a dozen records about noise."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_models
from errata.corrections import diff_segments
from errata.data import LoadedRecords
from errata.models import ModelSettings, load_model
from errata.records import Record, Response, Turn
from errata.training import PreferenceConfig, PreferenceTrainer

OBJECTS = ("cup", "dog", "table", "street", "people", "photo")


def build_record(number: int, images: list[str], levels: int = 2) -> Record:
    texts = [
        f"A red {OBJECTS[(number + level) % 6]} on the wooden table." + " Yes." * (number % 3)
        for level in range(levels)
    ]
    responses = [Response((Turn("assistant", texts[0]),), 0)]
    for level in range(1, levels):
        responses.append(Response((Turn("assistant", texts[level]),), level, diff_segments(texts[level], texts[0])))
    prompt = (Turn("user", "What is on the table?" if number % 2 else "Describe the picture."),)
    return Record(f"r{number}", (images[number % len(images)],), prompt, tuple(responses))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    return tiny_models.save_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    tiny_models.save_images(folder, 4)
    return folder


@pytest.fixture(scope="session")
def records(image_folder) -> list[Record]:
    images = sorted(path.name for path in image_folder.iterdir())
    return [build_record(number, images, levels=3 if number % 4 == 0 else 2) for number in range(12)]


@pytest.fixture
def load_tiny(tiny_folder):
    return lambda **options: load_model(ModelSettings(name=str(tiny_folder), **options), for_training=True)


@pytest.fixture
def build_trainer(load_tiny, records, image_folder, tmp_path):
    """A trainer on the tiny model; keywords are settings, `trainer` holds arguments of the trainer itself."""

    def build(trainer=None, **settings) -> PreferenceTrainer:
        defaults = {
            "output_dir": str(tmp_path / "out"),
            "records_per_step": 4,
            "num_train_epochs": 2,
            "learning_rate": 1e-3,
            "logging_steps": 1,
            "save_strategy": "no",
            "disable_tqdm": True,
            "use_cpu": True,
            "seed": 0,
        }
        arguments = {"model": load_tiny(), "train_dataset": LoadedRecords(records, image_folder)} | (trainer or {})
        return PreferenceTrainer(args=PreferenceConfig(**(defaults | settings)), **arguments)

    return build
