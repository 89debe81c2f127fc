"""What LLaMA-Factory 0.9.5 does with a ranking file, for tests where LLaMA-Factory itself is not installed.

It finds the file by its entry in `dataset_info.json`, loads it with `datasets`, checks roles and their order (a row
that breaks it is skipped), and raises for a row whose `<image>`, `<video>` or `<audio>` in all of its texts are not as
many as its files. `read_with_llama_factory` is the real one.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets

MEDIA = {"<image>": "images", "<video>": "videos", "<audio>": "audios"}


def read_like_llama_factory(folder: Path, name: str, cache: Path) -> list[dict[str, Any]]:
    """Rows as `_prompt`, `_response`, `_system` and `_images`. Raises ValueError for marks that do not match."""
    entry = json.loads((folder / "dataset_info.json").read_text())[name]
    path = str(folder / entry["file_name"])
    table = datasets.load_dataset("json", data_files=path, split="train", cache_dir=str(cache))
    rows = [_convert(row, entry, folder) for row in table]
    for row in rows:
        check_marks(row)
    return rows


def read_with_llama_factory(folder: Path, name: str) -> list[dict[str, Any]]:
    """The same by LLaMA-Factory's own converter and its own check of marks."""
    from llamafactory.data.loader import _load_single_dataset
    from llamafactory.data.mm_plugin import MMPluginMixin
    from llamafactory.data.parser import get_dataset_list
    from llamafactory.hparams import DataArguments, ModelArguments

    data = DataArguments(dataset_dir=str(folder), media_dir=str(folder), dataset=name, overwrite_cache=True)
    (attr,) = get_dataset_list([name], str(folder))
    training = SimpleNamespace(local_process_index=0, should_log=False)
    model = ModelArguments(model_name_or_path="none", cache_dir=str(folder / ".cache"))
    table = _load_single_dataset(attr, model, data, training)
    rows = [{key: value for key, value in row.items() if key.startswith("_")} for row in table]
    check = MMPluginMixin("<image>", None, None)
    for row in rows:
        check._validate_messages(row["_prompt"] + row["_response"][:1], row["_images"] or [], [], [])
        check._validate_messages(row["_prompt"] + row["_response"][1:], row["_images"] or [], [], [])
    return [{key: row[key] for key in ("_prompt", "_response", "_system", "_images")} for row in rows]


def check_marks(row: dict[str, Any]) -> None:
    """Raise ValueError where the marks in the question and one answer are not as many as the row's files."""
    for answer in row["_response"]:
        texts = [turn["content"] for turn in (*row["_prompt"], answer)]
        for mark, name in MEDIA.items():
            if sum(text.count(mark) for text in texts) != len(row.get(f"_{name}") or ()):
                raise ValueError(f"The number of {name} does not match the number of {mark} tokens in {texts}.")


def _convert(row: dict[str, Any], entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    columns, tags = entry["columns"], entry["tags"]
    roles = {tags["user_tag"]: "user", tags["assistant_tag"]: "assistant", tags["system_tag"]: "system"}
    turns = [_name_turn(turn, tags, roles) for turn in row[columns["messages"]]]
    system = turns.pop(0)["content"] if turns and turns[0]["role"] == "system" else ""
    in_order = all(turn["role"] == ("user", "assistant")[place % 2] for place, turn in enumerate(turns))
    if not in_order or len(turns) % 2 == 0:
        return {"_prompt": [], "_response": [], "_system": system, "_images": None}
    answers = [_name_turn(row[columns[name]], tags, roles) for name in ("chosen", "rejected")]
    images = [str(folder / image) for image in row[columns["images"]]] or None
    return {"_prompt": turns, "_response": answers, "_system": system, "_images": images}


def _name_turn(turn: dict[str, str], tags: dict[str, str], roles: dict[str, str]) -> dict[str, str]:
    return {"role": roles[turn[tags["role_tag"]]], "content": turn[tags["content_tag"]]}
