"""Arithmetic by hand and identities between methods."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor

from errata.errors import DataError

LEVELS = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(
    lambda levels: [0, *sorted(level + 1 for level in levels)]
)


def scores(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    policy, reference = torch.randn(2, n, generator=generator, dtype=torch.float64) * 5 - 20
    return policy.requires_grad_(), reference


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_a_pair_by_hand(objectives: ModuleType) -> None:
    output = objectives.preference_loss(
        objectives.build_objective("dpo"), torch.tensor([-10.0, -12.0]), torch.tensor([-11.0, -11.0]), [(0, (0, 1))]
    )
    assert output.losses.tolist() == pytest.approx([-math.log(sigma(0.1 * (1 - -1)))])
    assert output.rewards.tolist() == pytest.approx([0.1, -0.1])
    assert output.margins.tolist() == pytest.approx([0.2])
    assert output.accuracies.tolist() == [1.0]


def test_three_levels_with_both_anchors_by_hand(objectives: ModuleType) -> None:
    d = torch.tensor([-2.0, 1.0, 0.5])
    costs = [-math.log(sigma(0.1 * (d[i] - d[j]))) for i, j in ((0, 1), (0, 2), (1, 2))]
    for anchor, penalty in (("none", 0.0), ("unbounded", 2.0), ("clamped", 2.0)):
        objective = objectives.build_objective("mdpo", anchor=anchor, anchor_weight=0.5)
        loss = objectives.preference_loss(objective, d, torch.zeros(3), [(0, (0, 1, 2))]).losses
        assert loss.tolist() == pytest.approx([sum(costs) / 3 + 0.5 * penalty * 2 / 3])


@pytest.mark.parametrize(("anchor", "gain"), [("none", 0.0), ("unbounded", -3.0), ("clamped", 0.0)])
def test_only_the_unbounded_anchor_rewards_a_level_0_that_is_kept(
    objectives: ModuleType, anchor: str, gain: float
) -> None:
    policy, reference = torch.tensor([3.0, 0.0]), torch.zeros(2)
    plain = objectives.preference_loss(objectives.build_objective("dpo"), policy, reference, [(0, (0, 1))])
    objective = objectives.build_objective("dpo", anchor=anchor)
    found = objectives.preference_loss(objective, policy, reference, [(0, (0, 1))])
    assert (found.losses - plain.losses).tolist() == pytest.approx([gain])


@pytest.mark.parametrize("name", ["mdpo", "mdpo-release"])
def test_two_levels_without_anchor_are_dpo(objectives: ModuleType, name: str) -> None:
    policy, reference = scores(8)
    records = [(2 * i, (0, 1)) for i in range(4)]
    dpo = objectives.preference_loss(objectives.build_objective("dpo"), policy, reference, records)
    mdpo = objectives.preference_loss(objectives.build_objective(name, anchor="none"), policy, reference, records)
    torch.testing.assert_close(mdpo.losses, dpo.losses)


def test_dense_mdpo_of_a_pair_is_ddpo_with_the_clamped_anchor(objectives: ModuleType) -> None:
    policy, reference = scores(2)
    dense, ddpo = objectives.build_objective("dense-mdpo"), objectives.build_objective("ddpo", anchor="clamped")
    found = [objectives.preference_loss(o, policy, reference, [(0, (0, 1))]).losses for o in (dense, ddpo)]
    torch.testing.assert_close(*found)


def test_unit_weights_are_plain_dpo(objectives: ModuleType) -> None:
    logps, index = -torch.rand(12), torch.arange(12) // 3
    plain = objectives.aggregate(logps, torch.ones(12), index, 4, "sum")
    torch.testing.assert_close(plain, logps.reshape(4, 3).sum(dim=1))
    torch.testing.assert_close(objectives.aggregate(logps, torch.ones(12), index, 4, "mean"), plain / 3)
    doubled = objectives.aggregate(logps, torch.full((12,), 2.0), index, 4, "mean")
    torch.testing.assert_close(doubled, plain / 3)


def test_tokens_may_stand_in_any_order(objectives: ModuleType) -> None:
    logps, weights, index = -torch.rand(12), torch.rand(12) + 0.1, torch.arange(12) % 4
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    one = objectives.aggregate(logps, weights, index, 4, "mean")
    torch.testing.assert_close(one, objectives.aggregate(logps[order], weights[order], index[order], 4, "mean"))


def test_half_precision_is_summed_in_single(objectives: ModuleType) -> None:
    logps = torch.full((4096,), -1.0, dtype=torch.bfloat16)
    found = objectives.aggregate(logps, torch.ones(4096), torch.zeros(4096, dtype=torch.long), 1, "sum")
    assert found.dtype == torch.float32
    assert found.tolist() == [-4096.0]


def test_the_unbounded_anchor_is_sft_with_weight_two_over_k(objectives: ModuleType) -> None:
    for k in (2, 3, 4, 5):
        policy, reference = scores(k, seed=k)
        anchored, sft = (
            objectives.build_objective("mdpo", **choice) for choice in ({}, {"anchor": "none", "sft_weight": 2 / k})
        )
        gradients = [
            torch.autograd.grad(objectives.preference_loss(o, policy, reference, [(0, range(k))]).losses.sum(), policy)[
                0
            ]
            for o in (anchored, sft)
        ]
        torch.testing.assert_close(*gradients)


def test_smoothing_flips_in_ours_and_only_scales_in_the_release(objectives: ModuleType) -> None:
    policy, reference = torch.tensor([-1.0, -4.0]), torch.zeros(2)
    right, flipped = -math.log(sigma(0.3)), -math.log(sigma(-0.3))
    for name, expected in (("dpo", 0.9 * right + 0.1 * flipped), ("mdpo-release", 0.9 * right)):
        objective = objectives.build_objective(name, label_smoothing=0.1, anchor="none")
        loss = objectives.preference_loss(objective, policy, reference, [(0, (0, 1))]).losses
        assert loss.tolist() == pytest.approx([expected])


def test_simpo_ipo_and_hinge_by_hand(objectives: ModuleType) -> None:
    policy, reference = torch.tensor([-1.0, -1.5]), torch.tensor([-1.2, -1.4])
    expected = {
        "simpo": -math.log(sigma(2.0 * 0.5 - 1.0)),
        "ipo": (0.3 - 1 / 0.2) ** 2,
        "hinge": 1 - 0.1 * 0.3,
    }
    for name, value in expected.items():
        objective = objectives.build_objective(name)
        used = reference if objective.needs_reference else None
        assert objectives.preference_loss(objective, policy, used, [(0, (0, 1))]).losses.tolist() == pytest.approx(
            [value]
        )


def test_sft_raises_level_0_and_needs_nothing_to_compare(objectives: ModuleType) -> None:
    policy = torch.tensor([-1.0, -2.0, -3.0, -5.0], requires_grad=True)
    records = [(0, (0,)), (1, (0, 0, 1))]
    output = objectives.preference_loss(objectives.build_objective("sft"), policy, None, records)
    assert output.losses.tolist() == pytest.approx([1.0, 2.5])
    assert len(output.margins) == len(output.accuracies) == 0
    assert set(output.metrics) == {"loss/sft"}
    (gradient,) = torch.autograd.grad(output.losses.sum(), policy)
    assert gradient.tolist() == [-1.0, -0.5, -0.5, 0.0]


@given(
    st.lists(LEVELS, min_size=1, max_size=4), st.sampled_from(["dpo", "mdpo", "dense-mdpo", "ipo", "hinge", "simpo"])
)
def test_a_batch_of_mixed_records_is_its_records_one_by_one(
    objectives: ModuleType, batch: list[list[int]], name: str
) -> None:
    objective = objectives.build_objective(name, sft_weight=0.3)
    starts = [sum(map(len, batch[:i])) for i in range(len(batch))]
    policy, reference = scores(sum(map(len, batch)))
    together = objectives.preference_loss(objective, policy, reference, list(zip(starts, batch, strict=True)))
    alone = [
        objectives.preference_loss(
            objective, policy[start : start + len(levels)], reference[start : start + len(levels)], [(0, levels)]
        )
        for start, levels in zip(starts, batch, strict=True)
    ]
    torch.testing.assert_close(together.losses, torch.cat([one.losses for one in alone]))
    assert together.pair_record.tolist() == [i for i, one in enumerate(alone) for _ in one.margins]
    for metric, values in together.metrics.items():
        torch.testing.assert_close(values, torch.cat([one.metrics[metric] for one in alone if metric in one.metrics]))
        assert not values.requires_grad


@given(LEVELS)
def test_the_loss_is_the_mean_over_every_pair_of_different_levels(objectives: ModuleType, levels: list[int]) -> None:
    policy, reference = scores(len(levels))
    d = (policy - reference).tolist()
    pairs = [(i, j) for i, a in enumerate(levels) for j, b in enumerate(levels) if a < b]
    output = objectives.preference_loss(objectives.build_objective("mdpo"), policy, reference, [(0, levels)])
    costs = [-math.log(sigma(0.1 * (d[i] - d[j]))) - (d[i] if levels[i] == 0 else 0) for i, j in pairs]
    assert output.losses.tolist() == pytest.approx([sum(costs) / len(pairs)])
    assert output.accuracies.mean().item() == pytest.approx(sum(d[i] > d[j] for i, j in pairs) / len(pairs))


def test_gradients_agree_with_finite_differences(objectives: ModuleType) -> None:
    policy, reference = scores(7)
    for name, objective in objectives.PRESETS.items():

        def total(x: Tensor, objective: Any = objective) -> Tensor:
            return objectives.preference_loss(objective, x, reference, [(0, (0, 1, 1)), (3, (0, 1, 2, 3))]).losses

        assert torch.autograd.gradcheck(total, policy), name


def test_a_record_with_nothing_to_compare_is_named(objectives: ModuleType) -> None:
    policy = torch.zeros(4)
    records = [(0, (0, 1)), (2, (0, 0))]
    with pytest.raises(DataError, match=r"record 1 of the batch: levels \[0, 0\]; expected two responses of different"):
        objectives.preference_loss(objectives.build_objective("dpo"), policy, policy, records)


def test_a_record_without_level_0_is_named(objectives: ModuleType) -> None:
    with pytest.raises(DataError, match=r"record 0 of the batch: .*expected a response of level 0"):
        objectives.preference_loss(objectives.build_objective("mdpo"), torch.zeros(2), torch.zeros(2), [(0, (1, 2))])


def test_missing_reference_scores_are_named(objectives: ModuleType) -> None:
    with pytest.raises(DataError, match="objective 'dpo': none; expected reference scores"):
        objectives.preference_loss(objectives.build_objective("dpo"), torch.zeros(2), None, [(0, (0, 1))])


def test_shapes_are_checked_here(objectives: ModuleType) -> None:
    with pytest.raises(TypeCheckError):
        objectives.preference_loss(objectives.build_objective("dpo"), torch.zeros(2), torch.zeros(3), [(0, (0, 1))])
