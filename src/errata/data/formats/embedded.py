"""What Hub tables with pictures have in common: the columns' types, and the note that lets `datasets` show them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""How `datasets` stores a picture."""


def build_schema(columns: list[tuple[str, pa.DataType]]) -> pa.Schema:
    """A schema of these columns in order, with the features that `datasets` reads from a file."""
    features = {name: _describe(kind) for name, kind in columns}
    return pa.schema(columns, {"huggingface": json.dumps({"info": {"features": features}})})


def _describe(kind: pa.DataType) -> Any:
    if kind.equals(IMAGE):
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _describe(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _describe(kind.field(i).type) for i in range(kind.num_fields)}
    return {"dtype": str(kind), "_type": "Value"}
