"""Answers of a loaded model to many questions: batched, seeded, resumable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, GenerationMixin

from errata.errors import DataError, ModelError
from errata.generation.answers import AnswerFile
from errata.generation.batches import FeatureCache, Prompt, build_batches, build_seed, fit_batch_size, pad_left
from errata.generation.settings import GenerationSettings
from errata.models import GenericAdapter, LoadedModel, PixelCache, quiet_transformers
from errata.records import Answer, Question
from errata.trees import check_adapter, evaluating

WEIGHTS_SAMPLED = 256
"""Numbers of each tensor that tell two models of one name apart."""


def generate(
    loaded: LoadedModel,
    questions: Sequence[Question],
    settings: GenerationSettings,
    *,
    image_root: str | Path | None = None,
    out: str | Path | None = None,
    pixels: PixelCache | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Answer]:
    """Answer every question, in the order of the questions.

    Args:
        loaded: The model.
        questions: With ids that occur once.
        settings: How to decode.
        image_root: Where relative image paths begin; images must lie below it.
        out: JSON lines that grow batch by batch. If they exist, what they hold is not asked again; batches are formed
            of all questions, so a continued run gives the answers of an uninterrupted one.
        pixels: A cache of processed images to share between calls.
        on_progress: Called with (answers so far, questions), at the start and after every batch.

    Raises:
        DataError: An image that cannot be opened, an id that occurs twice, a text that holds a special token.
        ConfigError: `out` holds answers of another run.
        StorageError: `out` cannot be written.
    """
    _check_ids(questions)
    _check_beams(loaded, settings)
    store = AnswerFile(out, _describe_run(loaded, questions, settings)) if out is not None else None
    answers = dict(store.answers) if store is not None else {}
    if on_progress is not None:
        on_progress(len(answers), len(questions))
    if len(answers) < len(questions):
        check_adapter(loaded.adapter, loaded.model)
        pixels = pixels or PixelCache(loaded.adapter, image_root)
        for batch in _answer_batches(loaded, questions, settings, pixels, answers):
            if store is not None:
                store.append(batch)
            answers.update((answer.id, answer) for answer in batch)
            if on_progress is not None:
                on_progress(len(answers), len(questions))
    return [answers[question.id] for question in questions]


def _answer_batches(
    loaded: LoadedModel,
    questions: Sequence[Question],
    settings: GenerationSettings,
    pixels: PixelCache,
    known: dict[str, Answer],
) -> Iterable[list[Answer]]:
    """Per batch the answers that are not known yet."""
    prompts = [_encode(loaded, number, question, pixels) for number, question in enumerate(questions)]
    batch_size = settings.batch_size or fit_batch_size(loaded, prompts, settings.max_tokens, settings.num_beams)
    if isinstance(loaded.adapter, GenericAdapter) and loaded.adapter.one_image_because is not None:
        batch_size = 1  # images of several prompts would stand together as those of one prompt may not
    features, texts = FeatureCache(loaded), _Texts(loaded)
    config = _build_config(loaded, settings)
    for batch in build_batches(prompts, batch_size):
        if all(prompt.question.id in known for prompt in batch):
            continue
        tokens = _run_batch(loaded, batch, config, features, build_seed(settings.seed, batch))
        answers = [texts.build_answer(prompt, row) for prompt, row in zip(batch, tokens, strict=True)]
        yield [answer for answer in answers if answer.id not in known]


def _encode(loaded: LoadedModel, number: int, question: Question, pixels: PixelCache) -> Prompt:
    try:
        images = [pixels.load(path, len(question.images)) for path in question.images]
        return Prompt(number, question, loaded.adapter.encode_prompt(question.prompt, images))
    except DataError as error:
        where = f"question {question.id!r}: {error.where}"
        raise DataError(where, expected=error.expected, found=error.found, fix=error.fix) from None


def _run_batch(
    loaded: LoadedModel, batch: list[Prompt], config: GenerationConfig, features: FeatureCache, seed: int
) -> list[list[int]]:
    """New tokens of every prompt, without padding."""
    inputs = pad_left(batch, loaded.adapter.pad_token_id, loaded.device)
    masks = loaded.adapter.mask_inputs(inputs["input_ids"], inputs["input_ids"].shape[1])
    devices = [loaded.device] if loaded.device.type == "cuda" else []
    with (
        quiet_transformers(),
        torch.inference_mode(),
        evaluating(loaded.model),
        _without_defaults(loaded.model),
        torch.random.fork_rng(devices),
    ):
        torch.manual_seed(seed)
        output: Tensor = loaded.model.generate(
            **inputs, **masks, **features.build_inputs(batch), generation_config=config
        )
    return output[:, inputs["input_ids"].shape[1] :].tolist()


@contextmanager
def _without_defaults(model: Any) -> Iterator[None]:
    """Hide the generation settings that came with the model, which would fill whatever a run leaves open."""
    owner = next(module for module in model.modules() if isinstance(module, GenerationMixin))
    own = owner.generation_config
    owner.generation_config = GenerationConfig()
    try:
        yield
    finally:
        owner.generation_config = own


def _build_config(loaded: LoadedModel, settings: GenerationSettings) -> GenerationConfig:
    sampling: dict[str, Any] = {"do_sample": settings.temperature > 0}
    if settings.temperature > 0:
        sampling |= {"temperature": settings.temperature, "top_p": settings.top_p, "top_k": 0}
    return GenerationConfig(
        max_new_tokens=settings.max_tokens,
        num_beams=settings.num_beams,
        repetition_penalty=settings.repetition_penalty,
        eos_token_id=list(loaded.adapter.eos_token_ids),
        pad_token_id=loaded.adapter.pad_token_id,
        use_cache=True,
        **sampling,
    )


class _Texts:
    """Tokens to answers; short answers repeat, so each token sequence is decoded once."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded, self._ends = loaded, frozenset(loaded.adapter.eos_token_ids)
        self._known: dict[tuple[int, ...], str] = {}

    def build_answer(self, prompt: Prompt, tokens: list[int]) -> Answer:
        """The answer up to its first end token; unfinished if there is none."""
        end = next((place for place, token in enumerate(tokens) if token in self._ends), None)
        words = tuple(tokens[:end])
        if words not in self._known:
            self._known[words] = self._loaded.adapter.decode(words)
        return Answer(prompt.question.id, self._known[words], self._loaded.name, finished=end is not None)


def _check_ids(questions: Sequence[Question]) -> None:
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise DataError(
                f"question {question.id!r}", expected="ids that occur once", found="the same id again", fix="rename it"
            )
        seen.add(question.id)


def _check_beams(loaded: LoadedModel, settings: GenerationSettings) -> None:
    """Beams repeat the rows of every argument, which only for one-row-per-image pixels gives each beam its image."""
    if isinstance(loaded.adapter, GenericAdapter) and settings.num_beams > 1:
        raise ModelError(
            loaded.name,
            expected="num_beams 1 for a model without an adapter of its own",
            found=str(settings.num_beams),
            fix="leave num_beams out",
        )


def _describe_run(loaded: LoadedModel, questions: Sequence[Question], settings: GenerationSettings) -> dict[str, Any]:
    """What answers depend on, as values that JSON gives back unchanged."""
    asked = json.dumps([[q.id, q.images, [asdict(turn) for turn in q.prompt]] for q in questions], ensure_ascii=False)
    run = {
        "model": loaded.name,
        "weights": _sample_weights(loaded.model),
        "encoding": loaded.adapter.describe(),
        "settings": asdict(settings),
        "questions": hashlib.sha256(asked.encode()).hexdigest(),
    }
    described: dict[str, Any] = json.loads(json.dumps(run))
    return described


def _sample_weights(model: torch.nn.Module) -> str:
    """A digest of a few numbers of every tensor: another model under the same name is noticed.

    Hashing all of billions of weights would outlast short runs.
    """
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        flat = value.detach().reshape(-1)
        some = flat[:: max(1, len(flat) // WEIGHTS_SAMPLED)].to(torch.float32).cpu()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(some.numpy().tobytes())
    return digest.hexdigest()[:20]
