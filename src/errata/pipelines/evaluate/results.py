"""What was measured, as the `results.json` that a report and a comparison read.

A result folder that holds answers already: whether the command given now may go on with them.

Which commit of a Hub repository a model's files are, as far as their folder tells it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import errata
from errata.benchmarks import BENCHMARKS, Setup
from errata.config import dump_settings, list_versions
from errata.endpoints import is_endpoint, name_model
from errata.errors import DataError
from errata.images import resolve_image, store_image
from errata.judges import find_model_folder
from errata.pipelines.evaluate.measuring import Measured
from errata.records import BenchmarkResult, Question, question_to_row, result_to_row
from errata.storage import read_stated, remove_file, require_same_run

FREE = ("benchmarks", "mode", "options", "endpoint", "judge")
"""Settings that may change: none changes an answer, or the file of answers notices that other questions are asked."""


def check_folder(out: Path, settings: Any, names: Sequence[str], *, fresh: bool) -> dict[str, Any]:
    """The settings as plain values, if the answers found in the folder were given under the same ones.

    They are not written here but once the model has loaded: a start that failed must not bind the next one.

    Args:
        out: The result folder.
        settings: A dataclass.
        names: The benchmarks whose answers `fresh` removes.
        fresh: Start over.

    Raises:
        ConfigError: The folder holds the answers of other settings.
    """
    stated: dict[str, Any] = dump_settings(settings)
    if fresh:
        for name in names:
            remove_file(out / "answers" / f"{name}.jsonl")
    elif (out / "settings.json").is_file():
        path = out / "settings.json"
        found, now = _without_address(read_stated(path)), _without_address(stated)
        require_same_run(path, found, now, expected="the settings of the answers in this folder", free=FREE)
    return stated


def _without_address(settings: Any) -> Any:
    """The settings with the model's name alone, wherever it is served."""
    model = settings.get("model") if isinstance(settings, dict) else None
    if not isinstance(model, str) or not is_endpoint(model):
        return settings
    return settings | {"model": name_model(model)}


_SNAPSHOT = re.compile(r"/snapshots/([0-9a-f]{40})(?:/|$)")


def find_revisions(model: str) -> dict[str, str | None]:
    """Part of the model -> its commit; of an adapter also that of its base.

    None where no commit is known: of a folder that is no snapshot of the Hub's cache, for which the digest of weights
    beside the answers stands, and of an endpoint, which does not say what it serves.
    """
    if is_endpoint(model):
        return {model: None}
    parts = [model] if Path(model).exists() or "+" not in model else list(filter(None, model.rpartition("+")[::2]))
    return {part: _find_commit(part) for part in parts + (_read_base(parts[0]) if len(parts) == 1 else [])}


def _read_base(name: str) -> list[str]:
    """The base that an adapter folder names; nothing of a whole model."""
    try:
        stated = json.loads((Path(name) / "adapter_config.json").read_text(encoding="utf-8"))
        return [str(stated["base_model_name_or_path"])]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _find_commit(name: str) -> str | None:
    """By where the files lie: a snapshot's folder is called after its commit."""
    folder = find_model_folder(name)
    places = [folder.absolute(), folder.resolve()] if folder is not None else []
    return next((match.group(1) for place in places if (match := _SNAPSHOT.search(place.as_posix()))), None)


EXAMPLES = 12
"""Descriptions that a report shows."""
PROMPTS = 5
"""Wordings of a benchmark's questions that the results quote; all of them stand in `questions/`."""


def build_results(
    measured: Mapping[str, Measured],
    questions: Mapping[str, Sequence[Question]],
    setups: Mapping[str, Setup],
    settings: dict[str, Any],
    out: Path,
) -> dict[str, Any]:
    """One stage with its benchmarks, what they were made with, and a few descriptions with made-up words marked.

    No time stands in it: the same answers give the same file.

    Args:
        measured: Per benchmark, all of one model.
        questions: Per benchmark, what was asked.
        setups: Per benchmark, what it was told.
        settings: Of the evaluation, as plain values.
        out: The result folder; the images of the examples are copied into it.
    """
    results = [result for one in measured.values() for result in one.results]
    benchmarks = {result.benchmark.replace("-", "_"): result_to_row(result) for result in results}
    chair = next((result for result in results if result.benchmark == "chair"), None)
    return {
        "title": f"Hallucinations of {settings['model']}",
        "errata_version": errata.__version__,
        "seed": settings["generation"]["seed"] if "generation" in settings else None,
        "settings": settings,
        "stages": [{"name": "model", "label": settings["model"], "benchmarks": benchmarks}],
        "coverage": {name: asdict(one.coverage) for name, one in measured.items()},
        "published": [
            {"benchmark": name, **asdict(number)}
            for name in list_quotable(measured, setups)
            for number in BENCHMARKS[name].card.published
        ],
        "made_with": {
            "versions": list_versions(),
            "revisions": _list_revisions(settings) if "generation" in settings else {},
            "questions": {
                name: _describe_questions(asked, setups[name].image_root) for name, asked in questions.items()
            },
            "answers": {name: _read_run(out / "answers" / f"{name}.jsonl.run.json") for name in questions},
            "files": _digest_files(settings),
            "judge": {name: one.judge for name, one in measured.items() if one.judge},
        },
        "examples": _list_examples(chair, questions["chair"], setups["chair"].image_root, out)
        if chair is not None
        else [],
    }


def _digest_files(settings: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The files that decide what counts as right, where a user named any: their names, and what is in them."""
    named = {name: settings.get(name) for name in ("vocabulary", "annotations", "questions")}
    files = {name: Path(str(path)) for name, path in named.items() if path}
    return {
        name: {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for name, path in files.items()
        if path.is_file()
    }


def list_quotable(measured: Mapping[str, Measured], setups: Mapping[str, Setup]) -> list[str]:
    """Benchmarks that asked about the images of the published figures: no others, no stand-ins, none left out."""
    return [name for name, one in measured.items() if setups[name].annotations is None and _is_whole(name, one)]


def _is_whole(name: str, measured: Measured) -> bool:
    """Whether no image is left out or replaced; the option that draws a sample stands in a result's settings."""
    drawn = any(result.settings.get(BENCHMARKS[name].draws) is not None for result in measured.results)
    return not (measured.coverage.stand_ins or measured.coverage.left_out or drawn)


def _list_revisions(settings: dict[str, Any]) -> dict[str, str | None]:
    """Of the model, and of the base that answers were chosen with."""
    base = (settings.get("best_of") or {}).get("base")
    return find_revisions(settings["model"]) | (find_revisions(base) if base else {})


def _describe_questions(questions: Sequence[Question], root: Path | None) -> dict[str, Any]:
    """How many, digests of all of them and of the pictures that they are about, and how the first are worded."""
    rows = json.dumps([question_to_row(question) for question in questions], ensure_ascii=False, sort_keys=True)
    wordings = list(dict.fromkeys(question.prompt[-1].text for question in questions))
    digest = hashlib.sha256(rows.encode("utf-8")).hexdigest()
    told = {"count": len(questions), "sha256": digest, "wordings": len(wordings), "first": wordings[:PROMPTS]}
    return told | {"pictures": _digest_pictures(questions, root)}


def _digest_pictures(questions: Sequence[Question], root: Path | None) -> str | None:
    """Of the files' bytes, in the order of their names; None where there are none or not all are at hand."""
    names = sorted({name for question in questions for name in question.images})
    try:
        files = [resolve_image(name, root) for name in names] if root is not None else []
    except DataError:  # answers made elsewhere may name files of another machine
        return None
    if not files or not all(file.is_file() for file in files):
        return None
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()


def _read_run(path: Path) -> dict[str, Any]:
    """What generation wrote beside the answers: the model's weights, how images are encoded, the settings."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _list_examples(
    chair: BenchmarkResult, questions: Sequence[Question], root: Path | None, out: Path
) -> list[dict[str, Any]]:
    by_id = {question.id: question for question in questions}
    return [_build_example(item, by_id[item["id"]], root, out) for item in chair.items[:EXAMPLES]]


def _build_example(item: dict[str, Any], question: Question, root: Path | None, out: Path) -> dict[str, Any]:
    wrong = [mention for mention in item["mentions"] if mention["hallucinated"]]
    spans = [{"kind": "hallucinated", **{key: mention[key] for key in ("start", "end", "object")}} for mention in wrong]
    example = {"question": question.prompt[-1].text, "before": {"text": item["text"], "spans": spans}}
    if root is not None and resolve_image(question.images[0], root).is_file():
        # A report reads only images inside its run folder.
        data = resolve_image(question.images[0], root).read_bytes()
        example["image"] = f"images/{store_image(data, out / 'images', question.images[0])}"
    return example | {"truth": list(question.meta["objects"])}
