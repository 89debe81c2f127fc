"""Records that a model's processor, template or tokenizer refuses, and those that are too long: named, or set aside."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from errata.cli import main
from errata.data import LoadedRecords
from errata.errors import DataError
from errata.models import ModelSettings, load_model
from errata.records import Record, Response, Turn
from errata.storage import write_json_lines
from errata.training import PreferenceConfig, PreferenceTrainer
from tiny_families import build_family
from tiny_models import save_images

ANSWERS = (Response((Turn("assistant", "A red cup."),), 0), Response((Turn("assistant", "A blue dog."),), 1))


def record(name, image, answers=ANSWERS):
    return Record(name, (image,), (Turn("user", "What is on the table?"),), answers)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    save_images(root, 2)
    Image.new("RGB", (900, 4)).save(root / "banner.png")
    Image.new("RGB", (640, 480), "red").save(root / "large.png")
    for family in ("qwen2_5_vl", "paligemma", "llava_next"):
        model, processor = build_family(family)
        model.save_pretrained(root / family)
        processor.save_pretrained(root / family)
    path = root / "qwen2_5_vl" / "preprocessor_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["size"]["longest_edge"] = 1_000_000  # pictures of any size, as the family's checkpoints have it
    path.write_text(json.dumps(config), encoding="utf-8")
    return root


def build(place, tmp_path, records, family="qwen2_5_vl", limits=None, **settings):
    loaded = load_model(ModelSettings(str(place / family), **(limits or {})), for_training=True)
    stated = {"output_dir": str(tmp_path), "objective": "dpo", "use_cpu": True, "report_to": [], "disable_tqdm": True}
    args = PreferenceConfig(**stated | {"records_per_step": 1, "max_steps": 1, "save_strategy": "no"} | settings)
    return PreferenceTrainer(loaded, args=args, train_dataset=LoadedRecords(records, place))


def write(place, *names):
    rows = [{"id": f"r-{name}", "images": [name], "prompt": "What is it?"} for name in names]
    responses = [{"level": 0, "text": "A red cup."}, {"level": 1, "text": "A blue dog."}]
    path = place / f"{'-'.join(names)}.jsonl"
    write_json_lines(path, [row | {"responses": responses} for row in rows])
    return path


@pytest.mark.parametrize("verb", ["train", "sft"])
def test_a_banner_is_named_and_can_be_set_aside(place, tmp_path, verb, capsys):
    data = write(place, "image0.png", "banner.png")
    recipe = "dpo" if verb == "train" else "sft"
    command = [verb, recipe, f"model.name={place / 'qwen2_5_vl'}", f"data={data}", "records_per_step=1", "max_steps=1"]
    assert main([*command, "--out", str(tmp_path / "a")]) == 2
    said = capsys.readouterr().err
    assert "record 'r-banner.png': banner.png: 900 x 4 pixels" in said
    assert "--skip-bad" in said
    assert main([*command, "--out", str(tmp_path / "b"), "--skip-bad"]) == 3
    (row,) = map(json.loads, (tmp_path / "b" / "bad.jsonl").read_text(encoding="utf-8").splitlines())
    assert row["id"] == "r-banner.png"


def test_a_conversation_that_a_template_refuses_is_set_aside(place, tmp_path):
    """PaliGemma knows one question and its answer."""
    rounds = (Turn("assistant", "A cup."), Turn("user", "Red?"), Turn("assistant", "Yes."))
    worse = (Turn("assistant", "A dog."), Turn("user", "Red?"), Turn("assistant", "No."))
    long = record("long", "image1.png", (Response(rounds, 0), Response(worse, 1)))
    trainer = build(place, tmp_path, [record("good", "image0.png"), long], "paligemma", skip_bad=True)
    assert [(one.id, "PaliGemma knows one question" in one.reason) for one in trainer.set_aside] == [("long", True)]


def test_a_picture_of_too_many_tokens_names_the_setting(place, tmp_path):
    records = [record("good", "image0.png"), record("large", "large.png")]
    (aside,) = build(place, tmp_path, records, max_length=500).set_aside
    assert aside.id == "large"
    assert "max_length is 500; 4800 of them are images: model.max_pixels makes these smaller" in aside.reason
    assert build(place, tmp_path, records, max_length=500, limits={"max_pixels": 2000}).set_aside == []


def test_a_family_of_one_size_names_no_setting(place, tmp_path):
    with pytest.raises(DataError) as caught:
        build(place, tmp_path, [record("large", "large.png")], "paligemma", max_length=5)
    assert "max_pixels" not in str(caught.value)


def test_more_positions_than_the_model_has_are_named(place, tmp_path):
    loaded = load_model(ModelSettings(str(place / "llava_next")), for_training=True)
    loaded.adapter._config.text_config.max_position_embeddings = 60
    args = PreferenceConfig(output_dir=str(tmp_path), objective="dpo", use_cpu=True, report_to=[], disable_tqdm=True)
    with pytest.raises(DataError, match=r"the model numbers 60 \(max_position_embeddings\); .* model.max_tiles makes"):
        PreferenceTrainer(loaded, args=args, train_dataset=LoadedRecords([record("large", "large.png")], place))


def test_a_limit_is_remembered_by_what_training_writes_and_used_again(place, tmp_path, capsys):
    data = write(place, "large.png", "image0.png")
    command = ["train", "dpo", f"model.name={place / 'qwen2_5_vl'}", f"data={data}", "model.max_pixels=2000"]
    out = tmp_path / "run"
    assert main([*command, "records_per_step=2", "max_steps=1", "--out", str(out)]) == 0
    saved = json.loads((out / "model" / "errata.json").read_text(encoding="utf-8"))
    assert saved["max_pixels"] == 2000
    loaded = load_model(ModelSettings(str(out / "model")))
    assert loaded.adapter.encode_image(Image.open(place / "large.png")).n_tokens <= 2000 // 64
    with pytest.raises(SystemExit):
        main(["generate", "--help"])
    assert "--max-pixels" in capsys.readouterr().out
