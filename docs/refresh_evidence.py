"""Write the tables and pictures of evidence.md from the folders that `errata world study` wrote.

    python docs/refresh_evidence.py runs/studies    with runs/studies/mdpo/study.json and so on

A column of the table is a number of the study: its name, what it is called, and whether it is a share.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "evidence.md"

Column = tuple[str, str, bool]
COMMON: tuple[Column, ...] = (
    ("chair_s", "CHAIR_s, %", True),
    ("chair_s_against_first", "against the first, points", True),
    ("chair_s_drop", "down by, %", True),
    ("recall_kept", "recall kept, %", True),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "mdpo": (*COMMON, ("sets", "sets", False), ("responses", "responses a set", False)),
    "mdpo-equal-sets": (*COMMON, ("responses", "responses a set", False)),
    "auto-check": (("kendall_tau", "Kendall's τ", False), *COMMON),
    "divide-and-conquer": (
        ("label_agreement", "labels right, %", True),
        ("false_rejected", "false claims rejected, %", True),
        *((f"round_{n}_chair_s", f"CHAIR_s, round {n}", True) for n in range(1, 5)),
        *COMMON[2:],
    ),
    "scaling": COMMON,
    "best-of-n": (*COMMON, ("greedy_chair_s", "greedy CHAIR_s, %", True)),
}


def render_study(study: dict[str, Any], columns: tuple[Column, ...]) -> str:
    """The conditions of a study as a Markdown table."""
    rows = [["condition", *(title for _, title, _ in columns)], ["---", *["---:"] * len(columns)]]
    for name, found in study["conditions"].items():
        rows.append([name, *(format_number(found.get(key), share=share) for key, _, share in columns)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def format_number(found: dict[str, Any] | None, *, share: bool) -> str:
    """The mean, and its interval where there is one; a dash for a number that the condition has not."""
    if found is None:
        return "–"
    scale, digits = (100, 1) if share else (1, 2 if abs(found["mean"]) < 10 else 0)
    ends = "" if found["low"] is None else f" ({found['low'] * scale:.{digits}f} to {found['high'] * scale:.{digits}f})"
    return f"{found['mean'] * scale:.{digits}f}{ends}"


def main(folder: Path) -> None:
    """Replace what stands between `<!-- study NAME -->` and `<!-- /study NAME -->`, and copy the pictures; what was not
    run again stays."""
    page = PAGE.read_text(encoding="utf-8")
    for name, columns in COLUMNS.items():
        if not (folder / name / "study.json").is_file():
            continue
        study = json.loads((folder / name / "study.json").read_text(encoding="utf-8"))
        marks = re.compile(rf"(<!-- study {name} -->\n).*?(<!-- /study {name} -->)", re.DOTALL)
        table = render_study(study, columns)
        page = marks.sub(lambda match, table=table: f"{match[1]}{table}\n{match[2]}", page)
        for suffix in ("", "-dark"):
            picture = ROOT / "docs" / "images" / f"study-{name}{suffix}.png"
            if picture.is_file():  # only those that the page shows
                shutil.copyfile(folder / name / f"study{suffix}.png", picture)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
