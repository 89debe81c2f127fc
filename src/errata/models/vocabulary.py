"""Whether a tokenizer and a model belong together: every token that can occur needs a row of the embeddings."""

from __future__ import annotations

from typing import Any

from errata.errors import ModelError

_SHOWN = 3


def check_vocabulary(model: Any, processor: Any, name: str) -> None:
    """Compare the tokenizer with the model's embeddings and output layer; these may be larger (padding).

    Special tokens without a row are no fault while nothing writes them: texts that hold them are refused anyway.

    Raises:
        ModelError: A token that a text, the chat template or the end of a turn can bring has no row.
    """
    tokenizer = processor.tokenizer
    rows = _count_rows(model)
    if rows is None or not hasattr(tokenizer, "get_vocab"):
        return
    beyond = {token: number for token, number in tokenizer.get_vocab().items() if number >= rows}
    written = str(getattr(processor, "chat_template", None) or tokenizer.chat_template)
    ends = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    idle = {
        str(added)
        for number, added in tokenizer.added_tokens_decoder.items()
        if added.special and str(added) not in written and number not in ends
    }
    missing = sorted((number, token) for token, number in beyond.items() if token not in idle)
    if missing:
        shown = ", ".join(repr(token) for _, token in missing[:_SHOWN])
        raise ModelError(
            name,
            expected=f"a tokenizer whose tokens all have embeddings; the model has {rows}",
            found=f"a vocabulary that ends at {missing[-1][0]}: {len(missing)} tokens without, such as {shown}",
            fix="call model.resize_token_embeddings(len(tokenizer)) and save the model, or use its own tokenizer",
        )


def _count_rows(model: Any) -> int | None:
    """Of the smaller of input embeddings and output layer; None of a model that does not tell."""
    counts = []
    for find in ("get_input_embeddings", "get_output_embeddings"):
        layer = getattr(model, find)() if hasattr(model, find) else None
        weight = getattr(layer, "weight", None)
        counts += [] if weight is None or weight.ndim != 2 else [int(weight.shape[0])]
    return min(counts, default=None)
