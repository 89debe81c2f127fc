"""The page that the Hub shows of a data set: what is in it, under which terms, and what was lost on the way.

A folder to the Hugging Face Hub.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from errata.data.formats import Format
from errata.errors import StorageError, count_noun
from errata.records import BAD_FILE, Record

CARD_FILE = "README.md"

LICENSES = {
    "cc by 4.0": "cc-by-4.0",
    "cc by-sa 4.0": "cc-by-sa-4.0",
    "cc by-nc 4.0": "cc-by-nc-4.0",
    "cc by-nc-sa 4.0": "cc-by-nc-sa-4.0",
    "cc0": "cc0-1.0",
    "cc0 1.0": "cc0-1.0",
    "mit": "mit",
    "apache-2.0": "apache-2.0",
}
"""Names of licences as people write them, and the Hub's; a mix of several is `other` there."""

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


@dataclass
class Tally:
    """What records are counted by on their way out."""

    records: int = 0
    images: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    responses: Counter[int] = field(default_factory=Counter)

    def count(self, records: Iterable[Record]) -> Iterator[Record]:
        """The same records, counted."""
        for record in records:
            self.records += 1
            self.images += len(record.images)
            self.licenses[record.license or "not stated"] += 1
            self.sources[record.source or "not stated"] += 1
            self.responses[len(record.responses)] += 1
            yield record


def render_card(title: str, form: Format, tally: Tally, rows: int, dropped: Mapping[str, int], files: str) -> str:
    """The card as text: a YAML header that the Hub reads, and tables that people read.

    Args:
        title: The data set's name.
        form: The format; its columns go into the header, from which `datasets` takes their types.
        tally: The records that were written.
        rows: How many rows they became.
        dropped: What the format had no place for.
        files: The pattern of the files of its one split.
    """
    header: dict[str, Any] = {
        "license": _name_license(tally.licenses),
        "task_categories": ["image-text-to-text"],
        "size_categories": [_name_size(rows)],
        "tags": ["preference", "vision-language", "hallucination"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": files}]}],
    }
    if form.columns:
        features = json.loads(json.dumps(form.columns))  # types that are one object here would be YAML's aliases there
        header["dataset_info"] = {"features": features}
    lines = ["---", _dump(header), "---", "", f"# {title}", ""]
    lines += [f"Preference records of images, a prompt and ranked answers, as {form.title}, written by Errata.", ""]
    lines += [form.usage, ""] if form.usage else []
    facts = {"rows": rows, "records": tally.records, "images, counted once a record": tally.images}
    facts |= {f"records with {count_noun(n, 'answer')}": count for n, count in sorted(tally.responses.items())}
    for name, counts in (("", facts), ("licence", tally.licenses), ("source", tally.sources)):
        lines += _render_table(name, counts)
    if dropped:
        lines += ["The format has no place for these, which were left out:", ""]
        lines += _render_table("left out", dropped)
    return "\n".join(lines)


def _render_table(name: str, counts: Mapping[str, int]) -> list[str]:
    rows = [f"| {_escape(key)} | {count:,} |" for key, count in counts.items()]
    return [f"| {name} | number |", "|---|---:|", *rows, ""]


def _escape(text: str) -> str:
    """A name that strangers wrote, harmless in a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")[:200]


def _name_license(licenses: Mapping[str, int]) -> str:
    if len(licenses) != 1:
        return "other" if licenses else "unknown"
    (name,) = licenses
    return "unknown" if name == "not stated" else LICENSES.get(name.lower(), "other")


def _name_size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>10M")


def _dump(header: dict[str, Any]) -> str:
    return yaml.safe_dump(header, sort_keys=False, allow_unicode=True).rstrip()


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
