"""Verdicts: asked once, kept at once, read again, never guessed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from errata.errors import ConfigError, DataError, JudgeError, StorageError
from errata.judges import (
    Judge,
    JudgeCall,
    JudgeFailure,
    JudgePrompt,
    JudgeReply,
    Parameters,
    ScriptedJudge,
    VerdictCache,
    build_judge,
    load_prices,
    measure_spread,
    summarise,
)
from errata.judges.keys import build_keys
from judged import RATING, build_call, parse_rating


class Scripted:
    """Replies in turn and remembers what it was asked; a reply of None fails."""

    name, model, free = "scripted:turns", "openai:gpt-4o", False

    def __init__(self, *replies):
        self.replies, self.asked = list(replies), []

    def ask(self, requests, on_reply):
        for request in requests:
            self.asked.append(request)
            reply = self.replies.pop(0) if self.replies else "Rating: 3"
            if reply is None:
                on_reply(JudgeFailure(request.key, "server error: told to fail"))
            else:
                on_reply(JudgeReply(request.key, reply, "gpt-4o-2024-08-06", 1000, 10, 0.5))


def calls(count: int) -> list[JudgeCall]:
    return [build_call(f"c{number}", f"Answer {number}.") for number in range(count)]


@pytest.fixture
def place(tmp_path):
    return tmp_path / "cache" / "verdicts.sqlite"


def build(backend, place, **settings):
    return Judge(backend, VerdictCache(place), **settings)


def rows(place):
    connection = sqlite3.connect(place)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM replies ORDER BY at, key")]
    finally:
        connection.close()


def test_verdicts_come_in_the_order_of_the_calls_and_are_not_asked_twice(place):
    backend = Scripted("Rating: 1", "Rating: 2")
    judge = build(backend, place)
    first = judge.ask(calls(2))
    assert [(verdict.id, verdict.value, verdict.status) for verdict in first] == [("c0", 1, "read"), ("c1", 2, "read")]
    assert build(backend, place).ask(calls(2)[::-1]) == first[::-1]
    assert (len(backend.asked), judge.asked) == (2, 2)


def test_what_is_kept_says_what_was_asked_and_what_it_cost(place):
    build(Scripted("I think Rating: 4"), place).ask(calls(1))
    (row,) = rows(place)
    kept = {name: row[name] for name in ("raw", "parsed", "model", "prompt", "prompt_version", "prompt_hash")}
    assert kept == {
        "raw": "I think Rating: 4",
        "parsed": "4",
        "model": "openai:gpt-4o",
        "prompt": "test-rating",
        "prompt_version": 1,
        "prompt_hash": RATING.hash,
    }
    assert (row["prompt_tokens"], row["completion_tokens"], row["seconds"]) == (1000, 10, 0.5)
    assert row["price"] == pytest.approx((2.5 * 1000 + 10 * 10) / 1e6)
    assert row["at"].endswith("Z")


def test_calls_of_equal_contents_are_asked_once_and_read_by_their_own_parsers(place):
    backend = Scripted("Rating: 5")
    loud = JudgeCall("loud", RATING, dict(build_call("", "Same.").values), lambda reply: reply.upper())
    verdicts = build(backend, place).ask([build_call("a", "Same."), loud, build_call("b", "Same.")])
    assert [verdict.value for verdict in verdicts] == [5, "RATING: 5", 5]
    assert len(backend.asked) == 1


@pytest.mark.parametrize("change", ["answer", "image", "temperature", "model", "prompt", "room"])
def test_what_a_verdict_depends_on_is_asked_again(place, tmp_path, change):
    picture = tmp_path / "a.png"
    picture.write_bytes(b"one")
    backend = Scripted()
    build(backend, place).ask([build_call("a", "Same.", images=(picture,))])
    call, parameters = build_call("a", "Same.", images=(picture,)), Parameters()
    if change == "answer":
        call = build_call("a", "Other.", images=(picture,))
    if change == "image":
        picture.write_bytes(b"three")
    if change == "temperature":
        parameters = Parameters(temperature=0.2)
    if change == "model":
        backend.model = "openai:another"
    if change in ("prompt", "room"):
        prompt = replace(RATING, **({"version": 2} if change == "prompt" else {"max_tokens": 65}))
        call = replace(call, prompt=prompt)
    build(backend, place, parameters=parameters).ask([call])
    assert len(backend.asked) == 2


def test_an_unreadable_reply_is_asked_again_then_counted_and_never_zero(place):
    backend = Scripted("no idea", "Rating: 9", "Rating: 2")
    judge = build(backend, place)
    (verdict,) = judge.ask(calls(1))
    assert (verdict.value, verdict.samples[0].attempts, verdict.samples[0].prompt_tokens) == (2, 3, 3000)
    assert len({request.text for request in backend.asked}) == 3
    backend.replies = ["no idea"] * 3
    (lost,) = judge.ask([build_call("lost", "Other.")])
    assert (lost.value, lost.status, lost.samples[0].attempts) == (None, "unreadable", 3)
    assert "no rating, in the reply 'no idea'" in lost.samples[0].reason
    asked = len(backend.asked)
    assert judge.ask([build_call("lost", "Other.")]) == [lost]
    assert len(backend.asked) == asked


def test_old_replies_are_read_with_the_parser_of_today_offline(place):
    build(Scripted("six of six"), place, attempts=1).ask(calls(1))
    changed = JudgeCall("c0", RATING, calls(1)[0].values, lambda reply: {"six of six": 6}[reply])
    backend = Scripted()
    (verdict,) = build(backend, place).ask([changed])
    assert (verdict.value, backend.asked) == (6, [])


def test_a_failure_costs_no_other_call_and_is_asked_again_later(place):
    backend = Scripted("Rating: 1", None, "Rating: 3")
    verdicts = build(backend, place).ask(calls(3))
    assert [verdict.status for verdict in verdicts] == ["read", "missing", "read"]
    assert verdicts[1].samples[0].reason == "server error: told to fail"
    again = build(backend, place).ask(calls(3))
    assert [verdict.value for verdict in again] == [1, 3, 3]
    assert len(backend.asked) == 4


def test_samples_give_mean_and_spread(place):
    backend = Scripted("Rating: 1", "Rating: 3", "nothing", "Rating: 5", "Rating: 6", "nothing", "nothing", "nothing")
    judge = build(backend, place, samples=4, attempts=2)
    (verdict,) = judge.ask(calls(1))
    assert verdict.values == (1, 3, 6, 5)
    spread = measure_spread(verdict.values)
    assert (spread.mean, spread.n, spread.missing) == (3.75, 4, 0)
    assert spread.deviation == pytest.approx(2.217, abs=1e-3)
    assert build(Scripted(), place, attempts=2).ask(calls(1))[0].value == 1  # fewer samples: the first of them


def test_spread_of_nothing_and_of_one_is_not_zero():
    assert measure_spread([None, float("nan")]).mean is None
    assert (measure_spread([2.0]).mean, measure_spread([2.0]).deviation) == (2.0, None)


def test_seeds_differ_between_repetitions(place):
    backend = Scripted("nothing", "Rating: 1", "Rating: 1")
    build(backend, place, samples=2, parameters=Parameters(seed=7)).ask(calls(1))
    assert len({request.seed for request in backend.asked}) == len(backend.asked) == 3


def test_a_summary_does_not_tell_a_resumed_run_from_a_whole_one(place):
    backend = Scripted("Rating: 1", None, "nothing", "nothing", "Rating: 4")
    build(backend, place).ask(calls(2))
    resumed = build(backend, place).ask(calls(2))
    whole = summarise(calls(2), resumed)
    assert whole == summarise(calls(2), build(Scripted(), place).ask(calls(2)))
    assert {name: whole[name] for name in ("verdicts", "read", "unreadable", "missing")} == {
        "verdicts": 2,
        "read": 2,
        "unreadable": 0,
        "missing": 0,
    }
    assert whole["prompts"] == {"test-rating": {"version": 1, "hash": RATING.hash}}
    assert whole["reply_models"] == ["gpt-4o-2024-08-06"]


def test_an_unknown_price_is_unknown_until_the_table_has_it(place, tmp_path):
    backend = Scripted()
    backend.model = "openai:own"
    backend.ask = lambda requests, on_reply: [
        on_reply(JudgeReply(one.key, "Rating: 1", "own", 10, 10)) for one in requests
    ]
    (verdict,) = build(backend, place).ask(calls(1))
    assert verdict.samples[0].price is None
    assert summarise(calls(1), [verdict])["price_usd"] == "unknown"
    (tmp_path / "prices.yaml").write_text("as_of: 2026-11-01\nmodels: {own: {input: 1, output: 3}}\n")
    known = build(backend, place, prices=load_prices(tmp_path / "prices.yaml")).ask(calls(1))
    assert summarise(calls(1), known)["price_usd"] == pytest.approx(40 / 1e6)


def test_an_estimate_asks_nothing_and_knows_the_cache(place):
    backend = Scripted()
    judge = build(backend, place)
    estimate = judge.estimate(calls(3))
    assert (estimate.calls, estimate.cached, estimate.completion_tokens, backend.asked) == (3, 0, 3 * 64, [])
    assert not place.exists()
    assert 300 < estimate.prompt_tokens < 1500
    assert estimate.cost == pytest.approx((2.5 * estimate.prompt_tokens + 10 * 192) / 1e6)
    judge.ask(calls(2))
    rest = judge.estimate(calls(3))
    assert (rest.calls, rest.cached, rest.completion_tokens) == (3, 2, 64)
    assert "1 to make, 2 of 3 in the cache" in rest.describe()[0]
    assert "2026-05-31" in rest.describe()[2]
    backend.model = "openai:own"
    assert "unknown" in build(backend, place).estimate(calls(1)).describe()[2]


def test_offline_takes_what_is_there_and_asks_nothing(place, tmp_path):
    table = tmp_path / "replies.jsonl"
    table.write_text('{"prompt": "test-rating", "id": "c0", "reply": "Rating: 5"}\n')
    assert [v.status for v in build_judge(f"scripted:{table}", place).ask(calls(2))] == ["read", "missing"]
    offline = build_judge(f"scripted:{table}", place, offline=True).ask(calls(2))
    assert [(verdict.value, verdict.status) for verdict in offline] == [(5, "read"), (None, "missing")]
    assert "offline" in offline[1].samples[0].reason


KILLED = """
import os, sys
sys.path[:0] = sys.argv[2:]
from judged import build_call
from errata.judges import Judge, JudgeReply, VerdictCache

class Dying:
    name = model = "scripted:dying"
    free = True
    def ask(self, requests, on_reply):
        for number, request in enumerate(requests):
            if number == 5:
                os.kill(os.getpid(), 9)
            on_reply(JudgeReply(request.key, "Rating: 2"))

Judge(Dying(), VerdictCache(sys.argv[1])).ask([build_call(f"c{n}", f"Answer {n}.") for n in range(9)])
"""


def test_a_kill_loses_no_reply(place):
    roots = [str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[1])]
    ended = subprocess.run([sys.executable, "-c", KILLED, str(place), *roots], check=False, timeout=100)
    assert ended.returncode == -9
    backend = Scripted()
    backend.name = backend.model = "scripted:dying"
    verdicts = build(backend, place).ask(calls(9))
    assert [verdict.value for verdict in verdicts] == [2] * 5 + [3] * 4
    assert len(backend.asked) == 4


def judge_alone(place: Path, rating: int) -> list[int]:
    judge = Judge(ScriptedJudge("x", {RATING.name: lambda request: f"Rating: {rating}"}), VerdictCache(place))
    return [verdict.value for verdict in judge.ask(calls(200))]


def test_two_processes_share_a_file_and_agree(place):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        one, two = [future.result() for future in [pool.submit(judge_alone, place, rating) for rating in (1, 2)]]
    assert one == two
    assert set(one) <= {1, 2}
    assert len(rows(place)) == 200


def test_a_file_that_is_no_cache_is_named(tmp_path):
    (tmp_path / "text").write_text("no database " * 200)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE mine (a)")
    other.close()
    later = sqlite3.connect(tmp_path / "later")
    later.execute("PRAGMA user_version = 99")
    later.close()
    earlier = sqlite3.connect(tmp_path / "earlier")
    earlier.executescript("CREATE TABLE replies (key TEXT, raw TEXT); PRAGMA user_version = 1")
    earlier.close()
    with pytest.raises(JudgeError, match="a table of other columns: key, raw"):
        build(Scripted(), tmp_path / "earlier").ask(calls(1))
    for name, error in (("text", StorageError), ("other", JudgeError), ("later", JudgeError), ("", StorageError)):
        with pytest.raises(error, match=str(tmp_path)):
            build(Scripted(), tmp_path / name).ask(calls(1))


def test_a_row_that_something_else_wrote_is_named(place):
    build(Scripted(), place).ask(calls(1))
    with sqlite3.connect(place) as other:
        other.execute("UPDATE replies SET raw = x'ff00'")
    other.close()
    with pytest.raises(JudgeError, match="whose raw is of the type bytes"):
        build(Scripted(), place).ask(calls(1))


def test_a_cache_that_another_process_holds_is_waited_for_and_then_named(place, monkeypatch):
    build(Scripted(), place).ask(calls(1))
    monkeypatch.setattr("errata.storage.sqlite_file.WAIT_S", 0.2)
    holder = sqlite3.connect(place, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match=r"locked.*wait for the process that holds it"):
        build(Scripted(), place).ask(calls(2))
    holder.execute("ROLLBACK")
    holder.close()
    assert len(build(Scripted(), place).ask(calls(2))) == 2


def test_what_is_free_has_its_price_without_a_count_of_tokens(place):
    asked = calls(2)
    verdicts = build(ScriptedJudge("s", {RATING.name: lambda request: "Rating: 1"}), place).ask(asked)
    assert summarise(asked, verdicts)["price_usd"] == 0


def test_bad_calls_are_named(place, tmp_path):
    judge = build(Scripted(), place)
    with pytest.raises(DataError, match="two calls of it"):
        judge.ask([*calls(1), *calls(1)])
    with pytest.raises(DataError, match=r"none\.png"):
        judge.ask([build_call("a", "x", images=(tmp_path / "none.png",))])
    for settings in ({"samples": 0}, {"attempts": 0}):
        with pytest.raises(ConfigError, match="at least 1"):
            build(Scripted(), place, **settings)
    with pytest.raises(ConfigError, match=r"judge\.temperature"):
        Parameters(temperature=-1)


def test_a_bug_in_a_parser_is_not_an_unreadable_verdict(place):
    call = JudgeCall("a", RATING, calls(1)[0].values, lambda reply: reply.rating)
    with pytest.raises(AttributeError):
        build(Scripted(), place).ask([call])
    assert len(rows(place)) == 1  # the reply is kept: it has been paid for


def test_progress_is_told(place):
    seen = []
    build(Scripted("nothing"), place).ask(calls(2), lambda done, total: seen.append((done, total)))
    assert (seen[0], seen[-1]) == ((0, 2), (2, 2))


def test_ratings_are_parsed_from_the_reply_alone():
    assert parse_rating("Rating: 3\nRating: 4") == 4


def test_replies_kept_by_earlier_versions_are_found():
    """The keys of 0.1's caches; a change of how they are made would pay for every verdict again."""
    prompt = JudgePrompt("same", 1, "Same? {answer}")
    call = JudgeCall("a", prompt, {"answer": "A dög."}, parse_rating)
    first, second = build_keys("judge", call, Parameters(), 512, 1, 2)
    asked = ["judge", prompt.hash, 512, {"answer": "A dög."}, [], Parameters().describe(), 1, 1]
    assert second == hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    assert first != second
