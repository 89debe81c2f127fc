"""What people want to know of a benchmark before they run it, and numbers that others published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remote:
    """A file at its official address.

    Attributes:
        url: Where it is published.
        name: What it is called in the data folder.
        sha256: Of the bytes that were tested; None where no copy was held, then the first fetch records it.
        rows: How many rows are right; empty where rows are not its form.
        members: Of a zip archive, the files to keep; they lie beside one another under their own names.
    """

    url: str
    name: str
    sha256: str | None = None
    rows: tuple[int, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A number as its source prints it, to be quoted beside ours and never ranked with them.

    Attributes:
        metric: What the source calls it.
        model: Of whom.
        value: As printed, with its unit.
        source: Where it stands.
        note: What makes it incomparable with ours, or that it was read second-hand.
    """

    metric: str
    model: str
    value: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A benchmark in words.

    Attributes:
        name: On the command line and in file names.
        title: In print.
        measures: One line.
        paper: Who, when, where.
        licence: Of its data.
        size: How many questions about how many images.
        metrics: What is printed.
        judge: Which judge it needs and how many calls an answer takes; empty where it needs none.
        data: What must be at hand and how to get it.
        remotes: What `errata bench fetch` brings.
        published: Numbers to quote.
    """

    name: str
    title: str
    measures: str
    paper: str
    licence: str
    size: str
    metrics: str
    data: str
    judge: str = ""
    remotes: tuple[Remote, ...] = ()
    published: tuple[Published, ...] = ()
