"""`max_pixels`, `min_pixels` and `max_tiles`: what each family makes of them, and which refuse them."""

from __future__ import annotations

import json

import pytest
import torch
from PIL import Image

from errata.errors import ConfigError, ModelError
from errata.generation import GenerationSettings
from errata.generation.local import describe_run, generate
from errata.images import fit_pixels
from errata.models import ModelSettings, build_adapter, load_model, merge_adapter
from errata.records import Question, Turn
from errata.trees import check_adapter
from tiny_families import BUILDERS, RECURRENT, build_family
from tiny_models import save_images, save_tiny_model
from tiny_unknown import build_unknown

QWEN = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_5")
LLAVAS = ("llava_next", "llava_onevision")
TILES_ONLY = ("internvl", "idefics3", "smolvlm")
FIXED = ("gemma3", "paligemma", "paligemma2")
SIZES = [(60, 24), (20, 50), (48, 48), (33, 32), (64, 63), (120, 40), (300, 200), (9, 7)]


def build(family, **limits):
    model, processor = build_family(family)
    return build_adapter(processor, model.config, ModelSettings("tiny", **limits)), model


def noise(size_px):
    generator = torch.Generator().manual_seed(size_px[0])
    return Image.fromarray(torch.randint(0, 256, (*size_px[::-1], 3), generator=generator, dtype=torch.uint8).numpy())


def test_every_family_is_tested_here():
    assert {*QWEN, *LLAVAS, *TILES_ONLY, *FIXED} == {*BUILDERS, *RECURRENT}


@pytest.mark.parametrize("family", QWEN)
@pytest.mark.parametrize("size", SIZES)
def test_qwen_keeps_the_pixels_within_both(family, size):
    """Patches of 4 pixels, two by two to a token."""
    adapter, _ = build(family, max_pixels=1024, min_pixels=512)
    _, rows, columns = adapter.encode_image(noise(size)).size
    assert 512 <= rows * columns * 16 <= 1024
    if min(size) > 16:
        assert columns / rows == pytest.approx(size[0] / size[1], rel=0.5)  # whole tokens of 8 pixels


def test_qwen_s_processor_has_the_setting_and_is_saved_with_it(tmp_path):
    model, processor = build_family("qwen2_5_vl")
    build_adapter(processor, model.config, ModelSettings("tiny", max_pixels=800))
    processor.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text(encoding="utf-8"))
    assert (saved["size"]["shortest_edge"], saved["size"]["longest_edge"]) == (256, 800)


def test_qwen_s_least_follows_a_smaller_most():
    assert build("qwen2_vl", max_pixels=100)[0].encode_image(noise((40, 40))).n_tokens == 1
    with pytest.raises(ModelError, match=r"model.min_pixels: 9000, above the processor's largest of 2304"):
        build("qwen2_vl", min_pixels=9000)


@pytest.mark.parametrize("family", TILES_ONLY)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("most", [1, 2, 3])
def test_tiles_of_one_size_are_counted(family, size, most):
    """Tiles of 16 pixels beside a small copy of the whole; `max_pixels` is as many tiles as it holds."""
    for limits in ({"max_tiles": most}, {"max_pixels": most * 256 + 100}):
        image = build(family, **limits)[0].encode_image(noise(size))
        assert len(image.pixels) in (1, *range(3, most + 2))
        assert image.n_tokens == 4 * len(image.pixels)


@pytest.mark.parametrize("family", TILES_ONLY)
def test_less_than_one_tile_is_refused(family):
    with pytest.raises(ModelError, match=r"model.max_pixels: 255; expected at least 256: .* 16 x 16"):
        build(family, max_pixels=255)


@pytest.mark.parametrize("family", LLAVAS)
@pytest.mark.parametrize("size", SIZES)
def test_grids_of_tiles_are_limited(family, size):
    """Towers of 32 pixels; the smallest grids have two tiles."""
    adapter, model = build(family, max_tiles=2)
    image = adapter.encode_image(noise(size))
    assert len(image.pixels) == 3
    height, width = image.size
    assert width / height == pytest.approx(size[0] / size[1], rel=0.1)
    (features,) = adapter.image_features(model, [image])
    assert len(features) == image.n_tokens  # the model chooses the grid that the processor chose


@pytest.mark.parametrize("family", LLAVAS)
def test_llavas_get_pictures_within_the_pixels(family):
    adapter, _ = build(family, max_pixels=1000, min_pixels=500)
    for size, least in (((300, 200), 900), ((10, 20), 500)):
        height, width = adapter.encode_image(noise(size)).size
        assert least <= width * height <= 1000
        assert width / height == pytest.approx(size[0] / size[1], rel=0.07)


@pytest.mark.parametrize("family", LLAVAS)
def test_fewer_tiles_than_any_grid_are_refused(family):
    with pytest.raises(ModelError, match=r"model.max_tiles: 1; expected at least 2"):
        build(family, max_tiles=1)


@pytest.mark.parametrize("family", FIXED)
@pytest.mark.parametrize("limit", ["max_pixels", "min_pixels", "max_tiles"])
def test_towers_of_one_size_refuse_limits_by_name(family, limit):
    with pytest.raises(ModelError, match=f"model.{limit}: 5000; expected nothing: .* shows every image at one size"):
        build(family, **{limit: 5000})


@pytest.mark.parametrize(
    ("family", "limit", "known"),
    [
        ("qwen2_vl", "max_tiles", "max_pixels and min_pixels for Qwen2VL"),
        ("internvl", "min_pixels", "max_pixels and max_tiles for InternVL"),
        ("idefics3", "min_pixels", "max_pixels and max_tiles for Idefics3"),
    ],
)
def test_a_limit_that_a_family_lacks_is_refused_by_name(family, limit, known):
    with pytest.raises(ModelError, match=f"model.{limit}: 9; expected {known}"):
        build(family, **{limit: 9})


def test_llava_refuses_limits_before_its_weights_are_read(tmp_path):
    folder = save_tiny_model(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"model.max_pixels: 99; expected nothing: LlavaForConditionalGeneration"):
        load_model(ModelSettings(str(folder), max_pixels=99))


@pytest.mark.parametrize("name", ["lighton_ocr", "aya_vision"])
def test_unknown_models_are_handed_smaller_pictures(name):
    model, processor = build_unknown(name)
    adapter = build_adapter(processor, model.config, ModelSettings("tiny", max_pixels=1500))
    check_adapter(adapter, model)  # its own pass is on the same pictures
    free = build_adapter(processor, model.config, ModelSettings("tiny"))
    small = adapter.encode_image(noise((300, 200)))
    assert torch.equal(small.pixels, free.encode_image(fit_pixels(noise((300, 200)), 1500)).pixels)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_pixels": 0}, "model.max_pixels: 0; expected at least 1"),
        ({"max_tiles": -1}, "model.max_tiles: -1; expected at least 1"),
        ({"max_pixels": 100, "min_pixels": 200}, "model.min_pixels: 200 above max_pixels 100"),
    ],
)
def test_limits_that_no_picture_meets_are_refused(limits, words):
    with pytest.raises(ConfigError, match=words):
        ModelSettings("tiny", **limits)
    with pytest.raises(ConfigError, match=words.replace("model.", "generation.")):
        GenerationSettings(**limits)


@pytest.mark.parametrize("size", [(1000, 10), (10, 1000), (5000, 1), (77, 31), (3, 3)])
def test_pictures_keep_their_proportions(size):
    small = fit_pixels(Image.new("RGB", size), 900).size
    assert small[0] * small[1] <= 900
    if min(small) > 2:
        assert small[0] / small[1] == pytest.approx(size[0] / size[1], rel=0.3)
    large = fit_pixels(Image.new("RGB", size), None, 20_000).size
    assert large[0] * large[1] >= min(20_000, large[0] * large[1])
    assert fit_pixels(Image.new("RGB", (30, 30)), 900, 900).size == (30, 30)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("limits")
    model, processor = build_family("qwen2_5_vl")
    model.save_pretrained(root / "tiny")
    processor.save_pretrained(root / "tiny")
    save_images(root, 1, size_px=(64, 48))
    return root


def test_limits_are_remembered_beside_a_model_and_replaced_by_what_is_stated(folder, tmp_path):
    trained = merge_adapter(ModelSettings(str(folder / "tiny"), max_pixels=1024), tmp_path / "trained")
    assert json.loads((trained / "errata.json").read_text(encoding="utf-8"))["max_pixels"] == 1024
    image = Image.open(folder / "image0.png")
    again, other = load_model(ModelSettings(str(trained))), load_model(ModelSettings(str(trained), max_pixels=512))
    assert (again.adapter.settings.max_pixels, other.adapter.settings.max_pixels) == (1024, 512)
    assert again.adapter.encode_image(image).n_tokens == 12
    assert other.adapter.encode_image(image).n_tokens == 6


@pytest.mark.parametrize("value", ["[1]", '"many"', "0", "true", "1.5"])
def test_a_limit_that_is_no_number_is_refused(folder, tmp_path, value):
    trained = merge_adapter(ModelSettings(str(folder / "tiny")), tmp_path / "trained")
    (trained / "errata.json").write_text(f'{{"max_pixels": {value}}}', encoding="utf-8")
    with pytest.raises(ModelError, match="whole numbers for max_pixels, min_pixels, max_tiles"):
        load_model(ModelSettings(str(trained)))


def test_answers_belong_to_their_limits(folder, tmp_path):
    """The run that a file of answers is of, and the reference that a cache is of, state them."""
    questions = [Question("q", ("image0.png",), (Turn("user", "What?"),))]
    settings = GenerationSettings(max_tokens=3)
    whole = load_model(ModelSettings(str(folder / "tiny")))
    small = load_model(ModelSettings(str(folder / "tiny"), max_pixels=512))
    assert describe_run(whole, questions, settings) != describe_run(small, questions, settings)
    assert "max_pixels" not in whole.adapter.describe()  # so that caches made before are still known
    generate(whole, questions, settings, image_root=folder, out=tmp_path / "answers.jsonl")
    with pytest.raises(ConfigError, match="answers of another run: encoding"):
        generate(small, questions, settings, image_root=folder, out=tmp_path / "answers.jsonl")


def test_generation_wants_the_limits_that_the_model_was_loaded_with(folder):
    loaded = load_model(ModelSettings(str(folder / "tiny"), max_pixels=512))
    with pytest.raises(ConfigError, match=r"generation.max_pixels: 99; expected 512"):
        generate(loaded, [], GenerationSettings(max_pixels=99), image_root=folder)
