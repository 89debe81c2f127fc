"""A short script written for TRL runs here with other imports and another config class, and gives the same losses."""

from __future__ import annotations

import datasets
import pytest

import tiny_models
from errata.errors import ConfigError
from errata.images import open_image
from errata.models.templates import VICUNA
from errata.training import PreferenceConfig

SCRIPT = """
from datasets import load_from_disk
from transformers import AutoProcessor, LlavaForConditionalGeneration
from trl import DPOConfig, DPOTrainer

model = LlavaForConditionalGeneration.from_pretrained(MODEL)
processor = AutoProcessor.from_pretrained(MODEL)
for part in (model.model.vision_tower, model.model.multi_modal_projector):
    part.requires_grad_(False)

args = DPOConfig(
    output_dir=OUT,
    beta=0.3,
    loss_type=LOSS_TYPE,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=2,
    learning_rate=1e-2,
    lr_scheduler_type="constant",
    optim="sgd",
    max_steps=4,
    max_length=512,
    logging_steps=1,
    save_strategy="no",
    bf16=False,
    use_cpu=True,
    disable_tqdm=True,
)
trainer = DPOTrainer(model=model, args=args, train_dataset=load_from_disk(DATA), processing_class=processor)
trainer.train()
"""


def move_over(script: str) -> str:
    return script.replace(
        "from trl import DPOConfig, DPOTrainer",
        "from errata.training import PreferenceConfig, PreferenceTrainer as DPOTrainer",
    ).replace("DPOConfig(", "PreferenceConfig(")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the script is told. Four rows are one step, so that the order does not matter."""
    folder = tmp_path_factory.mktemp("trl")
    model = tiny_models.save_tiny_model(folder / "model", chat_template=VICUNA)
    tiny_models.save_images(folder, 4)
    rows = [
        {
            "images": [open_image(folder / f"image{i}.png")],
            "prompt": [{"role": "user", "content": "What is on the table?" + " Describe." * i}],
            "chosen": [{"role": "assistant", "content": "A red cup" + " and a small dog" * (i % 2) + "."}],
            "rejected": [{"role": "assistant", "content": "Two people" + " walking" * i + "."}],
        }
        for i in range(4)
    ]
    datasets.Dataset.from_list(rows).save_to_disk(str(folder / "data"))
    return {"MODEL": str(model), "DATA": str(folder / "data"), "OUT": str(folder / "out")}


def run_script(script: str, names: dict[str, str]) -> list[float]:
    space = dict(names)
    exec(compile(script, "script.py", "exec"), space)
    return [line["loss"] for line in space["trainer"].state.log_history if "loss" in line]


def test_a_script_moves_over(names, tmp_path):
    losses = run_script(move_over(SCRIPT), names | {"LOSS_TYPE": "sigmoid", "OUT": str(tmp_path)})
    assert len(losses) == 4
    assert losses[0] == pytest.approx(0.6931, abs=1e-4)
    assert losses[-1] < losses[0]


@pytest.mark.filterwarnings("ignore")  # TRL's own
@pytest.mark.parametrize("loss_type", ["sigmoid", "hinge", "ipo"])
def test_losses_are_those_of_trl(names, loss_type, tmp_path):
    names = names | {"LOSS_TYPE": loss_type, "OUT": str(tmp_path)}
    assert run_script(move_over(SCRIPT), names) == pytest.approx(run_script(SCRIPT, names), rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss_type": "nca_pair"}, "choose an `objective`"),
        ({"loss_type": ["sigmoid", "sft"]}, "sigmoid, sft"),
        ({"loss_type": "ipo", "objective": "dpo"}, "keep one of them"),
        ({"sync_ref_model": True}, "sync_ref_model: true"),
        ({"truncation_mode": "keep_end"}, "set aside, not cut"),
        ({"padding_free": True}, "rows hold no padding"),
        ({"objective": "dppo"}, "ddpo|dpo"),
        ({"beta": -1.0}, "beta"),
        ({"beta": 0.0}, "beta: 0; expected above 0 where nothing but pairs teaches"),
        ({"records_per_step": 0}, "records_per_step: 0"),
        ({"remove_unused_columns": True}, "remove_unused_columns"),
    ],
)
def test_what_would_mean_something_else_is_refused(settings, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        PreferenceConfig(output_dir=str(tmp_path), use_cpu=True, **settings)


def test_names_of_trl_keep_their_meaning(tmp_path):
    config = PreferenceConfig(
        output_dir=str(tmp_path), use_cpu=True, per_device_train_batch_size=3, gradient_accumulation_steps=2
    )
    assert config.step_records == 6
    assert config.reference_folder == tmp_path / "reference"
    live = PreferenceConfig(output_dir=str(tmp_path), use_cpu=True, precompute_ref_log_probs=False, loss_type="hinge")
    assert live.reference_folder is None
    assert live.build_objective().link == "hinge"
