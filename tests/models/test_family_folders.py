"""A folder of every family loads without torchvision, answers alike in any batch, trains a step and comes back."""

from __future__ import annotations

import json

import pytest
import torch

from errata.data import LoadedRecords
from errata.errors import ModelError
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.models import ModelSettings, load_model
from errata.records import Question, Record, Response, Turn
from errata.training import PreferenceConfig, PreferenceTrainer
from errata.training.weights.parameters import choose_trainable
from tiny_families import BUILDERS, build_family
from tiny_models import save_images


def is_language(name):
    return any(part in name for part in ("language_model", "text_model", "lm_head"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    save_images(folder, 2, size_px=(60, 24))
    (folder / "image0.png").rename(folder / "wide.png")
    save_images(folder, 1, size_px=(30, 44))
    return folder


@pytest.fixture(params=BUILDERS)
def loaded(request, tmp_path):
    model, processor = build_family(request.param)
    model.save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")
    return load_model(ModelSettings(str(tmp_path / "tiny")))


def test_the_processor_s_template_goes_before_the_tokenizer_s(tmp_path):
    """Checkpoints of text models that learned to see bring both, and the tokenizer's knows no images."""
    model, processor = build_family("llava_onevision")
    seeing, processor.tokenizer.chat_template = processor.tokenizer.chat_template, "{{ messages[0]['content'] }}"
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": seeing}), encoding="utf-8")
    assert load_model(ModelSettings(str(tmp_path))).adapter.describe()["template"] == seeing


def test_a_folder_answers_as_one_by_one(loaded, place, capfd):
    questions = [
        Question("wide", ("wide.png",), (Turn("user", "What?"),)),
        Question("tall", ("image0.png",), (Turn("user", "Describe the picture on the wooden table."),)),
        Question("text", (), (Turn("user", "Is there a dog?"),)),
        Question("two", ("image0.png", "wide.png"), (Turn("user", "<image> or <image>?"),)),
    ]
    for beams in (1, 2):
        settings = [GenerationSettings(max_tokens=8, num_beams=beams, batch_size=size) for size in (4, 1)]
        together, alone = ([a.text for a in generate(loaded, questions, s, image_root=place)] for s in settings)
        assert together == alone
        assert len(set(together)) > 2
    assert capfd.readouterr() == ("", "")


def test_a_folder_trains_and_comes_back(loaded, place, tmp_path):
    words = ("A red cup.", "Two people walking.")
    responses = tuple(Response((Turn("assistant", text),), level=level) for level, text in enumerate(words))
    names = (("wide.png",), ("image0.png", "wide.png"), ())
    records = [
        Record(f"r{n}", images, (Turn("user", "Describe it."),), responses, "test") for n, images in enumerate(names)
    ]
    settings = PreferenceConfig(
        output_dir=str(tmp_path / "run"),
        objective="ddpo",
        records_per_step=3,
        max_steps=2,
        learning_rate=1e-3,
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = PreferenceTrainer(model=loaded, args=settings, train_dataset=LoadedRecords(records, place))
    trainer.train()
    learning = [name for name, value in trainer.model.named_parameters() if value.requires_grad]
    assert all(is_language(name) for name in learning)
    curve = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    assert curve[0] == pytest.approx(0.6931, abs=1e-3)
    assert curve[1] < curve[0]
    trainer.save_model(str(tmp_path / "saved"))
    again = load_model(ModelSettings(str(tmp_path / "saved")))
    assert again.adapter.describe() == loaded.adapter.describe()
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


@pytest.mark.parametrize("name", ["qwen2_vl", "internvl", "llava_next"])
def test_a_model_without_a_chat_template_is_named(name, tmp_path):
    model, processor = build_family(name)
    model.save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")
    (tmp_path / "tiny" / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match=r"tiny: model\.template: none; expected a chat template .*'vicuna'"):
        load_model(ModelSettings(str(tmp_path / "tiny")))
    load_model(ModelSettings(str(tmp_path / "tiny"), template="vicuna"))


def test_the_projector_learns_without_the_tower(loaded):
    choose_trainable(loaded.model, vision=False, projector=True)
    learning = {name for name, value in loaded.model.named_parameters() if value.requires_grad}
    beside = {name for name in learning if not is_language(name)}
    assert beside
    assert all(any(part in name for part in ("projector", "connector", "newline", "merger")) for name in beside)
