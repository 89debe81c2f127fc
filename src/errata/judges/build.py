"""A judge from the name that a user gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from errata.errors import ConfigError
from errata.judges.backend import Backend, Parameters
from errata.judges.cache import VerdictCache
from errata.judges.judge import Judge
from errata.judges.offline import OfflineJudge
from errata.judges.prices import load_prices
from errata.judges.scripted import RecordedJudge

if TYPE_CHECKING:
    from errata.endpoints import EndpointSettings

KINDS = {
    "openai": "openai:MODEL@URL, a server that speaks OpenAI's protocol",
    "local": "local:MODEL, a model folder or a Hub name",
    "scripted": "scripted:FILE, recorded replies",
}


def build_judge(
    name: str,
    cache: str | Path,
    *,
    parameters: Parameters | None = None,
    samples: int = 1,
    attempts: int = 3,
    max_tokens: int | None = None,
    prices: str | Path | None = None,
    endpoint: EndpointSettings | None = None,
    offline: bool = False,
) -> Judge:
    """A judge by name: `openai:MODEL@URL`, `local:MODEL` or `scripted:FILE`.

    Args:
        name: As above.
        cache: The SQLite file of all verdicts.
        parameters, samples, attempts, max_tokens: As `Judge` takes them.
        prices: A table of your own beside the one of the package.
        endpoint: Concurrency and deadlines of an `openai` judge.
        offline: Take verdicts from the cache alone.

    Raises:
        ConfigError: A name of another form, or a table of prices that is none.
        DataError: A file of recorded replies that cannot be read.
    """
    backend = build_backend(name, endpoint, max_pixels=parameters.max_pixels if parameters is not None else None)
    return Judge(
        OfflineJudge(backend) if offline else backend,
        VerdictCache(cache),
        parameters=parameters,
        samples=samples,
        attempts=attempts,
        max_tokens=max_tokens,
        prices=load_prices(prices),
    )


def build_backend(name: str, endpoint: EndpointSettings | None = None, *, max_pixels: int | None = None) -> Backend:
    """Who replies, by name; what needs torch is imported here. Raises as `build_judge`."""
    kind, _, rest = name.partition(":")
    if kind == "openai":
        from errata.judges.endpoint_judge import EndpointJudge

        return EndpointJudge(name, endpoint)
    if kind == "local" and rest:
        from errata.judges.local import LocalJudge

        return LocalJudge(name, max_pixels)
    if kind == "scripted" and rest:
        return RecordedJudge(rest)
    raise ConfigError(
        f"judge {name[:80]!r}",
        expected="; ".join(KINDS.values()),
        found="another kind" if kind not in KINDS else "no model or file",
        fix="name a judge",
    )
