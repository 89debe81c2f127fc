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

# K from 2 to 8: ties at every level, the best included, in any order.
LEVELS = (
    st.lists(st.integers(0, 4), min_size=0, max_size=6)
    .flatmap(lambda levels: st.permutations([0, 1, *levels]))
    .map(list)
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
    st.lists(LEVELS, min_size=1, max_size=4),
    st.sampled_from(["dpo", "mdpo", "dense-mdpo", "conditional-dpo", "ipo", "hinge", "simpo"]),
)
def test_a_batch_of_mixed_records_is_its_records_one_by_one(
    objectives: ModuleType, batch: list[list[int]], name: str
) -> None:
    objective = objectives.build_objective(name, sft_weight=0.3)
    # Each record's responses, then those of level 0 under the corrupted image.
    sizes = [len(levels) + levels.count(0) for levels in batch]
    starts = [sum(sizes[:i]) for i in range(len(batch))]
    contrasts = [start + len(levels) for start, levels in zip(starts, batch, strict=True)]
    policy, reference = scores(sum(sizes))
    together = objectives.preference_loss(
        objective, policy, reference, list(zip(starts, batch, strict=True)), contrasts
    )
    alone = [
        objectives.preference_loss(
            objective, policy[start : start + size], reference[start : start + size], [(0, levels)], [len(levels)]
        )
        for start, size, levels in zip(starts, sizes, batch, strict=True)
    ]
    torch.testing.assert_close(together.losses, torch.cat([one.losses for one in alone]))
    assert together.pair_record.tolist() == [i for i, one in enumerate(alone) for _ in one.margins]
    for metric, values in together.metrics.items():
        torch.testing.assert_close(values, torch.cat([one.metrics[metric] for one in alone if metric in one.metrics]))
        assert not values.requires_grad


def log_sigma(x: float) -> float:
    return -math.log1p(math.exp(-x)) if x > -30 else x


COSTS = {
    "logistic": lambda h, o: (
        -(1 - o.label_smoothing) * log_sigma(o.beta * h) - o.label_smoothing * log_sigma(-o.beta * h)
    ),
    "scaled_logistic": lambda h, o: -(1 - o.label_smoothing) * log_sigma(o.beta * h),
    "hinge": lambda h, o: max(0.0, 1 - o.beta * h),
    "squared": lambda h, o: (h - 1 / (2 * o.beta)) ** 2,
}
ANCHORS = {
    "none": lambda d, o: 0.0,
    "unbounded": lambda d, o: -d,
    "clamped": lambda d, o: max(0.0, -d),
    "logistic": lambda d, o: -log_sigma(o.beta * d - o.anchor_margin),
}


@given(
    LEVELS,
    st.sampled_from(["all_pairs", "best_vs_rest"]),
    st.sampled_from(list(COSTS)),
    st.sampled_from(list(ANCHORS)),
    st.sampled_from([0.0, 0.4]),
    st.sampled_from([0.0, 0.7]),
    st.sampled_from([0.0, 0.1]),
)
def test_the_loss_is_that_of_a_plain_loop(
    objectives: ModuleType,
    levels: list[int],
    pairing: str,
    link: str,
    anchor: str,
    sft_weight: float,
    image_weight: float,
    smoothing: float,
) -> None:
    choices: dict[str, Any] = {"pairing": pairing, "link": link, "anchor": anchor, "anchor_weight": 0.3}
    choices |= {"sft_weight": sft_weight, "image_weight": image_weight, "beta": 0.2}
    choices |= {"anchor_margin": 0.5} if anchor == "logistic" else {}
    choices |= {"label_smoothing": smoothing} if link in ("logistic", "scaled_logistic") else {}
    objective = objectives.build_objective("dpo", **choices)
    k = len(levels)
    policy, reference = scores(k + levels.count(0), seed=k)
    d = (policy - reference).tolist()
    preference, accurate = [], []
    for i, better in enumerate(levels):
        for j, worse in enumerate(levels):
            if better < worse and (pairing == "all_pairs" or better == 0):
                pull = ANCHORS[anchor](d[i], objective) if better == 0 else 0.0
                preference.append(COSTS[link](d[i] - d[j], objective) + 0.3 * pull)
                accurate.append(d[i] > d[j])
    best = [i for i, level in enumerate(levels) if level == 0]
    images = [COSTS[link](d[i] - d[k + number], objective) for number, i in enumerate(best)]
    sft = [-policy.tolist()[i] for i in best]
    expected = sum(preference) / len(preference) + sft_weight * sum(sft) / len(sft)
    expected += image_weight * sum(images) / len(images)
    output = objectives.preference_loss(objective, policy, reference, [(0, levels)], [k])
    assert output.losses.tolist() == pytest.approx([expected], rel=1e-9)
    assert output.accuracies.mean().item() == pytest.approx(sum(accurate) / len(accurate))
    assert ("rewards/image_margins" in output.metrics) is bool(image_weight)


@given(LEVELS, st.integers(0, 5000))
def test_the_order_of_a_record_s_responses_changes_nothing(
    objectives: ModuleType, levels: list[int], seed: int
) -> None:
    objective = objectives.build_objective("mdpo", sft_weight=0.3)
    policy, reference = scores(len(levels))
    order = torch.randperm(len(levels), generator=torch.Generator().manual_seed(seed)).tolist()
    one = objectives.preference_loss(objective, policy, reference, [(0, levels)])
    shuffled = [levels[i] for i in order]
    other = objectives.preference_loss(objective, policy[order], reference[order], [(0, shuffled)])
    torch.testing.assert_close(one.losses, other.losses)


@pytest.mark.parametrize("k", range(2, 9))
def test_k_levels_have_k_times_k_minus_one_halves_pairs(objectives: ModuleType, k: int) -> None:
    policy, reference = scores(k)
    for name, pairs in (("mdpo", k * (k - 1) // 2), ("dpo", k - 1)):
        output = objectives.preference_loss(objectives.build_objective(name), policy, reference, [(0, range(k))])
        assert len(output.margins) == pairs


def test_conditional_dpo_by_hand(objectives: ModuleType) -> None:
    # d = 1 and −1 for the pair, −2 for the best response under the corrupted image.
    policy, reference = torch.tensor([-10.0, -12.0, -15.0]), torch.tensor([-11.0, -11.0, -13.0])
    objective = objectives.build_objective("conditional-dpo", image_weight=0.5, anchor_weight=0.25, anchor_margin=0.3)
    output = objectives.preference_loss(objective, policy, reference, [(0, (0, 1))], [2])
    terms = {"preference": 0.1 * (1 - -1), "image": 0.1 * (1 - -2), "anchor": 0.1 * 1 - 0.3}
    weights = {"preference": 1.0, "image": 0.5, "anchor": 0.25}
    for name, lead in terms.items():
        expected = -weights[name] * math.log(sigma(lead))
        assert output.metrics[f"loss/{name}"].tolist() == pytest.approx([expected])
    assert output.losses.tolist() == pytest.approx(
        [sum(-weights[name] * math.log(sigma(x)) for name, x in terms.items())]
    )
    assert output.metrics["rewards/image_margins"].tolist() == pytest.approx([0.3])
    assert output.metrics["rewards/image_accuracies"].tolist() == [1.0]
    assert output.metrics["logps/contrast"].tolist() == [-15.0]
    assert output.margins.tolist() == pytest.approx([0.2])


def test_conditional_dpo_without_its_two_terms_is_dpo(objectives: ModuleType) -> None:
    policy, reference = scores(6)
    records, contrasts = [(0, (0, 1)), (3, (1, 0))], [2, 5]
    plain = objectives.preference_loss(objectives.build_objective("dpo"), policy, reference, records)
    objective = objectives.build_objective("conditional-dpo", image_weight=0.0, anchor="none")
    found = objectives.preference_loss(objective, policy, reference, records, contrasts)
    assert torch.equal(found.losses, plain.losses)
    assert found.metrics.keys() == plain.metrics.keys()


def test_missing_scores_under_the_corrupted_image_are_named(objectives: ModuleType) -> None:
    objective = objectives.build_objective("conditional-dpo")
    with pytest.raises(DataError, match="'conditional-dpo': none; expected scores under a corrupted image"):
        objectives.preference_loss(objective, torch.zeros(2), torch.zeros(2), [(0, (0, 1))])


def test_gradients_agree_with_finite_differences(objectives: ModuleType) -> None:
    policy, reference = scores(9)
    for name, objective in objectives.PRESETS.items():

        def total(x: Tensor, objective: Any = objective) -> Tensor:
            records = [(0, (0, 1, 1)), (4, (0, 1, 2, 3))]
            return objectives.preference_loss(objective, x, reference, records, [3, 8]).losses

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
