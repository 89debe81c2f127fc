"""Token weights: by hand, and against tokenizers of three families trained here."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from errata.corrections import diff_segments, response_token_weights, split_words, token_weights

TEXTS = [
    "a red ball is left of a blue cube .",
    "two dogs , one man's hat",
    "一只红球 👍🏽 cafe\u0301",
    "  there are 3.5  cats\n",
] * 3


def byte_level(trim_offsets: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=trim_offsets)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, show_progress=False)
    )
    return tokenizer


def word_piece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=80, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def metaspace() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=90, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def unigram() -> Tokenizer:
    """SentencePiece's Unigram with its white space mark and bytes for what it does not know."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(["a red ball is left of a blue cube ."] * 3, trainer)
    state = json.loads(tokenizer.to_str())
    state["model"]["byte_fallback"] = True  # training has no such option
    return Tokenizer.from_str(json.dumps(state))


def llama() -> Tokenizer:
    """SentencePiece's BPE as LLaMA has it: white space replaced in a normaliser, bytes for what it does not know."""
    vocabulary = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *"▁abcdefghijklmnopqrstuvwxyz.,'35"]
    merges = [("▁", "a"), ("▁", "r"), ("e", "d"), ("▁r", "ed"), ("l", "l"), ("a", "ll")]
    vocabulary += ["".join(merge) for merge in merges]
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.BPE(ids, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tokenizer


TOKENIZERS = {
    "bytes": byte_level(False),
    "bytes-trimmed": byte_level(True),
    "word-piece": word_piece(),
    "metaspace": metaspace(),
    "unigram": unigram(),
    "llama": llama(),
}
WORDS = st.lists(
    st.sampled_from(
        [
            "a",
            "red",
            "blue",
            "ball",
            "dogs",
            "man's",
            ",",
            ".",
            "一",
            "球",
            "👍🏽",
            "cafe\u0301",
            "3.5",
            "\n",
            "",
            "一只红球",
            "น้ำ",
            "كلب",
            "👩‍👩‍👧",
        ]
    ),
    min_size=1,
    max_size=12,
)
SENTENCES = WORDS.map(" ".join)


def strip(text: str, start: int, end: int) -> tuple[int, int]:
    inside = text[start:end]
    return (
        (start + len(inside) - len(inside.lstrip()), end - len(inside) + len(inside.rstrip()))
        if inside.strip()
        else (start, end)
    )


def own_spans(original: str, better: str) -> list[tuple[int, int]]:
    return [
        strip(original, s.start, s.end) for s in diff_segments(original, better) if original[s.start : s.end].strip()
    ]


@pytest.mark.parametrize("name", TOKENIZERS)
@given(original=SENTENCES, better=SENTENCES)
def test_weights_follow_the_characters_of_real_tokenizers(name: str, original: str, better: str) -> None:
    offsets = TOKENIZERS[name].encode(original).offsets
    spans = own_spans(original, better)
    corrected = {place for start, end in spans for place in range(start, end)}
    for (start, end), weight in zip(offsets, token_weights(offsets, spans, 5.0), strict=True):
        if start < end:
            assert weight == (5.0 if corrected & set(range(start, end)) else 1.0)


@pytest.mark.parametrize("name", ["bytes", "bytes-trimmed", "metaspace", "unigram", "llama"])
@given(original=SENTENCES, better=SENTENCES)
def test_every_corrected_word_is_covered_and_no_other_word_is(name: str, original: str, better: str) -> None:
    offsets = TOKENIZERS[name].encode(original).offsets
    spans = own_spans(original, better)
    weights = token_weights(offsets, spans, 5.0)
    heavy = {p for (a, b), weight in zip(offsets, weights, strict=True) if weight > 1 for p in range(a, b)}
    corrected = {place for start, end in spans for place in range(start, end)}
    assert {p for p in corrected if not original[p].isspace()} <= heavy
    words_hit = {p for p in heavy - corrected if not original[p].isspace()}
    assert all(any(a <= p < b and corrected & set(range(a, b)) for a, b in offsets) for p in words_hit)


@given(original=SENTENCES, better=SENTENCES)
def test_offsets_with_and_without_the_leading_space_give_the_same_weights(original: str, better: str) -> None:
    spans = own_spans(original, better)
    kept, trimmed = (TOKENIZERS[name].encode(original) for name in ("bytes", "bytes-trimmed"))
    assert kept.ids == trimmed.ids
    assert token_weights(kept.offsets, spans, 5.0) == token_weights(trimmed.offsets, spans, 5.0)


def test_bytes_of_one_character_weigh_alike() -> None:
    encoding = TOKENIZERS["bytes"].encode("a 🜚")
    weights = token_weights(encoding.offsets, [(2, 3)], 5.0)
    assert len(weights) >= 4
    assert set(weights[-3:]) == {5.0}


def spell_bytes(token: str) -> bytes:
    """The bytes that a byte-level token's characters stand for (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(rest)}
    return bytes(table[character] for character in token)


def straddling() -> Tokenizer:
    """Byte-level tokens that end in the middle of one character and begin in the middle of another."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    one, two = (pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(c)[0][0] for c in "一球")
    merges = [(one[2], two[0]), (one[0], one[1]), (two[1], two[2])]
    ids = {token: number for number, token in enumerate([*alphabet, *map("".join, merges)])}
    tokenizer = Tokenizer(models.BPE(ids, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


@pytest.mark.parametrize("tokenizer", [TOKENIZERS["bytes"], straddling()], ids=["trained", "straddling"])
@given(
    original=st.text(alphabet="一球ab é🜚 ", min_size=1, max_size=12),
    better=st.text(alphabet="一球ab é🜚 ", min_size=1, max_size=12),
)
def test_a_token_with_part_of_a_corrected_character_weighs_more(
    tokenizer: Tokenizer, original: str, better: str
) -> None:
    """Against the bytes themselves, which need no offsets."""
    spans = own_spans(original, better)
    owner = [place for place, character in enumerate(original) for _ in character.encode()]
    corrected = {place for start, end in spans for place in range(start, end)}
    encoding, done, expected = tokenizer.encode(original), 0, []
    for token in encoding.tokens:
        length = len(spell_bytes(token))
        expected.append(5.0 if corrected & set(owner[done : done + length]) else 1.0)
        done += length
    assert done == len(owner)
    assert token_weights(encoding.offsets, spans, 5.0) == expected


def test_a_token_between_two_characters_follows_either() -> None:
    encoding = straddling().encode("一球")
    assert encoding.offsets == [(0, 1), (0, 2), (1, 2)]
    assert token_weights(encoding.offsets, [(0, 1)], 5.0) == [5.0, 5.0, 1.0]
    assert token_weights(encoding.offsets, [(1, 2)], 5.0) == [1.0, 5.0, 5.0]


@pytest.mark.parametrize("name", TOKENIZERS)
@given(original=SENTENCES, better=SENTENCES)
def test_any_tokenizer_weighs_the_same_words(name: str, original: str, better: str) -> None:
    """A word is weighed by one tokenizer if and only if it is by the finest, one token a character."""
    spans = own_spans(original, better)
    words = [span for span in split_words(original) if original[slice(*span)].strip()]
    fine = [(place, place + 1) for place in range(len(original))]
    wanted = {span for span in words if has_weight(span, fine, spans)}
    offsets = [offset for offset in TOKENIZERS[name].encode(original).offsets if is_within_one(offset, words)]
    tokenized = {span for span in words if any(overlap(span, offset) for offset in offsets)}
    assert {span for span in words if has_weight(span, offsets, spans)} == wanted & tokenized


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def is_within_one(offset: tuple[int, int], words: list[tuple[int, int]]) -> bool:
    return sum(overlap(offset, word) for word in words) <= 1


def has_weight(word: tuple[int, int], offsets: list[tuple[int, int]], spans: list[tuple[int, int]]) -> bool:
    weights = token_weights(offsets, spans, 5.0)
    return any(weight > 1 for offset, weight in zip(offsets, weights, strict=True) if overlap(word, offset))


def test_template_tokens_never_weigh_more() -> None:
    assert token_weights([(-1, -1), (0, 3), (-1, -1)], [(0, 3)], 2.0) == [1.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("offsets", "place", "expected"),
    [
        ([(0, 1), (1, 5), (5, 6), (-1, -1)], 5, [1.0, 1.0, 3.0, 1.0]),
        ([(-1, -1), (0, 1), (1, 5), (-1, -1), (-1, -1)], 5, [1.0, 1.0, 1.0, 3.0, 1.0]),
        ([(0, 1), (1, 5)], 5, [1.0, 3.0]),
        ([(0, 1), (1, 5)], 0, [3.0, 1.0]),
        ([(0, 1), (1, 5)], 3, [1.0, 3.0]),
        ([], 0, []),
    ],
)
def test_a_junction_weighs_the_token_that_follows(
    offsets: list[tuple[int, int]], place: int, expected: list[float]
) -> None:
    assert token_weights(offsets, [(place, place)], 3.0) == expected


def test_rounds_use_their_own_offsets_and_spans() -> None:
    offsets = [(0, 1), (1, 5), (-1, -1), (0, 1), (1, 5), (-1, -1)]
    rounds = [0, 0, 0, 1, 1, 1]
    assert response_token_weights(offsets, rounds, [[(0, 1)], [(2, 3)]], 5.0) == [5.0, 1.0, 1.0, 1.0, 5.0, 1.0]
    assert response_token_weights(offsets, rounds, [[], [(5, 5)]], 5.0) == [1.0, 1.0, 1.0, 1.0, 1.0, 5.0]
    assert response_token_weights(offsets, rounds, [], 5.0) == [1.0] * 6
