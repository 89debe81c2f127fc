"""Mixtures: each record is seen as often as its part's weight says, and a run goes on with the parts it began with."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from errata.config import load_settings
from errata.data import DataPart, LoadedRecords, Portion, load_mixture
from errata.errors import ConfigError, DataError
from errata.records import write_records
from errata.training import TrainRun, train
from errata.training.sampler import StepSampler


def draw(sampler: StepSampler, epoch: int) -> list[int]:
    sampler.set_epoch(epoch)
    return [record for (batch,) in sampler for record in batch.records]


def build_sampler(*portions: Portion, **options) -> StepSampler:
    total = sum(portion.count for portion in portions)
    defaults = {"records_per_step": 4, "seed": 0, "portions": portions}
    return StepSampler([1] * total, **(defaults | options))


def test_an_epoch_sees_each_record_as_often_as_its_weight_says():
    sampler = build_sampler(Portion(10, 2.0), Portion(100, 0.25), Portion(8, 1.5))
    seen = Counter(draw(sampler, 0))
    assert all(seen[record] == 2 for record in range(10))
    assert sum(seen[record] for record in range(10, 110)) == 25
    assert max(seen[record] for record in range(10, 110)) == 1
    assert sum(seen[record] for record in range(110, 118)) == 12
    assert {seen[record] for record in range(110, 118)} == {1, 2}
    assert sampler.steps == len(sampler) == -(-(20 + 25 + 12) // 4)


def test_a_share_is_drawn_anew_for_every_epoch_and_again_for_the_same():
    sampler = build_sampler(Portion(100, 0.5))
    first, second = draw(sampler, 0), draw(sampler, 1)
    assert set(first) != set(second)
    assert len(first) == len(second) == 50
    assert draw(build_sampler(Portion(100, 0.5)), 1) == second
    assert set(draw(build_sampler(Portion(100, 0.5), seed=1), 0)) != set(first)
    assert len({record for epoch in range(12) for record in draw(sampler, epoch)}) == 100


def test_no_part_is_lost_and_an_empty_one_is_nothing():
    assert sorted(draw(build_sampler(Portion(2, 0.01), Portion(0, 3.0), Portion(1, 1.0)), 0)) in ([0, 2], [1, 2])


def test_an_image_that_is_missing_is_named_with_the_root_of_its_part(tmp_path):
    row = '{"id": "r", "images": ["none.png"], "prompt": "What?", "responses": [{"level": 0, "text": "A."}]}'
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "x.jsonl").write_text(row)
    root = re.escape(str(tmp_path / "part"))
    with pytest.raises(DataError, match=rf"record 'r': none.png: no such file.*the path and the image root {root}$"):
        load_mixture([DataPart(tmp_path / "part" / "x.jsonl")], import_dir=tmp_path / "data")
    aside = []
    parts = [DataPart(tmp_path / "part" / "x.jsonl")]
    assert load_mixture(parts, import_dir=tmp_path / "data", on_bad=aside.append).records == []
    assert len(aside) == 1


def test_parts_that_are_seen_once_come_in_the_order_of_one_file():
    mixed = build_sampler(Portion(7, 1.0), Portion(5, 1.0))
    assert draw(mixed, 3) == draw(StepSampler([1] * 12, records_per_step=4, seed=0), 3)


def test_shares_of_processes_make_up_the_same_steps():
    options = {"portions": [Portion(6, 1.5), Portion(6, 0.5)]}
    one = build_sampler(*options["portions"])
    two = [build_sampler(*options["portions"], processes=2, rank=rank) for rank in range(2)]
    together = [sorted(a.records + b.records) for (a,), (b,) in zip(*two, strict=True)]
    assert together == [sorted(batch.records) for (batch,) in one]


# Files


@pytest.fixture
def parts(records, image_folder, tmp_path) -> tuple[DataPart, ...]:
    """Two files of the same name with the same ids, the second with images of its own."""
    for name, chosen in (("a", records[:6]), ("b", records[3:9])):
        write_records(tmp_path / name / "train.jsonl", chosen)
    shutil.copytree(image_folder, tmp_path / "b", dirs_exist_ok=True)
    return DataPart(tmp_path / "a" / "train.jsonl", 2.0), DataPart(tmp_path / "b" / "train.jsonl", 0.5, tmp_path / "b")


def test_parts_keep_their_images_and_get_ids_of_their_own(parts, image_folder, tmp_path):
    loaded = load_mixture(parts, image_folder, import_dir=tmp_path / "data")
    assert [record.id for record in loaded.records[5:8]] == ["train/r5", "train.2/r3", "train.2/r4"]
    assert loaded.portions == (Portion(6, 2.0), Portion(6, 0.5))
    assert Path(loaded.records[0].images[0]).parent == image_folder
    assert Path(loaded.records[6].images[0]).parent == tmp_path / "b"


def test_an_image_outside_of_its_part_is_refused(records, parts, image_folder, tmp_path):
    inside = DataPart(tmp_path / "c.jsonl", image_root=tmp_path / "b")
    row = (tmp_path / "a" / "train.jsonl").read_text().splitlines()[0].replace("image0.png", "../image0.png")
    inside.path.write_text(row + "\n")
    with pytest.raises(DataError, match=r"record 'r0': \.\./image0\.png: it leads to"):
        load_mixture([*parts, inside], image_folder, import_dir=tmp_path / "data")
    aside = []
    loaded = load_mixture([*parts, inside], image_folder, import_dir=tmp_path / "data", on_bad=aside.append)
    assert loaded.portions[2].count == 0
    assert "record 'r0'" in aside[0].where


@pytest.mark.parametrize("weight", [0.0, -1.0, float("inf"), 1e9])
def test_a_weight_is_a_number_of_times(weight):
    with pytest.raises(ConfigError, match=r"weight of a\.json"):
        DataPart(Path("a.json"), weight)


def test_records_that_are_set_aside_leave_their_portion(build_trainer, records, image_folder):
    longest = max(len(response.text) for record in records for response in record.responses)
    kept = [all(len(response.text) < longest for response in record.responses) for record in records]
    data = LoadedRecords(records, image_folder, (Portion(4, 1.0), Portion(8, 2.0)))
    whole = build_trainer({"train_dataset": data}).train_dataset
    limit = max(length for length, keep in zip(whole.lengths, kept, strict=True) if keep)
    trainer = build_trainer({"train_dataset": data}, max_tokens_per_row=limit)
    left = [length <= limit for length in whole.lengths]
    assert 0 < len(trainer.set_aside) == left.count(False)
    assert trainer.train_dataset.portions == (Portion(sum(left[:4]), 1.0), Portion(sum(left[4:]), 2.0))


@pytest.fixture
def overrides(tiny_folder, image_folder, parts, tmp_path):
    listed = [{"path": str(part.path), "weight": part.weight} for part in parts]
    listed[1]["image_root"] = str(tmp_path / "b")
    (tmp_path / "mix.yaml").write_text(yaml.safe_dump({"objective": "ddpo", "data": listed}))
    return [
        f"model.name={tiny_folder}",
        f"image_root={image_folder}",
        f"out={tmp_path / 'run'}",
        "records_per_step=4",
        "learning_rate=1e-3",
        "num_train_epochs=2",
        "save_steps=3",
        "save_total_limit=9",
        "disable_tqdm=true",
        "use_cpu=true",
    ]


def run(tmp_path, overrides, *more):
    return train(load_settings(TrainRun, tmp_path / "mix.yaml", [*overrides, *more]))


def test_a_mixture_trains_and_an_earlier_checkpoint_leads_to_the_same_weights(overrides, tmp_path):
    whole = run(tmp_path, overrides)
    assert whole.steps == 2 * -(-(6 * 2 + 3) // 4)
    weights = load_file(whole.model / "model.safetensors")
    for left in ("checkpoint-6", "checkpoint-8", "model", "result.json"):
        path = whole.out / left
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    continued = run(tmp_path, overrides)
    assert continued.resumed_from == whole.out / "checkpoint-3"
    found = load_file(continued.model / "model.safetensors")
    assert all(torch.equal(value, weights[name]) for name, value in found.items())


def test_a_mixture_goes_on_with_the_parts_it_began_with(overrides, parts, tmp_path):
    run(tmp_path, overrides, "max_steps=1")
    with pytest.raises(ConfigError, match=r"data was .*'weight': 2\.0"):
        run(tmp_path, overrides, "max_steps=1", "data.0.weight=3")
    lines = parts[1].path.read_text().splitlines()
    parts[1].path.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(ConfigError, match="other data") as caught:
        run(tmp_path, overrides, "max_steps=1")
    assert caught.value.where == str(parts[1].path)
    assert run(tmp_path, overrides, "max_steps=1", "fresh=true").steps == 1


def test_an_empty_mixture_is_refused(overrides, tmp_path):
    with pytest.raises(ConfigError, match="data: an empty list"):
        run(tmp_path, overrides, "data=[]")
