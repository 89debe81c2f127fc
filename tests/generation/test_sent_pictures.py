"""Pictures as they are sent to endpoints: what people saw, within the limits that were set."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from errata.endpoints import ChatRequest
from errata.endpoints.request import encode_request
from errata.errors import ConfigError
from errata.generation import GenerationSettings
from errata.generation.requests import build_request, check_settings, describe_remote_run
from errata.judges.backend import JudgeRequest, Parameters
from errata.judges.endpoint_judge import _build_chat
from errata.records import Question, Turn


@pytest.fixture
def send(tmp_path):
    Image.new("RGB", (400, 100), "red").save(tmp_path / "wide.jpg")
    Image.new("RGB", (40, 10), "red").save(tmp_path / "small.bmp")
    Image.new("RGBA", (20, 10), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 30), "red").save(tmp_path / "turned.jpg", exif=exif)

    def build(name, **limits):
        body = encode_request("m", ChatRequest("q", (Turn("user", "What?"),), (tmp_path / name,), **limits))
        kind, _, data = body["messages"][0]["content"][0]["image_url"]["url"].partition(";base64,")
        return kind, base64.b64decode(data)

    return build


def open_sent(sent):
    assert sent[0] == "data:image/png"
    return Image.open(io.BytesIO(sent[1]))


def test_a_file_that_any_server_reads_alike_goes_as_it_is(send, tmp_path):
    assert send("wide.jpg", max_pixels=40_000) == ("data:image/jpeg", (tmp_path / "wide.jpg").read_bytes())


def test_larger_and_smaller_pictures_are_resized_in_their_proportions(send):
    assert open_sent(send("wide.jpg", max_pixels=10_000)).size == (200, 50)
    assert open_sent(send("wide.jpg", min_pixels=160_000)).size == (800, 200)
    assert open_sent(send("small.bmp")).size == (40, 10)


def test_pictures_are_sent_as_people_saw_them(send):
    clear = open_sent(send("clear.png"))
    assert (clear.mode, clear.getpixel((0, 0))) == ("RGB", (255, 255, 255))
    assert open_sent(send("turned.jpg")).size == (30, 60)


def test_the_settings_of_a_run_reach_its_requests_and_its_identity():
    question = Question("q", ("a.png",), (Turn("user", "?"),))
    settings = GenerationSettings(max_pixels=99, min_pixels=9)
    request = build_request(question, (Path("a.png"),), settings, 0)
    assert (request.max_pixels, request.min_pixels) == (99, 9)
    runs = [describe_remote_run("m", [question], one)["settings"] for one in (settings, GenerationSettings())]
    assert runs[0] != runs[1]
    check_settings(settings)
    with pytest.raises(ConfigError, match=r"generation\.max_tiles"):
        check_settings(GenerationSettings(max_tiles=4))


def test_a_judge_sees_pictures_within_its_limit():
    prompt = type("Prompt", (), {"max_tokens": 3})
    call = type("Call", (), {"images": (Path("a.png"),), "prompt": prompt})
    parameters = Parameters(max_pixels=99)
    assert _build_chat(JudgeRequest("k", call, "?", 0, 0, parameters, max_tokens=3)).max_pixels == 99
    assert parameters.describe()["max_pixels"] == 99
    assert "max_pixels" not in Parameters().describe()  # verdicts that were kept before are still found
    with pytest.raises(ConfigError, match=r"judge.max_pixels: 0; expected at least 1"):
        Parameters(max_pixels=0)
