"""What tokens cost: a dated table that a user can edit. What is not in it is unknown, not free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from errata.config import read_yaml
from errata.errors import ConfigError

TOKENS = 1_000_000
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens of prompts and of replies, and the day they were looked up."""

    input: float
    output: float
    as_of: str


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by the name of a model."""

    prices: dict[str, Price]

    def find(self, *names: str) -> Price | None:
        """The price of the first of these names that has one."""
        return next((self.prices[name] for name in names if name in self.prices), None)


def load_prices(path: str | Path | None = None) -> PriceTable:
    """The table of the package, with the rows of a user's file in place of its own.

    Raises:
        ConfigError: A file that is not such a table, with what is wrong in it.
    """
    shipped = _read_table(Path(str(resources.files("errata.judges") / "prices.yaml")))
    return PriceTable(shipped if path is None else shipped | _read_table(Path(path)))


def compute_price(price: Price | None, prompt_tokens: int | None, completion_tokens: int | None) -> float | None:
    """US dollars; None where the price or a number of tokens is unknown. What is free needs no count of tokens."""
    if price is not None and price.input == price.output == 0:
        return 0.0
    if price is None or prompt_tokens is None or completion_tokens is None:
        return None
    return (price.input * prompt_tokens + price.output * completion_tokens) / TOKENS


def format_price(dollars: float | None) -> str:
    """For a table: four digits below a cent, two above it."""
    if dollars is None:
        return UNKNOWN
    return f"${dollars:.2f}" if dollars >= 0.1 or dollars == 0 else f"${dollars:.4f}"


def _read_table(path: Path) -> dict[str, Price]:
    tree, _ = read_yaml(path)
    models, as_of = tree.get("models"), tree.get("as_of")
    if not isinstance(models, dict) or as_of is None:
        raise _wrong(path, "a table without them")
    return {str(name): _read_price(path, str(name), row, str(as_of)) for name, row in models.items()}


def _read_price(path: Path, name: str, row: Any, as_of: str) -> Price:
    numbers = [row.get(key) if isinstance(row, dict) else None for key in ("input", "output")]
    good = [float(number) for number in numbers if isinstance(number, (int, float)) and not isinstance(number, bool)]
    if len(good) < 2 or not all(0 <= number < math.inf for number in good):
        raise _wrong(path, f"{name}: {row!r}")
    return Price(good[0], good[1], str(row.get("as_of", as_of)))


def _wrong(path: Path, found: str) -> ConfigError:
    return ConfigError(
        str(path),
        expected="as_of: DATE and models: {NAME: {input: DOLLARS, output: DOLLARS}} per million tokens",
        found=found[:200],
        fix="change the table",
    )
