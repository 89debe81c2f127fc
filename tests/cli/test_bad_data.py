"""`errata data import` on damaged and hostile files: file and line, four parts, exit 2; set aside with --skip-bad."""

from __future__ import annotations

import http.server
import json
import signal
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from damaged_files import cut_off, huge_png
from errata.cli import main
from errata.data.formats.rlaifv import SCHEMA
from errata.records import read_records
from foreign_rows import picture, rlaifv_row, save_pictures, write_lines, write_parquet
from struck import run_struck

GOOD = {"prompt": "What?", "chosen": "A cube.", "rejected": "A ball.", "images": ["a.png"]}


def line(**fields) -> bytes:
    return json.dumps(GOOD | fields).encode()


BAD_LINES = {
    "truncated": (b'{"prompt": "Wh', "a line that is not (Unterminated string"),
    "no object": (b"[1]", "list; expected a row as a JSON object"),
    "wrong type": (line(chosen=3), "'chosen' is int"),
    "missing key": (b'{"prompt": "What?", "rejected": "x"}', "'chosen' is NoneType"),
    "raw null byte": (b'{"prompt": "a\0b"}', "Invalid control character"),
    "escaped null": (line(chosen="a\0b"), "answer 0: a null character at 1"),
    "invalid utf-8": (b'{"prompt": "\xff\xfe"}', "invalid start byte"),
    "lone surrogate": (b'{"prompt": "\\ud800"}', "surrogates not allowed"),
    "nan": (b'{"prompt": NaN}', "NaN is not a finite number"),
    "huge number": (b'{"x": ' + b"9" * 400 + b"}", "an integer of more than 64 bits"),
    "nesting": (b"[" * 200_000, "recursion"),
    "long": (line(chosen="word " * 40_000), "answer 0: 200,000 characters"),
    "empty answer": (line(chosen=" "), "an empty text"),
    "identical": (line(chosen="A ball."), "two are identical"),
    "no such image": (line(images=["none.png"]), "none.png: No such file"),
    "text as image": (line(images=["text.png"]), "not a picture"),
    "cut png": (line(images=["cut.png"]), "truncated"),
    "cut jpeg": (line(images=["cut.jpg"]), "truncated"),
    "bomb": (line(images=["bomb.png"]), "many times as many; expected at most 80000000 pixels"),
    "large": (line(images=["large.png"]), "10000 x 9000; expected at most 80000000 pixels"),
    "absolute": (line(images=["/etc/passwd"]), "/etc/passwd: an absolute path outside"),
    "parent": (line(images=["../secret.png"]), "../secret.png: it leads to"),
    "link": (line(images=["link.png"]), "link.png: it leads to"),
    "a folder": (line(images=["folder"]), "folder: Is a directory"),
    "null in a path": (line(images=["a\0.png"]), "a null character"),
    "web address": (line(images=["http://127.0.0.1:9/a.png"]), "or run with --allow-download"),
    "data address": (line(images=["data:image/png;base64,!"]), "base64"),
    "more placeholders": (line(prompt="<image><image>What?"), "2 placeholders for 1 image"),
    "fewer placeholders": (line(prompt="<image>What?", images=["a.png"] * 2), "1 placeholder for 2 images"),
}


@pytest.fixture
def folder(tmp_path):
    save_pictures(tmp_path / "in", "a.png")
    (tmp_path / "secret.png").write_bytes(picture())
    place = tmp_path / "in"
    (place / "text.png").write_text("hello")
    (place / "cut.png").write_bytes(cut_off(picture(size=(80, 80))))
    (place / "cut.jpg").write_bytes(cut_off(picture(kind="JPEG", size=(800, 800))))
    (place / "bomb.png").write_bytes(huge_png(60_000, 60_000))
    (place / "large.png").write_bytes(huge_png(10_000, 9_000))
    (place / "link.png").symlink_to(tmp_path / "secret.png")
    (place / "folder").mkdir()
    return place


@pytest.fixture
def run(tmp_path, capsys):
    def import_file(source, *more) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["data", "import", str(source), "--out", str(tmp_path / "out"), *map(str, more)])
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        return code, output.out, output.err

    return import_file


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_line_is_named_and_can_be_set_aside(folder, tmp_path, run, name):
    text, words = BAD_LINES[name]
    source = folder / "rows.jsonl"
    source.write_bytes(b"\n".join([line(id="1"), text, line(id="2")]) + b"\n")
    code, _, error = run(source)
    assert code == 2
    (told,) = [one for one in error.splitlines() if one.startswith("error: ")]
    assert told.startswith(f"error: {source}:2: ")
    assert words in told
    assert "; expected " in told
    assert ", or run with --skip-bad to set it aside  [" in told
    assert not (tmp_path / "out" / "records.jsonl").exists()

    code, out, error = run(source, "--skip-bad")
    assert (code, out.startswith("2 records: ")) == (3, True)
    assert "1 bad row set aside" in error
    assert [record.id for record in read_records(tmp_path / "out" / "records.jsonl")] == ["1", "2"]
    (aside,) = map(json.loads, (tmp_path / "out" / "bad.jsonl").read_text().splitlines())
    assert aside["where"] == f"{source}:2"
    assert words in aside["reason"]
    assert aside["line"] == text.decode("utf-8", "replace")


BAD_CELLS = {
    "no bytes": ({"image": {"bytes": None, "path": "a.png"}}, "the image's bytes in the row"),
    "cut off": ({"image": {"bytes": cut_off(picture(size=(80, 80))), "path": "a"}}, "truncated"),
    "bomb": ({"image": {"bytes": huge_png(60_000, 60_000), "path": "a"}}, "many times as many"),
    "null": ({"question": None}, "'question' as text"),
    "a null byte": ({"rejected": "a\0b"}, "answer 1: a null character"),
    "long": ({"chosen": "x" * 200_001}, "200,001 characters"),
    "half a character": ({"origin_split": '{"model": "\\ud800"}'}, "surrogates not allowed"),
    "nesting": ({"origin_split": '{"x": ' + "[" * 900 + "]" * 900 + "}"}, "nested at most 40 deep"),
}


@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_bad_row_of_a_table_is_named_and_can_be_set_aside(tmp_path, run, name):
    fields, words = BAD_CELLS[name]
    source = write_parquet(tmp_path / "a.parquet", [rlaifv_row(idx="0"), rlaifv_row(**fields), rlaifv_row(idx="2")])
    code, _, error = run(source)
    assert code == 2
    assert f"error: {source}: row 2" in error
    assert words in error
    assert run(source, "--skip-bad")[0] == 3
    assert [one.id for one in read_records(tmp_path / "out" / "records.jsonl")] == ["RLAIF-V-0", "RLAIF-V-2"]


@pytest.mark.parametrize("content", [b"hello", b"", b"PAR1" + b"x" * 40 + b"PAR1"])
def test_a_parquet_that_is_none_is_named_and_set_aside_among_others(tmp_path, run, content):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.parquet").write_bytes(content)
    code, _, error = run(tmp_path / "in" / "b.parquet", "--skip-bad")
    assert code == 2
    assert "b.parquet: " in error
    assert "expected a whole parquet file" in error
    write_parquet(tmp_path / "in" / "a.parquet", [rlaifv_row()])
    assert run(tmp_path / "in")[0] == 2
    code, out, error = run(tmp_path / "in", "--skip-bad")
    assert (code, out.startswith("1 record:")) == (3, True)


GOOD_ROW = line().decode()
OTHER_ROW = line(chosen="A cone.").decode()
HEADER = "prompt,chosen,rejected,image"
DAMAGED = {
    "cut.json": (f'[{GOOD_ROW},\n{OTHER_ROW},\n{{"prompt": "Wh', 3, "an item that does not end"),
    "comma.json": (f"[{GOOD_ROW},\n{OTHER_ROW}\n{GOOD_ROW}]", 2, "something else than a comma"),
    "two.json": (f"[{GOOD_ROW},\n{OTHER_ROW}]\n[{GOOD_ROW}]", 3, "something behind the ] that ends the array"),
    "quote.csv": (f'{HEADER}\nQ,A.,B.,a.png\nQ,A.,C.,a.png\nQ,"A.,B.,a.png\nQ,E.,F.,a.png', 4, "unexpected end"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_read_from_some_line_on_is_set_aside_and_the_rest_imported(folder, tmp_path, run, name):
    text, number, words = DAMAGED[name]
    (folder / name).write_text(text)
    code, _, error = run(folder / name)
    assert code == 2
    assert f"error: {folder / name}:{number}: {words}" in error
    assert "or run with --skip-bad to set it aside  [" in error
    assert not (tmp_path / "out" / "records.jsonl").exists()
    code, out, _ = run(folder / name, "--skip-bad")
    assert (code, out.startswith("2 records: ")) == (3, True)
    (aside,) = map(json.loads, (tmp_path / "out" / "bad.jsonl").read_text().splitlines())
    assert aside["where"] == f"{folder / name}:{number}"
    assert words in aside["reason"]


def test_cells_that_json_cannot_hold_are_left_out_and_counted(tmp_path, run):
    fields = {"origin_dataset": b"COCO", "idx": 1.5, "origin_split": '{"x": NaN}'}
    source = write_parquet(tmp_path / "a.parquet", [rlaifv_row(**fields)], None)
    code, out, _ = run(source)
    assert (code, "no place for fields that JSON cannot hold (2)" in out) == (0, True)
    (record,) = read_records(tmp_path / "out" / "records.jsonl")
    assert record.meta == {"idx": 1.5, "image_path": "coco/x.png"}


def test_a_parquet_that_is_damaged_behind_some_rows_gives_those(tmp_path, run):
    rows = [rlaifv_row(idx=str(i), image={"bytes": picture(size=(9, 9 + i)), "path": "x"}) for i in range(4)]
    source = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), source, row_group_size=2, compression="none")
    data = bytearray(source.read_bytes())
    start = pq.read_metadata(source).row_group(1).column(0).dictionary_page_offset
    data[start : start + 400] = b"\xff" * 400
    source.write_bytes(data)
    code, _, error = run(source)
    assert code == 2
    assert "expected a whole parquet file" in error
    code, out, _ = run(source, "--skip-bad")
    assert (code, out.startswith("2 records: ")) == (3, True)


def test_a_header_without_rows_is_no_table_of_a_strange_format(folder, run):
    (folder / "none.csv").write_text(HEADER + "\n")
    code, _, error = run(folder / "none.csv")
    assert (code, "none.csv: none; expected rows" in error) == (2, True)


def test_rows_that_are_all_broken_name_their_lines(folder, run):
    (folder / "broken.csv").write_text(f"{HEADER}\nQ,A\nQ\n")
    code, _, error = run(folder / "broken.csv")
    assert (code, "broken.csv:2: 2; expected 4 columns" in error) == (2, True)


def test_an_image_root_that_is_none_is_told_before_any_row(folder, tmp_path, run):
    write_lines(folder / "rows.jsonl", [GOOD])
    code, _, error = run(folder / "rows.jsonl", "--image-root", tmp_path / "nowhere", "--skip-bad")
    assert (code, f"--image-root: {tmp_path / 'nowhere'}; expected a folder" in error) == (2, True)


def test_an_id_of_a_named_column_occurs_once(folder, tmp_path, run):
    (folder / "rows.csv").write_text("key,q,a,b\nx,Q,A.,B.\nx,Q,C.,D.\n")
    columns = ("--columns", "id=key,prompt=q,chosen=a,rejected=b")
    code, _, error = run(folder / "rows.csv", *columns)
    assert code == 2
    assert f"rows.csv:3: id 'x' again, first at {folder / 'rows.csv'}:2" in error
    assert run(folder / "rows.csv", *columns, "--skip-bad")[0] == 3
    assert [record.responses[0].text for record in read_records(tmp_path / "out" / "records.jsonl")] == ["A."]


def test_ids_that_repeat_are_made_new_and_told_in_released_data_and_refused_in_ours(folder, tmp_path, run):
    write_lines(folder / "rows.jsonl", [GOOD | {"id": "x"}, GOOD | {"id": "x", "chosen": "A cone."}])
    code, out, _ = run(folder / "rows.jsonl")
    assert (code, "there is no place for ids that occur again (1)" in out) == (0, True)
    assert [record.id for record in read_records(tmp_path / "out" / "records.jsonl")] == ["x", "x.2"]
    row = {"id": "x", "images": ["a.png"], "prompt": "What?", "responses": [{"level": 0, "text": "A."}]}
    write_lines(folder / "own.jsonl", [row, row])
    code, _, error = run(folder / "own.jsonl")
    assert code == 2
    assert f"own.jsonl:2: id 'x' again, first at {folder / 'own.jsonl'}:1" in error


def test_a_failed_import_leaves_what_was_there(folder, tmp_path, run):
    write_lines(folder / "rows.jsonl", [GOOD])
    assert run(folder / "rows.jsonl")[0] == 0
    before = (tmp_path / "out" / "records.jsonl").read_bytes()
    (folder / "rows.jsonl").write_bytes(line() + b"\noops\n")
    assert run(folder / "rows.jsonl")[0] == 2
    assert (tmp_path / "out" / "records.jsonl").read_bytes() == before
    assert not list((tmp_path / "out").glob("*.tmp"))
    assert run(folder / "rows.jsonl", "--skip-bad")[0] == 3
    (folder / "rows.jsonl").write_bytes(line())
    assert run(folder / "rows.jsonl", "--skip-bad")[0] == 0
    assert not (tmp_path / "out" / "bad.jsonl").exists()


@pytest.fixture
def server(tmp_path):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=str(tmp_path / "in"), **options)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def test_images_of_the_web_are_fetched_only_on_demand(folder, tmp_path, run, server):
    write_lines(folder / "rows.jsonl", [GOOD | {"images": [f"{server}/a.png"]}])
    assert run(folder / "rows.jsonl")[0] == 2
    assert run(folder / "rows.jsonl", "--allow-download")[0] == 0
    (record,) = read_records(tmp_path / "out" / "records.jsonl")
    assert (tmp_path / "out" / record.images[0]).read_bytes() == (folder / "a.png").read_bytes()
    for name, words in (("none.png", "404"), ("text.png", "not a picture")):
        write_lines(folder / "rows.jsonl", [GOOD | {"images": [f"{server}/{name}"]}])
        code, _, error = run(folder / "rows.jsonl", "--allow-download")
        assert (code, words in error) == (2, True)


def test_a_table_names_files_only_under_an_image_root(folder, tmp_path, run):
    source = write_parquet(tmp_path / "a.parquet", [rlaifv_row(image={"bytes": None, "path": "a.png"})])
    assert run(source)[0] == 2
    assert run(source, "--image-root", folder)[0] == 0
    write_parquet(source, [rlaifv_row(image={"bytes": None, "path": "../secret.png"})])
    assert run(source, "--image-root", folder)[0] == 2


@pytest.mark.parametrize("name", ["none.jsonl", "none/at/all", "in/folder", "in/empty.jsonl", "in/strange.jsonl"])
def test_a_source_that_is_none_is_an_error_with_a_way_out(folder, tmp_path, run, name, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (folder / "empty.jsonl").write_text("")
    (folder / "strange.jsonl").write_text('{"weight": 3}\n')
    code, out, error = run(tmp_path / name)
    assert (code, "; expected " in error) == (2, True), out


@pytest.mark.slow
def test_a_killed_import_is_taken_up_by_the_same_command(tmp_path):
    source = write_parquet(tmp_path / "a.parquet", [build_row(i) for i in range(300)])
    out = tmp_path / "out"
    command = ["data", "import", str(source), "--out", str(out)]
    assert run_struck(command, "while_importing", tmp_path / "log", 200) == -signal.SIGKILL
    assert (out / "images").is_dir()
    assert not (out / "records.jsonl").exists()
    assert main(command) == 0
    assert len(read_records(out / "records.jsonl")) == 300
    assert len(list((out / "images").glob("*.png"))) == 16
    assert [path.name for path in out.iterdir() if path.suffix == ".tmp"] == []


def test_a_killed_export_leaves_nothing_that_looks_whole(tmp_path):
    save_pictures(tmp_path, "a.png")
    row = {"images": ["a.png"], "prompt": "What?", "responses": [{"level": i, "text": f"{i}."} for i in range(2)]}
    write_lines(tmp_path / "records.jsonl", [row | {"id": str(number)} for number in range(300)])
    for name, half in (("trl", "data/.train-00000.parquet.tmp"), ("amp", "train.json.tmp")):
        out = tmp_path / name
        command = ["data", "export", str(tmp_path / "records.jsonl"), "--format", name, "--out", str(out)]
        assert run_struck(command, "while_exporting", tmp_path / "log", 290) == -signal.SIGKILL
        assert (out / half).is_file()
        assert not [path for path in out.rglob("*") if path.name in ("README.md", "train.json")]
        assert not list(out.rglob("train-*"))
        assert main(command) == 0
        assert (out / "README.md").is_file()
        assert not (out / half).exists()


def build_row(number: int) -> dict:
    image = {"bytes": picture(size=(4, 4 + number % 16)), "path": "x.png"}
    return rlaifv_row(idx=str(number), image=image)
