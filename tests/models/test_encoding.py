"""Conversations become tokens that K responses share, and the response's own tokens are found exactly."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from errata.errors import DataError, ModelError
from errata.models import NOT_TEXT, LlavaAdapter, ModelSettings
from errata.records import Turn
from tiny_models import TEXTS, build_model, build_processor, build_tokenizer

QUESTION = (Turn("user", "What is on the table?"),)
HUB_STYLE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
CHATML = (
    "{% for message in messages %}{{ '<unk>' + message['role'] + '\n' + message['content'] | trim + '<unk>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<unk>assistant\n' }}{% endif %}"
)

OTHER_BLANKS = (
    "{% for message in messages %}{{ '<unk>' + message['role'] + ' \n' + message['content'] | trim + '<unk>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<unk>assistant\n' }}{% endif %}"
)
"""Leaves a turn open with fewer blanks than whole turns have, as LLaVA-OneVision's template does."""


def build_adapter(**settings):
    tokenizer = build_tokenizer()
    processor = build_processor(tokenizer)
    return LlavaAdapter(processor, build_model(tokenizer).config, ModelSettings("tiny", **settings)), tokenizer


def picture():
    return Image.new("RGB", (60, 50), (200, 30, 30))


@pytest.mark.parametrize("template", ["auto", "vicuna", HUB_STYLE, CHATML])
def test_image_tokens_are_expanded_and_words_found(template):
    adapter, tokenizer = build_adapter(template=template)
    prompt = adapter.encode_prompt(QUESTION, [picture()])
    assert prompt.input_ids.count(tokenizer.convert_tokens_to_ids("<image>")) == 9
    assert [image.pixels.shape for image in prompt.images] == [(3, 48, 48)]
    text = "A red cup é猫 and a small dog."
    response = adapter.encode_response(prompt, [Turn("assistant", text)])
    spans = [span for span in response.offsets if span != NOT_TEXT]
    covered = set()
    for start, end in spans:
        covered |= set(range(start, end))
    assert covered == set(range(len(text)))
    assert all(response.is_response)
    assert set(response.round_index) == {0}
    assert response.input_ids[-1] in adapter.eos_token_ids
    assert response.offsets[-1] == NOT_TEXT
    assert adapter.decode(response.input_ids).removeprefix("assistant").strip() == text


def test_tokens_are_those_of_the_whole_conversation():
    adapter, tokenizer = build_adapter()
    prompt = adapter.encode_prompt(QUESTION, [picture()])
    response = adapter.encode_response(prompt, [Turn("assistant", "A small dog.")])
    whole = tokenizer(prompt.text + " A small dog.</s>").input_ids
    image = tokenizer.convert_tokens_to_ids("<image>")
    squeezed = [t for i, t in enumerate(prompt.input_ids) if t != image or prompt.input_ids[i - 1] != image]
    assert squeezed + response.input_ids == whole


@pytest.mark.parametrize("template", ["auto", HUB_STYLE, CHATML])
def test_rounds_train_only_the_assistant(template):
    adapter, _ = build_adapter(template=template)
    prompt = adapter.encode_prompt(QUESTION, [picture()])
    turns = [Turn("assistant", "A cup."), Turn("user", "Is there a cat?"), Turn("assistant", "No, two people.")]
    response = adapter.encode_response(prompt, turns)
    for number, text in enumerate(["A cup.", "No, two people."]):
        own = [i for i, r in enumerate(response.round_index) if r == number and response.is_response[i]]
        assert adapter.decode([response.input_ids[i] for i in own]) == text
    asked = [t for t, own in zip(response.input_ids, response.is_response, strict=True) if not own]
    assert "Is there a cat?" in adapter.decode(asked)


def test_words_follow_the_blanks_that_the_model_is_asked_with():
    adapter, tokenizer = build_adapter(template=OTHER_BLANKS)
    prompt = adapter.encode_prompt(QUESTION, [picture()])
    assert prompt.text.endswith("<unk>assistant\n")
    turns = [Turn("assistant", "A red cup."), Turn("user", "Is there a dog?"), Turn("assistant", "  No.")]
    response = adapter.encode_response(prompt, turns)
    text = tokenizer.decode(response.input_ids, skip_special_tokens=False)
    assert text == "A red cup.<unk><unk>user \nIs there a dog?<unk><unk>assistant\nNo.<unk>"
    written = [token for token, own in zip(response.input_ids, response.is_response, strict=True) if own]
    assert tokenizer.decode(written, skip_special_tokens=False) == "A red cup.<unk>No.<unk>"
    last = [
        span for span, number in zip(response.offsets, response.round_index, strict=True) if number and span[0] >= 0
    ]
    assert (last[0][0], last[-1][1]) == (2, 5)


def test_text_trimmed_by_the_template_keeps_its_offsets():
    adapter, _ = build_adapter(template=CHATML)
    prompt = adapter.encode_prompt(QUESTION, [])
    text = "  A cup. "
    response = adapter.encode_response(prompt, [Turn("assistant", text)])
    spans = [span for span in response.offsets if span != NOT_TEXT]
    assert text[spans[0][0] : spans[-1][1]] == "A cup."


def test_placeholders_place_images_and_without_any_they_come_first():
    adapter, _ = build_adapter(system_prompt="Be brief.")
    placed = adapter.encode_prompt((Turn("user", "<image>\nWhat is it?"),), [picture()])
    unplaced = adapter.encode_prompt((Turn("user", "What is it?"),), [picture()])
    assert placed.input_ids == unplaced.input_ids
    assert placed.text.startswith("Be brief. USER: <image>\nWhat")


def test_first_token_is_added_when_the_tokenizer_adds_it():
    from tokenizers.processors import TemplateProcessing

    adapter, tokenizer = build_adapter()
    bare = adapter.encode_prompt(QUESTION, []).input_ids
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    adapter = LlavaAdapter(build_processor(tokenizer), build_model(tokenizer).config, ModelSettings("tiny"))
    prompt = adapter.encode_prompt(QUESTION, [])
    assert prompt.input_ids == [1, *bare]
    assert 1 not in adapter.encode_response(prompt, [Turn("assistant", "A cup.")]).input_ids


def test_special_tokens_inside_text_are_refused():
    adapter, _ = build_adapter()
    prompt = adapter.encode_prompt(QUESTION, [picture()])
    for text in ("a </s> b", "see <image>"):
        with pytest.raises(DataError, match="special token"):
            adapter.encode_response(prompt, [Turn("assistant", text)])
    with pytest.raises(DataError):
        adapter.encode_prompt((Turn("user", "a <pad>"),), [])


def test_templates_that_do_not_work_are_named():
    with pytest.raises(ModelError, match="expected 'auto', 'vicuna'"):
        build_adapter(template="vicunna")
    with pytest.raises(ModelError, match="Jinja"):
        build_adapter(template="{% for %}")
    adapter, _ = build_adapter(template="{{ messages[-1]['content'] | trim }}{# no images #}")
    adapter.encode_prompt(QUESTION, [])
    with pytest.raises(ModelError, match="for each of 2 images"):
        adapter.encode_prompt((Turn("user", "a <image> b"),), [picture(), picture()])


def test_pad_mode_crops_nothing():
    wide = Image.new("RGB", (200, 50), (0, 0, 0))
    wide.paste((255, 255, 255), (0, 0, 20, 50))
    cropped = build_adapter()[0].encode_image(wide).pixels
    padded = build_adapter(image_mode="pad")[0].encode_image(wide).pixels
    assert cropped.max() < 0 < padded.max()
    assert padded.dtype == torch.float32


@pytest.mark.parametrize("style", ["legacy", "first"])
@pytest.mark.parametrize("template", ["vicuna", HUB_STYLE])
def test_llama_like_tokenizers_see_no_second_beginning(style, template):
    """Llama's tokenizers mark the beginning of a string with a blank, which a response is not."""
    tokenizer = build_llama_tokenizer(style)
    adapter = LlavaAdapter(
        build_processor(tokenizer), build_model(tokenizer).config, ModelSettings("tiny", template=template)
    )
    prompt = adapter.encode_prompt(QUESTION, [picture()])
    text = "A small dog é and two people."
    response = adapter.encode_response(prompt, [Turn("assistant", text)])
    words = tokenizer.convert_ids_to_tokens(response.input_ids)
    assert words[0].startswith("▁")
    assert not words[0].startswith("▁▁")
    assert words[0] != "▁" or not words[1].startswith("▁")
    covered = {place for span in response.offsets if span != NOT_TEXT for place in range(*span)}
    assert covered == set(range(len(text)))
    assert adapter.decode(response.input_ids) == text


def build_llama_tokenizer(style):
    """A BPE with byte fallback whose blanks are `▁`, put before the text by normaliser or by pre-tokenizer."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    if style == "legacy":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    strip = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(strip)
    special = ["<unk>", "<s>", "</s>", "<pad>", "<image>", *(f"<0x{n:02X}>" for n in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special[:5], show_progress=False)
    words = [word for text in TEXTS for word in text.split()]
    tokenizer.train_from_iterator(words, trainer)
    tokenizer.add_tokens(special[5:])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens=["<image>"],
    )
