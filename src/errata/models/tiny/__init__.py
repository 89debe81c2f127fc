"""Tiny LLaVAs of the real architecture, for the synthetic world and for tests.

In: a list of words and a size. Out: a processor and a model with random weights that run in milliseconds on a CPU. The
shipped bases that are made of them lie in `world`, what trains them in `pipelines`.
"""

from errata.models.tiny.llava import (
    CHAT_TEMPLATE,
    SIZES,
    TinySize,
    build_processor,
    build_tiny_llava,
    build_tokenizer,
    one_thread,
)

__all__ = [
    "CHAT_TEMPLATE",
    "SIZES",
    "TinySize",
    "build_processor",
    "build_tiny_llava",
    "build_tokenizer",
    "one_thread",
]
