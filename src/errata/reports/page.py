"""Results -> one page that stands alone: no script, no address, every image and style inside it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from errata.records import describe_coverage, describe_details
from errata.reports import wording
from errata.reports.headline import build_cards, build_lead
from errata.reports.marking import KINDS, embed_bytes, embed_image, mark_edits, mark_spans
from errata.reports.plots import Figure, draw_figures
from errata.reports.reading import read_results
from errata.reports.results import Results
from errata.reports.wording import benchmark_label, metric_text
from errata.storage import write_text

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"


def render_report(run_folder: Path, out: Path | None = None) -> Path:
    """Draw the plots of a run and write its page.

    Args:
        run_folder: Holds `results.json` and the images that its examples name, relative to this folder.
        out: Where to write; None is the run folder.

    Returns:
        `report.html` in `out`; the figures stand beside it under `plots/`.

    Raises:
        DataError: `results.json` is missing or does not hold what a report needs.
        StorageError: The folder cannot be written.
    """
    run_folder = Path(run_folder)
    results = read_results(run_folder)
    out = run_folder if out is None else out
    figures = draw_figures(results, out / "plots")
    path = out / "report.html"
    write_text(path, _render(results, figures, run_folder))
    return path


def _render(results: Results, figures: dict[str, Figure], run_folder: Path) -> str:
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    page = (
        build_environment()
        .get_template("report.html.jinja")
        .render(
            results=results,
            css=Markup(css),
            policy=build_policy(css),
            lead=build_lead(results),
            cards=build_cards(results),
            kinds=KINDS,
            kinds_used=_kinds_used(results),
            image=partial(embed_image, run_folder),
            figure=find_figure(figures),
            facts=_facts(results),
            measured={name.partition("_")[0] for name in results.before.benchmarks},
        )
    )
    return page.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate in a model's text cannot be stored


def build_environment() -> jinja2.Environment:
    """Templates that escape every value and know the wording of numbers."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("format_value", "format_interval", "format_change", "format_relative")
    environment.globals |= {
        name: getattr(wording, name)
        for name in (*names, "format_counts", "format_fact", "format_moment", "sample_size", "verdict")
    }
    environment.globals |= {"mark_spans": mark_spans, "mark_edits": mark_edits}
    environment.globals |= {"benchmark_label": benchmark_label, "metric_text": metric_text}
    return environment


def build_policy(css: str) -> str:
    """A content policy under which only this style sheet and embedded images take effect."""
    digest = base64.b64encode(hashlib.sha256(css.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def find_figure(figures: dict[str, Figure]) -> Callable[[str], dict[str, Any] | None]:
    """A function of a name that gives the figure's caption and its pictures as data, or None."""

    def source(name: str) -> dict[str, Any] | None:
        figure = figures.get(name)
        if figure is None:
            return None
        light, dark = embed_bytes(figure.light, "image/png"), embed_bytes(figure.dark, "image/png")
        return {"caption": figure.caption, "light": light, "dark": dark}

    return source


def _kinds_used(results: Results) -> list[str]:
    """The kinds of marks that occur, in the order of the legend."""
    texts = [text for example in results.examples for text in (example.before, example.after) if text]
    used = {span.get("kind") for text in texts for span in text.spans if isinstance(span, dict)}
    return [kind for kind in KINDS if kind in used]


def _facts(results: Results) -> dict[str, list[tuple[str, str]]]:
    """Rows for the folded tables at the end."""
    training = {
        name: value for name, value in results.training.items() if name not in ("log", "tree", "reference_cache")
    }
    return {
        "settings": wording.flatten_facts(results.settings),
        "training": wording.flatten_facts(training),
        "tree": wording.flatten_facts(results.training.get("tree", {})),
        "reference_cache": wording.flatten_facts(results.training.get("reference_cache", {})),
        "coverage": _list_coverage(results.coverage),
        "timings": [(name, f"{seconds:.1f} s") for name, seconds in results.timings.items()],
    }


def _list_coverage(coverage: dict[str, Any], run: str = "") -> list[tuple[str, str]]:
    """One row a benchmark; of a comparison, one a run and benchmark."""
    rows = []
    for name, counts in coverage.items():
        if "questions" in counts:
            details = [] if run else describe_details(counts)  # what differs between runs is listed above
            rows.append((f"{name}{run}", "; ".join([describe_coverage(counts), *details])))
        else:
            rows += _list_coverage(counts, f", {name}")
    return rows
