"""`errata data check`: findings by kind, safe repairs, and the exit code that says whether anything is left."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from errata.cli.progress import show_progress
from errata.errors import DONE, INCOMPLETE, ConfigError, count_noun

if TYPE_CHECKING:
    from errata.data import CheckReport, RepairedFile

EXAMPLES = 3
"""How many findings of a kind are shown; `--json` has them all."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the verb."""
    parser.add_argument("--image-root", type=Path, help="where image paths start (default: the file's folder)")
    parser.add_argument("--no-images", action="store_true", help="do not open the images")
    parser.add_argument(
        "--examples", type=int, default=EXAMPLES, help=f"findings shown of a kind (default: {EXAMPLES})"
    )
    parser.add_argument("--json", action="store_true", help="print all findings as JSON")
    parser.add_argument("--fix", action="store_true", help="make the safe repairs, say which, and check what is left")
    parser.add_argument("--nfc", action="store_true", help="with --fix: also put texts into Unicode's NFC")
    parser.add_argument("--out", type=Path, help="with --fix: the file to write (default: replace, keep a .bak)")
    parser.set_defaults(run=run_check)


def run_check(args: argparse.Namespace) -> int:
    """Repair where asked, check, and print a table of what was found."""
    from errata.cli.data_files import require_jsonl
    from errata.data import check_file

    path = require_jsonl(args.records)
    root = args.image_root or (path if path.is_dir() else path.parent)
    with show_progress() as on_progress:
        repaired = _repair(args, path)
        target = repaired.path if repaired else path
        report = check_file(target, root, images=not args.no_images, on_progress=on_progress)
    print(_format_json(report, repaired) if args.json else _format_table(report, repaired, args.examples))
    return DONE if report.clean else INCOMPLETE


def _repair(args: argparse.Namespace, path: Path) -> RepairedFile | None:
    from errata.data import repair_file

    if not args.fix:
        if args.out or args.nfc:
            found = "--out" if args.out else "--nfc"
            raise ConfigError("errata data check", expected=f"--fix beside {found}", found="it alone", fix="add --fix")
        return None
    return repair_file(path, args.out, nfc=args.nfc)


def _format_json(report: CheckReport, repaired: RepairedFile | None) -> str:
    values = {
        "rows": report.rows,
        "records": report.records,
        "counts": report.counts,
        "unread": report.unread,
        "findings": [asdict(finding) for finding in report.findings],
    }
    if repaired is not None:
        backup = None if repaired.backup is None else str(repaired.backup)
        values |= {"repairs": [asdict(repair) for repair in repaired.repairs], "backup": backup}
        values |= {"out": str(repaired.path)}
    return json.dumps(values, indent=1)


def _format_table(report: CheckReport, repaired: RepairedFile | None, examples: int) -> str:
    from errata.data import FINDING_KINDS, describe_reading
    from errata.text import make_printable

    lines = _describe_repairs(repaired) if repaired is not None else []
    for kind, count in report.counts.items():
        lines.append(f"{kind} ({count}): {FINDING_KINDS[kind]}")
        findings = [finding for finding in report.findings if finding.kind == kind]
        shown = findings[: max(examples, 0)]
        lines += [f"  {_place(finding.where, finding.id)}: {finding.message}" for finding in shown]
        lines += [f"  and {count - len(shown)} more"] if count > len(shown) else []
    lines += describe_reading({}, report.unread)
    summary = ", ".join(f"{count} {kind}" for kind, count in report.counts.items())
    refused = f" in {count_noun(report.rows, 'row')}" if report.rows != report.records else ""
    lines.append(f"{count_noun(report.records, 'record')}{refused}, {summary or 'nothing found'}")
    return "\n".join(make_printable(line).replace("\n", "\\n") for line in lines)


def _place(where: str, id: str) -> str:
    return f"{where} {id}" if id else where


def _describe_repairs(repaired: RepairedFile) -> list[str]:
    from errata.data import REPAIRS

    places: dict[str, list[str]] = defaultdict(list)
    for repair in repaired.repairs:
        places[repair.kind].append(repair.where.rpartition(":")[2])
    lines = [
        f"repaired {kind} ({len(places[kind])}): {REPAIRS[kind]}; lines {_shorten(places[kind])}"
        for kind in REPAIRS
        if kind in places
    ]
    kept = f"; before: {repaired.backup}" if repaired.backup else ""
    return [*lines, f"repaired file: {repaired.path}{kept}" if lines else f"nothing to repair: {repaired.path}"]


def _shorten(lines: list[str]) -> str:
    return ", ".join(lines[:8]) + (f" and {len(lines) - 8} more" if len(lines) > 8 else "")
