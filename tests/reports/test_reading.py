"""A results file that cannot be used says where, what, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo_run import write_run
from errata.errors import DataError
from errata.reports import render_report, render_table
from errata.reports.reading import read_results


def check_four_parts(error: DataError) -> None:
    assert all((error.where, error.expected, error.found, error.fix))


@pytest.mark.parametrize("name", ["missing", "file"])
def test_no_run_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"results\.json.*errata demo --out DIR") as caught:
        render_report(tmp_path / name)
    check_four_parts(caught.value)
    assert not (tmp_path / name / "plots").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_broken_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "results.json").write_bytes(content)
    with pytest.raises(DataError, match="a broken file"):
        read_results(tmp_path)


def broken(change: dict[str, Any]) -> Any:
    return lambda results: results | change


METRIC = {"name": "base", "label": "Before"}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"title": None}, "'title' is missing"),
        ({"stages": []}, "stages: none"),
        ({"stages": {}}, "'stages' is dict"),
        ({"stages": ["base"]}, r"stages\[0\]: str"),
        ({"stages": [METRIC]}, r"stages\[0\]: field 'benchmarks' is missing"),
        (
            {"stages": [METRIC | {"benchmarks": {"chair": {"metrics": {"x": {"value": "1"}}}}}]},
            r"chair: metrics.x: field 'value' is str",
        ),
        ({"stages": [METRIC | {"benchmarks": {"chair": {"metrics": {"x": {"value": True}}}}}]}, "'value' is bool"),
        ({"stages": [METRIC | {"benchmarks": {"chair": {"metrics": {"x": {"value": float("nan")}}}}}]}, "x: nan"),
        ({"seed": "0"}, "'seed' is str"),
        ({"quick": 1}, "'quick' is int"),
        ({"differences": {"ddpo": {"chair": []}}}, "differences.ddpo: .*list|differences.ddpo.chair: list"),
        ({"examples": [{"after": {"text": "a"}}]}, r"examples\[0\]: field 'before' is missing"),
        ({"corrections_shown": [{"original": "a"}]}, r"corrections_shown\[0\]: field 'corrected' is missing"),
        ({"training": {"log": [1]}}, r"log\[0\]: int"),
        ({"annotation": {"types": {"object": "many"}}}, "'object' is str"),
        ({"timings": {"train": None}}, "'train' is missing"),
    ],
)
def test_a_wrong_field_is_named(
    minimal: dict[str, Any], write_results: Any, change: dict[str, Any], where: str
) -> None:
    with pytest.raises(DataError, match=where) as caught:
        render_report(write_results(minimal | change))
    check_four_parts(caught.value)


def test_a_value_that_is_no_object() -> None:
    with pytest.raises(DataError, match="results: list"):
        render_table([])  # type: ignore[arg-type]


def test_unknown_fields_are_let_through(tmp_path: Path, minimal: dict[str, Any], write_results: Any) -> None:
    assert read_results(write_results(minimal | {"later": {"more": 1}})).title == "Base only"


def test_a_full_run_is_read(tmp_path: Path) -> None:
    raw = write_run(tmp_path, compare=True)
    results = read_results(tmp_path)
    assert [stage.name for stage in results.stages] == [stage["name"] for stage in raw["stages"]]
    assert (
        results.difference(results.stages[1], "chair", "chair_s").low
        == raw["differences"]["ddpo"]["chair"]["chair_s"]["low"]
    )
    assert results.difference(results.stages[1], "pope_random", "recall").value == pytest.approx(0)
    assert results.training["tree"]["rows"] == 188
