"""The command line: one file per verb that parses, calls one function and prints where the output is.

In: arguments. Out: printed lines and an exit code (`errors`). Each verb's file offers `add_parser(subparsers)` and
`run(args) -> int`; whatever is slow to import is imported inside `run`, so that `errata --help` answers at once. What
a verb does is in the rooms below.
"""

from errata.cli.main import main

__all__ = ["main"]
