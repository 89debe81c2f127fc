"""Real photos and real text through both formats."""

from __future__ import annotations

from annotated_photos import photo_records, write_photos_jsonl, write_photos_rlhfv
from errata.cli import main
from errata.corrections import apply_segments
from errata.data import check_records, load_records


def test_annotated_photos_become_checked_records(shared_data, tmp_path):
    folder = shared_data / "photos"
    loaded = load_records(write_photos_jsonl(tmp_path / "photos.jsonl", folder), folder)
    assert loaded.records == photo_records(folder)
    assert len(loaded.records) == 38
    types = [
        segment.type for record in loaded.records for response in record.responses for segment in response.segments
    ]
    assert (types.count("object"), types.count("position")) == (40, 9)
    for record in loaded.records:
        for response in record.responses[1:]:
            assert (
                apply_segments(response.text, response.segments, record.responses[0].text) == record.responses[0].text
            )
    assert [finding.kind for finding in check_records(loaded.records, folder)] == ["profile"]  # a camera's own colours


def test_annotated_photos_are_imported_as_they_lie_there(shared_data, tmp_path, capsys):
    folder = shared_data / "photos"
    columns = "prompt=question,image=image,responses=responses"
    command = ["data", "import", str(folder / "annotated.jsonl"), "--columns", columns, "--out", str(tmp_path)]
    assert main(command) == 0
    loaded = load_records(tmp_path)
    texts = [[response.text for response in record.responses] for record in photo_records(folder)]
    assert [[response.text for response in record.responses] for record in loaded.records] == texts
    assert len(list((tmp_path / "images").iterdir())) == 38
    assert loaded.records[0].meta["segments"][0]["type"] == "object"
    assert [finding.kind for finding in check_records(loaded.records, tmp_path)] == ["profile"]
    assert main([word for word in command if word not in ("--columns", columns)]) == 2
    assert "name its columns: --columns prompt=question,responses=responses,image=image" in capsys.readouterr().err


def test_annotated_photos_pass_through_rlhfv_parquet(shared_data, tmp_path):
    folder = shared_data / "photos"
    loaded = load_records(write_photos_rlhfv(tmp_path / "photos.parquet", folder), import_dir=tmp_path / "data")
    texts = [[response.text for response in record.responses] for record in photo_records(folder, 2)]
    assert [[response.text for response in record.responses] for record in loaded.records] == texts
    assert check_records(loaded.records, loaded.image_root) == []
