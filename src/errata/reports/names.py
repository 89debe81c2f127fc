"""What benchmarks and metrics are called, and what a metric says in plain words."""

from __future__ import annotations

from dataclasses import dataclass


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
