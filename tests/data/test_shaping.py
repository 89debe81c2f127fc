"""Split, merge, sample, pairs and levels: what must hold for any records."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from errata.data.shaping import (
    Levelling,
    Part,
    find_records,
    merge_records,
    sample_records,
    split_records,
    write_filtered,
    write_pairs,
)
from errata.data.shaping.levels import PAIR_RULES, find_levels, level_record, split_into_pairs
from errata.data.shaping.pictures import LOOK_BITS, LookIndex
from errata.data.shaping.split import round_shares
from errata.errors import ConfigError, DataError
from errata.records import Record, Response, Segment, Turn, read_records
from shaped import CONTENT, PICTURES, build, draw_noise, write_folder

HALVES = (Part("train", 0.5), Part("test", 0.5))
record_lists = st.lists(st.lists(st.sampled_from(PICTURES), max_size=2), min_size=2, max_size=9).map(
    lambda images: [build(f"r{i}", names) for i, names in enumerate(images)]
)


def contents(path: Path) -> set[str]:
    return {CONTENT[image] for record in read_records(path) for image in record.images}


@settings(max_examples=40, deadline=None)
@given(records=record_lists, seed=st.integers(0, 9), share=st.floats(0.1, 0.9))
@example(records=[build("r0", ["a.png"]), build("r1", ["a-copy.png"])], seed=0, share=0.5)
@example(records=[build(f"r{i}", [name]) for i, name in enumerate(PICTURES)], seed=1, share=0.5)
def test_a_split_never_has_a_picture_on_two_sides_and_merging_undoes_it(records, seed, share):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = find_records(write_folder(folder / "in", records))
        try:
            written = split_records(source, folder / "out", (Part("a", share), Part("b", 1 - share)), seed=seed)
        except DataError:  # everything hangs together, or a part rounds to nothing
            written = {}
        if not written:
            assert not (folder / "out").exists()
            return
        assert not contents(written["a"].records) & contents(written["b"].records)
        parts = [find_records(folder / "out" / part) for part in "ab"]
        merged = merge_records(parts, folder / "whole")
        whole = read_records(merged.folder.records)
        assert sorted(whole, key=lambda record: record.id) == records
        assert merged.renamed == (0, 0)
        for record in whole:
            for image in record.images:
                assert (folder / "whole" / image).read_bytes() == (folder / "in" / image).read_bytes()


def test_pictures_are_one_under_any_name_even_where_none_are_written(tmp_path):
    names = ["a.png", "a-copy.png", "./a.png", "sub/../a.png", "link.png", "gone.png", "sub/../gone.png", "b.png"]
    folder = write_folder(tmp_path / "in", [build(f"r{i}", [name]) for i, name in enumerate(names)])
    (folder / "link.png").symlink_to("a.png")
    sides = {
        frozenset(record.images[0] for record in read_records(part.records))
        for seed in range(12)
        for part in split_records(find_records(folder), tmp_path / f"{seed}", HALVES, seed=seed, images="none").values()
    }
    assert all(len(side & set(names[:5])) in (0, 5) and len(side & set(names[5:7])) in (0, 2) for side in sides)


def test_a_split_has_the_sizes_that_were_asked_for_and_does_not_depend_on_the_order(tmp_path):
    records = [build(f"r{i}") for i in range(50)]
    forth = split_records(
        find_records(write_folder(tmp_path / "1", records)), tmp_path / "a", (Part("train", None), Part("test", 7))
    )
    back = split_records(
        find_records(write_folder(tmp_path / "2", records[::-1])),
        tmp_path / "b",
        (Part("train", None), Part("test", 7)),
    )
    names = [{one.id for one in read_records(written["test"].records)} for written in (forth, back)]
    assert names[0] == names[1]
    assert [folder.count for folder in forth.values()] == [43, 7]
    other = split_records(find_records(tmp_path / "1"), tmp_path / "c", (Part("train", None), Part("test", 7)), seed=1)
    assert {one.id for one in read_records(other["test"].records)} != names[0]


def test_pictures_that_look_alike_are_kept_together_where_that_is_asked_for(tmp_path):
    folder = write_folder(tmp_path / "in", [build(f"r{i}", [f"{i}.jpg"]) for i in range(4)])
    for i in range(4):
        draw_noise(i // 2).resize((64 + 64 * (i % 2),) * 2).save(folder / f"{i}.jpg", quality=95 - 30 * (i % 2))
    source = find_records(folder)
    sides = {
        frozenset(record.id for record in read_records(part.records))
        for seed in range(8)
        for part in split_records(source, tmp_path / f"{seed}", HALVES, seed=seed, look_distance=10).values()
    }
    assert sides == {frozenset({"r0", "r1"}), frozenset({"r2", "r3"})}


@pytest.mark.parametrize(
    "parts",
    [
        (Part("a", 1.0),),
        (Part("a", 0.5), Part("a", 0.5)),
        (Part("a", 0.5), Part("b", 0.6)),
        (Part("a", 0.5), Part("../b", 0.5)),
        (Part("a", float("nan")), Part("b", 0.5)),
        (Part("a", None), Part("b", None)),
        (Part("a", None), Part("b", 0)),
        (Part("a", None), Part("b", 3)),
    ],
)
def test_parts_that_cannot_be_are_refused(tmp_path, parts):
    source = find_records(write_folder(tmp_path / "in", [build("a"), build("b"), build("c")]))
    with pytest.raises(ConfigError):
        split_records(source, tmp_path / "out", parts)
    assert not (tmp_path / "out").exists()


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.integers(0, 1000))
def test_rounded_shares_sum_up_and_are_off_by_less_than_one(shares, total):
    sizes = round_shares(shares, total)
    assert sum(sizes) == total
    assert all(abs(size - share * total / sum(shares)) < 1 for size, share in zip(sizes, shares, strict=True))


def test_merging_makes_ids_unique_keeps_where_they_came_from_and_both_pictures_of_a_name(tmp_path):
    for name, picture in (("one", 1), ("two", 2)):
        folder = write_folder(
            tmp_path / name, [build("a", ["x.png"], source=name, license="CC0"), build(name, ["b.png"])]
        )
        draw_noise(picture).save(folder / "x.png")
    sources = [find_records(tmp_path / name) for name in ("one", "two")]
    merged = merge_records(sources, tmp_path / "out")
    records = {record.id: record for record in read_records(merged.folder.records)}
    assert list(records) == ["a", "one", "a.2", "two"]
    assert (merged.records, merged.renamed) == ((2, 2), (0, 1))
    second = records["a.2"]
    assert second.meta["merged"] == {"id": "a", "file": sources[1].path.as_posix()}
    assert (second.source, second.license) == ("two", "CC0")
    assert (tmp_path / "out" / second.images[0]).read_bytes() == (tmp_path / "two" / "x.png").read_bytes()
    assert (tmp_path / "out" / "x.png").read_bytes() == (tmp_path / "one" / "x.png").read_bytes()
    assert records["two"].images == ("b.png",)


def test_a_sample_is_seeded_keeps_the_order_and_the_proportions(tmp_path):
    records = [build(f"r{i}", source="big" if i % 4 else "small") for i in range(40)]
    source = find_records(write_folder(tmp_path / "in", records))
    chosen = read_records(sample_records(source, tmp_path / "a", 8, stratify=lambda record: str(record.source)).records)
    assert [one.source for one in chosen].count("small") == 2
    assert [one for one in records if one in chosen] == chosen
    small, large = (read_records(sample_records(source, tmp_path / f"{n}", n, seed=3).records) for n in (5, 9))
    assert {one.id for one in small} < {one.id for one in large}
    assert sample_records(source, tmp_path / "b", 0.25).count == 10
    for size in (0, 41, 0.0, 1.5, -1, 0.001):
        with pytest.raises(ConfigError):
            sample_records(source, tmp_path / "c", size)


def test_a_sample_by_image_takes_every_record_of_a_picture(tmp_path):
    records = [build(f"{name}{i}", [name]) for i in range(2) for name in PICTURES]
    source = find_records(write_folder(tmp_path / "in", records))
    chosen = read_records(sample_records(source, tmp_path / "out", 2, by_image=True).records)
    shown = {CONTENT[one.images[0]] for one in chosen}
    assert len(shown) == 2
    assert [one.id for one in chosen] == [one.id for one in records if CONTENT[one.images[0]] in shown]


levels_lists = st.lists(st.integers(0, 1), min_size=0, max_size=5).map(
    lambda steps: [sum(steps[:i]) for i in range(len(steps) + 1)]
)


@given(levels_lists)
def test_pairs_keep_the_order_and_never_compare_ties(levels):
    record = build("r", levels=levels)
    for rule in PAIR_RULES:
        pairs = list(split_into_pairs(record, rule))
        assert all(pair.levels == (0, 1) for pair in pairs)
        texts = [one.text for one in record.responses]
        places = [tuple(texts.index(one.text) for one in pair.responses) for pair in pairs]
        wanted = [(i, j) for i, j in combinations(range(len(levels)), 2) if levels[i] < levels[j]]
        if rule == "best_vs_rest":
            wanted = [(i, j) for i, j in wanted if levels[i] == 0]
        if rule == "neighbours":
            wanted = [(i, j) for i, j in wanted if levels[j] == levels[i] + 1]
        assert places == wanted
        assert len({pair.id for pair in pairs}) == len(pairs)


def test_segments_of_a_pair_are_against_its_own_better_response():
    texts = ("A red cat on a mat.", "A red dog on a mat.", "A blue dog on two mats.")
    typed = (Segment(2, 6, 2, 5, "attribute"), Segment(7, 10, 6, 9, "object"), Segment(14, 22, 13, 18, "number"))
    responses = [Response((Turn("assistant", text),), level) for level, text in enumerate(texts)]
    record = Record("r", (), (Turn("user", "?"),), (*responses[:2], Response(responses[2].turns, 2, typed)))
    best, _, last = split_into_pairs(record, "all_pairs")
    assert best.responses[1].segments == ()  # had none, gets none
    worse, better = last.responses[1], last.responses[0]
    spans = [(worse.text[s.start : s.end], better.text[s.better_start : s.better_end], s.type) for s in worse.segments]
    assert spans == [("blue", "red", "attribute"), ("two mats", "a mat", "number")]
    assert last.meta["pair"] == {"of": "r", "levels": [1, 2]}


def test_a_pair_stays_as_it_is(tmp_path):
    records = [build("a", ["a.png"]), build("b", levels=(0,)), build("c", levels=(0, 0))]
    source = find_records(write_folder(tmp_path / "in", records))
    assert read_records(write_pairs(source, tmp_path / "out", "all_pairs").records) == records[:1]


ratings = st.lists(st.integers(-3, 3) | st.floats(-5, 5), min_size=1, max_size=6)


@given(ratings, st.booleans(), st.sampled_from([("distinct", 0), ("gap", 0.5), ("at_most", 2), ("at_most", 3)]))
def test_levels_follow_the_ratings(values, lowest, rule):
    record = build("r", levels=[0] * len(values), meta={"score": values})
    levelled = level_record(record, Levelling(("score",), *rule, lowest_is_best=lowest))
    moved = levelled.meta["score"]
    assert moved == sorted(values, reverse=not lowest)
    assert sorted(one.text for one in levelled.responses) == sorted(one.text for one in record.responses)
    by_text = dict(zip((one.text for one in record.responses), values, strict=True))
    assert [by_text[one.text] for one in levelled.responses] == moved
    levels = levelled.levels
    assert set(levels) == set(range(max(levels) + 1))
    for (one, level), (other, next_level) in combinations(zip(moved, levels, strict=True), 2):
        assert one != other or level == next_level
    ties = [one.text for one in record.responses]
    for level_ratings in set(moved):
        group = [one.text for one in levelled.responses if by_text[one.text] == level_ratings]
        assert group == [text for text in ties if text in group]
    if rule[0] == "at_most":
        assert max(levels) < rule[1]


def test_segments_follow_when_another_response_becomes_the_best():
    record = build("r", levels=(0, 1, 2), meta={"score": [1, 3, 3]})
    best, tie, last = level_record(record, Levelling(("score",))).responses
    assert [best.text, tie.text, last.text] == ["A dog sleeps.", "A cow sleeps.", "A cat sleeps."]
    assert (best.segments, tie.segments, last.segments) == ((), (), (Segment(2, 5, 2, 5, "object"),))
    longer = (
        Response((Turn("assistant", "A cat sleeps."),), 0),
        Response((Turn("assistant", "A grey dog sleeps."),), 1),
    )
    bare = build("r", responses=longer, meta={"score": [1, 3]})
    assert level_record(bare, Levelling(("score",))).responses[1].segments == ()
    typed = replace(longer[1], segments=(Segment(2, 10, 2, 5, "object"),))
    other = level_record(replace(bare, responses=(longer[0], typed)), Levelling(("score",)))
    assert other.responses[1].segments == (Segment(2, 5, 2, 10, "object"),)


def test_the_rules_of_levels():
    keys = [-5.0, -4.9, -4.0, -4.0, -1.0]
    assert find_levels(keys, Levelling(("a",))) == [0, 1, 2, 2, 3]
    assert find_levels(keys, Levelling(("a",), "gap", 0.5)) == [0, 0, 1, 1, 2]
    assert find_levels(keys, Levelling(("a",), "at_most", 2)) == [0, 0, 0, 0, 1]
    assert find_levels(keys, Levelling(("a",), "at_most", 3)) == [0, 0, 1, 1, 2]
    for rule in (("gap", 0), ("at_most", 1), ("gap", float("nan"))):
        with pytest.raises(ConfigError):
            Levelling(("a",), *rule)


def test_several_ratings_are_averaged_and_the_rule_is_named():
    record = build("r", levels=(0, 0, 0), meta={"helpful": ["2", 5, 5], "true": [1, 4, "5"]})
    levelled = level_record(record, Levelling(("helpful", "true")))
    assert (levelled.meta["helpful"], levelled.meta["true"]) == ([5, 5, "2"], ["5", 4, 1])
    assert levelled.levels == (0, 1, 2)
    assert levelled.meta["levels_by"] == {"ratings": ["helpful", "true"], "rule": "distinct"}
    assert levelled.responses[2].text == record.responses[0].text


@pytest.mark.parametrize("values", [None, [1], [1, "N/A"], [1, True], [1, float("inf")], [1, None], "12"])
def test_ratings_that_are_none_are_refused(values):
    with pytest.raises(DataError, match=r"meta\.score"):
        level_record(build("r", meta={"score": values}), Levelling(("score",)))


looks = st.integers(0, 2**LOOK_BITS - 1)


@given(st.lists(looks, max_size=8), looks, st.lists(st.integers(0, LOOK_BITS - 1), max_size=12), st.integers(0, 12))
def test_the_index_of_looks_misses_none(others, look, flipped, distance):
    near = look
    for bit in flipped:
        near ^= 1 << bit
    index = LookIndex(distance)
    for one in [*others, near]:
        index.add(one)
    wanted = sorted(((one ^ look).bit_count(), i) for i, one in enumerate([*others, near]))
    assert index.find(look) == [found for found in wanted if found[0] <= distance]


def test_pictures_that_are_missing_or_outside_are_bad_rows(tmp_path):
    records = [build("a", ["a.png"]), build("b", ["gone.png"]), build("c", ["../secret.png"])]
    draw_noise(1).save(tmp_path / "secret.png")
    source = find_records(write_folder(tmp_path / "in", records))
    with pytest.raises(DataError, match=r"records\.jsonl:2: record 'b': gone\.png"):
        write_filtered(source, tmp_path / "out", lambda _: True)
    assert not (tmp_path / "out" / "records.jsonl").exists()
    bad = []
    folder = write_filtered(source, tmp_path / "out", lambda _: True, on_bad=bad.append)
    assert ([one.id for one in read_records(folder.records)], len(bad)) == (["a"], 2)
    assert write_filtered(source, tmp_path / "none", lambda _: True, images="none").count == 3


@pytest.mark.parametrize("rule", ["link", "copy"])
def test_a_written_folder_stands_alone(tmp_path, rule):
    source = find_records(write_folder(tmp_path / "in", [build("a", ["sub/d.png"])]))
    write_filtered(source, tmp_path / "out", lambda _: True, images=rule)
    assert (tmp_path / "out" / "sub" / "d.png").samefile(tmp_path / "in" / "sub" / "d.png") == (rule == "link")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["records.jsonl", "sub"]


def test_nothing_is_written_over_what_is_read(tmp_path):
    source = find_records(write_folder(tmp_path / "in", [build("a")]))
    with pytest.raises(DataError, match="the one being read"):
        write_filtered(source, tmp_path / "in", lambda _: True)
    with pytest.raises(DataError, match="the name of a file"):
        write_filtered(source, tmp_path / "out.jsonl", lambda _: True)
    for path in (tmp_path / "none", tmp_path / "in" / "a.png", tmp_path / "x.parquet"):
        with pytest.raises(DataError):
            list(find_records(path).read())
