"""Official files with invented rows, as many and in the form that each benchmark asks for; nothing of them is released.

Where the released files are at hand, `copy_released` puts them in their place.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from errata.benchmarks import Setup, build_benchmarks, find_data
from errata.benchmarks.mmhal import TYPES as MMHAL_TYPES
from errata.benchmarks.refomb import TYPES as REFOMB_TYPES

CATEGORIES = ("conv", "detail", "complex")


def write_lines(path: Path, rows: Iterable[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_document(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def invent_files(folder: Path) -> None:
    """Files of every benchmark that has no other source of questions than its own."""
    for invent in (_mmhal, _mrhal, _llava_coco, _llava_wild, _refomb, _hallusionbench, _vqav2, _amber):
        invent(folder)


def copy_released(shared: Path, folder: Path) -> None:
    """The released files that are at hand, over the invented ones; GPT-4V's answers of RefoMB stay invented."""
    for name, source in (("mmhal", "mmhal_bench"), ("llava_bench_coco", "llava_bench"), ("refomb", "refomb")):
        shutil.copytree(shared / source, folder / name, dirs_exist_ok=True)
    shutil.copytree(shared / "amber", folder / "amber", dirs_exist_ok=True)
    rows = [json.loads(line) for line in (folder / "refomb" / "RefoMB_dev.jsonl").read_text().splitlines()]
    write_lines(folder / "refomb" / "RefoMB_gpt4v_dev.jsonl", [row | {"answer": "Invented."} for row in rows])


def write_judge(path: Path, folder: Path, replies: dict[str, dict[str, list[str]]], **setup: Any) -> None:
    """A table of replies for a scripted judge: benchmark -> prompt -> replies in turn over the questions."""
    rows = []
    for benchmark in build_benchmarks([*replies]):
        name = benchmark.card.name
        told = Setup("strict", find_data(name, folder), **setup)
        questions = [benchmark.prompt(row) for row in benchmark.load(told)]
        for prompt, said in replies[name].items():
            end = f"-{prompt.rpartition('-')[2]}" if prompt.endswith(("-trust", "-same")) else ""
            rows += [
                {"prompt": prompt, "id": question.id + end, "reply": said[number % len(said)]}
                for number, question in enumerate(questions)
            ]
    write_lines(path, rows)


def _mmhal(folder: Path) -> None:
    rows = [
        {"question_type": MMHAL_TYPES[n % 8], "question_topic": "invented", "image_id": f"{n:x}",
         "question": f"Is it {n}?", "image_src": f"https://images.example/mm{n}.jpg",
         "image_content": ["Cup"], "gt_answer": "Yes."}
        for n in range(96)
    ]  # fmt: skip
    write_document(folder / "mmhal" / "mmhal-bench_answer_template.json", rows)


def _mrhal(folder: Path) -> None:
    turns = [[{"value": text} for text in (f"<image>\nInvented {n}?", "Yes.", "Sure?", "Yes.")] for n in range(4)]
    rows = [{"id": n, "image": f"mr{n}.png", "image_content": ["Cup"], "revised": turns[n]} for n in range(4)]
    write_document(folder / "mrhal" / "eval_gt.json", rows)


def _llava_coco(folder: Path) -> None:
    asked = [
        {"question_id": n, "image": f"c{n // 3}.jpg", "text": f"Invented {n}?", "category": CATEGORIES[n % 3]}
        for n in range(90)
    ]
    box = {"category": "cup", "bbox": [0.1, 0.1, 0.5, 0.5]}
    images = [{"id": n, "image": f"c{n}.jpg", "captions": ["A cup."] * 5, "instances": [box]} for n in range(80)]
    place = folder / "llava_bench_coco"
    write_lines(place / "qa90_questions.jsonl", asked)
    write_lines(place / "qa90_gpt4_answer.jsonl", [row | {"text": "Yes."} for row in asked])
    write_lines(place / "caps_boxes_coco2014_val_80.jsonl", images)


def _llava_wild(folder: Path) -> None:
    asked = [
        {"question_id": n, "image": f"w{n % 24}.png", "text": f"Invented {n}?", "category": "conv"} for n in range(60)
    ]
    place = folder / "llava_bench_wild"
    write_lines(place / "questions.jsonl", asked)
    write_lines(place / "answers_gpt4.jsonl", [row | {"text": "Yes."} for row in asked])
    write_lines(place / "context.jsonl", [{"image": f"w{n}.png", "caption": "?"} for n in range(24)])


def _refomb(folder: Path) -> None:
    rows = [
        {"image_url": f"https://images.example/r{n}.jpg", "question": "Why?", "description": f"Scene {n}.",
         "type": REFOMB_TYPES[n % 8], "answer": ""}
        for n in range(99)
    ]  # fmt: skip
    write_lines(folder / "refomb" / "RefoMB_dev.jsonl", rows)
    write_lines(folder / "refomb" / "RefoMB_gpt4v_dev.jsonl", [row | {"answer": "Invented."} for row in rows])


def _hallusionbench(folder: Path) -> None:
    row = {"category": "VD", "subcategory": "invented", "gt_answer": "1", "question_id": "0"}
    row |= {"gt_answer_details": "It is.", "filename": "h.png"}
    places = [{"set_id": str(n // 4), "figure_id": str(n % 4), "visual_input": "21"[n % 4 == 0]} for n in range(1129)]
    rows = [row | place | {"question": f"Is it {n}?"} for n, place in enumerate(places)]
    write_document(folder / "hallusionbench" / "HallusionBench.json", rows)


def _vqav2(folder: Path) -> None:
    questions = [{"question_id": n, "image_id": n, "question": "Invented?"} for n in range(5)]
    people = [
        {"question_id": n, "answer_type": "other", "answers": [{"answer": f"about vqav2-{n}"}] * 10} for n in range(5)
    ]
    write_document(folder / "vqav2" / "v2_OpenEnded_mscoco_val2014_questions.json", {"questions": questions})
    write_document(folder / "vqav2" / "v2_mscoco_val2014_annotations.json", {"annotations": people})


def _amber(folder: Path) -> None:
    kinds = ("hallucination", "attribute-state", "attribute-number", "attribute-action", "relation")
    told = [{"id": n, "type": "generative", "truth": ["cup"], "hallu": ["table"]} for n in range(1, 1005)]
    asked = [
        {"id": n, "type": f"discriminative-{kinds[n % 5]}", "truth": ("yes", "no")[n % 2]} for n in range(1005, 15221)
    ]
    place = folder / "amber"
    write_document(place / "annotations.json", told + asked)
    for part, ids, query in (
        ("generative", range(1, 1005), "Describe it."),
        ("discriminative", range(1005, 15221), "?"),
    ):
        rows = [{"id": n, "image": f"AMBER_{(n - 1) % 1004 + 1}.jpg", "query": query} for n in ids]
        write_document(place / "query" / f"query_{part}.json", rows)
    write_document(place / "relation.json", {"cup": ["mug"], "table": ["desk"]})
    (place / "safe_words.txt").write_text("photo\n")
