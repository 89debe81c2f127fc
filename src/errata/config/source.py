"""Where settings are written: a YAML file and `a.b=value` overrides, as plain values with the line of every key.

YAML is read by version 1.2's rules for plain words, so that `1e-4` is a number, `no` is a word and `010` is ten.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import yaml

from errata.errors import ConfigError

Key = tuple[str, ...]
"""The path of a setting: ("model", "name") for `model.name`."""


class _Loader(yaml.SafeLoader):
    """Plain words by YAML 1.2: only true, false, null and numbers are more than text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own form


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9][0-9_]*", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def _construct_int(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(str(loader.construct_scalar(node)).replace("_", ""))


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)


@dataclasses.dataclass(frozen=True)
class Text:
    """The right side of an override: YAML if that fits its field, else the text itself."""

    text: str


def read_yaml(path: Path) -> tuple[dict[str, Any], dict[Key, str]]:
    """The file's mapping, and `file:line` of every key in it."""
    origins: dict[Key, str] = {}
    try:
        loader = _Loader(path.read_text(encoding="utf-8-sig"))
        node = loader.get_single_node()
        tree = {} if node is None else _read_node(loader, node, (), origins, path)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(
            f"{path}{line}", expected="YAML", found=error.problem or "text that is not", fix="fix the line"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            str(path), expected="YAML in UTF-8", found=str(error).splitlines()[0], fix="fix the file"
        ) from None
    except OSError as error:
        raise ConfigError(
            str(path), expected="a readable file", found=str(error.strerror), fix="check the path", code="file"
        ) from None
    if not isinstance(tree, dict):
        raise ConfigError(
            str(path), expected="settings as `name: value` lines", found=type(tree).__name__, fix="fix the file"
        )
    return tree, origins


def _read_node(loader: _Loader, node: yaml.Node, key: Key, origins: dict[Key, str], path: Path) -> Any:
    if isinstance(node, yaml.SequenceNode) and any(isinstance(item, yaml.MappingNode) for item in node.value):
        return _read_groups(loader, node, key, origins, path)
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node, deep=True)
    seen: set[str] = set()
    for name, _ in node.value:
        if name.value in seen and name.value != "<<":
            where = f"{path}:{name.start_mark.line + 1}"
            raise ConfigError(
                where, expected="every key once", found=f"{name.value!r} twice in one group", fix="keep one of them"
            )
        seen.add(str(name.value))
    loader.flatten_mapping(node)
    tree = {}
    for name, value in node.value:
        inner = (*key, str(name.value))
        origins[inner] = f"{path}:{name.start_mark.line + 1}"
        tree[inner[-1]] = _read_node(loader, value, inner, origins, path)
    return tree


def _read_groups(loader: _Loader, node: yaml.SequenceNode, key: Key, origins: dict[Key, str], path: Path) -> list[Any]:
    """A list with groups of settings in it; an item's key is its number from 0."""
    items = []
    for number, item in enumerate(node.value):
        inner = (*key, str(number))
        origins[inner] = f"{path}:{item.start_mark.line + 1}"
        items.append(_read_node(loader, item, inner, origins, path))
    return items


def apply_override(tree: dict[str, Any], origins: dict[Key, str], override: str) -> None:
    """Put one `a.b=value` into the tree. Raises ConfigError that quotes it when it has another form."""
    name, equals, text = override.partition("=")
    key = tuple(part.strip() for part in name.split("."))
    if not equals or not all(key):
        raise ConfigError(
            f"override {override!r}", expected="name=value", found="something else", fix="write for example beta=0.2"
        )
    place: Any = tree
    for number, part in enumerate(key[:-1], 1):
        place = _enter(place, part, key[:number], origins, override)
    if isinstance(place, list):
        place[_find_item(place, key[-1], override)] = Text(text)
    else:
        place[key[-1]] = Text(text)
    origins[key] = f"override {override!r}"


def _enter(place: Any, part: str, key: Key, origins: dict[Key, str], override: str) -> Any:
    """The group or list of this name in `place`; an empty group where there was none."""
    if isinstance(place, list):
        item = place[_find_item(place, part, override)]
        if not isinstance(item, (dict, list)):
            found = f"{'.'.join(key)} is {item!r}"
            raise ConfigError(f"override {override!r}", expected="a group of settings", found=found, fix="replace it")
        return item
    if not isinstance(place.get(part), (dict, list)):
        place[part] = {}
        origins[key] = f"override {override!r}"
    return place[part]


def _find_item(items: list[Any], part: str, override: str) -> int:
    if not part.isdecimal() or int(part) >= len(items):
        expected = f"the number of an item, 0 to {len(items) - 1}" if items else "a list that is not empty"
        fix = "give the whole list as name=[...] to make it longer"
        raise ConfigError(f"override {override!r}", expected=expected, found=repr(part), fix=fix)
    return int(part)


def parse_text(text: str) -> Any:
    """The right side of an override, read as YAML."""
    return yaml.load(text, _Loader)
