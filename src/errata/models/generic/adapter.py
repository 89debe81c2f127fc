"""Models that nobody wrote an adapter for: what their own processor and forward pass tell, and nothing is taken on
trust (`errata.trees.check_adapter` compares it with the model's own forward pass before it is used).

What a processor that nobody described makes of an image: tokens that stand for it, and tensors of any names.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, cast

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

from errata.errors import DataError, ModelError
from errata.images import fit_pixels
from errata.models.encoded import EncodedImage, EncodedPrompt
from errata.models.families import FamilyAdapter
from errata.models.placement import first_line
from errata.models.protocol import ModelSettings, RowInputs
from errata.models.templates import Template
from errata.records import Turn


@dataclass(frozen=True, slots=True, eq=False)
class ProcessedImage(EncodedImage):
    """An image as its model's own processor gives it.

    Args:
        pixel_name: The model's argument that `pixels` are.
        extras: The other tensors of the image by argument.
        placeholder: The tokens that stand for the image.

    `size` is a digest of extras and placeholder: two images of one size read alike but for their pixels.
    """

    pixel_name: str = "pixel_values"
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    placeholder: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Memory of all tensors in bytes."""
        return self.pixels.nbytes + sum(value.nbytes for value in self.extras.values())

    def to(self, device: torch.device | str) -> ProcessedImage:
        """The image with its tensors on a device."""
        extras = {name: value.to(device) for name, value in self.extras.items()}
        return replace(self, pixels=self.pixels.to(device), extras=extras)


def build_image(tensors: Mapping[str, Tensor], placeholder: tuple[int, ...]) -> ProcessedImage:
    """From the processor's tensors of one image; the largest one of floats is the pixels.

    Raises:
        ValueError: There is none.
    """
    floats = [name for name, value in tensors.items() if value.is_floating_point()]
    if not floats:
        raise ValueError("no tensor of pixels")
    name = max(floats, key=lambda key: tensors[key].numel())
    extras = {key: value for key, value in tensors.items() if key != name}
    size = (_digest(extras, placeholder),)
    return ProcessedImage(
        tensors[name], len(placeholder), size, pixel_name=name, extras=extras, placeholder=placeholder
    )


def join_images(images: Sequence[EncodedImage]) -> dict[str, Tensor]:
    """The tensors of several images as one argument each: in their first dimension one after another, padded with zeros
    at the end of all others."""
    gathered: dict[str, list[Tensor]] = {}
    for image in images:
        if isinstance(image, ProcessedImage):
            for name, value in ((image.pixel_name, image.pixels), *image.extras.items()):
                gathered.setdefault(name, []).append(value)
    return {name: _join(values) for name, values in gathered.items()}


def _join(values: list[Tensor]) -> Tensor:
    sizes = [max(lengths) for lengths in zip(*(value.shape[1:] for value in values), strict=True)]
    return torch.cat([_fill(value, sizes) for value in values])


def _fill(value: Tensor, sizes: Sequence[int]) -> Tensor:
    missing = [size - length for size, length in zip(sizes, value.shape[1:], strict=True)]
    return pad(value, [side for count in reversed(missing) for side in (0, count)]) if any(missing) else value


def _digest(extras: Mapping[str, Tensor], placeholder: tuple[int, ...]) -> int:
    digest = hashlib.sha256(repr(placeholder).encode())
    for name, value in sorted(extras.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return int.from_bytes(digest.digest()[:7], "big")


_NO_INPUTS = ("input_ids", "attention_mask", "labels")
_FIX = "use a model of a family with an adapter of its own"


class GenericAdapter(FamilyAdapter):
    """Encode and run any decoder of `AutoModelForImageTextToText` whose processor writes an image's tokens itself.

    An image becomes the tokens and tensors that the processor gives for it alone. The model gets pixels, not features:
    an image that several prompts of a row show goes through the tower once for each.

    `is_checked` and `one_image_because` are set by the comparison with the model; `token_types` are the tensors beside
    `input_ids` that the processor gives, by name and token, known from its first image on.
    """

    architecture = "AutoModelForImageTextToText"
    limits: ClassVar[tuple[str, ...]] = ("max_pixels", "min_pixels")

    def __init__(self, processor: Any, config: Any, settings: ModelSettings, stops: Sequence[int] = ()) -> None:
        if not callable(processor):
            raise ModelError(
                settings.name,
                expected="the model's whole processor, called with images and text",
                found=type(processor).__name__,
                fix=_FIX,
            )
        self.token_types: dict[str, dict[int, int]] = {}
        self.is_checked = False
        self.one_image_because: str | None = None
        """Why prompts with several images are refused; None where they are right."""
        super().__init__(processor, config, settings, stops)

    @classmethod
    def find_class(cls, config: Any) -> Any:
        """The model class of a configuration; None if it is no decoder that takes images and writes text."""
        if getattr(config, "is_encoder_decoder", False):
            return None
        try:
            return MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING[type(config)]
        except KeyError:
            return None

    def _find_image_token(self) -> int:
        """The one token that the template writes for an image."""
        rendered = self._render_image(self._build_template())
        stated = [getattr(self._processor, name, None) for name in ("image_token", "boi_token")]
        numbers = [getattr(self._config, name, None) for name in ("image_token_id", "image_token_index")]
        stated += [self._tokenizer.convert_ids_to_tokens(number) for number in numbers if isinstance(number, int)]
        for token in dict.fromkeys(str(each) for each in stated if each is not None):
            token_id = self._tokenizer.convert_tokens_to_ids(token)
            if rendered.count(token) == 1 and token_id in self._tokenizer.added_tokens_decoder:
                return int(token_id)
        raise ModelError(
            self.settings.name,
            expected="a chat template that writes one token of the processor's for an image",
            found=repr(rendered[:80]),
            fix="set model.template to one that does",
        )

    def _find_marker(self) -> str:
        return cast(str, self._tokenizer.convert_ids_to_tokens(self._image_token_id))

    def _render_image(self, template: Template) -> str:
        return template.render((Turn("user", "?"),), 1, open_assistant=True)

    def process(self, text: str, images: Sequence[Image.Image]) -> dict[str, Tensor]:
        """What the model's own processor gives for a rendered text and its images.

        Raises:
            ModelError: It fails.
        """
        try:
            return self._process(text, [self._limit(image) for image in images])
        except Exception as error:  # processors raise many types
            raise self._refuse("a processor that takes a text and its images", first_line(error)) from None

    def _process(self, text: str, images: Sequence[Image.Image]) -> dict[str, Tensor]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # between libraries; nothing a caller can act on
            given = self._processor(
                text=[text], images=list(images) or None, return_tensors="pt", add_special_tokens=False
            )
        return {name: value for name, value in given.items() if isinstance(value, Tensor)}

    def _limit(self, image: Image.Image) -> Image.Image:
        return fit_pixels(image, self.settings.max_pixels, self.settings.min_pixels)

    def _refuse(self, expected: str, found: str) -> ModelError:
        return ModelError(self.settings.name, expected=expected, found=found, fix=_FIX)

    def _read_image(self, image: Image.Image) -> ProcessedImage:
        """The tokens and tensors of one image.

        Raises:
            ModelError: The processor gives no pixels, or tokens that could grow together with words beside them.
        """
        marker = self._tokenizer.convert_ids_to_tokens(self._image_token_id)
        given = self._process(marker, [image])
        ids = given["input_ids"]
        placeholder = tuple(ids[0].tolist())
        known = self._tokenizer.added_tokens_decoder
        if not placeholder or placeholder[0] not in known or placeholder[-1] not in known:
            first, *_, last = self._tokenizer.convert_ids_to_tokens([0, *placeholder, 0])[1:-1] or ["nothing"] * 2
            found = f"tokens from {first!r} to {last!r}, which words beside them could change"
            raise self._refuse("an image that begins and ends with tokens of its own", found)
        self._learn_token_types(given, placeholder)
        tensors = {name: given[name] for name in given if name not in _NO_INPUTS and name not in self.token_types}
        try:
            return build_image(tensors, placeholder)
        except ValueError as error:
            raise self._refuse("pixels from the processor", str(error)) from None

    def _learn_token_types(self, given: dict[str, Tensor], placeholder: tuple[int, ...]) -> None:
        """Remember which value each token has in tensors beside `input_ids`; words are taken to have 0."""
        for name, value in given.items():
            if name in _NO_INPUTS or value.shape != given["input_ids"].shape or value.is_floating_point():
                continue
            known = self.token_types.setdefault(name, {})
            for token, kind in zip(placeholder, value[0].tolist(), strict=True):
                if known.setdefault(token, kind) != kind:
                    raise self._refuse(f"one value of {name} for each token", f"{kind} and {known[token]} for one")

    def image_features(self, model: nn.Module, images: Sequence[EncodedImage]) -> list[Tensor]:  # noqa: ARG002
        """Not known of a model without an adapter of its own. Raises ModelError."""
        raise self._refuse("a family whose image features are known", "the generic adapter")

    def encode_prompt(self, prompt: Sequence[Turn], images: Sequence[Image.Image | EncodedImage]) -> EncodedPrompt:
        """See `FamilyAdapter.encode_prompt`. Raises DataError for several images where those are not right."""
        if len(images) > 1 and self.one_image_because is not None:
            raise DataError(
                "the prompt",
                expected=f"one image: with two this model does not match its own pass ({self.one_image_because})",
                found=f"{len(images)} images",
                fix=f"set the row aside, or {_FIX}",
            )
        return super().encode_prompt(prompt, images)

    def _place_image(self, image: EncodedImage) -> list[int]:
        return list(cast(ProcessedImage, image).placeholder)

    def forward_hidden(self, model: nn.Module, row: RowInputs) -> Tensor:
        """Last hidden states `[1, S, H]`. An ordinary sequence is run as the processor's inputs would be, with the
        model's own positions."""
        inputs: dict[str, Any] = {"input_ids": row.input_ids, "use_cache": False}
        inputs |= self.mask_inputs(row.input_ids, 0)
        inputs |= self.pixel_inputs(model, [row.images[i] for i in row.image_index])
        if row.layout is not None:
            whole = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=row.input_ids.device)
            inputs |= {"position_ids": row.position_ids, "attention_mask": whole, "tree": row.layout}
        return self._run(model, inputs)

    def mask_inputs(self, input_ids: Tensor, prefix: int) -> dict[str, Tensor]:  # noqa: ARG002
        """The tensors beside `input_ids` that the processor gives, such as which tokens are images."""
        return {name: _look_up(input_ids, values) for name, values in self.token_types.items()}

    def pixel_inputs(self, model: nn.Module, images: Sequence[EncodedImage]) -> dict[str, Tensor]:
        """Arguments of the model's forward or generate that hold the images, one per image slot."""
        return self.as_model(model, join_images(images))

    def as_model(self, model: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors on the model's device, those of floats in its dtype."""
        like = next(self.find_model(model).parameters())
        return {n: v.to(like) if v.is_floating_point() else v.to(like.device) for n, v in inputs.items()}

    def output_head(self, model: nn.Module) -> nn.Linear:
        """The layer from hidden states to vocabulary. Raises ModelError if the model has none."""
        head = self.find_model(model).get_output_embeddings()
        if head is None:
            raise self._refuse("a model with an output layer", f"none in {type(model).__name__}")
        return cast(nn.Linear, head)

    def text_config(self, model: nn.Module) -> Any:
        """The language model's configuration."""
        return self.find_model(model).config.get_text_config(decoder=True)

    def find_model(self, model: nn.Module) -> Any:
        """The model inside PEFT and data-parallel wrappers. Raises ModelError if there is none."""
        wanted = self.find_class(self._config)
        for module in model.modules():
            if isinstance(module, PreTrainedModel) and type(module) is wanted:
                return module
        raise self._refuse(f"a {wanted.__name__}", f"none inside {type(model).__name__}")

    def describe(self) -> dict[str, Any]:
        """As every family's, with all settings of the model beside its language model's."""
        vision = getattr(self._config, "vision_config", None)
        return self._describe_encoding() | {
            "vision": {} if vision is None else _without_versions(vision.to_diff_dict()),
            "model": {
                name: value
                for name, value in _without_versions(self._config.to_diff_dict()).items()
                if not isinstance(value, dict)
            },
        }


def _look_up(input_ids: Tensor, values: dict[int, int]) -> Tensor:
    found = torch.zeros_like(input_ids)
    for token, value in values.items():
        if value:
            found = found.masked_fill(input_ids == token, value)
    return found


def _without_versions(described: dict[str, Any]) -> dict[str, Any]:
    hidden = ("dtype", "transformers_version", "architectures", "_name_or_path")
    return {name: value for name, value in described.items() if name not in hidden}
