"""A folder to the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from errata.errors import StorageError
from errata.records import BAD_FILE


def push_folder(folder: str | Path, name: str) -> str:
    """Upload an exported folder as a data set and return its address.

    Args:
        folder: What `export_records` wrote.
        name: `owner/name`; made where it does not exist yet, private until its owner says otherwise. Rows of an earlier
            upload that this folder does not hold are removed: the card names all of `data/train-*.parquet`.

    Raises:
        StorageError: Offline, not logged in, or refused.
    """
    api = build_api()
    try:
        address = str(api.create_repo(name, repo_type="dataset", private=True, exist_ok=True))
        api.upload_folder(
            repo_id=name,
            repo_type="dataset",
            folder_path=str(folder),
            ignore_patterns=["*.tmp", BAD_FILE],  # what a killed export left, and what was set aside
            delete_patterns=["data/train-*.parquet"],
        )
    except Exception as error:  # offline, no token, no right, a broken connection: each has an exception of its own
        found = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        fix = f"go online and run `hf auth login`, then give the command again; {folder} is whole and can be uploaded"
        raise StorageError(f"Hub: {name}", expected="a data set that can be written", found=found, fix=fix) from None
    return address


def build_api() -> Any:
    """The Hub's client."""
    from huggingface_hub import HfApi  # takes a second, and most exports do without

    return HfApi()
