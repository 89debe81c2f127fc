"""Every family's tree gives the numbers of separate passes, and those are the model's own."""

from __future__ import annotations

import warnings

import pytest
import torch
from peft import get_peft_model
from PIL import Image

from errata.models import ModelSettings, build_adapter, quiet_transformers
from errata.records import Turn
from errata.trees import TreeSample, build_row, enable_tree_attention, separate_logps
from tiny_families import BUILDERS, build_family
from tree_checks import assert_equal_passes, build_lora
from tree_samples import ANSWERS

CASES = (
    ("wide", "What is on the table?", [(60, 24)], ANSWERS),
    ("pair", "<image> or <image>?", [(30, 44), (48, 48)], ANSWERS[:3]),
    ("text", "Is there a dog?", [], ANSWERS[:2]),
    ("tall", "Describe it.", [(20, 50)], ANSWERS[1:]),
)


def noise(size_px):
    generator = torch.Generator().manual_seed(size_px[0])
    pixels = torch.randint(0, 256, (size_px[1], size_px[0], 3), generator=generator, dtype=torch.uint8)
    return Image.fromarray(pixels.numpy())


def build(family):
    model, processor = build_family(family)
    adapter = build_adapter(processor, model.config, ModelSettings("tiny"))
    enable_tree_attention(model, adapter)
    return adapter, model


def build_samples(adapter, cases=CASES):
    samples = []
    for name, question, sizes, answers in cases:
        prompt = adapter.encode_prompt((Turn("user", question),), [noise(size) for size in sizes])
        responses = tuple(adapter.encode_response(prompt, [Turn("assistant", text)]) for text in answers)
        samples.append(TreeSample(name, prompt, responses, tuple(range(len(answers)))))
    return samples


def own_inputs(family, prompt, ids, image_token):
    """What the model's own processor would give it beside the tokens."""
    pixels, sizes = [image.pixels for image in prompt.images], [image.size for image in prompt.images]
    if family.startswith("paligemma"):
        types = (torch.arange(ids.shape[1]) >= len(prompt.input_ids)).long()[None]
        return {"pixel_values": torch.stack(pixels), "token_type_ids": types}
    if family == "gemma3":
        return {"pixel_values": torch.stack(pixels), "token_type_ids": (ids == image_token).long()}
    if family == "internvl":
        return {"pixel_values": torch.cat(pixels)}
    if family in ("idefics3", "smolvlm"):
        return {"pixel_values": torch.cat(pixels)[None]}
    if family == "llava_onevision":
        return {
            "pixel_values": torch.stack(pixels),
            "image_sizes": torch.tensor(sizes),
            "batch_num_images": [len(sizes)],
        }
    if family == "llava_next":
        most = max(len(tiles) for tiles in pixels)
        padded = [torch.cat([tiles, tiles.new_zeros(most - len(tiles), *tiles.shape[1:])]) for tiles in pixels]
        return {"pixel_values": torch.stack(padded), "image_sizes": torch.tensor(sizes)}
    types = (ids == image_token).int()
    return {"pixel_values": torch.cat(pixels), "image_grid_thw": torch.tensor(sizes), "mm_token_type_ids": types}


@pytest.mark.parametrize("family", BUILDERS)
def test_tree_equals_separate_passes(family):
    adapter, model = build(family)
    samples = build_samples(adapter)
    for members in ([0], [0, 1, 2, 3]):
        grads = assert_equal_passes(adapter, model, build_row([samples[i] for i in members]))
        assert any("language_model" in name or "text_model" in name for name in grads)
        assert any("vis" in name for name in grads)


@pytest.mark.parametrize(("lora", "checkpointing"), [(False, True), (True, False), (True, True)])
@pytest.mark.parametrize("family", BUILDERS)
def test_lora_and_gradient_checkpointing(family, lora, checkpointing):
    adapter, model = build(family)
    with quiet_transformers(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        if lora:
            model = get_peft_model(model, build_lora())
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(parameter, std=0.1)
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            model.enable_input_require_grads()
            model.train()
        grads = assert_equal_passes(adapter, model, build_row(build_samples(adapter)[:3]))
    assert all("lora" in name for name in grads) is lora


@pytest.mark.parametrize("family", BUILDERS)
def test_separate_passes_are_the_model_s_own(family):
    adapter, model = build(family)
    untouched, _ = build_family(family)
    for case in CASES[:2]:
        (sample,) = build_samples(adapter, [(*case[:3], ANSWERS[:1])])
        ids = torch.tensor([sample.prompt.input_ids + sample.responses[0].input_ids])
        inputs = own_inputs(family, sample.prompt, ids, model.config.image_token_id)
        with torch.no_grad():
            logits = untouched(input_ids=ids, **inputs).logits[0, len(sample.prompt.input_ids) - 1 : -1]
            found = separate_logps(adapter, model, build_row([sample]))
        targets = ids[0, len(sample.prompt.input_ids) :]
        expected = logits.log_softmax(-1).gather(1, targets[:, None])[:, 0]
        assert (found - expected).abs().max() <= 1e-4
