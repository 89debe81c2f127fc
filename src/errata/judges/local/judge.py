"""A Hub or folder model as a judge, through our own generation; where no images are shown, a language model too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from pathlib import Path

from errata.errors import ModelError
from errata.generation import GenerationSettings, OnFailure
from errata.generation.local import generate, generate_text
from errata.judges.backend import JudgeFailure, JudgeReply, JudgeRequest, OnReply
from errata.judges.model_folder import find_model_folder, hash_folder
from errata.models import (
    LoadedModel,
    ModelSettings,
    TextModel,
    check_model,
    check_text_model,
    find_adapter,
    is_text_only,
    load_model,
    load_text_model,
)
from errata.records import Answer, Question, Turn

CHUNK = 64
"""Requests that are answered before their replies are kept: what a kill costs at most."""


class LocalJudge:
    """`local:MODEL`, loaded when the cache does not know an answer. Verdicts are kept under what is in its files."""

    free = True

    def __init__(self, name: str, max_pixels: int | None = None) -> None:
        self._source, self._max_pixels = name.removeprefix("local:"), max_pixels
        self.name = name

    @cached_property
    def model(self) -> str:
        """The name with a digest of the files; of a Hub model also what revision is here."""
        return name_weights(self.name, self._source, lambda: self._loaded)

    @cached_property
    def _loaded(self) -> LoadedModel | TextModel:
        settings = ModelSettings(self._source, max_pixels=self._max_pixels)
        return load_text_model(settings) if is_text_only(self._source) else load_model(settings)

    def check(self, *, images: bool = False) -> None:
        """Find the model; one of the Hub that is not here is fetched and loaded.

        Raises:
            ModelError: It is not there, cannot be asked, or sees no images where it is shown some.
        """
        _ = self.model
        check_eyes(self._source, images=images)

    def ask(self, requests: Sequence[JudgeRequest], on_reply: OnReply) -> None:
        """Answer chunk by chunk."""
        for chunk, settings in _split(requests):
            for reply in self._answer(chunk, settings):
                on_reply(reply)

    def _answer(self, chunk: Sequence[JudgeRequest], settings: GenerationSettings) -> list[JudgeReply | JudgeFailure]:
        """A request that the model cannot take, for a special token or its image, costs no other one."""
        started, failures = time.monotonic(), dict[str, Exception]()
        answers = self._generate([_build_question(request) for request in chunk], settings, failures.setdefault)
        seconds = (time.monotonic() - started) / len(chunk)
        replies = [
            JudgeReply(answer.id, answer.text, self._source, seconds=seconds, finished=answer.finished)
            for answer in answers
        ]
        remedy = "asking again would bring the same"
        return [*replies, *(JudgeFailure(key, str(error), remedy) for key, error in failures.items())]

    def _generate(
        self, questions: Sequence[Question], settings: GenerationSettings, on_failure: OnFailure
    ) -> list[Answer]:
        loaded = self._loaded
        if isinstance(loaded, TextModel):
            return generate_text(loaded, questions, settings, on_failure)
        return generate(loaded, questions, settings, on_failure=on_failure)


def check_eyes(source: str, *, images: bool) -> None:
    """Raise ModelError for a language model that is to look at images, or a model that cannot be asked anything.

    Of a model whose files are not here nothing is said: loading it says enough.
    """
    if not _list_folders(source):
        return
    if not is_text_only(source):
        check_model(ModelSettings(source))
        return
    if images:
        raise ModelError(
            f"local:{source}",
            expected="a model that sees: it is shown images",
            found="a language model without eyes",
            fix="name a multimodal model; language models judge what needs no image",
        )
    check_text_model(source)


def name_weights(name: str, source: str, bring: Callable[[], object]) -> str:
    """The name with a digest of the model's files, of an adapter also its base's; `bring` loads it where they are not
    here yet."""
    folders = _list_folders(source)
    if not folders:
        bring()
        folders = _list_folders(source)
    return "#".join([name, "+".join(map(hash_folder, folders))]) if folders else name


def _list_folders(name: str) -> list[Path]:
    """Where the files of a model, or of an adapter and its base, are; nothing where one of them is not here."""
    adapter = find_adapter(name)
    parts = [name] if adapter is None else [str(adapter.path), adapter.base]
    found = [find_model_folder(part) for part in parts]
    return [] if None in found else [folder for folder in found if folder is not None]


def _split(requests: Sequence[JudgeRequest]) -> Iterator[tuple[list[JudgeRequest], GenerationSettings]]:
    """Requests that can be decoded together: with the same settings."""

    def kind(request: JudgeRequest) -> tuple[int, float, float, int]:
        decoding, repetition = request.parameters, request.sample + 1000 * request.attempt
        seed = repetition if request.seed is None else request.seed
        return request.max_tokens, decoding.temperature, decoding.top_p or 1.0, seed

    for (max_tokens, temperature, top_p, seed), group in groupby(sorted(requests, key=kind), key=kind):
        equal = list(group)
        settings = GenerationSettings(max_tokens=max_tokens, temperature=temperature, top_p=top_p, seed=seed)
        for start in range(0, len(equal), CHUNK):
            yield equal[start : start + CHUNK], settings


def _build_question(request: JudgeRequest) -> Question:
    images = tuple(str(path) for path in request.call.images)
    return Question(request.key, images, (Turn("user", request.text),))
