"""A tokenizer and embeddings of unlike sizes: padding is fine, a token that can occur and has no row is not."""

from __future__ import annotations

import pytest

from errata.errors import ModelError
from errata.models import ModelSettings, load_model
from errata.models.families.limits import find_max_positions
from errata.models.special_tokens import check_vocabulary
from errata.training import PreferenceConfig, PreferenceTrainer
from tiny_families import build_family


def test_embeddings_may_be_larger():
    model, processor = build_family("qwen2_vl")
    model.resize_token_embeddings(len(processor.tokenizer) + 61)
    check_vocabulary(model, processor, "tiny")


@pytest.mark.parametrize("family", ["llava_next", "qwen2_5_vl", "gemma3"])
def test_words_without_embeddings_are_refused_when_a_model_loads(family, tmp_path):
    model, processor = build_family(family)
    processor.tokenizer.add_tokens(["lamprey", "zwieback"])
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    rows = model.get_input_embeddings().weight.shape[0]
    with pytest.raises(ModelError, match=f"2 tokens without, such as 'lamprey', 'zwieback'; .* the model has {rows}"):
        load_model(ModelSettings(str(tmp_path)))


def test_words_without_embeddings_are_refused_of_objects_too(tmp_path):
    model, processor = build_family("llava_next")
    processor.tokenizer.add_tokens(["lamprey"])
    args = PreferenceConfig(output_dir=str(tmp_path), objective="dpo", report_to=[], use_cpu=True)
    with pytest.raises(ModelError, match="resize_token_embeddings"):
        PreferenceTrainer(model, args=args, train_dataset=[], processing_class=processor)


def test_an_image_token_without_an_embedding_is_refused():
    model, processor = build_family("llava_next")
    model.resize_token_embeddings(processor.tokenizer.convert_tokens_to_ids("<image>"))
    with pytest.raises(ModelError, match="<image>"):
        check_vocabulary(model, processor, "tiny")


def test_a_special_token_that_nothing_writes_is_no_fault():
    """Gemma 3's text models come with a tokenizer that knows images."""
    model, processor = build_family("llava_next")
    processor.tokenizer.add_special_tokens({"additional_special_tokens": ["<image_soft_token>"]})
    check_vocabulary(model, processor, "tiny")


def test_the_output_layer_counts_too():
    model, processor = build_family("gemma3")
    model.lm_head.weight.data = model.lm_head.weight.data[:-3]
    with pytest.raises(ModelError, match=r"2 tokens without, such as .*end_of_turn"):
        check_vocabulary(model, processor, "tiny")


class Text:
    def __init__(self, **values):
        self.__dict__ = values


@pytest.mark.parametrize(
    ("values", "positions"),
    [
        ({}, None),
        ({"max_position_embeddings": 4096}, 4096),
        ({"max_position_embeddings": 4096, "rope_parameters": {"rope_type": "default"}}, 4096),
        ({"max_position_embeddings": 32768, "rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, 131072),
        (
            {
                "max_position_embeddings": 131072,
                "rope_parameters": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768},
            },
            131072,
        ),
        ({"max_position_embeddings": 131072, "rope_parameters": {"rope_type": "llama3", "factor": 8.0}}, 131072),
    ],
)
def test_positions_of_a_stretched_embedding_are_counted(values, positions):
    assert find_max_positions(Text(**values)) == positions
