"""LLaVA-Bench (In-the-Wild): 60 questions about 24 images that a caption describes to the judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from errata.benchmarks.card import Card, Published, Remote
from errata.benchmarks.llava_bench import JUDGED, LICENCE, METRICS, WILD_REVIEW, LlavaBenchCoco
from errata.benchmarks.official_files import read_rows
from errata.benchmarks.protocol import Setup
from errata.judges import JudgePrompt

_WILD_URL = "https://huggingface.co/datasets/liuhaotian/llava-bench-in-the-wild/resolve/main/{}"


@dataclass(frozen=True)
class LlavaBenchWild(LlavaBenchCoco):
    """Scores beside a reference answer, from a caption.

    Args:
        lineage: Whose release official mode repeats: what a failed review counts.
        swap: Review every pair a second time with the answers in the other order.
    """

    questions_file = "questions.jsonl"
    answers_file = "answers_gpt4.jsonl"
    context_file = "context.jsonl"
    rows = 60
    card = Card(
        name="llava_bench_wild",
        title="LLaVA-Bench (In-the-Wild)",
        measures="helpfulness of answers about unusual images beside those of a GPT-4 that read a caption",
        paper="Liu et al. 2023, arXiv 2304.08485",
        licence=LICENCE.format("their owners' terms"),
        size="60 questions about 24 images: conversation, detail, complex reasoning",
        metrics=METRICS,
        data="questions.jsonl, answers_gpt4.jsonl, context.jsonl and images of liuhaotian/llava-bench-in-the-wild",
        judge=JUDGED,
        remotes=tuple(Remote(_WILD_URL.format(name), name) for name in (questions_file, answers_file, context_file)),
        published=(
            Published("LLaVA-W", "LLaVA-1.5 7B", "65.4", "LLaVA, docs/MODEL_ZOO.md", "another judge"),
            Published("LLaVA-W", "LLaVA-1.5 13B", "72.5", "LLaVA, docs/MODEL_ZOO.md", "another judge"),
        ),
    )

    def _choose_prompt(self, _setup: Setup) -> JudgePrompt:
        return WILD_REVIEW

    def _read_contexts(self, path: Path) -> dict[str, str]:
        rows = read_rows(path, {"image": str, "caption": (str, list)})
        return {row["image"]: _join(row["caption"]) for _, row in rows}


def _join(caption: str | list[str]) -> str:
    return caption if isinstance(caption, str) else "\n".join(map(str, caption))
