"""From plain values to a dataclass, with the place of every value that does not fit.

One value as one type, where that loses nothing.

Which of several kinds a list or a group of settings is meant for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import enum
import math
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from errata.config.source import Key, Text, parse_text
from errata.errors import ConfigError


def _to_bool(value: Any) -> bool:
    words = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
    return value if isinstance(value, bool) else words[value.lower()] if str(value).lower() in words else _fail()


def _to_int(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return int(_fail())
    return int(value)


def _to_float(value: Any) -> float:
    number = _fail() if isinstance(value, bool) else float(value)
    return float(_fail()) if math.isnan(number) else float(number)


def _to_str(value: Any) -> str:
    return value if isinstance(value, str) else str(_fail())


def _to_path(value: Any) -> Path:
    return value if isinstance(value, Path) else Path(_to_str(value)).expanduser()


def _fail() -> Any:
    raise ValueError


SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_str,
    Path: _to_path,
}
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text (in quotes)", Path: "a path"}


def describe(kind: Any) -> str:
    """A type in the words of an error message."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "one of " + ", ".join(str(member.value) for member in kind)
    if get_origin(kind) in (list, tuple):
        return "a list"
    return _WORDS.get(kind) or str(getattr(kind, "__name__", kind))


def find_shaped(kind: Any, value: Any) -> tuple[Any, ...]:
    """Of a kind, or of the kinds of a union, those that a list or a group can only be meant for; none for others."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = get_args(kind)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, dict):
        return tuple(each for each in kinds if dataclasses.is_dataclass(each) or _is_kind(each, Mapping))
    if isinstance(value, list):
        return tuple(each for each in kinds if each is not str and _is_kind(each, Sequence))
    return ()


def _is_kind(kind: Any, parent: type) -> bool:
    base = get_origin(kind) or kind
    return isinstance(base, type) and issubclass(base, parent)


class Builder:
    """Turns plain values into a dataclass; knows where each value came from."""

    def __init__(self, origins: dict[Key, str], names: list[str], source: str) -> None:
        self.origins, self.names, self.source = origins, names, source

    def build(self, cls: type[Any], tree: Any, key: Key, default: Any = None) -> Any:
        """An instance of dataclass `cls`; what `tree` leaves open comes from `default` or the class."""
        if not isinstance(tree, dict):
            raise self._mismatch("a group of settings", tree, key)
        fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
        hints = get_type_hints(cls)
        for name in tree:
            if name not in fields:
                raise self._unknown((*key, name), list(fields))
        given = {}
        for name, value in tree.items():
            inner = _default_of(fields[name]) if default is None else getattr(default, name)
            given[name] = self.coerce(hints[name], value, (*key, name), inner)
        if default is None:
            self._require_all(fields, given, key)
        try:
            return cls(**given) if default is None else dataclasses.replace(default, **given)
        except (ValueError, TypeError, ImportError) as error:
            if isinstance(error, ConfigError):
                raise
            where = self.source + (f": {'.'.join(key)}" if key else "")
            raise ConfigError(
                where, expected="settings that fit together", found=str(error), fix="change one of them"
            ) from error

    def _require_all(self, fields: Mapping[str, dataclasses.Field[Any]], given: Mapping[str, Any], key: Key) -> None:
        """Raise ConfigError that lists the settings which have no default and were not given."""
        missing = [
            ".".join((*key, name))
            for name, field in fields.items()
            if name not in given and field.default is field.default_factory is dataclasses.MISSING
        ]
        if missing:
            expected = "a value for " + " and ".join(repr(name) for name in missing)
            fix = f"add it to the file or write {missing[0]}=VALUE"
            raise ConfigError(self.source, expected=expected, found="none", fix=fix)

    def coerce(self, kind: Any, value: Any, key: Key, default: Any = None) -> Any:
        """`value` as `kind`, where that loses nothing; kinds that are not known here take any value."""
        if isinstance(value, Text):
            return self._coerce_text(kind, value.text, key, default)
        if get_origin(kind) in (Union, types.UnionType):
            return self._coerce_union(get_args(kind), value, key, default)
        if get_origin(kind) is Literal:
            if value not in get_args(kind) or isinstance(value, bool) != isinstance(get_args(kind)[0], bool):
                raise self._mismatch("one of " + ", ".join(map(str, get_args(kind))), value, key, get_args(kind))
            return value
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            return self.build(kind, value, key, default if isinstance(default, kind) else None)
        base = get_origin(kind) or kind
        if isinstance(base, type) and issubclass(base, (list, tuple, dict, Sequence, Mapping)) and base is not str:
            return self._coerce_container(base, get_args(kind), value, key)
        return self._coerce_scalar(base, value, key)

    def _coerce_text(self, kind: Any, text: str, key: Key, default: Any) -> Any:
        """The right side of an override as YAML where that fits `kind`, else as it stands (`name=123`, `out=a: b`)."""
        try:
            value = parse_text(text)
        except (yaml.YAMLError, ValueError):
            value = text
        if isinstance(value, str) and text[:1] not in ("'", '"'):
            value = text.strip()  # a # is no comment here
        if find_shaped(kind, value):  # a list with a mistake in it is no file name
            return self.coerce(kind, value, key, default)
        try:
            return self.coerce(kind, value, key, default)
        except ConfigError as error:
            with contextlib.suppress(ConfigError):
                return self.coerce(kind, text, key, default)
            raise error from None

    def _coerce_union(self, kinds: tuple[Any, ...], value: Any, key: Key, default: Any) -> Any:
        if value is None and type(None) in kinds:
            return None
        kinds = tuple(kind for kind in kinds if kind is not type(None))
        kinds = find_shaped(kinds, value) or kinds
        exact = [kind for kind in kinds if (get_origin(kind) or kind) is type(value)]
        last: ConfigError | None = None
        for kind in (*exact, *kinds):
            try:
                return self.coerce(kind, value, key, default)
            except ConfigError as error:
                last = error
        if last is not None and len(kinds) == 1:
            raise last
        raise self._mismatch(" or ".join(describe(kind) for kind in kinds), value, key)

    def _coerce_container(self, base: type, kinds: tuple[Any, ...], value: Any, key: Key) -> Any:
        if issubclass(base, Mapping):
            if not isinstance(value, dict):
                raise self._mismatch("a group of settings", value, key)
            kind = kinds[1] if kinds else Any
            return {name: self.coerce(kind, inner, (*key, name)) for name, inner in value.items()}
        if not isinstance(value, (list, tuple)):
            raise self._mismatch("a list", value, key)
        if base is tuple and kinds and kinds[-1] is not Ellipsis:
            if len(kinds) != len(value):
                raise self._mismatch(f"a list of {len(kinds)}", value, key)
        else:
            kinds = (kinds[0] if kinds else Any,) * len(value)
        pairs = enumerate(zip(kinds, value, strict=True))
        items = [self.coerce(kind, inner, (*key, str(number))) for number, (kind, inner) in pairs]
        return tuple(items) if base is tuple else items

    def _coerce_scalar(self, kind: Any, value: Any, key: Key) -> Any:
        convert = SCALARS.get(kind)
        if convert is None and isinstance(kind, type) and issubclass(kind, enum.Enum):
            convert = kind
        if convert is None:
            return plain(value)
        try:
            return convert(value)
        except (ValueError, TypeError, OverflowError):
            raise self._mismatch(describe(kind), value, key) from None

    def _mismatch(self, expected: str, value: Any, key: Key, choices: Sequence[Any] = ()) -> ConfigError:
        shown = "nothing" if value is None else f"{type(value).__name__} {value!r}"
        nearest = find_nearest(str(value), [str(choice) for choice in choices])
        fix = f"did you mean {nearest!r}?" if nearest else "change the value"
        return ConfigError(f"{self._locate(key)}: {'.'.join(key)}", expected=expected, found=shown, fix=fix)

    def _unknown(self, key: Key, siblings: Sequence[str]) -> ConfigError:
        name = ".".join(key)
        same_leaf = [known for known in self.names if known.rpartition(".")[2] == key[-1]]
        nearest = same_leaf[0] if same_leaf else find_nearest(name, self.names)
        sibling = find_nearest(key[-1], siblings)
        if nearest is None and sibling is not None:
            nearest = ".".join((*key[:-1], sibling))
        fix = f"did you mean {nearest!r}?" if nearest else "remove it"
        found = f"unknown key {name!r}"
        return ConfigError(
            self._locate(key), expected="a setting that exists", found=found, fix=fix, code="unknown-setting"
        )

    def _locate(self, key: Key) -> str:
        """`file:line` or the override of a key, or of the nearest group around it."""
        while key and key not in self.origins:
            key = key[:-1]
        return self.origins.get(key, self.source)


def plain(value: Any) -> Any:
    """A plain value without override marks inside."""
    if isinstance(value, Text):
        return parse_text(value.text)
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return {name: plain(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _default_of(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def list_names(cls: type[Any], prefix: str = "") -> list[str]:
    """The dotted names of every setting of a dataclass, those of groups inside it included."""
    return list(_walk_names(cls, prefix))


def _walk_names(cls: Any, prefix: str) -> Iterator[str]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.init:
            yield prefix + field.name
            for kind in (hints[field.name], *get_args(hints[field.name])):
                if isinstance(kind, type) and dataclasses.is_dataclass(kind):
                    yield from _walk_names(kind, f"{prefix}{field.name}.")


def find_nearest(name: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant, or None."""
    return next(iter(difflib.get_close_matches(name, names, n=1, cutoff=0.6)), None)
