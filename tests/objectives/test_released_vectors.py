"""Losses, scores and gradients against values recorded from the released code of RLHF-V and AMP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from errata.corrections import released_changed_ids
from errata.errors import DataError

Vectors = Callable[[str], Any]
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
IGNORED = -100


def assert_equal(found: Tensor, expected: Sequence[Any]) -> None:
    torch.testing.assert_close(found, torch.tensor(expected, dtype=found.dtype), **TOLERANCE)


def flatten(rows: Sequence[Sequence[float]], labels: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """The unmasked values of padded rows, shifted as the release shifts them, and the row of each."""
    kept = [
        (value, number)
        for number, (row, label) in enumerate(zip(rows, labels, strict=True))
        for value, target in zip(row, label[1:], strict=True)
        if target != IGNORED
    ]
    return torch.tensor([value for value, _ in kept]), torch.tensor([number for _, number in kept])


def test_scores_of_logps(objectives: ModuleType, vectors: Vectors) -> None:
    for case in vectors("logps")["cases"]:
        labels = torch.tensor(case["labels"])[:, 1:]
        everything = torch.log_softmax(torch.tensor(case["logits"])[:, :-1], dim=-1)
        # Where the label is masked the release records the log-prob of token 0.
        per_token = everything.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
        assert_equal(per_token, case["per_token_logps"])
        logps, index = flatten(per_token.tolist(), case["labels"])
        weights, _ = flatten(case["token_weight"], case["labels"])
        expected = {
            ("sum", False): case["logp"],
            ("mean", False): case["avg_logp"],
            ("sum", True): case["weighted_sum"],
            ("mean", True): case["weighted_avg"],
        }
        for (reduction, is_weighted), values in expected.items():
            used = weights if is_weighted else torch.ones_like(weights)
            assert_equal(objectives.aggregate(logps, used, index, len(values), reduction), values)


def test_a_response_without_tokens_is_an_error_where_the_release_has_nan(objectives: ModuleType) -> None:
    logps, index = torch.tensor([-1.0, -2.0]), torch.tensor([0, 0])
    for reduction in ("sum", "mean"):
        with pytest.raises(DataError, match=r"response 1 of the batch: none .*expected at least one token"):
            objectives.aggregate(logps, torch.ones(2), index, 2, reduction)
        with pytest.raises(DataError, match="response 0 of the batch"):
            objectives.aggregate(logps, torch.zeros(2), index, 1, reduction)


def test_dpo_losses_rewards_and_gradients(objectives: ModuleType, vectors: Vectors) -> None:
    for case in vectors("dpo_loss")["cases"]:
        chosen, rejected = torch.tensor(case["policy_chosen"]), torch.tensor(case["policy_rejected"])
        policy = torch.stack([chosen, rejected], dim=1).flatten().requires_grad_()
        reference = torch.tensor([case["ref_chosen"], case["ref_rejected"]]).T.flatten()
        free = case["reference_free"]
        objective = objectives.build_objective("dpo", beta=case["beta"], reference_free=free)
        records = [(2 * number, (0, 1)) for number in range(len(chosen))]
        output = objectives.preference_loss(objective, policy, reference, records)
        assert_equal(output.losses, case["losses"])
        (gradient,) = torch.autograd.grad(output.losses.mean(), policy)
        assert_equal(gradient[0::2], case["grad_of_mean_wrt_chosen"])
        assert_equal(gradient[1::2], case["grad_of_mean_wrt_rejected"])
        if not free:  # the release goes on to show rewards against the reference it does not train with
            assert_equal(output.rewards[0::2], case["chosen_rewards"])
            assert_equal(output.rewards[1::2], case["rejected_rewards"])


def find_weights(case: dict[str, Any]) -> tuple[list[list[float]], list[list[float]]]:
    """Token weights of chosen and rejected rows by the released rule, on padded ids without the first."""
    pad = case["pad_token_id"]

    def pad_all(rows: list[list[int]]) -> list[list[int]]:
        longest = max(map(len, rows))
        return [row + [pad] * (longest - len(row)) for row in rows]

    chosen_weights, rejected_weights = [], []
    for chosen, rejected in zip(pad_all(case["win_input_ids"]), pad_all(case["rej_input_ids"]), strict=True):
        rejected_changed, chosen_changed = released_changed_ids(rejected[1:], chosen[1:])
        chosen_weights.append([case["gamma"] if i in chosen_changed else 1.0 for i in range(len(chosen) - 1)])
        rejected_weights.append([case["gamma"] if i in rejected_changed else 1.0 for i in range(len(rejected) - 1)])
    return chosen_weights, rejected_weights


@pytest.mark.parametrize(("reduction", "name"), [("sum", "use_sum"), ("mean", "use_average")])
def test_ddpo_from_token_ids_to_losses(objectives: ModuleType, vectors: Vectors, reduction: str, name: str) -> None:
    for case in vectors("ddpo_end_to_end")["cases"]:
        chosen_weights, rejected_weights = find_weights(case)
        assert_equal(torch.tensor(chosen_weights), case["padded_win_token_weight"])
        assert_equal(torch.tensor(rejected_weights), case["padded_rej_token_weight"])
        n = len(chosen_weights)
        labels = case["win_labels"] + case["rej_labels"]
        weights, index = flatten(
            [row[: len(label) - 1] for row, label in zip(chosen_weights + rejected_weights, labels, strict=True)],
            labels,
        )

        def score(rows: list[list[float]]) -> Tensor:
            rows = [row[: len(label) - 1] for row, label in zip(rows, labels, strict=True)]  # noqa: B023
            return objectives.aggregate(flatten(rows, labels)[0], weights, index, 2 * n, reduction)  # noqa: B023

        policy = score(case["policy_per_token_logp"])
        reference = score(case["ref_win_per_token_logp"] + case["ref_rej_per_token_logp"])
        expected = case[name]
        assert_equal(policy, expected["policy_win"] + expected["policy_rej"])
        assert_equal(reference, expected["ref_win"] + expected["ref_rej"])
        objective = objectives.build_objective("ddpo-release", beta=case["beta"], corrected_weight=case["gamma"])
        order = [row for number in range(n) for row in (number, n + number)]
        records = [(2 * number, (0, 1)) for number in range(n)]
        output = objectives.preference_loss(objective, policy[order], reference[order], records)
        assert_equal(output.losses, expected["losses"])
        assert_equal(output.losses.mean(), expected["loss"])
        assert_equal(output.rewards[0::2], expected["chosen_rewards"])
        assert_equal(output.rewards[1::2], expected["rejected_rewards"])


AMP_CHOICES = {
    "sigmoid": {},
    # The release drops its penalty with every other loss.
    "hinge": {"link": "hinge", "anchor": "none"},
    "ipo": {"link": "squared", "anchor": "none"},
}


def test_amp_levels_losses_and_gradients(objectives: ModuleType, vectors: Vectors) -> None:
    cases = vectors("amp_mdpo_loss")["cases"]
    skipped = [case for case in cases if case["loss_type"] not in AMP_CHOICES]
    # `kto_pair` compares with a mean over the batch, so it is no link of a pair's difference.
    assert [case["loss_type"] for case in skipped] == ["kto_pair"]
    for case in cases:
        if case in skipped:
            continue
        k, b = case["K"], case["B"]
        policy = torch.tensor(case["policy_logps"]).T.flatten().requires_grad_()
        reference = torch.tensor(case["ref_logps"]).T.flatten()
        objective = objectives.build_objective(
            "mdpo-release", beta=case["beta"], label_smoothing=case["label_smoothing"], **AMP_CHOICES[case["loss_type"]]
        )
        output = objectives.preference_loss(objective, policy, reference, [(k * i, range(k)) for i in range(b)])
        assert_equal(output.losses.mean(), case["loss"])
        (gradient,) = torch.autograd.grad(output.losses.mean(), policy)
        assert_equal(gradient.reshape(b, k).T, case["grad_wrt_policy"])
        pair_losses = torch.tensor([case["pairs"][pair]["losses"] for pair in case["pair_order"]])
        assert_equal(output.losses, pair_losses.mean(dim=0).tolist())
        better = torch.tensor([case["pairs"][pair]["chosen_rewards"] for pair in case["pair_order"]])
        worse = torch.tensor([case["pairs"][pair]["rejected_rewards"] for pair in case["pair_order"]])
        assert_equal(output.margins.reshape(b, -1).T, (better - worse).tolist())
        assert_equal(output.accuracies.mean(), case["true_accuracy_all_pairs"])


@pytest.mark.parametrize(("dtype", "count"), [("torch.float32", 7), ("torch.bfloat16", 3)])
def test_amp_weighs_later_rounds_more(objectives: ModuleType, vectors: Vectors, dtype: str, count: int) -> None:
    objective = objectives.PRESETS["mdpo-release"]
    cases = [case for case in vectors("amp_batch_logps")["cases"] if case["logits_dtype"] == dtype]
    assert len(cases) == count
    for case in cases:
        # Ours takes logits of any precision to float32 before the softmax; the release stays in theirs.
        everything = torch.log_softmax(torch.tensor(case["logits"])[:, :-1], dim=-1)
        per_token = everything.gather(-1, torch.tensor(case["labels"])[:, 1:].clamp(min=0)[..., None])[..., 0]
        logps, index = flatten(per_token.tolist(), case["labels"])
        extra, _ = flatten([row[1:] for row in case["loss_turbo_fp16"]], case["labels"])
        weights = objectives.round_weights((extra / 0.05).round().int().tolist(), objective)
        found = objectives.aggregate(logps, torch.tensor(weights), index, len(case["labels"]), "sum")
        # The release keeps 0.05 in half precision, hence a tolerance in float32 as well.
        rounding = {"rtol": 1e-4, "atol": 1e-4} if dtype == "torch.float32" else {"rtol": 2e-2, "atol": 2e-2}
        torch.testing.assert_close(found, torch.tensor(case["sum_logp"]), **rounding)
