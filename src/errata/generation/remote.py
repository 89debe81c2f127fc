"""Answers of an endpoint to many questions: side by side, resumable question by question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.endpoints import REMEDIES, ChatClient, ChatFailure, ChatReply, ChatRequest, FailureKind
from errata.errors import DataError
from errata.generation.answers import Check, OnAnswers, check_ids
from errata.generation.dialogue import Dialogue
from errata.generation.remote_store import RemoteStore
from errata.generation.requests import build_request, check_settings, describe_remote_run
from errata.generation.settings import GenerationSettings
from errata.images import resolve_image
from errata.records import Answer, Missing, Question, count_reasons
from errata.text import split_reasoning


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: the answers there are, in the order of the questions, and why the others are missing, by id.

    `reasons` are the same reasons counted, the commonest first, as `count_reasons` gives them.
    """

    answers: list[Answer]
    missing: dict[str, str]
    reasons: list[dict[str, Any]] = field(default_factory=list)


def ask_endpoint(
    client: ChatClient,
    questions: Sequence[Question],
    settings: GenerationSettings,
    *,
    image_root: str | Path | None = None,
    out: str | Path | None = None,
    on_progress: OnAnswers | None = None,
    check: Check | None = None,
) -> Answered:
    """Ask every question; one that gets no answer, or that cannot be asked, costs no other.

    A question with followups is a conversation: each of them is asked after the model's own answer to the turn before.

    Args:
        client: The endpoint and how hard it is asked.
        questions: With ids that occur once.
        settings: How to decode; `batch_size` means nothing here.
        image_root: Where relative image paths begin; images must lie below it.
        out: JSON lines that grow answer by answer and end in the order of the questions; `OUT.rounds.jsonl` holds what
            was said in conversations that are not over. What they hold is not asked again. `OUT.failed.jsonl` says
            which questions got no answer and why.
        on_progress: Called at the start and after every answer; tokens are those that the servers report.
        check: Called with every question; one that it refuses is not asked.

    Raises:
        DataError: An id that occurs twice; or no question can be asked, the first one for this reason: `check` refuses
            it, or an image is not there.
        ConfigError: `out` holds answers of another run, a setting that endpoints do not have, or no key.
        StorageError: `out` cannot be written.
    """
    check_ids(questions)
    check_settings(settings)
    client.check()  # before there is a file that says which run it is of
    images, refused = _prepare(questions, image_root, check)
    store = RemoteStore(out, describe_remote_run(client.endpoint.model, questions, settings))
    if refused and not images and not store.answers:
        raise next(iter(refused.values()))[1]
    run = _Run(client, settings, images, store, on_progress, questions)
    run.failures += [
        ChatFailure(name, kind, str(error), 0) for name, (kind, error) in refused.items() if name not in store.answers
    ]
    run.ask_all()
    store.finish([question.id for question in questions], run.failures)
    missing = {failure.id: f"{failure.kind}: {failure.reason}" for failure in run.failures}
    reasons = count_reasons(Missing(one.id, "no answer", missing[one.id], REMEDIES[one.kind]) for one in run.failures)
    return Answered([store.answers[q.id] for q in questions if q.id in store.answers], missing, reasons)


def _prepare(
    questions: Sequence[Question], root: str | Path | None, check: Check | None
) -> tuple[dict[str, tuple[Path, ...]], dict[str, tuple[FailureKind, DataError]]]:
    """The image files of every question that can be asked, and why the others cannot, by id."""
    images: dict[str, tuple[Path, ...]] = {}
    refused: dict[str, tuple[FailureKind, DataError]] = {}
    for question in questions:
        kind: FailureKind = "question"
        try:
            if check is not None:
                check(question)
            kind = "image"
            images[question.id] = _find_images(question, root)
        except DataError as error:
            refused[question.id] = (kind, error)
    return images, refused


def is_thought(reply: ChatReply) -> bool:
    """Whether the limit of tokens ended a reply that had thoughts, be they in its text or taken away by the server."""
    said = split_reasoning(reply.text)
    return not reply.finished and bool(said.reasoning or not said.finished or not said.answer.strip())


def _find_images(question: Question, root: str | Path | None) -> tuple[Path, ...]:
    files = tuple(resolve_image(path, root) for path in question.images)
    for path, file in zip(question.images, files, strict=True):
        if not file.is_file():
            raise DataError(
                f"question {question.id!r}: {path}",
                expected="an image file",
                found="no such file",
                fix="check the path, or name the folder that it starts from as --image-root",
                code="image",
            )
    return files


class _Run:
    """The conversations that are not over, round by round."""

    def __init__(
        self,
        client: ChatClient,
        settings: GenerationSettings,
        images: dict[str, tuple[Path, ...]],
        store: RemoteStore,
        on_progress: OnAnswers | None,
        questions: Sequence[Question],
    ) -> None:
        self._client, self._settings, self._images, self._store = client, settings, images, store
        self._on_progress, self._total, self._tokens = on_progress, len(questions), 0
        self._open = {q.id: store.restore(q) for q in questions if q.id in images and q.id not in store.answers}
        self._roomy: set[tuple[str, int]] = set()
        self.failures: list[ChatFailure] = []

    def ask_all(self) -> None:
        """Ask round after round until every conversation is over or has failed."""
        self._report()
        while self._open:
            requests = [self._build_request(dialogue) for dialogue in self._open.values()]
            self._client.ask(requests, self._take)

    def _build_request(self, dialogue: Dialogue) -> ChatRequest:
        question, number = dialogue.build_question(), len(dialogue.said)
        more = self._settings.thinking_tokens if (question.id, number) in self._roomy else 0
        return build_request(question, self._images[question.id], self._settings, number, more)

    def _take(self, outcome: ChatReply | ChatFailure) -> None:
        if isinstance(outcome, ChatFailure):
            self.failures.append(outcome)
            del self._open[outcome.id]
            return
        self._tokens += outcome.completion_tokens or 0
        dialogue, model = self._open[outcome.id], outcome.model or self._client.endpoint.model
        place = (outcome.id, len(dialogue.said))
        if place not in self._roomy and self._settings.thinking_tokens and is_thought(outcome):
            self._roomy.add(place)  # stays open, and is asked again
            return
        changes = dict(outcome.changes)
        if place in self._roomy:
            raised = f"{self._settings.max_tokens} and {self._settings.thinking_tokens} more for thoughts"
            changes["max_tokens"] = "; ".join(filter(None, [raised, changes.get("max_tokens", "")]))
        dialogue.add(outcome.text.strip(), finished=outcome.finished, changes=changes)
        if dialogue.is_open:
            self._store.add_round(dialogue, model, finished=outcome.finished)
        else:
            self._store.add(dialogue.build_answer(model))
            del self._open[outcome.id]
        self._report()

    def _report(self) -> None:
        if self._on_progress is not None:
            self._on_progress(len(self._store.answers), self._total, self._tokens)
