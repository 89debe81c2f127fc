"""A run folder as the demo writes it, with drawn scenes and made-up numbers of a realistic size."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

CELLS = [f"{row}{column}" for row in ("top", "middle", "bottom") for column in ("-left", "", "-right")]
COLOURS = {
    "red": (206, 62, 52),
    "blue": (58, 96, 190),
    "green": (70, 146, 84),
    "yellow": (226, 186, 60),
    "purple": (132, 82, 162),
}
OBJECTS = ("ball", "cup", "lamp", "tree", "star", "fish", "key", "boat", "leaf", "bell", "chair", "hat")
PARTNERS = {"ball": "hat", "cup": "lamp", "tree": "leaf", "fish": "boat", "key": "bell", "star": "chair"}
STAGES = {
    "base": ("Before", 0.412, 0.131, 0.948),
    "ddpo": ("After DDPO", 0.172, 0.049, 0.941),
    "dpo": ("DPO", 0.213, 0.064, 0.929),
    "sft": ("SFT on corrections", 0.149, 0.044, 0.917),
    "control": ("SFT on own text (control)", 0.438, 0.139, 0.944),
}
POPE = {"random": (0.962, 0.968), "popular": (0.934, 0.951), "adversarial": (0.861, 0.914)}


def write_run(folder: Path, *, compare: bool = False, quick: bool = False) -> dict[str, Any]:
    """Write `results.json` and images; returns what was written."""
    dice = random.Random(0)
    names = list(STAGES) if compare else list(STAGES)[:2]
    results: dict[str, Any] = {
        "title": "Dense DPO on the synthetic world",
        "errata_version": "0.1.0",
        "seed": 0,
        "quick": quick,
        "created": "2026-11-01T09:30:00+00:00",
        "settings": {
            "model": {"name": "world-medium", "parameters": 531_072},
            "train": {
                "objective": "ddpo",
                "beta": 0.5,
                "corrected_weight": 5.0,
                "learning_rate": 1e-4,
                "anchor": "clamped",
            },
            "world": {"preference_images": 2000, "evaluation_images": 400, "partner_rate": 0.3},
            "generation": {"temperature": 0.7, "max_tokens": 96},
        },
        "stages": [_stage(name, dice) for name in names],
        "differences": {name: _differences(name) for name in names[1:]},
        "annotation": {
            "images": 2000,
            "answers": 2400,
            "corrected": 1312,
            "segments": 1790,
            "types": {"object": 1204, "attribute": 401, "number": 122, "position": 63},
            "missed_share": 0.15,
            "pairs": 1489,
            "yes_no_pairs": 177,
        },
        "training": _training(dice),
        "examples": [_example(folder, number, dice) for number in range(4)],
        "corrections_shown": [_correction(folder, number, dice) for number in range(3)],
        "timings": {"world": 3.1, "before": 21.4, "annotate": 14.8, "train": 22.9, "after": 20.2},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return results


def _metric(value: float, half: float, n: int, unit: str = "share", better: str = "higher") -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "n": n, "unit": unit, "better": better}


def _stage(name: str, dice: random.Random) -> dict[str, Any]:
    label, chair_s, chair_i, recall = STAGES[name]
    words = 31.0 - 9 * (0.412 - chair_s)
    metrics = {
        "chair_s": _metric(chair_s, 0.046, 400, better="lower"),
        "chair_i": _metric(chair_i, 0.018, 400, better="lower"),
        "recall": _metric(recall, 0.012, 400),
        "words": _metric(words, 0.9, 400, "words", "neither"),
        "words_truthful": _metric(27.4 - 2 * (0.948 - recall), 0.8, 400, "words", "neither"),
    }
    items = [_item(number, chair_s, dice) for number in range(400)]
    chair = {"benchmark": "chair", "mode": "strict", "model": name, "metrics": metrics, "items": items, "settings": {}}
    pope = {f"pope_{setting}": _pope(setting, name != "base") for setting in POPE}
    return {"name": name, "label": label, "benchmarks": {"chair": chair, **pope}}


def _item(number: int, chair_s: float, dice: random.Random) -> dict[str, Any]:
    mentions = []
    if dice.random() < chair_s:
        word = dice.choices(list(PARTNERS.values()), weights=(9, 7, 5, 3, 2, 1))[0]
        mentions.append({"start": 12, "end": 12 + len(word), "word": word, "object": word, "hallucinated": True})
    return {"id": f"describe-{number}", "image": f"{number}.png", "answer": "", "mentions": mentions, "missing": []}


def _pope(setting: str, aligned: bool) -> dict[str, Any]:
    value = POPE[setting][aligned]
    metrics = {
        "accuracy": _metric(value, 0.016, 600),
        "precision": _metric(value - 0.02, 0.02, 600),
        "recall": _metric(0.973, 0.014, 600),
        "f1": _metric(value + 0.004, 0.016, 600),
        "yes_share": _metric(0.5 + (0.985 - value) * 0.7, 0.03, 600, better="neither"),
    }
    return {
        "benchmark": "pope",
        "mode": "strict",
        "model": "",
        "metrics": metrics,
        "items": [],
        "settings": {"setting": setting},
    }


def _differences(name: str) -> dict[str, Any]:
    change = STAGES[name][1] - 0.412, STAGES[name][2] - 0.131, STAGES[name][3] - 0.948
    chair = {
        key: _interval(value, half)
        for key, value, half in zip(("chair_s", "chair_i", "recall"), change, (0.05, 0.02, 0.009), strict=True)
    }
    chair |= {"words": _interval(9 * change[0], 0.6), "words_truthful": _interval(2 * change[2], 0.3)}
    pope = {
        f"pope_{s}": {"accuracy": _interval(b - a, 0.014), "f1": _interval(b - a, 0.013)} for s, (a, b) in POPE.items()
    }
    return {"chair": chair, **pope}


def _interval(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def _training(dice: random.Random) -> dict[str, Any]:
    log = []
    for step in range(1, 47):
        done = step / 46
        log.append(
            {
                "step": step,
                "loss": 0.69 - 0.42 * done**0.6 + dice.gauss(0, 0.03),
                "rewards/margins": 1.9 * done**0.8 + dice.gauss(0, 0.12),
                "rewards/accuracies": min(1.0, 0.52 + 0.43 * done**0.5 + dice.gauss(0, 0.05)),
                "learning_rate": 1e-4 * (1 - done),
            }
        )
    tree = {"rows": 188, "tokens": 91_204, "tokens_separate": 143_550, "self_check_max_difference": 2.1e-6}
    cache = {"hits": 1489, "computed": 1489, "fingerprint": "9f3c1ae07b"}
    return {"objective": "ddpo", "steps": 46, "seconds": 22.9, "log": log, "tree": tree, "reference_cache": cache}


def _scene(folder: Path, name: str, dice: random.Random) -> list[tuple[str, str, str]]:
    """Draw a scene of 48 × 48 pixels; returns (place, colour, object) in reading order."""
    cells = sorted(dice.sample(range(9), dice.randint(2, 4)))
    facts = [
        (CELLS[cell].removesuffix("-"), dice.choice(list(COLOURS)), thing)
        for cell, thing in zip(cells, dice.sample(OBJECTS, len(cells)), strict=True)
    ]
    image = Image.new("RGB", (48, 48), (238, 234, 226))
    draw = ImageDraw.Draw(image)
    for cell, (_, colour, thing) in zip(cells, facts, strict=True):
        x, y = cell % 3 * 16 + 3, cell // 3 * 16 + 3
        shape = [
            draw.ellipse,
            draw.rectangle,
            lambda box, fill: draw.regular_polygon((box[0] + 5, box[1] + 5, 6), 3, fill=fill),
        ][OBJECTS.index(thing) % 3]
        shape([x, y, x + 10, y + 10], fill=COLOURS[colour])
    (folder / "images").mkdir(parents=True, exist_ok=True)
    image.save(folder / "images" / name)
    return facts


def _describe(facts: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    text, spans = "", []
    for place, colour, thing, kind in facts:
        text += f"{place}: a {colour} {thing}. "
        words = colour if kind == "attribute" else f"{colour} {thing}" if kind == "hallucinated" else thing
        start = text.rindex(words)
        spans.append({"start": start, "end": start + len(words), "kind": kind, "object": thing})
    return {"text": text.rstrip(), "spans": spans}


def _example(folder: Path, number: int, dice: random.Random) -> dict[str, Any]:
    facts = _scene(folder, f"example-{number}.png", dice)
    told = [(*fact, "true") for fact in facts]
    phantom = ("bottom-right", "yellow", dice.choice(list(PARTNERS.values())), "hallucinated")
    wrong = [(*told[0][:3], "true") if number % 2 else (told[0][0], "green", told[0][2], "attribute")]
    after = [*told, phantom] if number == 3 else told
    return {
        "image": f"images/example-{number}.png",
        "question": "Describe the image.",
        "before": _describe([*wrong, *told[1:], phantom]),
        "after": _describe(after),
        "truth": [f"{colour} {thing} {place}" for place, colour, thing in facts],
    }


def _correction(folder: Path, number: int, dice: random.Random) -> dict[str, Any]:
    facts = _scene(folder, f"correction-{number}.png", dice)
    corrected = _describe([(*fact, "true") for fact in facts])["text"]
    addition = f" bottom: a blue {dice.choice(list(PARTNERS.values()))}."
    wrong = "purple" if facts[0][1] != "purple" else "red"
    original = corrected.replace(facts[0][1], wrong, 1) + addition
    start = original.index(wrong)
    end = len(original) - len(addition)
    segments = [
        {
            "start": start,
            "end": start + len(wrong),
            "better_start": start,
            "better_end": start + len(facts[0][1]),
            "type": "attribute",
        },
        {
            "start": end,
            "end": len(original),
            "better_start": len(corrected),
            "better_end": len(corrected),
            "type": "object",
        },
    ]
    return {
        "image": f"images/correction-{number}.png",
        "question": "Describe the image.",
        "original": original,
        "corrected": corrected,
        "segments": segments,
    }
