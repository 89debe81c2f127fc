"""What a caller may hand to the trainer as model and data, brought into one form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from errata.data import LoadedRecords, Portion, records_from_trl
from errata.errors import ConfigError, DataError, ModelError
from errata.models import (
    Adapter,
    EncodedImage,
    LoadedModel,
    ModelSettings,
    PixelCache,
    build_adapter,
    check_vocabulary,
    find_adapter,
    find_stops,
    load_model,
    load_processor,
    read_processor_files,
)
from errata.objectives import Objective
from errata.records import BadRow, Record
from errata.training.batches import EncodedRecords
from errata.training.callbacks import Progress
from errata.training.encode.encoding import RecordEncoder, SetAside
from errata.training.settings import PreferenceConfig
from errata.training.trl_fields import TrlFields
from errata.training.weights import choose_dtype


def resolve_model(model: Any, processing_class: Any, args: TrlFields, *, adapters: bool = False) -> LoadedModel:
    """A loaded model from a LoadedModel, a transformers or PEFT model, a folder or a Hub name.

    A model that is named is loaded in the format of `choose_dtype`, for new `adapters` or for training itself.

    Raises:
        ModelError: A model without a processor, or anything else.
    """
    if isinstance(model, LoadedModel):
        return model
    if isinstance(model, (str, Path)):
        adapters = adapters or find_adapter(str(model)) is not None
        return load_model(choose_dtype(_build_settings(str(model), args), adapters=adapters), for_training=True)
    if not isinstance(model, nn.Module):
        raise ModelError("model", expected="a model or its name", found=type(model).__name__, fix="load it first")
    name = str(getattr(model.config, "_name_or_path", "") or type(model).__name__)
    files: dict[str, bytes] = {}
    if processing_class is None:
        processing_class, files = _load_processor(name, model.config)
    if not hasattr(processing_class, "tokenizer") or not hasattr(processing_class, "image_processor"):
        found, fix = type(processing_class).__name__, "pass AutoProcessor.from_pretrained(...) of the model"
        expected = "the model's whole processor, of tokenizer and image processor"
        raise ModelError("processing_class", expected=expected, found=found, fix=fix)
    adapter = build_adapter(processing_class, model.config, ModelSettings(name=name), find_stops(model))
    check_vocabulary(model, processing_class, name)
    return LoadedModel(model, processing_class, adapter, name, files)


def resolve_reference(reference: Any, model: nn.Module) -> nn.Module | None:
    """The model of `ref_model`; None where it is the trained one, which is its own reference as it is given.

    Raises:
        ModelError: No model, or another object around weights of the trained one: it would move along.
    """
    reference = reference.model if isinstance(reference, LoadedModel) else reference
    if reference is None or reference is model:
        return None
    if not isinstance(reference, nn.Module):
        found = type(reference).__name__
        raise ModelError("ref_model", expected="a model that is loaded", found=found, fix="load it, or leave it out")
    own = {id(weight) for weight in model.parameters()}
    if any(id(weight) in own for weight in reference.parameters()):
        raise ModelError(
            "ref_model",
            expected="a model of its own",
            found="one that shares weights with the trained model, and would change with it",
            fix="leave it out, if the model as it is now is meant; else load the reference a second time",
        )
    return reference


def _build_settings(name: str, args: TrlFields) -> ModelSettings:
    options = dict(args.model_init_kwargs or {})
    known = {field.name for field in fields(ModelSettings)} - {"name"}
    for option in options:
        if option not in known:
            raise ConfigError(
                f"model_init_kwargs: {option}",
                expected="one of " + ", ".join(sorted(known)),
                found=f"{option!r}",
                fix="load the model yourself and pass it",
            )
    if isinstance(options.get("dtype"), torch.dtype):
        options["dtype"] = str(options["dtype"]).removeprefix("torch.")
    return ModelSettings(name=name, **options)


def _load_processor(name: str, config: Any) -> tuple[Any, dict[str, bytes]]:
    settings = ModelSettings(name=name)
    try:
        return load_processor(settings, config), read_processor_files(settings)
    except ModelError as error:
        raise ModelError(
            "processing_class",
            expected="the model's processor",
            found=f"none for {name!r}",
            fix="pass processing_class",
        ) from error


def encode_dataset(
    dataset: Any, adapter: Adapter, objective: Objective, args: PreferenceConfig, progress: Progress
) -> tuple[EncodedRecords, list[SetAside]]:
    """Records as tokens, and those that were left out; see `resolve_records` and `RecordEncoder` for what it raises."""
    bad: list[BadRow] = []
    loaded = resolve_records(dataset, args, bad.append if args.skip_bad else None)
    pixels = PixelCache(adapter, loaded.image_root, max_mb=args.image_memory_mb)

    def load_corrupted(name: str, among: int, key: str) -> EncodedImage:
        return pixels.load_corrupted(name, among, args.image_contrast, f"{args.seed} {key}")

    encoder = RecordEncoder(
        adapter,
        pixels.load,
        objective,
        one_sided=args.one_sided,
        max_length=args.max_length,
        max_tokens_per_row=args.max_tokens_per_row,
        skip_bad=args.skip_bad,
        load_corrupted=load_corrupted,
    )
    with progress.count("encoding", len(loaded.records)) as advance:
        records, aside = encoder.encode_all(loaded.records, advance)
    left_out = [SetAside(row.where, row.reason) for row in bad]
    portions = tuple(_count_left(loaded, {record.sample.id for record in records}))
    return EncodedRecords(records, pixels.load, args.max_tokens_per_row, portions, load_corrupted), left_out + aside


def _count_left(loaded: LoadedRecords, left: Collection[str]) -> Iterator[Portion]:
    """The portions of a mixture without the records that were set aside."""
    start = 0
    for portion in loaded.portions:
        records = loaded.records[start : start + portion.count]
        yield replace(portion, count=sum(record.id in left for record in records))
        start += portion.count


def resolve_records(
    dataset: Any, args: PreferenceConfig, on_bad: Callable[[BadRow], None] | None = None
) -> LoadedRecords:
    """Records and their image root, from LoadedRecords, records, or TRL's vision preference rows.

    Images inside TRL's rows are written to `output_dir`/images, once per content. `on_bad` is called with every row of
    TRL's that cannot be used, which is then left out; without it the first one raises.

    Raises:
        DataError: Something else, rows that cannot be converted, or an id that occurs twice.
    """
    if isinstance(dataset, LoadedRecords):
        loaded = dataset
    elif _holds_records(dataset):
        loaded = LoadedRecords(list(dataset), args.image_root)  # type: ignore[arg-type]
    else:
        loaded = _convert_rows(dataset, Path(args.output_dir) / "images", args, on_bad)
    _require_unique_ids(loaded.records)
    return loaded


def _holds_records(dataset: Any) -> bool:
    return isinstance(dataset, Sequence) and len(dataset) > 0 and all(isinstance(item, Record) for item in dataset)


def _convert_rows(
    dataset: Any, folder: Path, args: PreferenceConfig, on_bad: Callable[[BadRow], None] | None
) -> LoadedRecords:
    if isinstance(dataset, str) or not hasattr(dataset, "__iter__") or not hasattr(dataset, "__len__"):
        raise DataError(
            "data set",
            expected="records, or rows with images, prompt, chosen and rejected",
            found=type(dataset).__name__,
            fix="read the file with errata.data.load_records",
        )
    # One process writes the image files, the others find them.
    with args.main_process_first(desc="images"):
        return LoadedRecords(records_from_trl(dataset, folder, on_bad=on_bad), folder)


def _require_unique_ids(records: Sequence[Record]) -> None:
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            raise DataError(f"record {record.id!r}", expected="ids that occur once", found="it twice", fix="rename one")
        seen.add(record.id)
