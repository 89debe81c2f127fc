"""Foreign formats in and out, and what can be checked before a model is loaded.

In: files that others wrote (our JSON lines, RLHF-V's parquet, TRL's rows, image files). Out: `Record`s with their
images stored beside them, foreign files again, and findings with the place they were found. What a record is does not
belong here (`records`), nor does anything that needs torch or a model.
"""

from errata.data.images import decode_image, open_image, resolve_image, store_image

__all__ = ["decode_image", "open_image", "resolve_image", "store_image"]
