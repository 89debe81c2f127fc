"""What two runs differ in besides their models: a difference of their metrics may stem from any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from errata.benchmarks import BENCHMARKS
from errata.endpoints import is_endpoint, name_model
from errata.errors import DataError
from errata.records import BenchmarkResult, Question, read_questions

_QUIET = ("resamples", "seed", "judge_samples", "refused", "empty", "endless")
"""Settings of a result that are no difference of what is measured but of the models, or are compared elsewhere."""
_JUDGE = ("samples", "attempts", "temperature", "top_p", "seed", "max_tokens")
EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that two runs differ in.

    Attributes:
        benchmark: Of which; empty of what holds for all.
        what: In words: `judge`, `question wording`, `generation: temperature`.
        before, after: What each has, as JSON values.
        meaningless: A difference of the metrics would say nothing about the models.
    """

    benchmark: str
    what: str
    before: Any
    after: Any
    meaningless: bool = False

    def describe(self) -> str:
        """As a line."""
        where = f"{self.benchmark}: " if self.benchmark else ""
        return f"{where}different {self.what}: {_show(self.before)} | {_show(self.after)}"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a `results.json` says about how its numbers came to be; `folder` holds the questions."""

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    made_with: Mapping[str, Any] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, benchmark: str) -> Mapping[str, Any]:
        """What is said about the judge; nothing without one."""
        return dict(self.made_with.get("judge") or {}).get(benchmark) or {}

    def models(self, benchmark: str) -> dict[str, int]:
        """The names under which answers came, with how many."""
        return dict(dict(self.coverage.get(benchmark) or {}).get("models") or {})

    def questions(self, benchmark: str) -> dict[str, Question]:
        """By id; nothing where the folder does not hold them."""
        path = self.folder / "questions" / f"{benchmark}.jsonl"
        try:
            return {question.id: question for question in read_questions(path)} if path.is_file() else {}
        except DataError:
            return {}


def find_conditions(
    before: RunFacts, after: RunFacts, pairs: Mapping[str, tuple[BenchmarkResult, BenchmarkResult]]
) -> list[Condition]:
    """Everything that two runs are known to differ in, apart from their models; what older runs do not say is left out.

    Args:
        before, after: The runs.
        pairs: Their results over the items that both have.
    """
    found: list[Condition] = []
    for benchmark, ids in _group_items(pairs).items():
        found += _compare_judges(benchmark, before.judge(benchmark), after.judge(benchmark))
        found += _compare_models(benchmark, before, after)
        found += _compare_questions(benchmark, before, after, ids)
        found += _compare_coverage(benchmark, before, after)
    known = [dict(dict(one.made_with.get("files") or {}).get("vocabulary") or {}) for one in (before, after)]
    told = any(known) and all("files" in one.made_with for one in (before, after))  # by what is in it, not by its name
    for name, (first, second) in pairs.items():
        settings = [_settings_of(one, without=("vocabulary",) if told else ()) for one in (first, second)]
        found += _compare_values(name, "setting", *settings)
    return found + list(_compare_runs(before, after))


def list_models(facts: RunFacts, benchmarks: Sequence[str]) -> list[str]:
    """Lines on runs whose answers or verdicts come from several models."""
    lines = []
    for name in dict.fromkeys(find_benchmark(name) for name in benchmarks):
        answers, judges = facts.models(name), facts.judge(name).get("reply_models") or []
        if len(answers) > 1:
            lines.append(f"{name}: answers of several models: {_show(answers)}")
        if len(judges) > 1:
            lines.append(f"{name}: the judge's replies are of several models: {_show(judges)}")
    return lines


def find_benchmark(key: str) -> str:
    """The benchmark whose part a result is: `pope` of `pope_random`."""
    name = key.replace("-", "_")
    return max((known for known in BENCHMARKS if name == known or name.startswith(f"{known}_")), key=len, default=name)


def _group_items(pairs: Mapping[str, tuple[BenchmarkResult, BenchmarkResult]]) -> dict[str, list[str]]:
    """The ids of the shared items by benchmark."""
    found: dict[str, dict[str, None]] = {}
    for name, (first, _) in pairs.items():
        found.setdefault(find_benchmark(name), {}).update(dict.fromkeys(item["id"] for item in first.items))
    return {name: list(ids) for name, ids in found.items()}


def _compare_judges(benchmark: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Condition]:
    if not before and not after:
        return
    if _name_judge(before) != _name_judge(after):
        yield Condition(benchmark, "judge", before.get("judge", "none"), after.get("judge", "none"))
    elif before.get("reply_models", []) != after.get("reply_models", []):
        yield Condition(benchmark, "models that replied as the judge", before["reply_models"], after["reply_models"])
    if not before or not after:
        return
    hashes = [{name: prompt["hash"] for name, prompt in one.get("prompts", {}).items()} for one in (before, after)]
    shared = hashes[0].keys() & hashes[1].keys()
    other = sorted(name for name in shared if hashes[0][name] != hashes[1][name])
    if other:
        first, second = ({name: one[name] for name in other} for one in hashes)
        yield Condition(benchmark, "judge's prompts", first, second, meaningless=True)
    for name in _JUDGE:
        if name in before and name in after and before[name] != after[name]:
            yield Condition(benchmark, f"judge's {name}", before[name], after[name])
    changes = [{one["parameter"]: one["change"] for one in judge.get("changes", [])} for judge in (before, after)]
    for one in changes:
        one.pop("model", None)
    if changes[0] != changes[1]:
        yield Condition(benchmark, "what the judge's server took of its settings", changes[0], changes[1])


def _name_judge(judge: Mapping[str, Any]) -> str:
    """The judge without the address at which it is served."""
    return str(judge.get("model") or judge.get("judge", ""))


def _compare_models(benchmark: str, before: RunFacts, after: RunFacts) -> Iterator[Condition]:
    """The same name may stand for another model by now."""
    names = [name_model(str(one.settings.get("model", ""))) for one in (before, after)]
    models = [before.models(benchmark), after.models(benchmark)]
    if names[0] == names[1] and is_endpoint(names[0]) and all(models) and models[0].keys() != models[1].keys():
        yield Condition(benchmark, f"models that answered as {names[0]}", list(models[0]), list(models[1]))
    changes = [
        {one["parameter"]: one["change"] for one in dict(run.coverage.get(benchmark) or {}).get("changes") or []}
        for run in (before, after)
    ]
    for one in changes:
        one.pop("model", None)
    if changes[0] != changes[1]:
        yield Condition(benchmark, "what the models' servers took of their settings", changes[0], changes[1])


def _compare_questions(benchmark: str, before: RunFacts, after: RunFacts, ids: Sequence[str]) -> Iterator[Condition]:
    first, second = before.questions(benchmark), after.questions(benchmark)
    shared = [name for name in ids if name in first and name in second]
    if not shared:
        yield from _compare_digests(benchmark, before, after)
        return
    yield from _compare_pictures(benchmark, before, after)
    parts: dict[str, Callable[[Question], Any]] = {
        "question wordings": lambda one: [*(turn.text for turn in one.prompt), *one.followups],
        "ground truths": lambda one: one.meta,
        "pictures": lambda one: list(one.images),
    }
    for what, take in parts.items():
        other = [name for name in shared if take(first[name]) != take(second[name])]
        if other:
            told = f"{what} of {len(other)} of {len(shared)} shared questions"
            whole = what == "ground truths" and len(other) == len(shared)
            pairs = [_differ(take(first[name]), take(second[name])) for name in other[:EXAMPLES]]
            examples = [dict(zip(other, values, strict=False)) for values in zip(*pairs, strict=True)]
            yield Condition(benchmark, told, examples[0], examples[1], meaningless=whole)


def _differ(before: Any, after: Any) -> tuple[Any, Any]:
    """Of two mappings what differs, else both as they are."""
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return before, after
    names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
    return {name: before.get(name) for name in names}, {name: after.get(name) for name in names}


def _compare_pictures(benchmark: str, before: RunFacts, after: RunFacts) -> Iterator[Condition]:
    """The files behind equal names, of runs that ask about the same ones."""
    known = [dict(one.made_with.get("questions") or {}).get(benchmark) or {} for one in (before, after)]
    first, second = (one.get("pictures") for one in known)
    if first and second and first != second and known[0].get("sha256") == known[1].get("sha256"):
        yield Condition(benchmark, "contents of the pictures (digests)", first[:12], second[:12])


def _compare_digests(benchmark: str, before: RunFacts, after: RunFacts) -> Iterator[Condition]:
    """Of runs whose questions are not at hand."""
    said = [dict(one.made_with.get("questions") or {}).get(benchmark) or {} for one in (before, after)]
    if all(said) and said[0].get("sha256") != said[1].get("sha256"):
        first, second = ({name: one.get(name) for name in ("count", "sha256", "first")} for one in said)
        yield Condition(benchmark, "questions", first, second)


def _compare_coverage(benchmark: str, before: RunFacts, after: RunFacts) -> Iterator[Condition]:
    first, second = (dict(one.coverage.get(benchmark) or {}) for one in (before, after))
    for name, what in (
        ("reasoned", "answers with thoughts, which were set aside"),
        ("stand_ins", "stand-ins for images"),
    ):
        counts = first.get(name, 0), second.get(name, 0)
        if bool(counts[0]) != bool(counts[1]):
            yield Condition(benchmark, f"number of {what}", *counts)
    for name, what in (("cut", "answers cut off at the limit of tokens"), ("truncated", "verdicts cut off")):
        counts = first.get(name, 0), second.get(name, 0)
        if counts[0] != counts[1]:
            yield Condition(benchmark, f"number of {what}", *counts)


def _settings_of(result: BenchmarkResult, without: Sequence[str]) -> dict[str, Any]:
    left_out = (*_QUIET, *without)
    return {
        name: value for name, value in result.settings.items() if name not in left_out and not isinstance(value, dict)
    }


def _compare_values(
    benchmark: str, prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Condition]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            values = before.get(name), after.get(name)
            yield Condition(benchmark, f"{prefix} {name}", *values, meaningless=name == "vocabulary")


def _compare_runs(before: RunFacts, after: RunFacts) -> Iterator[Condition]:
    """What holds for all benchmarks: decoding, the choice among samples, files, versions."""
    decoding = [dict(one.settings.get("generation") or {}) for one in (before, after)]
    if all(decoding):
        for one in decoding:
            one.pop("batch_size", None)
        yield from _compare_values("", "generation setting", *decoding)
    best = [one.settings.get("best_of") for one in (before, after)]
    if best[0] != best[1]:
        yield Condition("", "choice among samples (best-of)", best[0], best[1])
    files = [dict(one.made_with.get("files") or {}) for one in (before, after)]
    for name in files[0].keys() & files[1].keys():
        if files[0][name]["sha256"] != files[1][name]["sha256"]:
            meaningless = name == "vocabulary"
            yield Condition("", f"file of the {name}", files[0][name], files[1][name], meaningless=meaningless)
    for name in files[0].keys() ^ files[1].keys():
        if all("files" in one.made_with for one in (before, after)):
            yield Condition("", f"file of the {name}", files[0].get(name), files[1].get(name), name == "vocabulary")
    versions = [dict(one.made_with.get("versions") or {}) for one in (before, after)]
    other = [name for name in versions[0] if name in versions[1] and versions[0][name] != versions[1][name]]
    if other:
        first, second = ({name: one[name] for name in other} for one in versions)
        yield Condition("", "versions", first, second)


def _show(value: Any) -> str:
    """A value in one line of a readable length."""
    if isinstance(value, Mapping) and value.keys() == {"name", "sha256"}:
        text = f"{value['name']} ({str(value['sha256'])[:12]})"
    elif isinstance(value, Mapping):
        text = ", ".join(f"{name} {_show(each)}" for name, each in value.items())
    elif isinstance(value, (list, tuple)):
        text = ", ".join(_show(each) for each in value)
    else:
        text = "none" if value is None or value == "" else " ".join(str(value).split())
    return (text[:157] + "…" if len(text) > 158 else text) or "none"
