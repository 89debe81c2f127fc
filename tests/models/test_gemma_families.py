"""PaliGemma and Gemma 3 read a conversation as their own processors write it, and answer as they do by themselves."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from errata.data import LoadedRecords
from errata.errors import DataError, ModelError
from errata.generation import GenerationSettings
from errata.generation.local import generate
from errata.models import LoadedModel, ModelSettings, build_adapter
from errata.records import Question, Record, Response, Turn
from errata.training import PreferenceConfig, PreferenceTrainer
from errata.trees import enable_tree_attention
from tiny_families import build_family
from tiny_models import save_images

ANSWER = (Turn("assistant", "A red cup."),)


def build(family, **settings):
    model, processor = build_family(family)
    return build_adapter(processor, model.config, ModelSettings("tiny", **settings)), model, processor


def ask_processor(processor, images, text, **options):
    """What a processor gives its model, as tensors."""
    own = processor(images=images, text=[text], **options)
    return {
        name: torch.stack([torch.as_tensor(item) for item in value]) for name, value in own.items() if name != "labels"
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    save_images(folder, 2, size_px=(60, 24))
    return folder


@pytest.fixture(scope="module")
def pictures(place):
    return [Image.open(place / f"image{number}.png") for number in range(2)]


@pytest.mark.parametrize(
    ("question", "text", "count"),
    [
        ("What is it?", "<image>What is it?", 1),
        ("<image>\nWhat is it?", "<image>What is it?", 1),
        ("Which is it?", "<image><image>Which is it?", 2),
        ("<image> or <image>?", "<image> or <image>?", 2),
    ],
)
def test_paligemma_reads_what_its_processor_writes(pictures, question, text, count):
    adapter, _, processor = build("paligemma")
    shown = pictures[:count]
    prompt = adapter.encode_prompt((Turn("user", question),), shown)
    response = adapter.encode_response(prompt, ANSWER)
    own = ask_processor(processor, shown, text, suffix=[ANSWER[0].text])
    ids = torch.tensor([prompt.input_ids + response.input_ids])
    assert torch.equal(own["input_ids"], ids)
    assert torch.equal(own["token_type_ids"], adapter.mask_inputs(ids, len(prompt.input_ids))["token_type_ids"])
    assert torch.equal(own["pixel_values"], torch.stack([image.pixels for image in prompt.images]))


@pytest.mark.parametrize("system", [None, "Be brief."])
@pytest.mark.parametrize(("question", "count"), [("What is it?", 1), ("<image> or <image>?", 2)])
def test_gemma3_reads_what_its_processor_writes(pictures, system, question, count):
    adapter, _, processor = build("gemma3", system_prompt=system)
    shown = pictures[:count]
    prompt = adapter.encode_prompt((Turn("user", question),), shown)
    response = adapter.encode_response(prompt, ANSWER)
    marked = question.replace("<image>", "<start_of_image>") if count > 1 else "<start_of_image>" + question
    start = "" if system is None else system + "\n\n"
    # Its template trims the words between two images.
    text = f"<s><start_of_turn>user\n{start}{marked}<end_of_turn>\n<start_of_turn>model\nA red cup.<end_of_turn>"
    own = ask_processor(processor, shown, text.replace("> or <", ">or<"))
    ids = torch.tensor([prompt.input_ids + response.input_ids])
    assert torch.equal(own["input_ids"], ids)
    assert torch.equal(own["token_type_ids"], adapter.mask_inputs(ids, len(prompt.input_ids))["token_type_ids"])
    assert torch.equal(own["pixel_values"], torch.stack([image.pixels for image in prompt.images]))
    assert [block.end - block.start for block in prompt.blocks] == [16] * count


def test_gemma3_goes_on_after_an_answer(pictures):
    adapter, _, processor = build("gemma3")
    prompt = adapter.encode_prompt((Turn("user", "What is it?"),), pictures[:1])
    turns = (*ANSWER, Turn("user", "And now?"), Turn("assistant", "A dog."))
    response = adapter.encode_response(prompt, turns)
    written = [token for token, own in zip(response.input_ids, response.is_response, strict=True) if own]
    assert processor.tokenizer.decode(written) == "A red cup.<end_of_turn>A dog.<end_of_turn>"
    assert len(set(adapter.eos_token_ids)) == 2


def test_paligemma_knows_one_question(place, tmp_path):
    adapter, model, processor = build("paligemma")
    question = (Turn("user", "What is it?"),)
    with pytest.raises(DataError, match="one question and its answer"):
        adapter.encode_prompt((Turn("system", "Be brief."), *question), [])
    with pytest.raises(DataError, match="one question and its answer"):
        adapter.encode_response(adapter.encode_prompt(question, []), (*ANSWER, *question, *ANSWER))
    pair = tuple(Response((Turn("assistant", text),), level=level) for level, text in enumerate(("A cup.", "A dog.")))
    rounds = tuple(Response((*pair[0].turns, *question, *item.turns), level=item.level) for item in pair)
    records = [Record(name, (), question, items, "test") for name, items in (("one", pair), ("two", rounds))]
    settings = PreferenceConfig(
        output_dir=str(tmp_path), skip_bad=True, records_per_step=1, report_to=[], use_cpu=True, disable_tqdm=True
    )
    trainer = PreferenceTrainer(
        model=LoadedModel(model, processor, adapter, "tiny"),
        args=settings,
        train_dataset=LoadedRecords(records, place),
    )
    assert [aside.id for aside in trainer.set_aside] == ["two"]


def test_gemma3_crops_are_refused_by_name():
    _, model, processor = build("gemma3")
    processor.image_processor.do_pan_and_scan = True
    with pytest.raises(ModelError, match="do_pan_and_scan"):
        build_adapter(processor, model.config, ModelSettings("tiny"))


def test_a_tokenizer_without_the_image_s_tokens_is_named():
    _, model, processor = build("gemma3")
    model.config.eoi_token_index = 10_000
    with pytest.raises(ModelError, match="belongs to the model"):
        build_adapter(processor, model.config, ModelSettings("tiny"))


@pytest.mark.parametrize("family", ["paligemma", "paligemma2", "gemma3"])
def test_answers_are_the_model_s_own(family, place, pictures):
    adapter, model, processor = build(family)
    loaded = LoadedModel(model, processor, adapter, "tiny")
    turns = (Turn("user", "<image> or <image>?"),)
    names = ("image0.png", "image1.png")
    text = "<image> or <image>?"
    if family == "gemma3":
        question = "<start_of_image>or<start_of_image>?"
        text = f"<s><start_of_turn>user\n{question}<end_of_turn>\n<start_of_turn>model\n"
    inputs = ask_processor(processor, pictures, text)
    settings = GenerationSettings(max_tokens=8)
    own = model.generate(**inputs, max_new_tokens=8, do_sample=False, eos_token_id=list(adapter.eos_token_ids))
    expected = adapter.decode(own[0, inputs["input_ids"].shape[1] :].tolist())
    questions = [Question("two", names, turns), Question("one", names[:1], (Turn("user", "What is on the table?"),))]
    before = generate(loaded, questions, settings, image_root=place)
    assert before[0].text == expected != ""
    enable_tree_attention(model, adapter)
    after = generate(loaded, questions, settings, image_root=place)
    assert [answer.text for answer in after] == [answer.text for answer in before]
