"""The table of methods says what the papers and the releases say, and refuses what makes no sense."""

from __future__ import annotations

import re
from typing import Any

import pytest

from errata import objectives
from errata.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("ddpo", {"beta": 0.5, "corrected_weight": 5.0, "reduction": "mean", "weights": "segments"}),
        ("ddpo-release", {"beta": 0.1, "corrected_weight": 1.1, "reduction": "sum", "weights": "released"}),
        ("mdpo", {"anchor": "unbounded", "anchor_weight": 1.0, "pairing": "all_pairs", "round_weight": 0.0}),
        ("mdpo-release", {"anchor": "unbounded", "beta": 0.1, "reduction": "sum", "round_weight": 0.05}),
        ("dense-mdpo", {"pairing": "all_pairs", "weights": "segments", "anchor": "clamped"}),
        ("dpo", {"beta": 0.1, "reduction": "sum", "weights": "none", "anchor": "none"}),
        ("conditional-dpo", {"beta": 0.1, "image_weight": 1.0, "anchor": "logistic", "anchor_weight": 1.0}),
        ("conditional-dpo", {"anchor_margin": 0.0, "reduction": "sum", "pairing": "best_vs_rest"}),
        ("rlaifv", {"beta": 0.1, "reduction": "sum", "weights": "none", "anchor": "none"}),
    ],
)
def test_the_numbers_of_paper_and_release(name: str, choices: dict[str, Any]) -> None:
    preset = objectives.PRESETS[name]
    assert {key: getattr(preset, key) for key in choices} == choices


def test_names_and_links_are_complete() -> None:
    assert all(name == preset.name for name, preset in objectives.PRESETS.items())
    assert {preset.link for preset in objectives.PRESETS.values()} == set(objectives.LINKS)


def test_label_smoothing_is_a_setting_of_every_logistic_preset() -> None:
    smoothed = {name for name, preset in objectives.PRESETS.items() if preset.link in ("logistic", "scaled_logistic")}
    assert smoothed == set(objectives.PRESETS) - {"ipo", "hinge"}
    assert all(objectives.build_objective(name, label_smoothing=0.1).label_smoothing == 0.1 for name in smoothed)


def test_only_sft_and_simpo_do_without_a_reference() -> None:
    assert {name for name, preset in objectives.PRESETS.items() if not preset.needs_reference} == {"sft", "simpo"}


def test_an_override_changes_one_choice() -> None:
    changed = objectives.build_objective("ddpo", beta=1)
    assert (changed.beta, changed.corrected_weight, changed.name) == (1, 5.0, "ddpo")


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("ddpo-realease", {}, "objective: 'ddpo-realease'; expected one of sft, .*; did you mean 'ddpo-release'?"),
        ("xyz", {}, "objective: 'xyz'; .*; choose one of them"),
        ("dpo", {"betta": 1.0}, "objective.betta: 'betta'; .*; did you mean 'beta'?"),
        ("dpo", {"link": "logistik"}, "objective.link: 'logistik'; .*; did you mean 'logistic'?"),
        ("dpo", {"beta": "0.1"}, "objective.beta: '0.1'; expected a finite number"),
        ("dpo", {"beta": True}, "objective.beta: True; expected a finite number"),
        ("dpo", {"beta": float("nan")}, "objective.beta: nan; expected a finite number"),
        ("dpo", {"beta": -1.0}, "objective.beta: -1.0; expected 0 or more"),
        ("ipo", {"beta": 0.0}, "objective.beta: 0.0; expected above 0 with link 'squared'"),
        ("ddpo", {"corrected_weight": 0.0}, "objective.corrected_weight: 0.0; expected a number above 0"),
        ("dpo", {"label_smoothing": 0.5}, "objective.label_smoothing: 0.5"),
        ("hinge", {"label_smoothing": 0.1}, "objective.label_smoothing: 0.1; expected 0 with link 'hinge'"),
        ("ipo", {"target_margin": 0.1}, "objective.target_margin: 0.1; expected 0 with link 'squared'"),
        ("dpo", {"reference_free": "no"}, "objective.reference_free: 'no'; expected true or false"),
        ("simpo", {"anchor": "clamped"}, "objective.anchor: 'clamped'; expected none without pairs and a reference"),
        (
            "dpo",
            {"anchor": "clamped", "anchor_margin": 0.1},
            "objective.anchor_margin: 0.1; expected 0 with anchor 'clam",
        ),
        ("sft", {"image_weight": 1.0}, "objective.image_weight: 1.0; expected 0 when nothing is compared"),
        ("dpo", {"pairing": "none"}, "objective.sft_weight: 0.0; expected above 0 when nothing is compared"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        objectives.build_objective(name, **overrides)
    assert re.match(message.replace("?", r"\?"), str(caught.value))


@pytest.mark.parametrize(
    ("levels", "pairing", "expected"),
    [
        ((0, 1), "best_vs_rest", [(0, 1)]),
        ((0, 1, 2), "all_pairs", [(0, 1), (0, 2), (1, 2)]),
        ((0, 1, 2), "best_vs_rest", [(0, 1), (0, 2)]),
        ((0, 1, 1), "all_pairs", [(0, 1), (0, 2)]),
        ((0, 0, 1), "best_vs_rest", [(0, 2), (1, 2)]),
        ((2, 0, 1), "all_pairs", [(1, 2), (1, 0), (2, 0)]),
        ((0, 0), "all_pairs", []),
        ((0,), "all_pairs", []),
        ((0, 1), "none", []),
    ],
)
def test_pairs_by_hand(levels: tuple[int, ...], pairing: str, expected: list[tuple[int, int]]) -> None:
    assert objectives.find_pairs(levels, pairing) == expected


def test_later_rounds_weigh_more_where_the_objective_says_so() -> None:
    assert objectives.round_weights([0, 1, 2], objectives.PRESETS["mdpo-release"]) == pytest.approx([1.0, 1.05, 1.1])
    assert objectives.round_weights([0, 1, 2], objectives.PRESETS["mdpo"]) == [1.0, 1.0, 1.0]
