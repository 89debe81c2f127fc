"""Naming an OpenAI-compatible endpoint: a model, the servers that serve it, and where its key is found."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from errata.errors import ConfigError

OPENAI_URL = "https://api.openai.com/v1"
OWN_KEY = "ERRATA_API_KEY"
"""The environment variable whose key goes to any server that the user names."""
OPENAI_KEY = "OPENAI_API_KEY"
"""Its key goes to OpenAI and to `OPENAI_BASE_URL` alone: it is not shown to whichever server happens to be asked."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model behind one or several servers that speak OpenAI's chat protocol.

    Attributes:
        model: The name under which the servers know it.
        urls: Base addresses, each up to and including `/v1`, which may be left out; servers of one endpoint serve the
            same model. A deployment of Azure ends in `?api-version=…`.
        key_name: The environment variable that holds the key; empty where none is sent. The key itself is read when a
            request is made, so that nothing which prints or stores an endpoint can hold it.
    """

    model: str
    urls: tuple[str, ...]
    key_name: str = ""

    @property
    def name(self) -> str:
        """The way a user writes it, `openai:MODEL@URL,URL`."""
        return f"{PREFIX}{self.model}@{','.join(self.urls)}"


PREFIX = "openai:"
_ADDRESS = re.compile(r"@(.*[/:.]|localhost$)")
"""What no model's name at OpenAI ends in, and an address without its scheme does; `@20240806` is a revision."""

_VERSION = re.compile(r"api-version=[\w.-]{1,40}", re.ASCII)
"""The one query that an address may have: Azure's deployments are served under it."""


def is_endpoint(name: str) -> bool:
    """Whether a model's name means an endpoint, not a folder or a Hub name."""
    return name.startswith(PREFIX)


def parse_endpoint(name: str) -> Endpoint:
    """Read `openai:MODEL@URL`, `openai:MODEL@URL,URL` (several servers) or `openai:MODEL` (OpenAI itself).

    Raises:
        ConfigError: No model, an address that is not http(s), or one with a password or a query in it.
    """
    model, at, rest = name.removeprefix(PREFIX).partition("@http")
    if not is_endpoint(name) or not model.strip() or not model.isprintable():
        raise _malformed(_without_addresses(name), "an endpoint without a model")
    if not at and _ADDRESS.search(model):  # else it would go to OpenAI as a model's name, with the images
        raise _malformed(_without_addresses(name), "an address that does not begin with http:// or https://")
    default = os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
    urls = tuple(_check_url(url.strip()) for url in (f"http{rest}" if at else default).split(","))
    if len(set(urls)) < len(urls):
        raise _malformed(_without_addresses(name), "an address twice")
    return Endpoint(model.strip(), urls, _find_key_name(urls))


def name_model(name: str) -> str:
    """What a run's model is, wherever it is served: `openai:MODEL` of an endpoint, other names as they are."""
    return f"{PREFIX}{parse_endpoint(name).model}" if is_endpoint(name) else name


def read_key(endpoint: Endpoint) -> str:
    """The key to send; empty where the endpoint needs none.

    Raises:
        ConfigError: The variable that should hold it is empty, or holds what cannot stand in a header.
    """
    key = os.environ.get(endpoint.key_name, "").strip() if endpoint.key_name else ""
    if endpoint.key_name and not (key and key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(
            endpoint.name,
            expected=f"a key in the environment variable {endpoint.key_name}",
            found="none there" if not key else "something that cannot be a key",
            fix=f"set {endpoint.key_name}",
        )
    return key


def read_account(endpoint: Endpoint) -> dict[str, str]:
    """Headers that say which organisation and project of OpenAI's pays, as the environment has it; no other server
    is told."""
    if endpoint.key_name != OPENAI_KEY:
        return {}
    named = {"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"}
    values = {header: os.environ.get(variable, "").strip() for header, variable in named.items()}
    return {header: value for header, value in values.items() if value.isascii() and value.isprintable() and value}


def _find_key_name(urls: tuple[str, ...]) -> str:
    if all(_is_openai(url) for url in urls):
        return OPENAI_KEY
    return OWN_KEY if os.environ.get(OWN_KEY) else ""


def _is_openai(url: str) -> bool:
    if urlsplit(url)[:2] == urlsplit(OPENAI_URL)[:2]:
        return True
    base = os.environ.get("OPENAI_BASE_URL", "").rstrip("/")
    return url == base and bool(os.environ.get(OPENAI_KEY))


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isascii() and url.isprintable()
    except ValueError:
        good = False
    # An address is written into results and caches: what could be a secret in it is refused and not repeated.
    plain, _, query = url.partition("?")
    version = _VERSION.fullmatch(query)
    if not good or " " in url or "@" in url or "#" in url or ("?" in url and version is None):
        raise _malformed("the address of an endpoint", "an address that is none, or holds a password or a query")
    plain = plain.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    return f"{plain}?{query}" if version else plain


def _without_addresses(name: str) -> str:
    return repr(name.partition("@")[0][:80])


def _malformed(where: str, found: str) -> ConfigError:
    return ConfigError(
        where,
        expected=f"{PREFIX}MODEL@URL, or {PREFIX}MODEL@URL,URL for several servers",
        found=found,
        fix=f"write the address as the server prints it, with /v1 at its end; a key belongs into {OWN_KEY}; "
        "the only query that is taken is Azure's ?api-version=…",
    )
