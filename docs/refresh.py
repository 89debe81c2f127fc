"""Write what the documentation takes from the code and from a run.

    python docs/refresh.py              the tables of presets and of error codes
    python docs/refresh.py runs/demo    also the demo's output and plot in README.md

`tests/test_docs.py` fails while a table is not the code's.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from dataclasses import fields
from pathlib import Path

from errata.errors import CODES
from errata.objectives import PRESETS, Objective

ROOT = Path(__file__).parents[1]
OBJECTIVES = ROOT / "docs" / "objectives.md"
CONTENTS = ROOT / "docs" / "README.md"
COLUMNS = ("preset", "aggregate", "weights", "pairing", "link", "β", "anchor", "more", "reference")
SHOWN = {"name", "reduction", "weights", "corrected_weight", "pairing", "link", "beta", "anchor"}


def render_presets() -> str:
    """The table of `PRESETS` as Markdown; what a preset has no use for is a dash."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_render_row(preset) for preset in PRESETS.values())]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _render_row(preset: Objective) -> tuple[str, ...]:
    compares = preset.pairing != "none"
    more = [
        f"`{field.name}` {getattr(preset, field.name)}"
        for field in fields(preset)
        if field.name not in SHOWN and getattr(preset, field.name) != field.default and field.name != "reference_free"
    ]
    return (
        f"`{preset.name}`",
        preset.reduction,
        "1" if preset.weights == "none" else f"{preset.weights}, γ = {preset.corrected_weight:g}",
        preset.pairing if compares else "–",
        preset.link if compares else "–",
        f"{preset.beta:g}" if compares else "–",
        preset.anchor if preset.anchor != "none" else "–",
        ", ".join(more) or "–",
        "yes" if preset.needs_reference else "no",
    )


def render_codes() -> str:
    """The table of `CODES` as Markdown."""
    return "\n".join(
        ["| code | meaning |", "|---|---|", *(f"| `{code}` | {meaning} |" for code, meaning in CODES.items())]
    )


def replace_between(text: str, marker: str, content: str) -> str:
    """The text with everything between `<!-- marker -->` and `<!-- /marker -->` replaced."""
    pattern = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.DOTALL)
    return pattern.sub(lambda match: f"{match[1]}{content}\n{match[2]}", text, count=1)


def refresh_demo(run: Path) -> None:
    """Put a demo's table, its last lines and its first plot into the README."""
    from errata.pipelines.demo import DemoResult
    from errata.reports import render_table

    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    shown = Path("runs/demo")
    paths = DemoResult(shown, results, shown / "report.html", complete=True).paths()
    lines = [render_table(results), *(f"{label:12}{path}" for label, path in paths.items())]
    readme = ROOT / "README.md"
    block = "```text\n" + "\n".join(lines) + "\n```"
    readme.write_text(replace_between(readme.read_text(encoding="utf-8"), "demo-output", block), encoding="utf-8")
    for suffix in ("", "-dark"):
        target = ROOT / "docs" / "images" / f"demo-before-after{suffix}.png"
        shutil.copyfile(run / "plots" / f"before_after{suffix}.png", target)


TABLES = ((OBJECTIVES, "presets", render_presets), (CONTENTS, "codes", render_codes))
"""Page, marker and content of every table that the code states."""

if __name__ == "__main__":
    for page, marker, table in TABLES:
        page.write_text(replace_between(page.read_text(encoding="utf-8"), marker, table()), encoding="utf-8")
    if len(sys.argv) > 1:
        refresh_demo(Path(sys.argv[1]))
