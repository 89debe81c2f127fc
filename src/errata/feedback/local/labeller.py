"""A model loaded here as a labeller: p(yes) and p(no) from its next-token probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from errata.errors import DataError, ModelError
from errata.feedback.claim_labels import OnReply, write_label
from errata.feedback.local.yes_no import YesNo
from errata.judges import JudgeFailure, JudgeReply, JudgeRequest
from errata.judges.local import check_eyes, name_weights
from errata.models import EncodedImage, EncodedPrompt, LoadedModel, ModelSettings, PixelCache, load_model
from errata.records import Turn

IMAGES_AT_ONCE = 16
"""Images whose questions are answered before their replies are kept: what a kill costs at most."""


class LocalLabeller:
    """`local:MODEL`, loaded when the cache does not know an answer. Verdicts are kept under what is in its files.

    Args:
        name: As above.
        loaded: The model, where it is loaded already.
        share: See `YesNo`.
        max_pixels: As in `ModelSettings`, of a model that is loaded here.
    """

    free = True

    def __init__(
        self, name: str, loaded: LoadedModel | None = None, *, share: bool = True, max_pixels: int | None = None
    ) -> None:
        self._max_pixels = max_pixels
        self.name, self._source, self._given, self._share = name, name.removeprefix("local:"), loaded, share

    @cached_property
    def model(self) -> str:
        """The name with a digest of the files, as a local judge's."""
        return name_weights(self.name, self._source, lambda: self._loaded)

    @cached_property
    def _loaded(self) -> LoadedModel:
        return self._given or load_model(ModelSettings(self._source, max_pixels=self._max_pixels))

    @cached_property
    def reader(self) -> YesNo:
        """What reads the probabilities. Raises ModelError as it does."""
        return YesNo(self._loaded, share=self._share)

    @cached_property
    def _pixels(self) -> PixelCache:
        return PixelCache(self._loaded.adapter)

    @property
    def findings(self) -> dict[str, Any]:
        """What a report says about it; nothing where the cache knew every answer and no model was loaded."""
        if "reader" not in self.__dict__:
            return {}
        return {"answer_tokens": self.reader.tokens.notes, "shares_prefix": self.reader.message or "yes"}

    def check(self, *, images: bool = True) -> None:
        """Find the model without loading it. Raises ModelError where it is not there, or sees no images."""
        if self._given is None:
            _ = self.model
            check_eyes(self._source, images=images)

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Answer the questions image by image."""
        by_image: dict[tuple[Path, ...], list[JudgeRequest]] = {}
        for request in requests:
            by_image.setdefault(request.call.images, []).append(request)
        groups = list(by_image.values())
        for start in range(0, len(groups), IMAGES_AT_ONCE):
            self._answer(groups[start : start + IMAGES_AT_ONCE], on_reply)

    def _answer(self, groups: Sequence[Sequence[JudgeRequest]], on_reply: OnReply) -> None:
        encoded = [self._encode_group(group, on_reply) for group in groups]
        encoded = [group for group in encoded if group]
        answers = self.reader.read([[prompt for _, prompt in group] for group in encoded])
        for group, found in zip(encoded, answers, strict=True):
            for (request, _), probabilities in zip(group, found, strict=True):
                on_reply(JudgeReply(request.key, write_label(probabilities), self._source))

    def _encode_group(
        self, group: Sequence[JudgeRequest], on_reply: OnReply
    ) -> list[tuple[JudgeRequest, EncodedPrompt]]:
        """The questions that the model can take; one that it cannot, for a token or its image, costs no other."""
        encoded = []
        for request in group:
            try:
                paths = request.call.images
                images = [self._pixels.load(str(path), len(paths)) for path in paths]
                encoded.append((request, self._encode(request, images)))
            except (DataError, ModelError) as error:
                on_reply(JudgeFailure(request.key, str(error), "asking again would bring the same"))
        return encoded

    def _encode(self, request: JudgeRequest, images: Sequence[EncodedImage]) -> EncodedPrompt:
        question = str(request.call.values["question"])
        return self._loaded.adapter.encode_prompt((Turn("user", question),), images)
