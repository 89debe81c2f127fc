"""What a processor had, a saved model has: other tools read from it what they read from the model it was made of."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
import transformers
from peft import PeftModel
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.models.smolvlm import processing_smolvlm

from errata.data import LoadedRecords
from errata.models import ModelSettings, load_model, merge_adapter
from errata.models.templates import VICUNA, build_messages
from errata.records import Record, Response, Turn
from errata.training import LoraSettings, PreferenceConfig, PreferenceTrainer
from errata.trees import TreeSample, build_row, enable_tree_attention, separate_logps
from tiny_families import BESIDE, BUILDERS, save_family
from tiny_models import save_images, save_tiny_model

WITHOUT_VIDEOS = {
    "internvl": "InternVLProcessor",
    "llava_onevision": "LlavaOnevisionProcessor",
    "qwen2_5_vl": "Qwen2_5_VLProcessor",
    "qwen2_vl": "Qwen2VLProcessor",
    "qwen3_vl": "Qwen3VLProcessor",
    "smolvlm": "SmolVLMProcessor",
}
"""Processors whose part for videos needs torchvision; they are loaded as they are, without that part."""
QUESTION = (Turn("user", "What is on the table?"),)


def load_plainly(folder, family, monkeypatch):
    """The processor as a tool loads it that knows nothing of ours."""
    if family not in WITHOUT_VIDEOS:
        return AutoProcessor.from_pretrained(folder)
    monkeypatch.setattr(processing_smolvlm, "num2words", str)
    own = getattr(transformers, WITHOUT_VIDEOS[family])

    class WithoutVideos(own):
        video_processor = SimpleNamespace(num_frames=1, fps=1, size=None)

        @classmethod
        def _get_arguments_from_pretrained(cls, *args, **options):
            return [*super()._get_arguments_from_pretrained(*args, **options), None]

        @classmethod
        def get_attributes(cls):
            return ["image_processor", "tokenizer"]

    return WithoutVideos.from_pretrained(folder)


def ask_plainly(processor, family, image):
    """What the processor gives its model for a question about an image."""
    text = "<image>What is on the table?"
    if not family.startswith("paligemma"):
        text = processor.apply_chat_template(build_messages(QUESTION, 1), add_generation_prompt=True)
    return processor(text=[text], images=[[image]], return_tensors="pt", add_special_tokens=family.startswith("pali"))


@pytest.fixture(params=["llava", *BUILDERS])
def family(request):
    return request.param


@pytest.fixture
def folder(family, tmp_path):
    return (
        save_tiny_model(tmp_path / "tiny", chat_template=VICUNA)
        if family == "llava"
        else save_family(family, tmp_path / "tiny")
    )


def run(folder, tmp_path, peft_config=None, **settings):
    """One step of training, saved to `saved`, with a checkpoint in `run`."""
    save_images(tmp_path, 1)
    responses = tuple(Response((Turn("assistant", text),), n) for n, text in enumerate(("A cup.", "A dog.")))
    records = LoadedRecords([Record("r", ("image0.png",), QUESTION, responses, "test")], tmp_path)
    args = PreferenceConfig(
        output_dir=str(tmp_path / "run"),
        records_per_step=1,
        max_steps=1,
        save_steps=1,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        **settings,
    )
    trainer = PreferenceTrainer(str(folder), args=args, train_dataset=records, peft_config=peft_config)
    trainer.train()
    trainer.save_model(str(tmp_path / "saved"))


def compare(family, processor, model, loaded):
    """Tokens, pixels and log-probs of a plain model and its processor with those of ours."""
    image = Image.effect_noise((60, 24), 80).convert("RGB")
    prompt = loaded.adapter.encode_prompt(QUESTION, [image])
    response = loaded.adapter.encode_response(prompt, [Turn("assistant", "A red cup.")])
    own = dict(ask_plainly(processor, family, image))
    assert own["input_ids"][0].tolist() == prompt.input_ids
    pixels = own["pixel_values"].reshape(prompt.images[0].pixels.shape)
    assert torch.equal(pixels, prompt.images[0].pixels)

    own.pop("labels", None)
    end = torch.tensor([response.input_ids])
    for name in ("attention_mask", "token_type_ids", "mm_token_type_ids"):
        if name in own:
            value = int(name == "attention_mask" or (name == "token_type_ids" and family.startswith("pali")))
            own[name] = torch.cat([own[name], torch.full_like(end, value)], dim=1)
    own["input_ids"] = torch.cat([own["input_ids"], end], dim=1)
    with torch.no_grad():
        logits = model.eval()(**own).logits[0, len(prompt.input_ids) - 1 : -1].log_softmax(-1)
        enable_tree_attention(loaded.model, loaded.adapter)
        found = separate_logps(loaded.adapter, loaded.model, build_row([TreeSample("one", prompt, (response,), (0,))]))
    assert (found - logits.gather(1, end.T)[:, 0]).abs().max() <= 1e-4


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # between PIL and NumPy
def test_other_tools_read_a_saved_model_as_ours_does(family, folder, tmp_path, monkeypatch):
    merge_adapter(ModelSettings(str(folder)), tmp_path / "saved")
    processor = load_plainly(tmp_path / "saved", family, monkeypatch)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "saved")
    compare(family, processor, model, load_model(ModelSettings(str(tmp_path / "saved"))))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # between PIL and NumPy
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # by PEFT
@pytest.mark.parametrize("lora", [None, LoraSettings(r=4)], ids=["full", "lora"])
def test_other_tools_read_what_training_writes_as_ours_does(family, folder, lora, tmp_path, monkeypatch):
    """The model or adapter at the end, and of every checkpoint."""
    run(folder, tmp_path, peft_config=lora and lora.build(), learning_rate=0.1)
    for made in ("saved", "run/checkpoint-1"):
        place = tmp_path / made
        processor = load_plainly(place, family, monkeypatch)
        model = AutoModelForImageTextToText.from_pretrained(folder if lora else place)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        if lora:
            model = PeftModel.from_pretrained(model, place)
        compare(family, processor, model, load_model(ModelSettings(str(place))))
        start = AutoModelForImageTextToText.from_pretrained(folder).state_dict()
        learnt = [name for name, value in before.items() if not torch.equal(value, start[name])]
        assert bool(learnt) == (lora is None)


def test_training_keeps_every_file_of_the_folder(family, folder, tmp_path):
    """In the model, in a checkpoint, and in a model made of what was saved."""
    (folder / "tokenizer.model").write_bytes(b"what others convert")
    run(folder, tmp_path)
    merge_adapter(ModelSettings(str(tmp_path / "saved")), tmp_path / "again")
    wanted = {path.name for path in folder.iterdir()}
    for made in ("run/checkpoint-1", "saved", "again"):
        assert wanted <= {path.name for path in (tmp_path / made).iterdir()}, made
        for name, stated in BESIDE.get(family, {}).items():
            assert json.loads((tmp_path / made / name).read_text(encoding="utf-8")) == stated
    ends = [
        json.loads((tmp_path / name / "generation_config.json").read_text())["eos_token_id"]
        for name in ("tiny", "again")
    ]
    assert ends[0] == ends[1]


def test_the_class_of_a_processor_is_named_where_there_is_no_config(tmp_path):
    """As in an adapter's folder, where releases of Qwen2-VL name it beside the settings of images alone."""
    folder, name = save_family("qwen2_vl", tmp_path / "tiny"), "preprocessor_config.json"
    stated = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(stated | {"processor_class": "Qwen2VLProcessor"}))
    run(folder, tmp_path, peft_config=LoraSettings(r=4).build())
    assert (tmp_path / "saved" / name).read_text() == (folder / name).read_text()
    merge_adapter(ModelSettings(str(folder), max_pixels=1024), tmp_path / "smaller")
    saved = json.loads((tmp_path / "smaller" / name).read_text())
    assert saved["processor_class"] == "Qwen2VLProcessor"
    assert saved["size"]["longest_edge"] == 1024 != stated["size"]["longest_edge"]
