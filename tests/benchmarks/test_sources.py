"""Official files, fetched from a real server: checked, recorded, not fetched twice."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from errata.benchmarks import BENCHMARKS, Card, Remote, fetch_data, find_cache, find_data
from errata.errors import DataError

ROWS = b'{"a": 1}\n{"a": 2}\n'


class Server:
    """Serves `files` (path -> bytes, or a status) and counts what was asked for."""

    def __init__(self):
        self.files, self.asked, outer = {}, [], self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                body = outer.files.get(self.path, 404)
                self.send_response(body if isinstance(body, int) else 200)
                if isinstance(body, bytes):
                    self.send_header("Content-Length", str(len(body) + outer.promised))
                self.end_headers()
                if isinstance(body, bytes):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.promised = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


def build_card(*remotes):
    return Card("x", "X", "m", "p", "l", "s", "m", "d", remotes=remotes)


def test_a_file_is_fetched_once_and_its_checksum_recorded(server, tmp_path):
    server.files["/a.jsonl"] = ROWS
    seen = []
    card = build_card(Remote(f"{server.url}/a.jsonl", "a.jsonl", rows=(2,)))
    paths = fetch_data(card, tmp_path, on_progress=lambda *call: seen.append(call))
    assert fetch_data(card, tmp_path) == paths == [tmp_path / "a.jsonl"]
    assert server.asked == ["/a.jsonl"]
    assert seen[-1] == ("a.jsonl", len(ROWS), len(ROWS))
    recorded = json.loads((tmp_path / "fetched.json").read_text())
    assert recorded["a.jsonl"]["sha256"] == hashlib.sha256(ROWS).hexdigest()


def test_later_bytes_must_be_those_of_the_first_fetch(server, tmp_path):
    server.files["/a.jsonl"] = ROWS
    card = build_card(Remote(f"{server.url}/a.jsonl", "a.jsonl"))
    fetch_data(card, tmp_path)
    (tmp_path / "a.jsonl").unlink()
    server.files["/a.jsonl"] = ROWS + b"{}\n"
    with pytest.raises(DataError, match="first fetch"):
        fetch_data(card, tmp_path)
    assert not (tmp_path / "a.jsonl").exists()


def test_members_of_an_archive_are_kept_and_the_archive_is_not(server, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("annotations/one.json", "1")
        archive.writestr("annotations/../../two.json", "2")
    server.files["/a.zip"] = packed.getvalue()
    remote = Remote(f"{server.url}/a.zip", "a.zip", members=("one.json", "two.json"))
    assert fetch_data(build_card(remote), tmp_path / "in") == [
        tmp_path / "in" / "one.json",
        tmp_path / "in" / "two.json",
    ]
    assert (tmp_path / "in" / "two.json").read_text() == "2"
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["fetched.json", "one.json", "two.json"]
    with pytest.raises(DataError, match=r"three\.json"):
        fetch_data(build_card(Remote(f"{server.url}/a.zip", "a.zip", members=("three.json",))), tmp_path / "other")


@pytest.mark.parametrize(
    ("body", "promised", "options", "message"),
    [
        (404, 0, {}, "404"),
        (ROWS, 7, {}, "18 of 25 bytes"),
        (ROWS, 0, {"sha256": "0" * 64}, "the tested file"),
        (ROWS, 0, {"rows": (3,)}, "2 rows; expected 3 rows"),
        (b"no zip", 0, {"members": ("a",)}, "an archive with a"),
    ],
)
def test_what_is_wrong_is_named_and_leaves_nothing(server, tmp_path, body, promised, options, message):
    server.files["/a"], server.promised = body, promised
    with pytest.raises(DataError, match=message):
        fetch_data(build_card(Remote(f"{server.url}/a", "a", **options)), tmp_path)
    assert not (tmp_path / "fetched.json").exists()


def test_a_server_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="--data DIR"):
        fetch_data(build_card(Remote("http://127.0.0.1:9/a", "a")), tmp_path)


def test_where_files_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("ERRATA_CACHE", str(tmp_path / "cache"))
    assert find_data("pope", None) is None
    find_cache("benchmarks/pope").mkdir(parents=True)
    assert find_data("pope", None) == tmp_path / "cache" / "benchmarks" / "pope"
    (tmp_path / "data" / "pope").mkdir(parents=True)
    assert find_data("pope", tmp_path / "data") == tmp_path / "data" / "pope"
    assert find_data("pope", tmp_path / "data" / "pope") == tmp_path / "data" / "pope"
    with pytest.raises(DataError, match="--data"):
        find_data("pope", tmp_path / "none")


def test_pinned_checksums_are_those_of_the_files_we_hold(shared_data):
    pinned = [
        (name, remote) for name, benchmark in BENCHMARKS.items() for remote in benchmark.card.remotes if remote.sha256
    ]
    assert len(pinned) >= 4
    for _, remote in pinned:
        data = next(shared_data.rglob(remote.name)).read_bytes()
        assert hashlib.sha256(data).hexdigest() == remote.sha256
        assert not remote.rows or len(data.splitlines()) in remote.rows
