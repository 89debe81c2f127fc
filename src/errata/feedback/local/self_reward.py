"""Self-reward: how much likelier an aligned model finds an answer than the model it was aligned from.

r(y) = log[π(y) / π_ref(y)] / T over the T tokens of a response, the reward that direct alignment leaves in a model; it
picks among samples at inference (RLAIF-V, self-feedback). β scales all rewards alike and so changes no choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from torch import Tensor

from errata.errors import ConfigError, DataError, ModelError
from errata.generation import Normalise
from errata.models import NOT_TEXT, EncodedResponse, LoadedModel, PixelCache
from errata.records import Answer, Question, Turn
from errata.trees import Scorer, TreeSample


def compute_reward(logps: Tensor, reference: Tensor, normalise: Normalise = "length") -> float:
    """The reward of one response from the log-probabilities `[T]` of its tokens under both models, T at least 1."""
    ratios = (logps - reference).double()
    return float(ratios.mean() if normalise == "length" else ratios.sum())


class SelfReward:
    """Rewards of answers by an aligned model and its base.

    Tokens are those of an answer's text behind its prompt, each turn's end included where the answer is finished: a
    model that was cut off did not write one. Of a conversation the model's own turns count, as one response. An empty
    answer has no reward, nor has one whose text the model cannot be told, such as an image's token.

    Args:
        policy: The aligned model.
        base: The model before; None is the one under the policy's adapter, which is switched off for it.
        normalise: "length" divides by the number of tokens.

    Raises:
        ConfigError: No base, or another way to normalise.
        ModelError: A base that reads texts or images otherwise.
    """

    def __init__(self, policy: LoadedModel, base: LoadedModel | None, normalise: Normalise = "length") -> None:
        _check(policy, base, normalise)
        self._policy, self._normalise = policy, normalise
        self._scorer = Scorer(policy)
        self._reference = Scorer(policy, without_adapter=True) if base is None else Scorer(base)

    def score(
        self, questions: Sequence[Question], candidates: Sequence[Sequence[Answer]], pixels: PixelCache
    ) -> list[list[float | None]]:
        """Per question the reward of each of its candidates; equal candidates have equal rewards.

        Args:
            questions: What was asked.
            candidates: Per question the answers to choose from.
            pixels: Where images come from, encoded for the policy.

        Raises:
            DataError: An image that cannot be opened.
            ModelError: A model that gives NaN or infinity.
        """
        trees = [_Tree(self._policy, *asked, pixels) for asked in zip(questions, candidates, strict=True)]
        known: dict[str, dict[_Key, float]] = {tree.question.id: {} for tree in trees}
        samples = [(tree, tree.build_sample()) for tree in trees if tree.responses]
        laid = [sample for _, sample in samples]
        for (tree, _), own, reference in zip(
            samples, self._scorer.score(laid), self._reference.score(laid), strict=True
        ):
            for key, one, other in zip(tree.responses, own, reference, strict=True):
                known[tree.question.id][key] = self._reward(tree.question.id, one, other)
        return [[known[tree.question.id].get(_key(answer)) for answer in tree.answers] for tree in trees]

    def _reward(self, name: str, logps: Tensor, reference: Tensor) -> float:
        for tensor in (logps, reference):
            if not bool(tensor.isfinite().all()):
                raise ModelError(
                    f"question {name!r}",
                    expected="finite log-probabilities of its answers under both models",
                    found="NaN or infinity",
                    fix="check the weights of both models",
                )
        return compute_reward(logps, reference, self._normalise)


_Key = tuple[tuple[str, ...], bool]


def _key(answer: Answer) -> _Key:
    """What a reward depends on: samples are often equal, and a row computes them once."""
    return answer.rounds, answer.finished


class _Tree:
    """A question with its distinct candidates in tokens."""

    def __init__(self, policy: LoadedModel, question: Question, answers: Sequence[Answer], pixels: PixelCache) -> None:
        self.question, self.answers, self._policy = question, answers, policy
        images = [pixels.load(path, len(question.images)) for path in question.images]
        self._prompt = policy.adapter.encode_prompt(question.prompt, images)
        encoded = {_key(answer): self._encode(answer) for answer in answers}
        self.responses = {key: response for key, response in encoded.items() if response is not None}

    def _encode(self, answer: Answer) -> EncodedResponse | None:
        if not "".join(answer.rounds).strip():
            return None
        try:
            response = self._policy.adapter.encode_response(self._prompt, _list_turns(self.question, answer))
        except DataError:  # a special token spelt out
            return None
        return response if answer.finished else self._leave_out_ends(response)

    def _leave_out_ends(self, response: EncodedResponse) -> EncodedResponse:
        ends = self._policy.adapter.eos_token_ids
        words = [
            own and not (place == NOT_TEXT and token in ends)
            for token, own, place in zip(response.input_ids, response.is_response, response.offsets, strict=True)
        ]
        return replace(response, is_response=words)

    def build_sample(self) -> TreeSample:
        responses = tuple(self.responses.values())
        return TreeSample(self.question.id, self._prompt, responses, (0,) * len(responses))


def _list_turns(question: Question, answer: Answer) -> list[Turn]:
    """What was said after the prompt; a conversation that was stopped has fewer turns than its question."""
    turns: list[Turn] = []
    for number, said in enumerate(answer.rounds):
        turns += [Turn("user", question.followups[number - 1])] if number else []
        turns.append(Turn("assistant", said))
    return turns


def _check(policy: LoadedModel, base: LoadedModel | None, normalise: str) -> None:
    if normalise not in get_args(Normalise):
        expected = " or ".join(map(repr, get_args(Normalise)))
        raise ConfigError("normalise", expected=expected, found=repr(normalise), fix="choose one of them")
    if base is None:
        if not hasattr(policy.model, "disable_adapter"):
            raise ConfigError(
                "base",
                expected=f"the model that {policy.name} was aligned from: it is no adapter that could be switched off",
                found="none",
                fix="name it with --base",
            )
        return
    differing = _list_differences(policy, base)
    if differing:
        raise ModelError(
            base.name,
            expected=f"a base that reads texts and images as {policy.name} does: both score the same tokens",
            found=f"another {', '.join(differing)}",
            fix="name the model that it was aligned from",
        )


def _list_differences(policy: LoadedModel, base: LoadedModel) -> list[str]:
    """In what encoding differs; of two families it is not compared."""
    if type(base.adapter) is not type(policy.adapter):
        return ["family"]
    ours, theirs = policy.adapter.describe(), base.adapter.describe()
    return [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]
