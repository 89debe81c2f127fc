"""Families that cut images into tiles: what the model is given is what its own processor gives it."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from tokenizers import Tokenizer
from torch import nn
from transformers import Idefics3Processor, PreTrainedTokenizerFast
from transformers.models.llava_onevision.processing_llava_onevision import LlavaOnevisionProcessor

from errata.errors import ModelError
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.models import LoadedModel, ModelSettings, PixelCache, ProcessorParts, build_adapter, quiet_transformers
from errata.objectives import build_objective
from errata.records import Question, Record, Response, Turn
from errata.training import LORA_TARGETS
from errata.training.batches import EncodedRecords
from errata.training.encode.encoding import RecordEncoder
from errata.trees import TreeSample, build_row, enable_tree_attention, separate_logps, token_logps
from tiny_families import build_family
from tiny_models import save_images

SIZES = [(60, 24), (20, 50), (48, 48), (33, 32), (64, 63), (7, 91), (90, 40)]
PROMPTS = {
    "one": ("Describe it.", [(60, 24)]),
    "tall": ("What is on the table?", [(20, 50)]),
    "two": ("<image> or <image>?", [(30, 44), (64, 20)]),
    "text": ("Is there a dog?", []),
}
TILED = ("llava_onevision", "idefics3", "smolvlm")


def noise(size_px):
    generator = torch.Generator().manual_seed(size_px[0])
    return Image.fromarray(torch.randint(0, 256, (*size_px[::-1], 3), generator=generator, dtype=torch.uint8).numpy())


def build(family):
    model, processor = build_family(family)
    return build_adapter(processor, model.config, ModelSettings("tiny")), model, processor


def build_onevision_processor(parts, config):
    """Its constructor asks for a processor of videos, which needs torchvision."""
    processor = object.__new__(LlavaOnevisionProcessor)
    vision = config.vision_config
    processor.image_processor, processor.tokenizer = parts.image_processor, parts.tokenizer
    processor.image_token = "<image>"
    processor.num_image_tokens = (vision.image_size // vision.patch_size) ** 2
    processor.vision_feature_select_strategy = config.vision_feature_select_strategy
    processor.vision_aspect_ratio = config.vision_aspect_ratio
    return processor


def give_own(family, model, parts, text, images):
    """Token ids and images as the family's own processor gives them to the model."""
    if family == "llava_onevision":
        processor, inputs = build_onevision_processor(parts, model.config), {}
        if images:
            inputs = dict(parts.image_processor(images=[images], return_tensors="pt"))
        pieces = text.split("<image>")
        places = [processor.replace_image_token(inputs, number) for number in range(len(images))] + [""]
        text = "".join(piece + place for piece, place in zip(pieces, places, strict=True))
        return {"input_ids": parts.tokenizer(text, return_tensors="pt").input_ids, **inputs}
    # SmolVLM's writes the same text, and needs a processor of videos.
    processor = Idefics3Processor(parts.image_processor, parts.tokenizer, image_seq_len=4)
    return dict(
        processor(text=text, images=[images] if images else None, return_tensors="pt", add_special_tokens=False)
    )


@pytest.mark.parametrize("family", TILED)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_model_gets_what_its_own_processor_gives(family, prompt):
    adapter, model, parts = build(family)
    question, sizes = PROMPTS[prompt]
    images = [noise(size) for size in sizes]
    encoded = adapter.encode_prompt((Turn("user", question),), images)
    response = adapter.encode_response(encoded, [Turn("assistant", "A red cup and a small dog.")])
    own = give_own(family, model, parts, encoded.text, images)
    assert own["input_ids"][0].tolist() == encoded.input_ids
    whole = torch.cat([own.pop("input_ids"), torch.tensor([response.input_ids])], dim=1)
    own.pop("attention_mask", None)
    with torch.no_grad():
        logits = model(input_ids=whole, **own).logits[0, len(encoded.input_ids) - 1 : -1].log_softmax(-1)
        expected = logits.gather(1, torch.tensor(response.input_ids)[:, None])[:, 0]
        enable_tree_attention(model, adapter)
        row = build_row([TreeSample("one", encoded, (response,), (0,))])
        found = separate_logps(adapter, model, row)
        assert (found - expected).abs().max() <= 1e-4
        hidden = adapter.forward_hidden(model, row)
        assert (adapter.forward_hidden(_Wrapper(model), row) - hidden).abs().max() <= 1e-5


@pytest.mark.parametrize("family", TILED)
def test_answers_are_the_model_s_own(family, tmp_path):
    """Also of an image that one question shows alone and another shows twice."""
    adapter, model, parts = build(family)
    loaded = LoadedModel(model, parts, adapter, "tiny")
    (name,) = save_images(tmp_path, 1)
    image = Image.open(tmp_path / name)
    questions = [
        Question("alone", (name,), (Turn("user", "What is on the table?"),)),
        Question("twice", (name, name), (Turn("user", "<image> or <image>?"),)),
    ]
    answers = generate(loaded, questions, GenerationSettings(max_tokens=12, batch_size=2), image_root=tmp_path)
    assert len({answer.text for answer in answers} - {""}) == 2
    for question, answer in zip(questions, answers, strict=True):
        images = [image] * len(question.images)
        text = adapter.encode_prompt(question.prompt, images).text
        own = give_own(family, model, parts, text, images)
        tokens = model.generate(
            **own, max_new_tokens=12, do_sample=False, eos_token_id=list(adapter.eos_token_ids), pad_token_id=3
        )
        assert answer.text == adapter.decode(tokens[0, own["input_ids"].shape[1] :])


def test_rows_hold_an_image_alone_and_among_others_apart(tmp_path):
    adapter, model, _ = build("llava_onevision")
    enable_tree_attention(model, adapter)
    (name,) = save_images(tmp_path, 1)
    responses = tuple(Response((Turn("assistant", text),), level=n) for n, text in enumerate(("A dog.", "A cat.")))
    shown = {"alone": (name,), "twice": (name, name)}
    records = [Record(key, names, (Turn("user", "What?"),), responses, "test") for key, names in shown.items()]
    cache = PixelCache(adapter, tmp_path)
    encoded, _ = RecordEncoder(adapter, cache.load, build_objective("dpo"), "present", None, 4096).encode_all(records)
    (row,) = EncodedRecords(encoded, cache.load, 4096).build_rows([0, 1])
    tiles = {sample.id: [len(image.pixels) for image in sample.prompt.images] for sample in row.samples}
    assert tiles == {"alone": [5], "twice": [1, 1]}
    assert len(row.images) == 2
    with torch.no_grad():
        assert (token_logps(adapter, model, row) - separate_logps(adapter, model, row)).abs().max() <= 1e-4


class _Wrapper(nn.Module):
    """As data-parallel wrappers: the model is `module`, and only a call of the wrapper counts."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, **inputs):
        return self.module(**inputs)


def test_onevision_counts_features_as_its_processor_and_its_model():
    adapter, model, parts = build("llava_onevision")
    processor = build_onevision_processor(parts, model.config)
    alone, several = (
        [encode(noise(size)) for size in SIZES] for encode in (adapter.encode_image, adapter.encode_one_of_several)
    )
    for size, image in zip(SIZES, alone, strict=True):
        inputs = parts.image_processor(images=[[noise(size)]], return_tensors="pt")
        assert image.n_tokens == processor.replace_image_token(inputs, 0).count("<image>")
    joint = parts.image_processor(images=[[noise(size) for size in SIZES]], return_tensors="pt")
    assert torch.equal(torch.stack([image.pixels for image in several]), joint["pixel_values"])
    assert {image.n_tokens for image in several} == {processor.replace_image_token(joint, 0).count("<image>")}
    mixed = [image for pair in zip(alone, several, strict=True) for image in pair]
    with torch.no_grad():
        features = adapter.image_features(model, mixed)
        for image, feature in zip(mixed, features, strict=True):
            assert len(feature) == image.n_tokens
            assert (adapter.image_features(model, [image])[0] - feature).abs().max() <= 1e-5


def test_the_cache_keeps_an_image_alone_and_among_others_apart(tmp_path):
    (name,) = save_images(tmp_path, 1)
    caches = {family: PixelCache(build(family)[0], tmp_path) for family in ("llava_onevision", "idefics3")}
    alone, two, three = (caches["llava_onevision"].load(name, among) for among in (1, 2, 3))
    assert len(alone.pixels) > len(two.pixels) == 1
    assert two is three
    assert alone is caches["llava_onevision"].load(name, 1)
    assert caches["idefics3"].load(name, 1) is caches["idefics3"].load(name, 2)


@pytest.mark.parametrize("family", ["idefics3", "smolvlm"])
def test_lora_adapts_the_language_model_alone(family):
    _, model, _ = build(family)
    with quiet_transformers():
        wrapped = get_peft_model(model, LoraConfig(r=2, target_modules=LORA_TARGETS))
    names = {name for name, value in wrapped.named_parameters() if value.requires_grad}
    assert len(names) == 2 * 7 * 2  # layers, projections, matrices
    assert all("text_model" in name and "vision" not in name for name in names)


def test_a_tokenizer_without_the_frame_of_an_image_is_named():
    model, parts = build_family("idefics3")
    plain = parts.tokenizer.backend_tokenizer.to_str().replace("<fake_token_around_image>", "<other>")
    with pytest.raises(ModelError, match="fake_token_around_image"):
        build_adapter(_with_tokenizer(parts, plain), model.config, ModelSettings("tiny"))


def _with_tokenizer(parts, text):
    other = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(text), eos_token="</s>")
    other.chat_template = parts.tokenizer.chat_template
    return ProcessorParts(parts.image_processor, other)
