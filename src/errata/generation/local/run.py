"""Answers of a loaded model to many questions: batched, seeded, resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from errata.errors import ConfigError, DataError, ErrataError, ModelError, count_noun
from errata.generation.answers import AnswerFile, Check, OnAnswers, OnFailure, check_ids
from errata.generation.dialogue import Dialogue
from errata.generation.local import describe_run
from errata.generation.local.batches import Prompt, build_batches, build_seed, fit_batch_size
from errata.generation.local.decoding import Decoder
from errata.generation.settings import GenerationSettings
from errata.images import LIMITS
from errata.models import EncodedPrompt, GenericAdapter, LoadedModel, PixelCache
from errata.records import Answer, Question
from errata.trees import check_adapter


def generate(
    loaded: LoadedModel,
    questions: Sequence[Question],
    settings: GenerationSettings,
    *,
    image_root: str | Path | None = None,
    out: str | Path | None = None,
    pixels: PixelCache | None = None,
    on_progress: OnAnswers | None = None,
    on_failure: OnFailure | None = None,
    on_encoded: Callable[[int, int], None] | None = None,
    check: Check | None = None,
) -> list[Answer]:
    """Answer every question, in the order of the questions.

    A question with followups is a conversation: each of them is asked after the model's own answer to the turn before.

    Args:
        loaded: The model.
        questions: With ids that occur once.
        settings: How to decode.
        image_root: Where relative image paths begin; images must lie below it.
        out: JSON lines that grow batch by batch and end in the order of the questions. If they exist, what they hold
            is not asked again; batches are formed of all questions, so a continued run gives the answers of an
            uninterrupted one.
        pixels: A cache of processed images to share between calls.
        on_progress: Called at the start and after every batch.
        on_failure: Called with the id of a question that cannot be answered, and why; it then has no answer and costs
            no other one. Without it the first one raises.
        on_encoded: Called with how many questions were encoded, of how many; all of them are before the first batch.
        check: Called with every question; one that it refuses cannot be answered.

    Raises:
        DataError: An id that occurs twice; without `on_failure` also an image that cannot be opened or that the model's
            processor refuses, a text that holds a special token, or a prompt of more tokens than the model can number.
        ConfigError: `out` holds answers of another run, or `settings` want images that `loaded` does not make.
        StorageError: `out` cannot be written.
    """
    check_ids(questions)
    _check_settings(loaded, settings)
    store = AnswerFile(out, describe_run(loaded, questions, settings)) if out is not None else None
    answers = dict(store.answers) if store is not None else {}
    on_progress = on_progress or _ignore
    on_progress(len(answers), len(questions), 0)
    if len(answers) < len(questions):
        check_adapter(loaded.adapter, loaded.model)
        run = _Run(loaded, settings, pixels or PixelCache(loaded.adapter, image_root), on_failure, check)
        for batch in run.answer(questions, answers, on_encoded or _ignore):
            if store is not None:
                store.append(batch)
            answers.update((answer.id, answer) for answer in batch)
            on_progress(len(answers), len(questions), run.tokens)
    if store is not None:
        store.put_in_order(question.id for question in questions)
    return [answers[question.id] for question in questions if question.id in answers]


def _ignore(done: int, total: int, tokens: int = 0) -> None:
    """Nobody watches."""


class _Run:
    """Answers under way; `tokens` counts what was written so far."""

    def __init__(
        self,
        loaded: LoadedModel,
        settings: GenerationSettings,
        pixels: PixelCache,
        on_failure: OnFailure | None,
        check: Check | None,
    ) -> None:
        self._loaded, self._settings, self._pixels = loaded, settings, pixels
        self._on_failure, self._check = on_failure, check
        self._decoder, self.tokens = Decoder(loaded, settings), 0

    def answer(
        self, questions: Sequence[Question], known: dict[str, Answer], on_encoded: Callable[[int, int], None]
    ) -> Iterator[list[Answer]]:
        """Per batch the answers that are not known yet."""
        prompts = []
        for number, question in enumerate(questions):
            try:
                prompts.append(self._encode_first(number, question))
            except ErrataError as error:
                if question.id not in known:
                    self._fail(question, error)
            on_encoded(number + 1, len(questions))
        for batch in build_batches(prompts, self._choose_size(prompts)) if prompts else ():
            if all(prompt.question.id in known for prompt in batch):
                continue
            yield [answer for answer in self._answer_or_part(batch) if answer.id not in known]

    def _encode_first(self, number: int, question: Question) -> Prompt:
        if self._check is not None:
            self._check(question)
        return self._encode(number, question)

    def _fail(self, question: Question, error: Exception) -> None:
        if self._on_failure is None:
            raise error
        self._on_failure(question.id, error)

    def _answer_or_part(self, batch: Sequence[Prompt]) -> list[Answer]:
        """The answers of a batch; where it fails as a whole, of each question alone: one of them may be the cause."""
        try:
            return self._answer_batch(batch)
        except Exception as error:  # whatever the model meets, a GPU without room included
            if self._on_failure is None:
                raise
            if len(batch) == 1:
                self._fail(batch[0].question, error)
                return []
        return [answer for prompt in batch for answer in self._answer_or_part([prompt])]

    def _choose_size(self, prompts: Sequence[Prompt]) -> int:
        adapter = self._loaded.adapter
        if isinstance(adapter, GenericAdapter) and adapter.one_image_because is not None:
            return 1  # images of several prompts would stand together as those of one prompt may not
        return self._settings.batch_size or fit_batch_size(self._loaded, prompts, self._settings)

    def _answer_batch(self, batch: Sequence[Prompt]) -> list[Answer]:
        """All rounds of a batch; conversations that are over leave it."""
        dialogues = {prompt.number: Dialogue(prompt.question) for prompt in batch}
        number, waiting = 0, list(batch)
        while waiting:
            written = self._decoder.write(waiting, build_seed(self._settings.seed, waiting, number))
            for prompt, new in zip(waiting, written, strict=True):
                dialogues[prompt.number].add(new.text, finished=new.finished)
                self.tokens += new.tokens
            number, waiting = number + 1, self._go_on(dialogues)
        return [dialogue.build_answer(self._loaded.name) for dialogue in dialogues.values()]

    def _go_on(self, dialogues: dict[int, Dialogue]) -> list[Prompt]:
        """The next round of every conversation that has one."""
        prompts = []
        for number, dialogue in dialogues.items():
            if not dialogue.is_open:
                continue
            try:
                prompts.append(self._encode(number, dialogue.build_question()))
            except ErrataError as error:  # the model wrote what cannot be told back to it, such as an image's token
                dialogue.stop(str(error))
        return prompts

    def _encode(self, number: int, question: Question) -> Prompt:
        try:
            images = [self._pixels.load(path, len(question.images)) for path in question.images]
            encoded = self._loaded.adapter.encode_prompt(question.prompt, images)
            self._require_room(encoded)
            return Prompt(number, question, encoded)
        except (DataError, ModelError) as error:
            raise error.within(f"question {question.id!r}") from None

    def _require_room(self, prompt: EncodedPrompt) -> None:
        """Raise DataError for a prompt behind which the model cannot number a single token."""
        positions, limits = self._loaded.adapter.max_positions, self._loaded.adapter.limits
        if positions is None or prompt.next_position < positions:
            return
        names = " or ".join(f"generation.{name}" for name in limits if name != "min_pixels")
        raise DataError(
            "prompt",
            expected=f"fewer than {positions} positions, all that the model numbers (max_position_embeddings)",
            found=f"{prompt.next_position}, of {count_noun(len(prompt.input_ids), 'token')}",
            fix="ask with less text" + (f", or smaller images by {names}" if prompt.images and limits else ""),
        )


def _check_settings(loaded: LoadedModel, settings: GenerationSettings) -> None:
    """Beams repeat the rows of every argument, which only for one-row-per-image pixels gives each beam its image."""
    if isinstance(loaded.adapter, GenericAdapter) and settings.num_beams > 1:
        raise ModelError(
            loaded.name,
            expected="num_beams 1 for a model without an adapter of its own",
            found=str(settings.num_beams),
            fix="leave num_beams out",
        )
    for name in ("image_mode", "thinking", *LIMITS):
        made, asked = getattr(loaded.adapter.settings, name), getattr(settings, name)
        if asked not in (None, made):
            raise ConfigError(
                f"generation.{name}",
                expected=f"{made!r}, as {loaded.name} was loaded, or null",
                found=repr(asked),
                fix=f"load the model with the same {name}",
            )
