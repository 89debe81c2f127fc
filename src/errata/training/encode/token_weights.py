"""What each token of a response weighs: more where it was corrected, 0 where the model does not write it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from errata.corrections import OneSided, released_changed_ids, response_spans, response_token_weights
from errata.models import EncodedPrompt, EncodedResponse
from errata.objectives import Objective, round_weights
from errata.records import Record


def weigh_tokens(
    record: Record,
    wanted: Sequence[int],
    prompt: EncodedPrompt,
    responses: Sequence[EncodedResponse],
    objective: Objective,
    one_sided: OneSided,
) -> tuple[list[float], ...]:
    """One weight per token of each response.

    Args:
        record: Where the corrections stand.
        wanted: The numbers in the record of `responses`.
        prompt: Their prefix.
        responses: In tokens.
        objective: Says which tokens are corrected, and what they and later rounds weigh.
        one_sided: The rule for corrections that only add or only remove text.
    """
    corrected = _weigh_corrections(record, wanted, prompt, responses, objective, one_sided)
    return tuple(_weigh_rounds(own, response, objective) for own, response in zip(corrected, responses, strict=True))


def _weigh_rounds(corrected: list[float], response: EncodedResponse, objective: Objective) -> list[float]:
    rounds = round_weights(response.round_index, objective)
    return [
        one * other if written else 0.0
        for one, other, written in zip(corrected, rounds, response.is_response, strict=True)
    ]


def _weigh_corrections(
    record: Record,
    wanted: Sequence[int],
    prompt: EncodedPrompt,
    responses: Sequence[EncodedResponse],
    objective: Objective,
    one_sided: OneSided,
) -> Iterable[list[float]]:
    gamma = objective.corrected_weight
    if objective.weights == "none":
        return [[1.0] * len(response.input_ids) for response in responses]
    if objective.weights == "released":
        return _weigh_released(prompt, responses, [record.levels[number] for number in wanted], gamma)
    spans = response_spans(record, one_sided=one_sided)
    return [
        response_token_weights(response.offsets, response.round_index, spans[number], gamma)
        for number, response in zip(wanted, responses, strict=True)
    ]


def _weigh_released(
    prompt: EncodedPrompt, responses: Sequence[EncodedResponse], levels: Sequence[int], gamma: float
) -> list[list[float]]:
    """RLHF-V's released rule on whole sequences without their first token.

    Each worse response is compared with the first one, which gets the union; ties with it are not compared.
    """
    start = len(prompt.input_ids) - 1
    sequences = [(prompt.input_ids + response.input_ids)[1:] for response in responses]
    weights = [[1.0] * len(response.input_ids) for response in responses]
    for number in (i for i, level in enumerate(levels) if level > 0):
        changed, better_changed = released_changed_ids(sequences[number], sequences[0])
        for where, indices in ((number, changed), (0, better_changed)):
            for index in indices:
                if index >= start:
                    weights[where][index - start] = gamma
    return weights
