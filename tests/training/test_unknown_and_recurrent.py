"""Folders of models without an adapter of their own, and of recurrent ones: load, answer, train, come back."""

from __future__ import annotations

import pytest
import torch

from errata.data import LoadedRecords
from errata.errors import ModelError
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.models import GenericAdapter, LoadedModel, ModelSettings, load_model
from errata.records import Question, Record, Response, Turn
from errata.training import LoraSettings, PreferenceConfig, PreferenceTrainer
from tiny_families import build_family
from tiny_models import save_images
from tiny_unknown import build_unknown

SAYS = {
    "aya_vision": "shared prefix is exact",
    "lighton_ocr": "shared prefix is exact",
    "paddleocr_vl": "shared prefix differs; training with separate passes (largest difference",
    "qwen3_5": "no shared prefix; training with separate passes (Qwen3_5ForConditionalGeneration: "
    "layers of type linear_attention)",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    save_images(folder, 2, size_px=(60, 24))
    (folder / "image0.png").rename(folder / "wide.png")
    save_images(folder, 1, size_px=(30, 44))
    return folder


@pytest.fixture(params=SAYS)
def loaded(request, tmp_path):
    model, processor = build_family("qwen3_5") if request.param == "qwen3_5" else build_unknown(request.param)
    model.save_pretrained(tmp_path / "tiny")
    processor.save_pretrained(tmp_path / "tiny")
    return load_model(ModelSettings(str(tmp_path / "tiny")), for_training=True)


def build_trainer(loaded, place, folder, **options):
    words = ("A red cup.", "Two people walking.", "A dog.")
    responses = tuple(Response((Turn("assistant", text),), level=level) for level, text in enumerate(words))
    names = (("wide.png",), ("image0.png", "wide.png"), (), ("image0.png",))
    records = [
        Record(f"r{n}", images, (Turn("user", "Describe it."),), responses, "test") for n, images in enumerate(names)
    ]
    settings = {
        "output_dir": str(folder),
        "objective": "mdpo",
        "records_per_step": 4,
        "max_steps": 2,
        "learning_rate": 1e-3,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "use_cpu": True,
    } | options
    peft = settings.pop("peft_config", None)
    return PreferenceTrainer(
        model=loaded,
        args=PreferenceConfig(**settings),
        train_dataset=LoadedRecords(records, place),
        peft_config=peft,
    )


def read_curve(trainer):
    return [line["loss"] for line in trainer.state.log_history if "loss" in line]


def test_a_folder_trains_and_comes_back(loaded, place, tmp_path):
    trainer = build_trainer(loaded, place, tmp_path / "run")
    trainer.train()
    assert trainer.tree_check.startswith(SAYS[loaded.model.config.model_type])
    curve = read_curve(trainer)
    assert len(curve) == 2
    assert curve[1] < curve[0]
    learning = [name for name, value in trainer.model.named_parameters() if value.requires_grad]
    assert learning
    assert all("language_model" in name or "lm_head" in name for name in learning)
    trainer.save_model(str(tmp_path / "saved"))
    again = load_model(ModelSettings(str(tmp_path / "saved")))
    assert again.adapter.describe() == loaded.adapter.describe()
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


def test_live_and_cached_references_and_any_row_give_one_curve(loaded, place, tmp_path):
    common = {"optim": "sgd", "learning_rate": 0.05, "self_check": False}
    start = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    curves = []
    for number, settings in enumerate(({}, {"reference_cache": None}, {"max_tokens_per_row": 200})):
        loaded.model.load_state_dict(start)
        trainer = build_trainer(loaded, place, tmp_path / f"run{number}", **common, **settings)
        trainer.train()
        assert (trainer.tree_check is not None) or not isinstance(loaded.adapter, GenericAdapter)
        curves.append(read_curve(trainer))
    assert curves[1] == pytest.approx(curves[0], abs=1e-4)
    assert curves[2] == pytest.approx(curves[0], abs=1e-4)


def test_lora_trains(loaded, place, tmp_path):
    trainer = build_trainer(loaded, place, tmp_path / "run", peft_config=LoraSettings(r=4).build())
    trainer.train()
    assert len(read_curve(trainer)) == 2


def test_a_folder_answers_as_one_by_one(loaded, place):
    loaded.model.eval()
    questions = [
        Question("wide", ("wide.png",), (Turn("user", "What?"),)),
        Question("tall", ("image0.png",), (Turn("user", "Describe the picture on the wooden table."),)),
        Question("text", (), (Turn("user", "Is there a dog?"),)),
        Question("two", ("image0.png", "wide.png"), (Turn("user", "<image> or <image>?"),)),
    ]
    settings = [GenerationSettings(max_tokens=8, batch_size=size) for size in (4, 1)]
    together, alone = ([a.text for a in generate(loaded, questions, s, image_root=place)] for s in settings)
    assert together == alone
    assert len(set(together)) > 1


def test_beams_of_an_unknown_model_are_refused(loaded, place):
    if isinstance(loaded.adapter, GenericAdapter):
        question = Question("text", (), (Turn("user", "Is there a dog?"),))
        with pytest.raises(ModelError, match="num_beams 1"):
            generate(loaded, [question], GenerationSettings(max_tokens=8, num_beams=2), image_root=place)


def test_a_model_of_one_image_is_asked_one_by_one(place):
    model, processor = build_unknown("vipllava")
    adapter = GenericAdapter(processor, model.config, ModelSettings("single"))
    adapter.is_checked, adapter.one_image_because = True, "ValueError: one image, please"
    seen = []
    model.register_forward_pre_hook(lambda _m, _a, given: seen.append(len(given["input_ids"])), with_kwargs=True)
    questions = [Question(f"q{n}", ("wide.png",), (Turn("user", "What?"),)) for n in range(3)]
    generate(
        LoadedModel(model, processor, adapter, "single"), questions, GenerationSettings(max_tokens=2), image_root=place
    )
    assert set(seen) == {1}


@pytest.mark.parametrize(("name", "served"), [("gemma3", False), ("lighton_ocr", True)])
def test_half_precision_does_not_hide_masks(name, served, place, tmp_path):
    """Where a processor marks image tokens, a mask may depend on them, and bfloat16 could not tell."""
    model, processor = build_unknown(name)
    adapter = GenericAdapter(processor, model.config, ModelSettings(name))
    loaded = LoadedModel(model.to(torch.bfloat16).train(), processor, adapter, name)
    trainer = build_trainer(loaded, place, tmp_path / "run", max_steps=1)
    trainer.train()
    assert trainer.tree_check.startswith("shared prefix is exact" if served else "no shared prefix")
    assert served or "token_type_ids, and rounding in bfloat16" in trainer.tree_check
