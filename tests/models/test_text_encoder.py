"""Texts to unit vectors: CLIP's text side and sentence encoders, against a forward pass of one text at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from errata.errors import ModelError
from errata.models import ModelSettings, load_text_encoder
from tiny_encoders import save_bert, save_clip, save_roberta, save_siglip

TEXTS = ["a red cup", "two people walking on a sunny street", "a dog", "a red cup"]


def load(folder):
    return load_text_encoder(ModelSettings(str(folder), device="cpu"))


def one_by_one(folder, pooled):
    """Vectors of the library's own model, one text at a time and without padding."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        rows = [pooled(model, tokenizer(text, return_tensors="pt"))[0] for text in TEXTS]
    return torch.nn.functional.normalize(torch.stack(rows), dim=-1).numpy()


def test_clip_gives_its_projected_text_features(tmp_path):
    encoder = load(save_clip(tmp_path))
    found = encoder.encode(TEXTS)
    expected = one_by_one(tmp_path, lambda model, inputs: model.get_text_features(**inputs).pooler_output)
    assert (encoder.kind, encoder.max_tokens, found.vectors.shape) == ("clip", 77, (4, 16))
    np.testing.assert_allclose(found.vectors, expected, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)
    assert found.truncated == [False] * 4
    assert not np.allclose(found.vectors[0], found.vectors[2], atol=0.05)


def test_siglip_is_given_texts_of_its_whole_length(tmp_path):
    encoder = load(save_siglip(tmp_path))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    with torch.no_grad():
        inputs = tokenizer(TEXTS, padding="max_length", max_length=16, truncation=True, return_tensors="pt")
        expected = AutoModel.from_pretrained(tmp_path).eval().get_text_features(**inputs).pooler_output
    expected = torch.nn.functional.normalize(expected, dim=-1).numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS).vectors, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "pooled"),
    [
        (None, lambda states: states.mean(1)),
        ("pooling_mode_mean_tokens", lambda states: states.mean(1)),
        ("pooling_mode_cls_token", lambda states: states[:, 0]),
        ("pooling_mode_lasttoken", lambda states: states[:, -1]),
    ],
)
def test_a_sentence_encoder_pools_as_its_folder_says(tmp_path, mode, pooled):
    encoder = load(save_bert(tmp_path, mode))
    expected = one_by_one(tmp_path, lambda model, inputs: pooled(model(**inputs).last_hidden_state))
    assert (encoder.kind, encoder.max_tokens) == ("sentence", 64 if mode is None else 32)
    np.testing.assert_allclose(encoder.encode(TEXTS).vectors, expected, atol=1e-5)


def test_a_long_text_is_cut_and_said_to_be(tmp_path):
    encoder = load(save_clip(tmp_path))
    found = encoder.encode(["a dog", "dog " * 200, "dog " * 300])
    assert found.truncated == [False, True, True]
    np.testing.assert_array_equal(found.vectors[1], found.vectors[2])  # only what is beyond the cut differs


def test_no_text_reaches_beyond_the_positions_of_roberta(tmp_path):
    encoder = load(save_roberta(tmp_path))
    assert encoder.max_tokens == 16
    assert encoder.encode(["dog " * 200]).truncated == [True]


def test_the_digest_tells_weights_and_pooling_apart(tmp_path):
    plain, again = load(save_bert(tmp_path / "a")), load(tmp_path / "a")
    other = load(save_bert(tmp_path / "b", "pooling_mode_cls_token"))
    assert plain.digest == again.digest != other.digest
    assert plain.encode([]).vectors.shape[0] == 0


def test_what_cannot_be_an_encoder_is_named(tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        load(tmp_path / "none")
    with pytest.raises(ModelError, match="Dense"):
        load(save_bert(tmp_path / "dense", "pooling_mode_mean_tokens", modules=("Dense",)))
    with pytest.raises(ModelError, match="pooling_mode_max_tokens"):
        load(save_bert(tmp_path / "max", "pooling_mode_max_tokens"))
    folder = save_bert(tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="whole safetensors weights"):
        load(folder)
