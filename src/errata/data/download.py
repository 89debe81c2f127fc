"""Fetching a picture that a row names by a web address, where the caller allowed it."""

from __future__ import annotations

from http.client import HTTPException
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from errata.errors import DataError

MAX_BYTES = 64 << 20
"""A larger answer is refused; the largest picture that is read (80 million pixels) takes less as a JPEG."""

TIMEOUT_S = 30


def is_url(text: str) -> bool:
    """Whether a text is a web address."""
    return text[:8].lower().startswith(("http://", "https://"))


def download_image(address: str, where: str) -> bytes:
    """The bytes at a web address. Raises DataError that begins with `where` when they cannot be had."""
    try:
        with urlopen(Request(address, headers={"User-Agent": "errata"}), timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read(MAX_BYTES + 1)
    except (OSError, ValueError, HTTPException) as error:
        host = urlsplit(address).netloc if address.isascii() else address[:80]
        found = f"no answer from {host} ({error})"[:200]
        raise DataError(where, expected="an image at its address", found=found, fix="download it by hand") from None
    if len(data) > MAX_BYTES:
        found = "a larger one"
        raise DataError(where, expected=f"an image of at most {MAX_BYTES >> 20} MB", found=found, fix="make it smaller")
    return data
