"""The filter's language: what it means, and that it fails in one way only."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from errata.data.filter import FIELDS, FUNCTIONS, ExpressionError, parse_filter, parse_value
from errata.records import Record, Response, Segment, Turn
from shaped import build

RECORD = Record(
    "r-1",
    ("images/000000310196.jpg",),
    (Turn("system", "Be brief."), Turn("user", "<image>\nWhat is it?")),
    (
        Response((Turn("assistant", "Ein Hund schläft."),), 0, model="big"),
        Response(
            (Turn("assistant", "Zwei Hunde schlafen."),),
            2,
            (Segment(0, 4, 0, 3, "number"), Segment(5, 10, 4, 8, "object"), Segment(11, 19, 9, 16)),
            "small",
        ),
    ),
    source="photos",
    meta={"topic": "animals", "score": 3.5, "good": True, "odd name": {"deep": [1, 2]}, "list": ["a", "b"]},
)

TRUE = [
    'id == "r-1"',
    "id == 'r-1'",
    'source in ["photos", "web"]',
    "license == null",
    "source != null and license == null",
    'not license == "CC0"',
    "not not true",
    'question == "What is it?"',
    'prompt contains "Be brief"',
    'images contains "images/000000310196.jpg"',
    "count(images) == 1",
    'images matches "^images/0{6}"',
    'best not matches "Hunde" and worst matches "(?i)HUNDE"',
    'responses matches "Hunde"',
    "len(best) == 17",
    "max(len(responses)) == 20 and min(words(responses)) == 3",
    "words(best) >= 3 and words(best) <= 3",
    "count(levels) == 2 and max(levels) == 2 and distinct(levels) == 2",
    "levels == [0, 2]",
    'count(segments) == 3 and count(segments, "object") == 1',
    '"object" in segments and "action" not in segments',
    'segments contains "untyped"',
    "max(edit_ratios) > 0.8",
    'models == ["big", "small"]',
    "rounds == 1",
    'meta.topic == "animals"',
    "meta.score > 3 and meta.score < 4.0e0",
    "meta.good",
    "meta.good == true and meta.good != 1",
    'meta."odd name".deep == [1, 2]',
    'mean(meta."odd name".deep) == 1.5',
    "meta.none == null and meta.none.deeper == null",
    '"a" in meta.list',
    'lower("ÄB") == "äb"',
    "-1 < 0",
    'true or meta.none > "x" and false',
    "(true or false) and true",
]
FALSE = [
    "license > 'a'",
    "meta.topic > 3",
    "meta.none > 3",
    "meta.topic",
    "meta.score == true",
    "max(meta.list) > 0",
    "len(meta.score) == 1",
    "max(edit_ratios) > 1",
    "true and (false or false)",
    "false and true or false",
    'source matches "^web"',
    "meta.none matches 'x'",
    "words(meta.topic) != 1",
    "null in [1]",
    "1 in [true]",
]


@pytest.mark.parametrize(("text", "wanted"), [(text, True) for text in TRUE] + [(text, False) for text in FALSE])
def test_what_a_condition_means(text, wanted):
    assert parse_filter(text)(RECORD) is wanted


WRONG = [
    ("", 0, "the end of the filter"),
    ("words(best", 10, ", or ) for what began at character 1"),
    ("wrds(best) < 3", 0, "perhaps words?"),
    ("sorce == 'a'", 0, "perhaps source?"),
    ("source = 'a'", 7, "== to compare"),
    ("source == 'a", 10, "a closing '"),
    ("source == 'a' source", 14, "an operator"),
    ("source == 3", 10, "a text, as on the left"),
    ("words(best) < '3'", 14, "a number, as on the left"),
    ("segments > 3", 0, "a number or a text to compare"),
    ("words(best)", 0, "a comparison"),
    ("true and source", 9, "a comparison"),
    ("words(3) > 1", 6, "a text or a list of texts as argument of words"),
    ("words(best, best) > 1", 0, "1 argument"),
    ("count() > 1", 0, "1 to 2 arguments"),
    ("source not == 'a'", 11, "behind `not`"),
    ("best matches worst", 13, "a regular expression in quotes"),
    ("best matches '(a'", 13, "a regular expression of RE2"),
    (r"best matches '(a)\1'", 13, "a regular expression of RE2"),
    ("levels matches 'a'", 0, "before `matches`"),
    ("3 in source", 5, "a list"),
    ("3 in segments", 0, "a text, to look for"),
    ("'a' in levels", 0, "a number, to look for"),
    ("source in [words(best)]", 11, "a number or a text in quotes"),
    ("source in ['a' 'b']", 15, ", or ]"),
    ("source.name == 'a'", 7, "only `meta`"),
    ("meta. == 3", 6, "a name behind the point"),
    ("1 < 2 < 3", 6, "an operator"),
    ("best AND true", 5, "an operator"),
    ("§", 0, "a field"),
    ("3a < 4", 0, "a number"),
    ("1e999 > 0", 0, "a number that a computer can hold"),
    ("(" * 60 + "true" + ")" * 60, 50, "at most 50"),
    ("not " * 60 + "true", 200, "at most 50"),
    ("true or " * 2000, 10_000, "at most 10000"),
]


@pytest.mark.parametrize(("text", "position", "said"), WRONG)
def test_an_error_points_at_the_character(text, position, said):
    with pytest.raises(ExpressionError) as caught:
        parse_filter(text)
    assert caught.value.position == position
    assert said in str(caught.value)
    shown, mark = str(caught.value).split("\n")[1:]
    assert mark.strip() == "^"
    assert len(mark) <= len(shown) + 1
    if position < len(text):
        assert shown[len(mark) - 1] == text[position]


WORDS = ["and", "or", "not", "in", "contains", "matches", "==", "<", "=", "true", "null", "meta.a"]
ODD = ["3", "-1.5e3", "'a'", *"()[],.\\§", '"[a-"', '"(a+)+$"', "'\\''", "\n", "\x00", "\ud800"]
PIECES = st.sampled_from([*FIELDS, *FUNCTIONS, *WORDS, *ODD])


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=14).map(" ".join) | st.text(max_size=60))
@example("not in")
@example("true not 'in' [1]")
@example("best matches '\ud800'")
@example("best matches '" + "(a{1000}){1000}" + "'")
def test_whatever_is_written_is_a_condition_or_the_named_error(text):
    for parse in (parse_filter, parse_value):
        try:
            keep, position = parse(text), 0
        except ExpressionError as error:
            keep, position = bool, error.position
        assert 0 <= position <= len(text)
        for record in (RECORD, build("r", levels=(0,))):
            value = keep(record)
            assert parse is parse_value or isinstance(value, bool)


HOSTILE = [
    "().__class__.__bases__[0].__subclasses__()",
    "id.__class__",
    "meta.__class__.__mro__ == null or id.real",
    "__import__('os').system('id')",
    "len(__import__('os'))",
    "eval('1')",
    "best.upper() == 'A'",
    "len(best)(best)",
    "'a'('b')",
    "levels[0] == 1",
    "levels[::-1]",
    "[one for one in levels]",
    "max(one for one in levels)",
    "{levels: best}",
    "f'{best}' == 'a'",
    "b'a' == best",
    "(one := 3) > 1",
    "one = 3",
    "lambda: true",
    "max(*levels)",
    "count(values=levels)",
    "yield best",
    "await best",
    "true if best else false",
    "id is null",
    "levels, best",
    "(levels, best)",
    "()",
    "[1, 2,] == levels",
    "words(best,) > 1",
    "2 + 2 == 4",
    "10 ** 10 ** 10 > 1",
    "'a' * 10000000000 == best",
    "best % 3 == 'a'",
    "-(1) < 0",
    "0x10 > 1",
    "1_000 > 1",
    "1j == 1",
    "9" * 400 + " > 1",
    "1e" + "9" * 4000 + " > 1",
    "true # a remark",
    "true; false",
    "true \\\n and true",
    "\x00",
    "tr\x00ue",
    "true\ufeff",
    "\uff54rue",
    "...",
    "True or None",
    "v",
    "meta" + ".a" * 6000,
    "not (" * 26 + "true" + ")" * 26,
    *(
        opening * count
        for opening in ("(", "[", "len(", "not ", "((not (", "max([")
        for count in (49, 9000 // len(opening))
    ),
    *("len(" * 49 + middle + ")" * 49 for middle in ("", "best best", "1 < ", "best)")),
    "true or " * 1200 + "or",
    "best < " * 1200 + "best",
    "levels == [" + "1," * 4000 + "]",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_filter_is_refused_at_once(text):
    start = time.perf_counter()
    with pytest.raises(ExpressionError):
        parse_filter(text)
    assert time.perf_counter() - start < 2


def test_the_longest_and_deepest_filters_are_read():
    filters = ["true and " * 1100 + "true", "(" * 49 + "not true or true" + ")" * 49]
    filters += [
        "count(levels) in [" + "1, " * 3000 + "2]",
        "meta" + ".a" * 4000 + " == null",
        "'" + "a" * 9000 + "' != best",
    ]
    assert [parse_filter(text)(RECORD) for text in filters] == [True] * len(filters)


def test_a_text_in_quotes_may_hold_anything():
    text = "__import__('os')\n\x00) or f(\ud800 \\n"
    record = build("r", meta={text: text})
    assert parse_filter(f'meta."{text}" == "{text}"')(record)


def test_a_hostile_pattern_takes_no_time():
    record = build("r", meta={"text": "a" * 20_000 + "!"})
    start = time.perf_counter()
    assert not parse_filter('meta.text matches "(a|aa)+$"')(record)
    assert time.perf_counter() - start < 2


def test_a_value_alone():
    assert parse_value("distinct(levels)")(RECORD) == 2
    assert parse_value('meta."odd name".deep')(RECORD) == [1, 2]


def test_the_page_names_every_field_and_function():
    from documentation import ROOT, read

    page = read(ROOT / "docs" / "shape-data.md")
    assert [name for name in FIELDS if f"`{name}" not in page] == []
    assert [name for name in FUNCTIONS if f"`{name}`" not in page and f"`{name}(" not in page] == []
