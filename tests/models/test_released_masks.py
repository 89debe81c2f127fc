"""Which tokens count, against label masks recorded from the released pre-processors of AMP and Muffin.

The recorded tokenizer is a toy: words, marks and blanks in the order in which a text first shows them. Here it is a
real fast tokenizer with the same rules, so that offsets and special tokens go the way they go in a run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from errata.errors import DataError
from errata.models import EncodedPrompt
from errata.models.encoding import ChatEncoder
from errata.models.rounds import ImageText
from errata.models.templates import MUFFIN, VICUNA, Template
from errata.objectives import PRESETS, round_weights
from errata.records import Record, Response, Turn

IGNORED, RECORDED_IMAGE = -100, -200
AMP_SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
MUFFIN_SYSTEM = AMP_SYSTEM.replace("user", "human")
# The non-legacy tokenizer sees two blanks behind an end of turn.
VICUNA_TWO_BLANKS = VICUNA.replace(
    "{{ eos_token }}", "{{ eos_token }}{% if not loop.last or add_generation_prompt %}{{ '  ' }}{% endif %}"
)
MUFFIN_IMAGE = "<im_start><im_patch><im_patch><im_end>"
SPECIAL = {"<pad>": 0, "<s>": 1, "</s>": 2}
CASES = ("amp_v1_image", "amp_v1_text", "amp_v1_nonlegacy_mismatch", "muffin_v0")
TURNS = {"human": "user", "gpt": "assistant"}


def split(text: str) -> list[str]:
    """The toy's tokens of a text without special ones."""
    return [token for token, _ in build_splitter().pre_tokenize_str(text)]


def build_splitter() -> Any:
    rule = Regex(r"_?[A-Za-z0-9']+|_|[\s\S]")
    blanks = pre_tokenizers.Metaspace(replacement="_", prepend_scheme="always", split=False)
    return pre_tokenizers.Sequence([blanks, pre_tokenizers.Split(rule, "isolated")])


def build_toy(text: str) -> PreTrainedTokenizerFast:
    """The toy tokenizer for one conversation: ids from 3 in the order in which the text shows its tokens."""
    pieces = [piece for part in text.split("</s>") for piece in part.split("<image>") if piece]
    known = SPECIAL | {"<image>": 999, "<unk>": 998}
    seen = dict.fromkeys(token for piece in pieces for token in split(piece))
    vocabulary = known | {token: number for number, token in enumerate(seen, start=3)}
    toy = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    toy.pre_tokenizer = build_splitter()
    toy.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=toy, bos_token="<s>", eos_token="</s>", pad_token="<pad>", extra_special_tokens=["<image>"]
    )


class Conversation:
    """A recorded conversation, and what our encoder makes of it."""

    def __init__(self, group: str, case: dict[str, Any]) -> None:
        system, source = (MUFFIN_SYSTEM, MUFFIN) if group == "muffin_v0" else (AMP_SYSTEM, VICUNA)
        source = VICUNA_TWO_BLANKS if "nonlegacy" in group else source
        image = MUFFIN_IMAGE if group == "muffin_v0" else "<image>"
        (_, question), *rest = case["conversation"]
        self.images = int("<image>" in question)
        self.turns = tuple(Turn(TURNS[speaker], text) for speaker, text in rest)  # type: ignore[arg-type]
        self.prompt_turns = (Turn("system", system), Turn("user", question.removeprefix("<image>\n")))
        template = Template(source, {"eos_token": "</s>"})
        answered = bool(self.turns[-1].text)
        shown = (*self.prompt_turns, *(self.turns if answered else ()))
        text = template.render(shown, self.images, open_assistant=not answered).replace("<image>", image)
        self.toy = build_toy(text)
        self._chat = ChatEncoder(self.toy, template, ImageText("<image>", image, image), None)

    def encode_prompt(self) -> tuple[str, list[int]]:
        _, text, ids = self._chat.encode_prompt(self.prompt_turns, self.images)
        return text, list(ids)

    def encode(self) -> tuple[list[int], list[bool], list[int]]:
        """Ids of the whole conversation, which of them count, and the round of each."""
        text, ids = self.encode_prompt()
        prompt = EncodedPrompt(ids, (None,) * self.images, text, self.prompt_turns)  # type: ignore[arg-type]
        response = self._chat.encode_response(prompt, self.turns)
        before = [False] * len(ids)
        return ids + response.input_ids, before + response.is_response, [0] * len(ids) + response.round_index


def load(vectors: Callable[[str], Any], group: str) -> list[tuple[Conversation, dict[str, Any]]]:
    cases = vectors("masking_toy_tokenizer")[group]
    assert len(cases) == 3
    return [(Conversation(group, case), case) for case in cases]


def as_recorded(ids: list[int]) -> list[int]:
    return [RECORDED_IMAGE if token == 999 else token for token in ids]


def test_every_group_is_compared(vectors: Callable[[str], Any]) -> None:
    assert {name for name in vectors("masking_toy_tokenizer") if name != "tokenizer"} == set(CASES)


@pytest.mark.parametrize("group", ["amp_v1_image", "amp_v1_text"])
def test_ids_masks_and_round_weights_are_amp_s(vectors: Callable[[str], Any], group: str) -> None:
    for conversation, case in load(vectors, group)[:2]:
        ids, counts, rounds = conversation.encode()
        assert as_recorded(ids) == case["input_ids"]
        assert counts == [label != IGNORED for label in case["labels"]]
        weights = round_weights(rounds, PRESETS["mdpo-release"])
        found = [weight - 1 if own else 0.0 for weight, own in zip(weights, counts, strict=True)]
        assert found == pytest.approx(case["loss_turbo"], abs=1e-4)  # recorded in half precision


def test_a_tokenizer_that_adds_a_blank_masks_nothing_away(vectors: Callable[[str], Any]) -> None:
    """The release counts tokens piece by piece, is off by one here, and masks the whole row; ours reads offsets."""
    (one, one_case), (two, two_case), _ = load(vectors, "amp_v1_nonlegacy_mismatch")
    ids, counts, _ = one.encode()
    assert (as_recorded(ids), counts) == (one_case["input_ids"], [label != IGNORED for label in one_case["labels"]])
    ids, counts, rounds = two.encode()
    assert as_recorded(ids) == two_case["input_ids"]
    assert set(two_case["labels"]) == {IGNORED}
    assert two_case["warning"]
    legacy = vectors("masking_toy_tokenizer")["amp_v1_image"][1]
    expected = [label for label in legacy["labels"] if label != IGNORED]
    assert [token for token, own in zip(ids, counts, strict=True) if own] == expected
    weights = round_weights(rounds, PRESETS["mdpo-release"])
    found = [weight - 1 for weight, own in zip(weights, counts, strict=True) if own]
    kept = [extra for extra, label in zip(legacy["loss_turbo"], legacy["labels"], strict=True) if label != IGNORED]
    assert found == pytest.approx(kept, abs=1e-4)


@pytest.mark.parametrize("group", CASES)
def test_an_empty_answer_is_a_named_error(vectors: Callable[[str], Any], group: str) -> None:
    """AMP's release masks the row and scores it 0; Muffin's scores its template."""
    conversation, case = load(vectors, group)[2]
    if group != "muffin_v0":
        assert set(case["labels"]) == {IGNORED}
        assert as_recorded(conversation.encode_prompt()[1]) == case["input_ids"]
    with pytest.raises(DataError, match=r"record 'r': response 0: an empty text; expected a non-empty text"):
        Record("r", (), (Turn("user", "hi"),), (Response(conversation.turns, 0),))


# What Muffin's release counts beside the words of answers: marks of its template, which are the same in every
# response, and through lengths that drift by a token per round the user's second question instead of an answer's start.
HEADER, FOOTER = ["#", "#", "#", "_Assistant", ":"], ["\n", "#", "#", "#", "_"]
DRIFT = ["\n", "#", "#", "#", "_Human", ":", "_Where"]
MUFFIN_MORE = [HEADER + FOOTER, HEADER + DRIFT + FOOTER]
MUFFIN_LESS = [[], ["_On"]]


def test_muffin_s_words_count_and_its_template_does_not(vectors: Callable[[str], Any]) -> None:
    for number, (conversation, case) in enumerate(load(vectors, "muffin_v0")[:2]):
        ids, counts, _ = conversation.encode()
        # Ours ends every turn with a token, behind which the toy sees a blank; the release goes on with its separator.
        ends = [place for place, token in enumerate(ids) if token == 2]
        assert [counts[place] for place in ends] == [True] * (number + 1)
        assert [conversation.toy.convert_ids_to_tokens(ids[place + 1]) for place in ends[:-1]] == ["_"] * number
        more = {*ends, *(place + 1 for place in ends)}
        counts = [own for place, own in enumerate(counts) if place not in more]
        ids = [token for place, token in enumerate(ids) if place not in more]
        assert ids == case["input_ids"][: len(ids)]
        counts += [False] * (len(case["labels"]) - len(counts))
        tokens, recorded = case["tokens"], [label != IGNORED for label in case["labels"]]
        both = list(zip(tokens, counts, recorded, strict=True))
        words = [word for turn in conversation.turns if turn.role == "assistant" for word in split(turn.text)]
        assert [token for token, own, _ in both if own] == words
        assert [token for token, own, theirs in both if theirs and not own] == MUFFIN_MORE[number]
        assert [token for token, own, theirs in both if own and not theirs] == MUFFIN_LESS[number]
