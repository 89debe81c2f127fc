"""What people call questions, answers and pictures, and what their values look like.

A format reads the columns that it knows. Whether a row that has others may be used is decided here: by the words of a
column's name, as public data sets and trainers use them, and by the kind of its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from PIL import Image

from errata.data.rows import is_empty

PROMPTS = ("prompt", "question", "instruction", "query", "input")
"""Columns that hold a question, where nobody says which."""

CONVERSATIONS = ("conversations", "conversation", "messages")
"""Columns that hold turns."""

ANSWER_PAIRS = (
    ("chosen", "rejected"),
    *((f"chosen_{what}", f"rejected_{what}") for what in ("response", "responses", "answer", "answers", "text")),
    *((f"chosen_{what}", f"rejected_{what}") for what in ("output", "completion", "caption", *CONVERSATIONS)),
    *((f"preferred{what}", f"dispreferred{what}") for what in ("", "_response", "_answer", "_output")),
    ("accepted", "rejected"),
    ("answer_w", "answer_l"),
    ("answer_winning", "answer_losing"),
    ("winning_response", "losing_response"),
    ("y_w", "y_l"),
    ("y_win", "y_lose"),
    ("better", "worse"),
)
"""Columns of better and of worse answers."""

SPEAKERS = ("role", "from", "speaker")
CONTENTS = ("content", "value", "text")
"""Keys of a turn."""

_ANSWERS = """accept accepted alternative answer answers assistant bad best better bot candidate candidates caption
captions chatgpt chosen completion completions content corrected correction correct description descriptions
dispreferred edited generated generation generations gold golden good gpt gt hallucinated hallucination incorrect
lose loser losing negative neg original output outputs pos positive predicted prediction predictions preferred
reasoning refined reference ref rejected reject rejects reply replies response responses revised rewritten solution
summary target text texts thinking translation truth unpreferred win winner winning worse worst wrong yl yw"""
_QUESTIONS = """context conversation conversations dialog dialogue dialogues history human input inputs instruction
instructions messages problem prompt prompts query queries question questions rounds system tools turns user"""
_PICTURES = """audio audios base64 frame frames image images img imgs photo photos picture pictures pixels video
videos"""
_ABOUT = """account annotator author by category class code confidence config count creator date dataset domain
difficulty dtype engine family fingerprint format hash height id identifier ids idx index key kind label labels lang
language len length level license licence loss logp logps logprob logprobs margin mode model models name names num
number rank ranks rate rating ratings reward rewards round score scores seed sha sha256 size sizes source split
stage status style subset tag tags task temperature template time timestamp tokens topic type types uid url uuid version
weight weights width"""
_REMARKS = """analysis annotation comment comments critique critiques error errors explanation explanations feedback
judge judgement judgment justification mistake mistakes note notes rationale rationales reason reasons remark remarks
review verdict meta metadata info infos extra extras citation license licence"""
_SEEN = "caption captions description descriptions hint hints lecture ocr"
_KNOWN = """correct expected gold golden gt groundtruth ref reference references rubric rubrics solution solutions
standard truth"""
_OF = """annotated answer answers blip coco dense detailed ground human image img long original picture response
responses short text texts the true vqa"""
_NAMING = """coco file filename filenames files flickr http https link local name names orig origin original path paths
relative source src uri url urls"""

ANSWERS, QUESTIONS, PICTURES, ABOUT, REMARKS, SEEN, KNOWN, _OF_WHAT, NAMING = (
    frozenset(words.split())
    for words in (_ANSWERS, _QUESTIONS, _PICTURES, _ABOUT, _REMARKS, _SEEN, _KNOWN, _OF, _NAMING)
)
"""Words of names: of answers, of questions, of pictures and other media; of what is said about a thing, in last place;
of remarks, which may be long; of what a picture shows; of what is known to be right, and of what may stand beside these
two; of the place that a picture has."""

_NOTHING = ("", "[]", "{}", "null", "None", "nan")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_WRITTEN = re.compile(r"[^\W\d_]")
_PICTURE_PATH = re.compile(r".+\.(jpe?g|png|webp|gif|bmp|tiff?)(\?.*)?", re.IGNORECASE)
_PROSE_CHARACTERS, _PROSE_WORDS, _PROSE_SIGNS = 40, 6, 15
_DEEPEST = 3


def split_words(name: str) -> list[str]:
    """`chosenResponse_2` -> `["chosen", "response", "2"]`."""
    return [word.lower() for word in _WORD.findall(str(name))]


def is_turn(value: Any) -> bool:
    """Whether a value is a message of a conversation."""
    if not isinstance(value, Mapping) or not any(name in value for name in CONTENTS):
        return False
    return any(name in value and not isinstance(value[name], (list, tuple)) for name in SPEAKERS)


def guess_content(name: str, value: Any, pictures: Iterable[str] = (), depth: int = 0) -> str | None:
    """What a column may hold that training would miss: "a question", "an answer", "a picture", "a conversation".

    Args:
        name: The column.
        value: What a row has in it.
        pictures: Names of the pictures that were read from the row; a column may name one of them again.
        depth: How many objects the column stands in.
    """
    if is_empty(value) or isinstance(value, (bool, int, float)):
        return None
    words = split_words(name)
    if _is_picture(value):
        return "a picture"
    if _is_conversation(value):
        return "a conversation"
    if isinstance(value, Mapping):
        return _guess_object(words, value, pictures, depth)
    texts = _list_texts(value)
    if not texts:
        return None
    if _is_picture_name(words, texts):
        return None if _is_named_again(words, texts, list(pictures)) else "a picture"
    return _guess_text(words, texts)


def is_beside_answers(name: str, *, paired: bool) -> bool:
    """Whether a column is what answers were made or judged by, and none of them: `caption`, `ocr_text`, `gt_answer`.

    Args:
        name: The column.
        paired: The row has better and worse answers. Beside a single one, what is known to be right may be better.
    """
    words = {word for word in split_words(name) if not word.isdigit()}
    heads, others = (SEEN | KNOWN, _OF_WHAT | KNOWN) if paired else (SEEN, _OF_WHAT - ANSWERS | {"text", "texts"})
    return not words.isdisjoint(heads) and words <= heads | others


def may_be_question(name: str, text: str) -> bool:
    """Whether a text under a name that says nothing may be a question, be it short or long."""
    words = split_words(name)
    last = next((word for word in reversed(words) if not word.isdigit()), "")
    picture = _is_picture_name(words, [text]) or _is_picture(text)
    return last not in ABOUT and REMARKS.isdisjoint(words) and not picture and _WRITTEN.search(text) is not None


def _guess_object(words: list[str], value: Mapping[str, Any], pictures: Iterable[str], depth: int) -> str | None:
    if depth >= _DEEPEST or not REMARKS.isdisjoint(words):
        return None
    found = (guess_content(f"{'_'.join(words)}_{inner}", one, pictures, depth + 1) for inner, one in value.items())
    return next((what for what in found if what is not None), None)


def _guess_text(words: list[str], texts: list[str]) -> str | None:
    last = next((word for word in reversed(words) if not word.isdigit()), "")
    if any(text.strip() not in _NOTHING for text in texts) and last not in ABOUT and REMARKS.isdisjoint(words):
        if not ANSWERS.isdisjoint((*words, "".join(words))):  # `y_l` is written so and so
            return "an answer"
        if not QUESTIONS.isdisjoint(words):
            return "a question"
    return "a text" if last not in ABOUT and REMARKS.isdisjoint(words) and any(map(_is_prose, texts)) else None


def _is_prose(text: str) -> bool:
    """Whether a text is a sentence, rather than a name: Chinese and its like put no blanks between words."""
    if len(text) >= _PROSE_CHARACTERS and len(text.split()) >= _PROSE_WORDS:
        return True
    return sum(not c.isascii() and c.isalpha() for c in text[:1000]) >= _PROSE_SIGNS


def _list_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for one in value for text in _list_texts(one)] if isinstance(value, (list, tuple)) else []


def _is_picture(value: Any) -> bool:
    """Bytes, a picture of PIL, what `datasets` makes of one, a `data:` address; or a list of these."""
    if isinstance(value, (list, tuple)):
        return bool(value) and any(_is_picture(one) for one in value)
    if isinstance(value, Mapping):
        return isinstance(value.get("bytes"), (bytes, str)) and bool(value["bytes"])
    return isinstance(value, (bytes, Image.Image)) or (isinstance(value, str) and value.startswith("data:image/"))


def _is_conversation(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and any(is_turn(one) or _is_conversation(one) for one in value)
    return is_turn(value)


def _is_picture_name(words: list[str], texts: list[str]) -> bool:
    last = words[-1] if words else ""
    named = not PICTURES.isdisjoint(words) and (last not in ABOUT | SEEN or last in NAMING)
    return named or all(_PICTURE_PATH.fullmatch(text) and len(text.split()) < _PROSE_WORDS for text in texts)


def _is_named_again(words: list[str], texts: list[str], pictures: list[str]) -> bool:
    """Whether the column is another name of a picture that was read: `image_path` beside `image`."""
    if not pictures or len(texts) > len(pictures):
        return False
    stems = {PurePosixPath(one).stem for one in pictures}
    only = set(words) <= (PICTURES | NAMING) - {"video", "videos", "audio", "audios"}
    return only or all(PurePosixPath(text).stem in stems for text in texts)
