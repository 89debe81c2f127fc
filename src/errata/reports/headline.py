"""The page's first lines: one sentence and a few cards, worded by what the intervals allow to be said."""

from __future__ import annotations

from dataclasses import dataclass

from errata.reports.results import Results, Stage
from errata.reports.wording import (
    format_change,
    format_interval,
    format_relative,
    format_value,
    metric_text,
    verdict,
)

CARDS = (
    ("chair", "chair_s"),
    ("chair", "chair_i"),
    ("chair", "recall"),
    ("chair", "words_truthful"),
    ("pope_adversarial", "f1"),
)

VERDICTS = {
    "better": "better",
    "worse": "worse",
    "changed": "changed",
    "unclear": "no clear change",
    "": "no interval given",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A metric in large type; `interval` is that of the change, of the value where nothing changed. Empty strings where
    there is nothing to say."""

    label: str
    meaning: str
    before: str
    after: str
    change: str
    interval: str
    relative: str
    verdict: str
    verdict_text: str


def build_cards(results: Results) -> list[Card]:
    """The cards whose metric was measured before; the first one is the main number."""
    return [_card(results, *key) for key in CARDS if results.before.metric(*key)]


def _card(results: Results, benchmark: str, name: str) -> Card:
    text = metric_text(benchmark, name)
    before = results.before.metric(benchmark, name)
    after = results.after.metric(benchmark, name) if results.after else None
    label = text.label if benchmark == "chair" else f"POPE {text.label}, {benchmark.removeprefix('pope_')}"
    if before is None or after is None or results.after is None:
        interval = format_interval(before.low, before.high, before.unit) if before else ""
        return Card(label, text.meaning, format_value(before), "", "", interval, "", "", "")
    difference = results.difference(results.after, benchmark, name)
    found = verdict(difference, before.better)
    return Card(
        label=label,
        meaning=text.meaning,
        before=format_value(before),
        after=format_value(after),
        change=format_change(difference, before.unit),
        interval=format_interval(difference.low, difference.high, before.unit, signed=True),
        relative=format_relative(before, after) if benchmark == "chair" else "",
        verdict=found,
        verdict_text=VERDICTS[found],
    )


def build_lead(results: Results) -> list[str]:
    """Plain sentences on the main numbers."""
    if results.after is None:
        value = results.before.metric("chair", "chair_s")
        said = f"{format_value(value)} of the descriptions name something that the image does not show."
        sentences = [said if value else "", _silence(results.before)]
    else:
        sentences = [_hallucination(results, results.after), _kept(results, results.after)]
        sentences += [_silence(results.before), _silence(results.after)]
    return [sentence for sentence in [*sentences, _others(results)] if sentence]


def _others(results: Results) -> str:
    """Whether a change may stem from something else; what, is listed under the numbers."""
    if results.after is None or not results.conditions:
        return ""
    return "Not only the models differ: see what else does under the numbers."


def _silence(stage: Stage) -> str:
    """How many descriptions describe nothing: a model that refuses makes nothing up."""
    result = stage.benchmarks.get("chair")
    silent = sum(int(result.settings.get(name) or 0) for name in ("refused", "empty", "endless")) if result else 0
    if result is None or not silent:
        return ""
    n = result.metrics["chair_s"].n if "chair_s" in result.metrics else 0
    return (
        f"{silent:,} of {max(n, silent):,} descriptions of {stage.label} refuse or say nothing, and so make nothing up."
    )


def _hallucination(results: Results, stage: Stage) -> str:
    before, after = results.before.metric("chair", "chair_s"), stage.metric("chair", "chair_s")
    if not (before and after and before.value is not None and after.value is not None):
        return ""
    found = verdict(results.difference(stage, "chair", "chair_s"), "lower")
    ends = f"from {format_value(before)} to {format_value(after)}"
    subject = "The share of descriptions that name something the image does not show"
    if found == "unclear":
        return f"{subject} went {ends}: no clear change."
    return f"{subject} {'fell' if after.value < before.value else 'rose'} {ends}."


def _kept(results: Results, stage: Stage) -> str:
    """Whether less hallucination was bought with silence."""
    before, after = results.before.metric("chair", "recall"), stage.metric("chair", "recall")
    if not (before and after and before.value is not None and after.value is not None):
        return ""
    found = VERDICTS[verdict(results.difference(stage, "chair", "recall"), "higher")]
    ends = f"from {format_value(before)} to {format_value(after)}"
    return f"Of the objects that the images do show, the share named went {ends} ({found})."
