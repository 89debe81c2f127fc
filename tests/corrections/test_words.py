"""Words of any script: nothing a reader sees as one character is torn, nothing but white space is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errata.corrections import split_words
from errata.corrections.words import _split_any

FAMILY = "👩‍👩‍👧"
THUMB = "👍🏽"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t", []),
        ("A red ball, top-left.", ["A", "red", "ball", ",", "top", "-", "left", "."]),
        ("It doesn't cost $3.50 or 1,000.", ["It", "doesn't", "cost", "$", "3.50", "or", "1,000", "."]),
        ("man’s 'hat'", ["man’s", "'", "hat", "'"]),
        ("e.g. v2.x", ["e", ".", "g", ".", "v2", ".", "x"]),
        ("一只红球。", ["一", "只", "红", "球", "。"]),
        ("赤いball2個", ["赤", "い", "ball2", "個"]),
        ("빨간 공", ["빨간", "공"]),
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("เก้าอี้", ["เ", "ก้", "า", "อี้"]),
        (f"{FAMILY}{THUMB} ok", [FAMILY, THUMB, "ok"]),
        ("🇩🇪🇫🇷🇯", ["🇩🇪", "🇫🇷", "🇯"]),
        (f"{SCOTLAND}!", [SCOTLAND, "!"]),
        ("❤️1️⃣", ["❤️", "1️⃣"]),
        ("snake_case 3x", ["snake_case", "3x"]),
        ("a \u0301b", ["a", " \u0301", "b"]),
        ("น้ำใส", ["น้ำ", "ใ", "ส"]),
        ("ﾊﾞｲｸ", ["ﾊﾞ", "ｲ", "ｸ"]),
        ("קטן, צה״ל", ["קטן", ",", "צה״ל"]),
        ("كلب \u200fأسود\u200f ٣٫٥", ["كلب", "\u200f", "أسود\u200f", "٣٫٥"]),
        ("co\u00adoperate col·lega", ["co\u00adoperate", "col·lega"]),
        ("a\u200bb", ["a", "\u200b", "b"]),
        ("كلب \u06dd١٢", ["كلب", "\u06dd١٢"]),
        ("நாய் ಕಪ್ಪು", ["நாய்", "ಕಪ್ಪು"]),
    ],
)
def test_words_by_hand(text: str, words: list[str]) -> None:
    assert words_of(text) == words


SCRIPTS = st.text(alphabet=st.sampled_from("ab1 ,.'-\n一の빨\u0301\u200d👩🏽🇩🇪️हิำשׁ״كّ\u200f\u00ad\u200b"), max_size=40)


@given(st.one_of(st.text(), SCRIPTS))
def test_words_and_white_space_make_up_the_text(text: str) -> None:
    done = 0
    for start, end in split_words(text):
        assert done <= start < end
        assert text[done:start].strip() == ""
        done = end
    assert text[done:].strip() == ""


@given(st.one_of(st.text(), SCRIPTS))
def test_no_mark_or_joiner_is_torn_from_its_base(text: str) -> None:
    for start, _ in split_words(text):
        if start > 0:
            assert unicodedata.category(text[start])[0] != "M"
            # A joiner joins nothing to white space, even where marks make that white space a word.
            assert text[start] != "\u200d"
            assert text[start - 1] != "\u200d" or text[start].isspace()


@given(st.one_of(st.text(), SCRIPTS, st.text(alphabet=st.sampled_from("aZ_09 .,'’-\t\n\x1c\x85 é\u0301"))))
def test_the_short_way_through_ascii_gives_the_words_of_the_rule(text: str) -> None:
    assert split_words(text) == _split_any(text)
