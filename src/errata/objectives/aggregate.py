"""Token log-probs to one score per response, and the weight of later rounds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from errata.errors import DataError
from errata.objectives.objective import Objective, Reduction


def aggregate(
    token_logps: Float[Tensor, " T"],
    token_weights: Float[Tensor, " T"],
    response_index: Int[Tensor, " T"],
    num_responses: int,
    reduction: Reduction,
) -> Float[Tensor, " R"]:
    """One score per response: Σ w·log p, for `mean` divided by Σ w; in float32 or finer.

    Args:
        token_logps: log p of each response token, of all responses one after the other.
        token_weights: Weights from 0; γ on corrected tokens.
        response_index: The response of each token.
        num_responses: R.
        reduction: `sum` or `mean`.

    Raises:
        DataError: A response without tokens or with weights that sum to zero, which would score 0 or NaN.
    """
    dtype = torch.promote_types(token_logps.dtype, torch.float32)
    logps, weights = token_logps.to(dtype), token_weights.to(dtype)
    sums = logps.new_zeros(num_responses).index_add(0, response_index, weights * logps)
    weight_sums = logps.new_zeros(num_responses).index_add(0, response_index, weights)
    _require_weight(weight_sums)
    # arXiv 2312.00849, equation 5: N = |y_u| + γ|y_c| is the sum of weights.
    return sums / weight_sums if reduction == "mean" else sums


def round_weights(round_index: Sequence[int], objective: Objective) -> list[float]:
    """The factor of each token for its round, 1 + `round_weight`·round; multiply it with the token's other weight.

    Source: AMP's released code ("loss turbo", there rounded to half precision).
    """
    return [1.0 + objective.round_weight * number for number in round_index]


def _require_weight(weight_sums: Float[Tensor, " R"]) -> None:
    empty = (weight_sums <= 0).nonzero().flatten().tolist()
    if empty:
        raise DataError(
            f"response {empty[0]} of the batch",
            expected="at least one token with a positive weight",
            found="none (an empty text, or one that was cut off before its first token)",
            fix="drop the record or raise the length limit",
        )
