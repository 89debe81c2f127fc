"""A request as the JSON body of the chat protocol: turns as messages, image files as data URLs."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path
from typing import Any

from errata.errors import StorageError
from errata.generation.chat import ChatRequest
from errata.images import encode_png, fit_pixels, show_file
from errata.records import IMAGE_PLACEHOLDER, Turn

SENT_AS_THEY_ARE = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
"""How files begin that every server opens; others are sent as PNG."""
IMAGES_KEPT = 32


def encode_request(model: str, request: ChatRequest) -> dict[str, Any]:
    """The body of a request. Raises DataError or StorageError on an image that does not open."""
    body: dict[str, Any] = {"model": model, "messages": _encode_turns(request)}
    for name in ("max_tokens", "temperature", "top_p", "seed"):
        if getattr(request, name) is not None:
            body[name] = getattr(request, name)
    return body | dict(request.extra)


def _encode_turns(request: ChatRequest) -> list[dict[str, Any]]:
    images = [_encode_image(path, request.max_pixels, request.min_pixels) for path in request.images]
    marked = any(IMAGE_PLACEHOLDER in turn.text for turn in request.turns if turn.role == "user")
    messages: list[dict[str, Any]] = []
    for turn in request.turns:
        if turn.role != "user" or not images:
            messages.append({"role": turn.role, "content": turn.text})
        elif marked:
            messages.append({"role": turn.role, "content": _mix(turn, images)})
        else:
            messages.append({"role": turn.role, "content": [*images, _text(turn.text)]})
            images = []
    return messages


def _mix(turn: Turn, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Texts and images in their order; takes the images that it places from the list."""
    first, *rest = turn.text.split(IMAGE_PLACEHOLDER)
    parts = [_text(first)]
    for text in rest:
        parts += [images.pop(0) if images else _text(IMAGE_PLACEHOLDER), _text(text)]
    return [part for part in parts if part.get("text", "image").strip()]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _encode_image(path: Path, max_pixels: int | None, min_pixels: int | None) -> dict[str, Any]:
    try:
        state = path.stat()
    except OSError as error:
        raise StorageError(
            str(path), expected="an image file", found=error.strerror or "nothing there", fix="check the image folder"
        ) from None
    url = _read_image(path, max_pixels, min_pixels, state.st_mtime_ns, state.st_size)
    return {"type": "image_url", "image_url": {"url": url}}


@lru_cache(maxsize=IMAGES_KEPT)
def _read_image(path: Path, max_pixels: int | None, min_pixels: int | None, *_changed: int) -> str:
    """A picture as a data URL. It is opened even if its bytes are sent: a server's complaint would name no file, and a
    server may read other pixels from it than people saw."""
    shown = show_file(path)
    data = path.read_bytes()
    kind = next((kind for start, kind in SENT_AS_THEY_ARE.items() if data.startswith(start)), None)
    image = fit_pixels(shown.image, max_pixels, min_pixels)
    if kind is None or shown.traits or image is not shown.image:
        data, kind = encode_png(image), "image/png"
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
