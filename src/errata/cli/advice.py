"""Advice that a verb can follow: rooms below name options, and not every verb has each of them."""

from __future__ import annotations

import argparse
import re

from errata.errors import ErrataError

_OPTION = re.compile(r"--([a-z][a-z-]*[a-z])")


def fit_advice(error: ErrataError, args: argparse.Namespace) -> str:
    """The error's message with advice for this verb.

    An option that the verb has not is named as a setting where it takes settings, else the advice is left out that
    asks for it. What names another command stays.
    """
    clauses = re.split(r", or |; ", error.fix)
    kept = [fitted for clause in clauses if (fitted := _fit_clause(clause, args))]
    return str(error if kept == clauses else error.with_fix(", or ".join(kept)))


def _fit_clause(clause: str, args: argparse.Namespace) -> str:
    """The clause in this verb's words; empty where it cannot be followed."""
    if "errata " in clause:
        return clause
    lacking = [name for name in _OPTION.findall(clause) if name.replace("-", "_") not in vars(args)]
    if lacking and not hasattr(args, "overrides"):
        return ""
    for name in lacking:
        clause = clause.replace(f"--{name}", name.replace("-", "_"))
    return clause
