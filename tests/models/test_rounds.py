"""Every answer ends with a token that the model has to write, whatever its template puts between rounds."""

from __future__ import annotations

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from errata.errors import DataError
from errata.models import NOT_TEXT, EncodedPrompt, LlavaAdapter, ModelSettings, rounds
from errata.models.encoding import ChatEncoder
from errata.models.rounds import ImageText
from errata.models.templates import VICUNA, Template
from errata.records import Turn
from tiny_models import TEXTS, build_model, build_processor, build_tokenizer

HUB = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] + ' '}}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
"""Writes no end at all, as the Hub's template of LLaVA-1.5."""
LITERAL = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}{{' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'][0]['text'] + '<\\s> ' }}{% endif %}{% endfor %}"
)
"""Writes a text in place of the end, as the Hub's template of LLaVA-NeXT on Mistral."""
MARKED = (
    "{% for message in messages %}{{ '<turn>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{{ '<image>' if part['type'] == 'image' else part['text'] }}{% endfor %}"
    "{{ '<end>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<turn>assistant\n' }}{% endif %}"
)
"""Ends turns with a token that the tokenizer marks as special and does not name, as Gemma 3's."""
SPACED = MARKED.replace("'<end>\n'", "' </s>\n'")
"""Puts a blank before the end, which a model of it has to write too."""
ONLY_LAST = VICUNA.replace("{{ eos_token }}", "{{ eos_token if loop.last else ' ' }}")
QUESTION = (Turn("user", "What is on the table?"),)
ROUNDS = (Turn("assistant", "A red cup."), Turn("user", "Is there a dog?"), Turn("assistant", " No, two people. "))


def build_joining_tokenizer():
    """A BPE without borders between words, in which a full stop grows together with the mark after it."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<unk>", "<s>", "</s>", "<pad>", "<image>"]
    words = [word for text in TEXTS for word in text.split()]
    tokenizer.train_from_iterator(
        [*words, *[".<\\s> "] * 20], trainers.BpeTrainer(vocab_size=200, special_tokens=special, show_progress=False)
    )
    assert ".<" in str(tokenizer.encode("a.<\\s> [", add_special_tokens=False).tokens)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens=["<image>"],
    )


def build_chat(source, tokenizer=None, **options):
    tokenizer = tokenizer or build_tokenizer()
    tokenizer.add_tokens([AddedToken(text, special=True) for text in ("<turn>", "<end>")])
    template = Template(source, tokenizer.special_tokens_map)
    return ChatEncoder(tokenizer, template, ImageText("<image>", "<image>", "<image>"), None, **options), tokenizer


def encode(chat, turns=ROUNDS, prompt=QUESTION):
    turns_before, text, ids = chat.encode_prompt(prompt, 0)
    encoded = EncodedPrompt(list(ids), (), text, turns_before)
    return encoded, chat.encode_response(encoded, turns)


def written(response, tokenizer, number):
    pairs = zip(response.input_ids, response.is_response, response.round_index, strict=True)
    return tokenizer.decode([token for token, own, found in pairs if own and found == number])


@pytest.mark.parametrize("build", [build_tokenizer, build_joining_tokenizer])
@pytest.mark.parametrize(
    ("source", "lead", "end"),
    [
        (HUB, " ", "</s>"),
        (LITERAL, " ", "</s>"),
        (VICUNA, " ", "</s>"),
        (MARKED, "", "<end>"),
        (SPACED, "", " </s>"),
        (ONLY_LAST, " ", "</s>"),
    ],
)
def test_every_round_ends_with_its_token(source, lead, end, build):
    chat, tokenizer = build_chat(source, build())
    _, response = encode(chat)
    assert written(response, tokenizer, 0) == f"{lead}A red cup.{end}"
    assert written(response, tokenizer, 1) == f"{lead}No, two people.{end}"
    assert tokenizer.convert_ids_to_tokens(response.input_ids[-1]) == end.strip()
    others = [t for t, own in zip(response.input_ids, response.is_response, strict=True) if not own]
    assert "Is there a dog?" in tokenizer.decode(others)
    assert "<\\s>" not in tokenizer.decode(response.input_ids)


@pytest.mark.parametrize("build", [build_tokenizer, build_joining_tokenizer])
@pytest.mark.parametrize("source", [HUB, LITERAL, VICUNA, MARKED, SPACED])
def test_a_later_round_follows_what_the_model_is_asked_with(source, build):
    """A round learns behind the very tokens that a conversation up to it has as a prompt."""
    chat, _ = build_chat(source, build())
    prompt, response = encode(chat)
    first = [token for token, number in zip(response.input_ids, response.round_index, strict=True) if number == 0]
    _, _, asked = chat.encode_prompt((*QUESTION, *ROUNDS[:2]), 0)
    assert prompt.input_ids + first == list(asked)


@pytest.mark.parametrize("source", [HUB, LITERAL, VICUNA, MARKED, SPACED])
@pytest.mark.parametrize("blanks", [("", " "), ("  ", "\n"), ("\n", "  \n "), ("", "\t")])
def test_blanks_around_an_answer_change_no_token(source, blanks):
    chat, _ = build_chat(source)
    _, plain = encode(chat)
    before, after = blanks
    padded = tuple(
        Turn(turn.role, before + turn.text.strip() + after) if turn.role == "assistant" else turn for turn in ROUNDS
    )
    _, response = encode(chat, padded)
    assert (response.input_ids, response.is_response) == (plain.input_ids, plain.is_response)
    for number, turn in enumerate(padded[::2]):
        spans = [
            s for s, n in zip(response.offsets, response.round_index, strict=True) if n == number and s != NOT_TEXT
        ]
        assert turn.text[spans[0][0] : spans[-1][1]] == turn.text.strip()


def test_the_full_stop_before_a_mark_of_the_template_stays_a_token_of_its_own():
    chat, tokenizer = build_chat(LITERAL, build_joining_tokenizer())
    _, response = encode(chat, ROUNDS[:1])
    words = tokenizer.convert_ids_to_tokens(response.input_ids)
    assert words[-2:] == [".", "</s>"] or words[-2].endswith("p.")
    assert response.offsets[-2][1] == len(ROUNDS[0].text)


def test_an_accent_belongs_to_the_letter_that_it_is_joined_with():
    from tokenizers import normalizers

    tokenizer = build_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.NFC()
    chat, _ = build_chat(VICUNA, tokenizer)
    text = "A cafe\u0301 e\u0301"
    _, response = encode(chat, (Turn("assistant", text),))
    covered = {place for span in response.offsets if span != NOT_TEXT for place in range(*span)}
    assert covered == set(range(len(text)))


@pytest.mark.parametrize("text", ["a <end> b", "<turn>user", "</s>", "<pad>", "x<unk>"])
@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_no_text_spells_a_special_token(text, role):
    """Not one that the tokenizer marks and does not name either."""
    chat, _ = build_chat(MARKED)
    turns = (Turn("system", "Be brief."), Turn("user", "What?"), Turn("assistant", "A cup."), QUESTION[0])
    said = tuple(Turn(turn.role, text) if turn.role == role else turn for turn in turns)
    with pytest.raises(DataError, match=f"{role} turn .*special tokens"):
        chat.encode_prompt(said, 0)


@pytest.mark.parametrize("text", ["a <end> b", "</s>", "see <image>"])
def test_no_answer_spells_a_special_token(text):
    chat, _ = build_chat(MARKED)
    with pytest.raises(DataError, match=r"assistant turn .*special tokens"):
        encode(chat, (Turn("assistant", text),))


def test_letters_that_the_tokenizer_does_not_know_are_words():
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "a": 2}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    chat, _ = build_chat(
        VICUNA, PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")
    )
    _, response = encode(chat, (Turn("assistant", "a 猫"),))
    assert response.input_ids == [2, 0, 1]


def test_ends_of_the_generation_config_end_turns():
    """GLM's turns end with the token that begins the next one, which only `generation_config` calls an end."""
    source = MARKED.replace("<end>\n", "")
    chat, tokenizer = build_chat(source)
    _, response = encode(chat)
    assert written(response, tokenizer, 0) == "A red cup.</s>"
    turn = tokenizer.convert_tokens_to_ids("<turn>")
    chat, _ = build_chat(source, stops=(turn,))
    _, response = encode(chat)
    assert written(response, tokenizer, 0) == "A red cup.<turn>"
    assert written(response, tokenizer, 1) == "No, two people.</s>"
    assert turn in chat.find_turn_ends()


def test_an_end_that_is_a_word_of_the_tokenizer_is_a_mistake_of_the_config():
    tokenizer = build_tokenizer()
    word = tokenizer("cup").input_ids[-1]
    chat, _ = build_chat(VICUNA, tokenizer, stops=(word, 10**6))
    assert chat.find_turn_ends() == [tokenizer.eos_token_id]
    encode(chat)


@pytest.mark.parametrize(("source", "warns"), [(HUB, True), (LITERAL, True), (VICUNA, False), (MARKED, False)])
def test_a_past_that_other_tools_show_without_ends_is_told_once(source, warns, monkeypatch):
    said = []
    monkeypatch.setattr(rounds.logger, "warning", said.append)
    chat, _ = build_chat(source, way_out="; name another")
    encode(chat, ROUNDS[:1])
    assert said == []
    encode(chat)
    chat.encode_prompt((*QUESTION, *ROUNDS[:2]), 0)
    assert len(said) == int(warns)
    assert all("</s> is put behind earlier answers" in text and text.endswith("; name another") for text in said)


def test_a_llava_on_vicuna_is_told_which_template_it_was_trained_with(monkeypatch):
    said = []
    monkeypatch.setattr(rounds.logger, "warning", said.append)
    tokenizer = build_tokenizer()
    processor = build_processor(tokenizer, chat_template=HUB)
    adapter = LlavaAdapter(processor, build_model(tokenizer).config, ModelSettings("tiny"))
    adapter.encode_prompt((*QUESTION, *ROUNDS[:2]), [])
    assert "model.template=vicuna" in said[0]
