"""Every preset from records to steps: K from 2 to 8 with ties, several rounds, and the settings of the command line."""

from __future__ import annotations

import json
import math

import pytest

from errata.cli import main
from errata.corrections import diff_segments
from errata.data import LoadedRecords
from errata.objectives import PRESETS, find_pairs
from errata.records import Record, Response, Turn, write_records
from training_checks import read_curve

WORDS = ("cup", "dog", "table", "street", "people", "photo", "picture", "cat")
LN2 = math.log(2)
# What a step costs while the policy is its reference, so that every log-ratio is zero.
AT_START = {
    "dpo": LN2,
    "ddpo": LN2,
    "ddpo-release": LN2,
    "mdpo": LN2,
    "mdpo-release": LN2,
    "dense-mdpo": LN2,
    "rlaifv": LN2,
    "ipo": (1 / 0.2) ** 2,
    "hinge": 1.0,
    "conditional-dpo": 3 * LN2,
}


def build_record(k, images):
    """K responses of two rounds; the last two are a tie where K is above 2, the first two where it is above 4."""
    texts = [(f"A red {WORDS[i]} on the wooden table.", "Yes, a small dog." if i % 2 else "No.") for i in range(k)]
    levels = [max(0, i - 1) if k > 4 else i for i in range(k)]
    if k > 2:
        levels[-1] = levels[-2]
    responses = []
    for (first, second), level in zip(texts, levels, strict=True):
        turns = (Turn("assistant", first), Turn("user", "Is there a dog?"), Turn("assistant", second))
        pairs = ((first, texts[0][0], 0), (second, texts[0][1], 1)) if level else ()
        segments = tuple(s for own, better, number in pairs for s in diff_segments(own, better, round=number))
        responses.append(Response(turns, level, segments))
    return Record(f"k{k}", (images[k % len(images)],), (Turn("user", "What is it?"),), tuple(responses))


@pytest.fixture(scope="module")
def levels_data(image_folder):
    images = sorted(path.name for path in image_folder.iterdir())
    return LoadedRecords([build_record(k, images) for k in range(2, 9)], image_folder)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_learns_from_two_to_eight_responses(build_trainer, levels_data, name):
    trainer = build_trainer(
        {"train_dataset": levels_data}, objective=name, records_per_step=7, num_train_epochs=4, anchor_weight=0.01
    )
    trainer.train()
    curve = read_curve(trainer)
    if name in AT_START:
        expected = AT_START[name] - (0.99 * LN2 if name == "conditional-dpo" else 0.0)
        assert curve[0] == pytest.approx(expected, rel=1e-4)
    assert curve[-1] < curve[0]
    sizes = [len(record.sample.responses) for record in trainer.train_dataset.records]
    assert sizes == ([1, 1, 1, 2, 2, 2, 2] if name == "sft" else list(range(2, 9)))


def test_presets_here_are_all_there_are():
    assert set(AT_START) == set(PRESETS) - {"sft", "simpo"}  # they have no reference to start from


def test_corrections_and_later_rounds_multiply(build_trainer, levels_data):
    data = build_trainer({"train_dataset": levels_data}, objective="dense-mdpo", round_weight=0.05).train_dataset
    for record in data.records:
        sample = record.sample
        for response, weights in zip(sample.responses, sample.token_weights, strict=True):
            by_round = [
                {weight for weight, number in zip(weights, response.round_index, strict=True) if number == wanted}
                for wanted in range(2)
            ]
            # A user's words weigh 0; they count to the round before.
            assert by_round[0] <= {0.0, 1.0, 5.0}
            assert by_round[1] <= {1.05, 5.25}
        assert 5.0 in sample.token_weights[-1]
    assert {5.25, 1.05} <= set(data.records[0].sample.token_weights[1])


def test_pairs_of_levels_with_ties(levels_data):
    for record in levels_data.records:
        levels = record.levels
        every = find_pairs(levels, "all_pairs")
        assert len(every) == sum(a < b for i, a in enumerate(levels) for b in levels[i + 1 :])
        assert all(levels[better] == 0 for better, _ in find_pairs(levels, "best_vs_rest"))


def test_label_smoothing_from_the_command_line(tiny_folder, image_folder, records, tmp_path):
    pairs = [record for record in records if len(record.responses) == 2]
    write_records(tmp_path / "pairs.jsonl", pairs)

    def run(name, *overrides):
        words = [
            *("train", "dpo", f"model.name={tiny_folder}", f"data={tmp_path / 'pairs.jsonl'}"),
            *(f"image_root={image_folder}", f"out={tmp_path / name}", f"records_per_step={len(pairs)}"),
            *("max_steps=2", "optim=sgd", "lr_scheduler_type=constant", "warmup_steps=0", "weight_decay=0"),
            *("max_grad_norm=1e9", "logging_steps=1", "save_strategy=no", "use_cpu=true"),
        ]
        assert main([*words, *overrides]) == 0
        lines = [json.loads(line) for line in (tmp_path / name / "log.jsonl").read_text().splitlines()]
        return [line for line in lines if "loss" in line]

    plain = run("plain", "learning_rate=0.08")
    # Where policy and reference are one, smoothing scales the gradient by 1 − 2ε: both runs make the same first step.
    smooth = run("smooth", "learning_rate=0.1", "label_smoothing=0.1")
    margin = plain[1]["rewards/margins"]
    assert margin > 1e-3
    assert smooth[1]["rewards/margins"] == pytest.approx(margin, rel=1e-3)
    # −(1 − ε)·log σ(x) − ε·log σ(−x) = −log σ(x) + ε·x, and margins are x.
    assert smooth[1]["loss/preference"] == pytest.approx(plain[1]["loss/preference"] + 0.1 * margin, abs=1e-5)
