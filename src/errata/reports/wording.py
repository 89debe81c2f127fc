"""What the metrics are called and how a number, an interval and a change are written.

What benchmarks and metrics are called, and what a metric says in plain words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from errata.records import BenchmarkResult, Metric
from errata.reports.results import Difference

MINUS = "−"
HARD_SPACE = "\N{NO-BREAK SPACE}"


_NOTES = {
    "stand_ins": "about stand-ins for their images",
    "refused": "refused",
    "empty": "empty",
    "endless": "without an end of their thoughts",
}


def sample_size(result: BenchmarkResult) -> str:
    """How many answers the first, and so the main, metric counts, and how many of the benchmark's say nothing or are
    about no real image.

    Nothing where the file does not say.
    """
    n = next((metric.items or metric.n for metric in result.metrics.values()), 0)
    notes = [f"{result.settings[name]} {what}" for name, what in _NOTES.items() if result.settings.get(name)]
    return ", ".join([*([f"{n:,}"] if n else []), *notes])


def scaled(value: float, unit: str) -> float:
    """The number as it is printed: shares in per cent, everything else as it is."""
    return value * 100 if unit == "share" else value


def format_number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """One decimal, counts without and points with two; `n/a` for None. A signed zero is not written."""
    if value is None:
        return "n/a"
    number = scaled(value, unit)
    digits = {"count": 0, "points": 2}.get(unit, 1)
    sign = "+" if signed and round(number, digits) != 0 else ""
    return f"{number:{sign}z,.{digits}f}".replace("-", MINUS)


def format_value(metric: Metric | None) -> str:
    """The metric with its unit, such as `41.2 %`."""
    if metric is None or metric.value is None:
        return "n/a"
    number = format_number(metric.value, metric.unit)
    return f"{number}{HARD_SPACE}%" if metric.unit == "share" else number


def format_counts(metric: Metric | None) -> str:
    """What a metric is a ratio of, as `37 of 301`; nothing for one made of others or where the file does not say."""
    if metric is None or metric.numerator is None:
        return ""
    return f"{metric.numerator:,.6g} of {metric.n:,}"


def format_interval(low: float | None, high: float | None, unit: str, *, signed: bool = False) -> str:
    """Both ends of an interval, or nothing where there is none."""
    if low is None or high is None:
        return ""
    return f"{format_number(low, unit, signed=signed)} to {format_number(high, unit, signed=signed)}"


def format_change(difference: Difference, unit: str) -> str:
    """A signed change; shares change by points."""
    text = format_number(difference.value, unit, signed=True)
    return f"{text} points" if unit == "share" and difference.value is not None else text


def format_relative(before: Metric | None, after: Metric | None) -> str:
    """How much is left or gone, such as `59 % fewer` or `99.1 % of before`; nothing where the ratio has no meaning."""
    if before is None or after is None or not before.value or after.value is None or before.unit == "count":
        return ""
    ratio = after.value / before.value
    if before.better == "lower":
        return f"{abs(1 - ratio) * 100:.0f} % {'fewer' if ratio <= 1 else 'more'}"
    return f"{ratio * 100:.1f} % of before"


def format_moment(created: str) -> str:
    """An ISO date and time as a reader writes it; other text as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".rstrip()


def verdict(difference: Difference, better: str) -> str:
    """`better`, `worse` or `changed` where the paired interval excludes zero; `unclear` where it does not.

    Without an interval there is no verdict: an empty string.
    """
    low, high = difference.low, difference.high
    if low is None or high is None:
        return ""
    if low <= 0 <= high:
        return "unclear"
    if better not in ("lower", "higher"):
        return "changed"
    return "better" if (high < 0) == (better == "lower") else "worse"


def format_fact(value: object) -> str:
    """A setting or a measured fact as a reader writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if not math.isfinite(value) or abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list | tuple):
        nested = any(isinstance(item, dict) for item in value)
        return ("; " if nested else ", ").join(format_fact(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name}: {format_fact(each)}" for name, each in value.items() if each not in ("", None))
    return str(value)


def flatten_facts(facts: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, text) rows, in the file's order."""
    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += flatten_facts(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", format_fact(value)))
    return rows


@dataclass(frozen=True, slots=True)
class MetricText:
    """A metric's short name, and what it says in plain words."""

    label: str
    meaning: str


BENCHMARKS = {
    "chair": ("CHAIR", "descriptions"),
    "pope": ("POPE", "mean of the settings"),
    "pope_random": ("POPE", "random"),
    "pope_popular": ("POPE", "popular"),
    "pope_adversarial": ("POPE", "adversarial"),
    "object_halbench": ("Object HalBench", ""),
    "object_halbench_offline": ("Object HalBench", "nouns by our own rules"),
    "amber": ("AMBER", "both parts"),
    "amber_offline": ("AMBER", "both parts, nouns by our own rules"),
    "amber_generative": ("AMBER", "descriptions"),
    "amber_generative_offline": ("AMBER", "descriptions, nouns by our own rules"),
    "amber_discriminative": ("AMBER", "yes/no questions"),
    "mmhal": ("MMHal-Bench", ""),
    "mrhal": ("MRHal-Bench", ""),
    "llava_bench_coco": ("LLaVA-Bench", "COCO"),
    "llava_bench_wild": ("LLaVA-Bench", "in the wild"),
    "refomb": ("RefoMB", "beside the reference answers"),
    "hallusionbench": ("HallusionBench", ""),
    "vqav2": ("VQAv2", "helpfulness"),
    "mhumaneval": ("MHumanEval", "marked by people"),
    "overgeneralisation": ("Over-generalisation", "mean of the scenes"),
}
"""Title and part of it."""

METRICS = {
    "chair": {
        "chair_s": MetricText("CHAIR_s", "descriptions that name at least one object the image does not show"),
        "chair_i": MetricText("CHAIR_i", "object mentions that name something the image does not show"),
        "recall": MetricText("object recall", "objects in the image that the description names"),
        "words": MetricText("words", "words per description"),
        "words_truthful": MetricText("truthful words", "words per description outside hallucinated mentions"),
    },
    "pope": {
        "accuracy": MetricText("accuracy", "yes/no questions answered correctly"),
        "precision": MetricText("precision", "answers of “yes” that are right"),
        "recall": MetricText("recall", "objects in the image that were confirmed with “yes”"),
        "f1": MetricText("F1", "harmonic mean of precision and recall"),
        "f1_mean": MetricText("mean F1", "mean of the settings' F1"),
        "accuracy_mean": MetricText("mean accuracy", "mean of the settings' accuracies"),
        "unknown_share": MetricText("no verdict", "answers that say neither yes nor no"),
        "yes_share": MetricText("share of yes", "answers that say “yes”; half of the questions deserve it"),
    },
    "object": {
        "response_hall": MetricText("response hall.", "answers with a made-up object, of those that name any"),
        "object_hall": MetricText("mention hall.", "object mentions that name something the image does not show"),
        "recall": MetricText("object recall", "objects in the image that the answer names"),
        "response_hall_all": MetricText("response hall., all", "answers with a made-up object, of all"),
        "with_objects": MetricText("naming objects", "answers that name any object"),
        "words": MetricText("words", "words per answer"),
        "unreadable": MetricText("unreadable", "answers whose objects the judge did not list"),
    },
    "amber": {
        "chair": MetricText("CHAIR", "mentions of listed nouns that are made up"),
        "cover": MetricText("Cover", "true words that descriptions name"),
        "hal": MetricText("Hal", "descriptions with a made-up noun"),
        "cog": MetricText("Cog", "words one would imagine that descriptions name"),
        "f1": MetricText("F1", "harmonic mean of precision and recall of “no”"),
        "amber": MetricText("AMBER", "half of 100 − CHAIR + F1"),
        "unknown_share": MetricText("no verdict", "answers that say neither yes nor no"),
    },
    "mhumaneval": {
        "all": MetricText("all", "answers in which people marked a hallucination"),
        "marked": MetricText("marked", "answers that somebody has marked"),
        "agreement": MetricText("agreement", "answers that two people judge alike"),
        "overlap": MetricText("overlap", "marked characters that two people share"),
    },
    "mmhal": {
        "score": MetricText("score", "mean rating from 0 to 6; 3 and more is free of hallucination"),
        "hallucination": MetricText("hallucination", "answers rated below 3"),
        "informativeness": MetricText("informativeness", "rating within its half of the scale, as a share of 3"),
        "unreadable": MetricText("unreadable", "answers whose rating could not be read"),
    },
    "mrhal": {
        "score_cumulative": MetricText("score, rounds", "mean rating of all rounds"),
        "score_mean": MetricText("score, dialogues", "mean of the dialogues' mean ratings"),
        "hallucination_cumulative": MetricText("hallucination, rounds", "rounds rated below 3"),
        "hallucination_mean_release": MetricText("hallucination, release", "dialogues whose mean rating is below 3"),
        "hallucination_mean_paper": MetricText("hallucination, paper", "mean share of a dialogue's rounds below 3"),
        "unreadable": MetricText("unreadable", "dialogues whose ratings could not be read"),
    },
    "llava": {
        "relative": MetricText("relative score", "the model's points per point of the reference answer"),
        "candidate": MetricText("points", "mean points of the model, from 1 to 10"),
        "position": MetricText("standing first", "points that an answer gains by standing first"),
        "reference": MetricText("points, reference", "mean points of the reference answer"),
        "unreadable": MetricText("unreadable", "answers whose review held no two scores"),
    },
    "refomb": {
        "win": MetricText("win rate", "answers better than the reference; a tie is half"),
        "trust": MetricText("trust rate", "answers with fewer hallucinations; a tie is half"),
        "tie": MetricText("ties", "answers as good as the reference"),
        "flip": MetricText("flip rate", "pairs whose verdict changed with the order of the answers"),
        "trust_flip": MetricText("flip rate, trust", "the same for hallucinations"),
        "unreadable": MetricText("unreadable", "answers without a readable verdict"),
    },
    "hallusionbench": {
        "aAcc": MetricText("aAcc", "questions answered rightly"),
        "qAcc": MetricText("qAcc", "questions answered rightly about all their figures"),
        "fAcc": MetricText("fAcc", "figures about which all is answered rightly"),
        "easy": MetricText("easy", "qAcc over original figures"),
        "hard": MetricText("hard", "qAcc over altered figures"),
        "figures_inconsistent": MetricText("inconsistent figures", "some questions right, some wrong"),
        "figures_wrong": MetricText("wrong figures", "all questions wrong"),
        "language": MetricText("language errors", "of all errors, those that come from language alone"),
        "vision": MetricText("vision errors", "those that misread the figure"),
        "mixed": MetricText("mixed errors", "those that may be either"),
        "yes_bias": MetricText("bias to yes", "share of yes minus the share that deserves it"),
        "wrong_yes": MetricText("wrong yes", "of the wrong answers, those that say yes"),
        "unclear": MetricText("unclear", "answers that do not commit themselves"),
        "unreadable": MetricText("unreadable", "answers whose verdict could not be read"),
    },
    "vqav2": {
        "accuracy": MetricText("accuracy", "answers as people gave them"),
    },
    "overgeneralisation": {
        "average": MetricText("average", "mentions of the scene's usual objects that are made up"),
        "scene": MetricText("in the scene", "the same in images of the scene"),
        "difference": MetricText("difference", "how much more is made up in the scene"),
    },
}


def metric_text(benchmark: str, name: str) -> MetricText:
    """Name and meaning of a metric, of a type where `name` ends with one; one we do not know keeps its own name."""
    known, parts = METRICS.get(benchmark.split("_")[0], {}), name.split("_")
    for end in range(len(parts), 0, -1):
        text = known.get("_".join(parts[:end]))
        if text is not None:
            return MetricText(", ".join([text.label, *([" ".join(parts[end:])] if parts[end:] else [])]), text.meaning)
    return MetricText(name, "")


def benchmark_label(benchmark: str, mode: str) -> str:
    """The benchmark's name for a heading. Numbers by our own rules never stand under the official name."""
    title, part = BENCHMARKS.get(benchmark, (benchmark, ""))
    name = f"{title} strict" if mode == "strict" else title
    return f"{name} · {part}" if part else name
