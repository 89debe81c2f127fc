"""Probabilities of yes and no: with shared prefixes, one by one, and as the model itself gives them."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from errata.errors import ModelError
from errata.feedback.claims.labels import FORMS, find_answer_tokens
from errata.feedback.local.labeller import YesNo, can_share
from errata.models import LoadedModel, ModelSettings, build_adapter
from errata.records import Turn
from tiny_families import BUILDERS, RECURRENT, build_family
from tiny_models import build_model, build_processor, build_tokenizer

QUESTIONS = ("Is there a cat?", "Is there a cat on the wooden table?", "Is there a red cup?", "Is the street sunny?")
WIDE = ("Is there a cat? " * 3, *QUESTIONS)


def noise(size_px):
    generator = torch.Generator().manual_seed(size_px[0])
    pixels = torch.randint(0, 256, (size_px[1], size_px[0], 3), generator=generator, dtype=torch.uint8)
    return Image.fromarray(pixels.numpy())


def load(family):
    model, processor = build_family(family)
    return LoadedModel(model, processor, build_adapter(processor, model.config, ModelSettings("tiny")), "tiny")


def load_llava(**options):
    tokenizer = build_tokenizer(**options)
    model, processor = build_model(tokenizer), build_processor(tokenizer)
    adapter = build_adapter(processor, model.config, ModelSettings("tiny", template="vicuna"))
    return LoadedModel(model, processor, adapter, "tiny")


def ask(loaded, sizes=((60, 48), (20, 50)), questions=(QUESTIONS, QUESTIONS[1:3])):
    """Prompts about an image, about another one, and about none."""
    groups = []
    for size, texts in zip(sizes, questions, strict=True):
        images = [loaded.adapter.encode_image(noise(size))]
        groups.append([loaded.adapter.encode_prompt((Turn("user", text),), images) for text in texts])
    groups.append([loaded.adapter.encode_prompt((Turn("user", "Is it so?"),), [])])
    return groups


def assert_close(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.keys() == other.keys() == set(FORMS)
            for form in FORMS:
                assert math.log(one[form]) == pytest.approx(math.log(other[form]), abs=1e-4)


@pytest.mark.parametrize("family", BUILDERS)
def test_shared_prefixes_give_what_passes_of_their_own_give(family):
    loaded = load(family)
    groups = ask(loaded)
    shared = YesNo(loaded)
    found = shared.read(groups)
    assert shared.message == ""
    alone = YesNo(load(family), share=False)
    assert_close(found, alone.read(groups))
    given = [p for group in found for answer in group for p in answer.values()]
    assert max(given) > 3 * min(given), "probabilities too uniform to tell anything"


@pytest.mark.parametrize("family", BUILDERS)
def test_all_but_paligemma_run_the_image_once(family):
    loaded = load(family)
    group = ask(loaded)[0]
    end = group[0].images_end
    assert end > 0
    assert can_share(group, end) is not family.startswith("paligemma")
    assert not can_share(group, end - 1)


def test_the_numbers_are_the_model_s_own():
    loaded = load_llava()
    groups = ask(loaded)
    found = YesNo(loaded).read(groups)
    untouched = load_llava().model
    tokens = find_answer_tokens(loaded.processor.tokenizer, "tiny")
    for group, answers in zip(groups, found, strict=True):
        for prompt, answer in zip(group, answers, strict=True):
            pixels = {"pixel_values": torch.stack([i.pixels for i in prompt.images])} if prompt.images else {}
            for form in FORMS:
                expected = 0.0
                for sequence in tokens.sequences[form]:
                    ids = torch.tensor([[*prompt.input_ids, *sequence]])
                    with torch.no_grad():
                        logps = untouched(input_ids=ids, **pixels).logits[0].log_softmax(-1)
                    places = range(len(prompt.input_ids) - 1, ids.shape[1] - 1)
                    expected += math.exp(sum(logps[n, t] for n, t in zip(places, sequence, strict=True)))
                assert math.log(answer[form]) == pytest.approx(math.log(expected), abs=1e-4)


def test_recurrent_models_ask_one_by_one():
    (family,) = RECURRENT
    loaded = load(family)
    reader = YesNo(loaded)
    found = reader.read(ask(loaded))
    assert reader.message
    assert "recurrent" in reader.message or "linear_attention" in reader.message
    assert [len(answers) for answers in found] == [4, 2, 1]


def test_a_question_that_begins_another_one():
    loaded = load_llava()
    image = loaded.adapter.encode_image(noise((60, 48)))
    prompts = [loaded.adapter.encode_prompt((Turn("user", text),), [image]) for text in WIDE]
    cut = [prompts[0], *prompts]
    assert_close(YesNo(loaded).read([cut]), YesNo(load_llava(), share=False).read([cut]))


def test_yes_in_every_form_that_a_tokenizer_has():
    whole = build_tokenizer(["Yes yes no No"] * 5)
    found = find_answer_tokens(whole, "tiny")
    assert all(len(one) == 1 for sequences in found.sequences.values() for one in sequences)
    texts = {form: {whole.decode(one) for one in found.sequences[form]} for form in FORMS}
    assert all(form in {text.strip() for text in said} and said <= {form, f" {form}"} for form, said in texts.items())
    ids = [one for sequences in found.sequences.values() for one in sequences]
    assert len(ids) == len(set(ids))
    split = find_answer_tokens(build_tokenizer(["unrelated"]), "tiny")
    assert split.notes["Yes"] == "split into 3 tokens"
    assert all(len(one) > 1 for one in split.split)
    assert len(split.split) == 8


def test_a_tokenizer_without_yes_or_no():
    words = Tokenizer(models.WordLevel({"<unk>": 0, "Yes": 1, "no": 2}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    found = find_answer_tokens(PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>"), "tiny")
    assert found.sequences == {"yes": (), "Yes": ((1,),), "no": ((2,),), "No": ()}
    assert found.notes["yes"] == "not in the vocabulary"
    mute = Tokenizer(models.WordLevel({"<unk>": 0, "Yes": 1}, unk_token="<unk>"))
    with pytest.raises(ModelError, match="not in the vocabulary"):
        find_answer_tokens(PreTrainedTokenizerFast(tokenizer_object=mute, unk_token="<unk>"), "tiny")


def test_a_tokenizer_without_capitals():
    small = Tokenizer(models.WordLevel({"<unk>": 0, "yes": 1, "no": 2}, unk_token="<unk>"))
    small.normalizer = normalizers.Lowercase()
    found = find_answer_tokens(PreTrainedTokenizerFast(tokenizer_object=small, unk_token="<unk>"), "tiny")
    assert found.sequences == {"yes": ((1,),), "Yes": (), "no": ((2,),), "No": ()}
    assert found.notes["Yes"] == "the same tokens as yes"
