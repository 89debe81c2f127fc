"""The kinds of judges: an endpoint, a local model, recorded replies, rules, the world's annotator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from endpoint_server import EndpointServer, Fault
from errata.endpoints import EndpointSettings
from errata.errors import ConfigError, DataError
from errata.judges import (
    Judge,
    JudgeCall,
    JudgePrompt,
    Parameters,
    ScriptedJudge,
    VerdictCache,
    build_backend,
    build_judge,
    build_world_rule,
    find_errors,
    format_price,
    load_prices,
)
from errata.world import EVALUATION, describe, image_name, sample_scenes
from judged import RATING, build_call, obey, parse_rating
from tiny_models import save_tiny_model

SETTINGS = EndpointSettings(backoff_s=0.01, max_backoff_s=0.05, timeout_s=5, give_up_s=1)
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def place(tmp_path):
    return tmp_path / "verdicts.sqlite"


def test_an_endpoint_judges_and_its_faults_cost_nothing(place):
    faults = [
        Fault("status", 429, headers={"retry-after-ms": "50"}),
        Fault("cut"),
        Fault("reply", reply={"choices": []}),
    ]
    with EndpointServer(lambda seen: obey(seen.text), faults) as server:
        judge = build_judge(f"openai:tiny@{server.url}", place, endpoint=SETTINGS)
        verdicts = judge.ask([build_call(f"c{number}", f"Rating: {number}") for number in range(6)])
    assert [(verdict.value, verdict.status) for verdict in verdicts] == [(0, "read")] * 6
    assert judge.backend.model == "openai:tiny"


def test_a_judge_that_always_fails_leaves_what_there_is_and_resumes_later(place):
    calls = [build_call(f"c{number}", f"Answer {number}.") for number in range(8)]
    broken = lambda number, seen: Fault("status", 500) if number >= 3 else None  # noqa: E731
    quick = EndpointSettings(concurrency=1, backoff_s=0.01, max_attempts=2, give_up_s=0.5)
    with EndpointServer(lambda seen: "Rating: 4", fault=broken) as server:
        verdicts = build_judge(f"openai:tiny@{server.url}", place, endpoint=quick).ask(calls)
    missing = [verdict for verdict in verdicts if verdict.status == "missing"]
    assert len(missing) == 5
    assert "server error: status 500: told to fail" in missing[0].samples[0].reason
    with EndpointServer(lambda seen: "Rating: 4") as other:  # at another address: the model is the same
        again = build_judge(f"openai:tiny@{other.url}", place, endpoint=quick).ask(calls)
        assert len(other.seen) == 5
    assert [verdict.value for verdict in again] == [4] * 8


def test_an_endpoint_gets_the_parameters_and_the_images(place, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with EndpointServer(lambda seen: "Rating: 1") as server:
        judge = build_judge(f"openai:tiny@{server.url}", place, parameters=Parameters(0.2, 0.9, 5), samples=2)
        judge.ask([build_call("a", "x", images=(tmp_path / "a.png",))])
        bodies = [seen.body for seen in server.seen]
    assert sorted(body["seed"] for body in bodies) == [5, 6]
    assert {(body["temperature"], body["top_p"], body["max_tokens"]) for body in bodies} == {(0.2, 0.9, 64)}
    assert bodies[0]["messages"][0]["content"][0]["type"] == "image_url"


def test_no_key_gets_into_the_cache(place, monkeypatch):
    monkeypatch.setenv("ERRATA_API_KEY", KEY)
    faults = [Fault("status", 400, reply={"message": f"your key {KEY}"})]
    with EndpointServer(lambda seen: f"{seen.headers['authorization']} Rating: 1", faults) as server:
        judge = build_judge(f"openai:tiny@{server.url}", place, endpoint=EndpointSettings(concurrency=1))
        verdicts = judge.ask([build_call("a", "x"), build_call("b", "y")])
    assert [verdict.status for verdict in verdicts] == ["missing", "read"]
    stored = b"".join(path.read_bytes() for path in place.parent.iterdir())
    assert b"Bearer [key]" in stored
    assert KEY.encode() not in stored
    assert KEY not in repr(verdicts) + repr(judge.describe()) + json.dumps(judge.describe())


def test_a_local_model_judges_and_is_not_loaded_for_what_is_known(place, tmp_path, monkeypatch):
    folder = save_tiny_model(tmp_path / "judge")
    read = JudgePrompt("any", 1, "Rate {answer}", max_tokens=4)
    calls = [JudgeCall(f"c{n}", read, {"answer": f"<image> </s> Answer {n}"}, lambda reply: reply) for n in range(3)]
    monkeypatch.setattr("errata.judges.pending.LEAST_ROOM", 8)
    first = build_judge(f"local:{folder}", place).ask(calls)
    # Random weights write on and on: a reply is cut off, asked for with more room, and never taken for a verdict.
    assert [(verdict.status, verdict.samples[0].cut) for verdict in first] == [("unreadable", 2)] * 3
    monkeypatch.setattr("errata.judges.local.judge.load_model", None)
    assert build_judge(f"local:{folder}", place).ask(calls) == first
    before = build_backend(f"local:{folder}").model
    (folder / "config.json").write_text((folder / "config.json").read_text() + " ")
    assert build_backend(f"local:{folder}").model != before


def test_verdicts_of_an_adapter_belong_to_its_weights_and_to_its_base_s(tmp_path):
    """`BASE+ADAPTER` and a folder that names its base; a change of either is another judge."""
    base, adapter = save_tiny_model(tmp_path / "base"), tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    names = [f"local:{base}+{adapter}", f"local:{adapter}"]
    for changed in (adapter / "adapter_model.safetensors", base / "config.json"):
        before = [build_backend(name).model for name in names]
        changed.write_text(changed.read_text() + " " if changed.exists() else "weights")
        assert all(build_backend(name).model != old for name, old in zip(names, before, strict=True))


def test_a_request_that_a_local_model_cannot_take_costs_no_other(place, tmp_path, monkeypatch):
    folder = save_tiny_model(tmp_path / "judge")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    read = JudgePrompt("any", 1, "Rate {answer}", max_tokens=4)
    calls = [JudgeCall(f"c{n}", read, {"answer": f"Answer {n}"}, str, (broken,) * (n == 1)) for n in range(3)]
    monkeypatch.setattr("errata.judges.pending.LEAST_ROOM", 8)
    verdicts = build_judge(f"local:{folder}", place).ask(calls)
    assert [verdict.status for verdict in verdicts] == ["unreadable", "missing", "unreadable"]
    assert "broken.png" in verdicts[1].samples[0].reason


def test_recorded_replies_are_found_by_prompt_and_id(place, tmp_path):
    table = tmp_path / "replies.jsonl"
    rows = [
        {"prompt": "test-rating", "id": "a", "reply": ["Rating: 1", "Rating: 2"]},
        {"prompt": "other", "id": "a", "reply": "Rating: 6"},
    ]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (verdict,) = build_judge(f"scripted:{table}", place, samples=3).ask([build_call("a", "x")])
    assert verdict.values == (1, 2, None)
    assert verdict.samples[2].status == "missing"
    table.write_text(table.read_text().replace("Rating: 1", "Rating: 3"))
    assert build_judge(f"scripted:{table}", place).ask([build_call("a", "x")])[0].value == 3


@pytest.mark.parametrize(
    "row",
    [
        '{"prompt": "p", "id": "a"}',
        '{"prompt": "p", "id": "a", "reply": [1]}',
        '{"prompt": "p", "id": "a", "reply": "x", "more": 1}',
        '{"prompt": "p", "id": "a", "reply": "x"}\n{"prompt": "p", "id": "a", "reply": "y"}',
        "[]",
        "no JSON",
    ],
)
def test_a_table_of_replies_that_is_none_is_named_by_its_line(tmp_path, row):
    (tmp_path / "t.jsonl").write_text(row + "\n")
    with pytest.raises(DataError, match=r"t\.jsonl:[12]"):
        build_backend(f"scripted:{tmp_path / 't.jsonl'}")


def test_a_prompt_without_a_rule_gets_no_verdict(place):
    (verdict,) = Judge(ScriptedJudge("empty", {}), VerdictCache(place)).ask([build_call("a", "x")])
    assert (verdict.status, verdict.value) == ("missing", None)


def test_the_annotator_knows_the_truth(place):
    scenes = sample_scenes("judged", 20, 0, EVALUATION)
    rule = build_world_rule(scenes, lambda call, found: f"Rating: {max(0, 6 - len(found.errors))}")
    judge = Judge(ScriptedJudge("world-1", {RATING.name: rule}), VerdictCache(place))
    calls = []
    root = place.parent
    for scene in scenes:
        image = root / image_name(scene)
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(scene.id.encode())
        calls.append(build_call(f"{scene.id}-true", describe(scene), images=(image,)))
        calls.append(build_call(f"{scene.id}-false", describe(scene) + " Center: a pink zebra.", images=(image,)))
    wrong = describe(scenes[1])
    calls.append(build_call("swapped", wrong, images=(root / image_name(scenes[0]),)))
    verdicts = {verdict.id: verdict.value for verdict in judge.ask(calls)}
    assert all(verdicts[f"{scene.id}-true"] == 6 for scene in scenes)
    assert verdicts["swapped"] < 6
    finding = find_errors(scenes[0], wrong)
    assert finding.errors
    assert find_errors(scenes[0], finding.corrected).errors == ()


def test_the_annotator_refuses_what_it_cannot_see(place):
    rule = build_world_rule(sample_scenes("judged", 1, 0, EVALUATION), lambda call, found: "Rating: 6")
    judge = Judge(ScriptedJudge("world-1", {RATING.name: rule}), VerdictCache(place))
    with pytest.raises(DataError, match="known scene"):
        judge.ask([build_call("a", "x")])


@pytest.mark.parametrize("name", ["", "gpt-4o", "local:", "scripted:", "azure:gpt", "openai:"])
def test_a_judge_of_no_kind_is_refused(name, place):
    with pytest.raises(ConfigError):
        build_judge(name, place)


def test_prices_of_a_user_replace_those_of_the_package(tmp_path):
    table = tmp_path / "prices.yaml"
    table.write_text("as_of: 2026-11-01\nmodels:\n  gpt-4o: {input: 1, output: 2}\n  own: {input: 0, output: 0}\n")
    prices = load_prices(table)
    assert prices.find("gpt-4o").as_of == "2026-11-01"
    assert (prices.find("own").input, prices.find("gpt-4.1").output, prices.find("none")) == (0, 8, None)
    assert prices.find("gpt-4o-2099-01-01", "gpt-4o").input == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "models: {a: {input: 1, output: 1}}",
        "as_of: 2026-11-01\nmodels: [a]",
        "as_of: 2026-11-01\nmodels: {a: 1}",
        "as_of: 2026-11-01\nmodels: {a: {input: 1}}",
        "as_of: 2026-11-01\nmodels: {a: {input: -1, output: 1}}",
        "as_of: 2026-11-01\nmodels: {a: {input: .inf, output: 1}}",
        "as_of: 2026-11-01\nmodels: {a: {input: true, output: 1}}",
    ],
)
def test_a_table_of_prices_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "prices.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"prices\.yaml"):
        load_prices(tmp_path / "prices.yaml")


def test_prices_are_printed_so_that_they_can_be_read():
    assert [format_price(value) for value in (None, 0, 0.00123, 12.345)] == ["unknown", "$0.00", "$0.0012", "$12.35"]


def test_the_room_loads_without_torch():
    code = "import errata.judges, sys; assert not {'torch', 'transformers', 'openai'} & set(sys.modules)"
    source = str(Path(__file__).parents[2] / "src")
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {source!r}); {code}"], check=True, timeout=60
    )


def test_ratings_of_the_reply_count_not_those_of_the_prompt(place):
    with EndpointServer(lambda seen: "I will not say.") as server:
        judge = build_judge(f"openai:tiny@{server.url}", place, attempts=2)
        (verdict,) = judge.ask([build_call("a", "Rating: 6")])
    assert (verdict.status, verdict.value, parse_rating("Rating: 6")) == ("unreadable", None, 6)
