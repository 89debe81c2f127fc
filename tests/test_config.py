"""Settings: every way a key or a value can be wrong names its place and the way out."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from errata.config import dump_settings, find_recipe, load_settings
from errata.errors import ConfigError
from errata.storage.run_guard import describe_difference


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    name: str = "base"
    dtype: Literal["float32", "bfloat16"] = "float32"
    size: int = 3


@dataclass(frozen=True)
class Part:
    path: Path
    weight: float = 1.0


@dataclass
class Outer:
    beta: float = 0.1
    data: Path | None = None
    resume: bool = False
    tags: list[str] = field(default_factory=list)
    pair: tuple[int, int] = (1, 2)
    extra: dict[str, Any] = field(default_factory=dict)
    model: Inner = field(default_factory=lambda: Inner(name="tiny"))
    judge: Inner | None = None
    colour: Colour = Colour.RED
    learning_rate: float | str = 1e-3
    files: Path | tuple[Part, ...] = ()


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "run.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_defaults_yaml_and_overrides_stack_in_this_order(write):
    path = write("beta: 0.2\nmodel:\n  size: 7\n")
    settings = load_settings(Outer, path, ["model.size=8", "beta=0.3", "beta=0.4"])
    assert settings == Outer(beta=0.4, model=Inner(name="tiny", size=8))
    assert load_settings(Outer, None) == Outer()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beta: 1e-4", Outer(beta=1e-4)),
        ("beta: '1e-4'", Outer(beta=1e-4)),
        ("beta: 1", Outer(beta=1.0)),
        ("learning_rate: 1e-4", Outer(learning_rate=1e-4)),
        ("learning_rate: auto", Outer(learning_rate="auto")),
        ("resume: yes", Outer(resume=True)),
        ("model: {name: no}", Outer(model=Inner(name="no"))),
        ("model: {size: 1e3}", Outer(model=Inner(name="tiny", size=1000))),
        ("model: {size: 010}", Outer(model=Inner(name="tiny", size=10))),
        ("model: {name: 2024-01-01}", Outer(model=Inner(name="2024-01-01"))),
        ("data: a/b.jsonl", Outer(data=Path("a/b.jsonl"))),
        ("data: null", Outer()),
        ("data:", Outer()),
        ("tags: [a, b]", Outer(tags=["a", "b"])),
        ("pair: [3, 4]", Outer(pair=(3, 4))),
        ("extra: {a: {b: 1}}", Outer(extra={"a": {"b": 1}})),
        ("judge: {size: 1}", Outer(judge=Inner(size=1))),
        ("colour: blue", Outer(colour=Colour.BLUE)),
        ("files: a.json", Outer(files=Path("a.json"))),
        ("files: [{path: a}, {path: b, weight: 2}]", Outer(files=(Part(Path("a")), Part(Path("b"), 2.0)))),
        ("files:\n- path: a\n  weight: 1e-1\n", Outer(files=(Part(Path("a"), 0.1),))),
        ("files: []", Outer()),
        ("", Outer()),
        ("base: &b {size: 5}\n", None),
        ("model: &b {size: 5}\njudge:\n  <<: *b\n  name: j\n", None),
    ],
)
def test_values_become_their_type(write, text, expected):
    if text.startswith("base"):
        with pytest.raises(ConfigError, match="base"):
            load_settings(Outer, write(text))
    elif expected is None:
        assert load_settings(Outer, write(text)).judge == Inner(name="j", size=5)
    else:
        assert load_settings(Outer, write(text)) == expected


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.name=123", Outer(model=Inner(name="123"))),
        ("model.name=true", Outer(model=Inner(name="true"))),
        ("model.name=", Outer(model=Inner(name=""))),
        ("model.name=a=b", Outer(model=Inner(name="a=b"))),
        ("data=a: b", Outer(data=Path("a: b"))),
        ("data=a #1", Outer(data=Path("a #1"))),
        ("model.name=*x*", Outer(model=Inner(name="*x*"))),
        ("model.name='007'", Outer(model=Inner(name="007"))),
        ("model.name=null", Outer(model=Inner(name="null"))),
        ("extra.a=x", Outer(extra={"a": "x"})),
        ("model.name={oops", Outer(model=Inner(name="{oops"))),
        ("model.dtype=bfloat16", Outer(model=Inner(name="tiny", dtype="bfloat16"))),
        ("judge=null", Outer()),
        ("judge.name=x", Outer(judge=Inner(name="x"))),
        ("data=12", Outer(data=Path("12"))),
        ("tags=[x,y]", Outer(tags=["x", "y"])),
        ("extra.a.b=1e-4", Outer(extra={"a": {"b": 1e-4}})),
        ("resume=true", Outer(resume=True)),
        ("files=a.json", Outer(files=Path("a.json"))),
        ("files=[a.json", Outer(files=Path("[a.json"))),
        ("files='[a]'", Outer(files=Path("[a]"))),
        ("files=[{path: a, weight: 2}]", Outer(files=(Part(Path("a"), 2.0),))),
    ],
)
def test_override_values_become_their_type(override, expected):
    assert load_settings(Outer, None, [override]) == expected


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("beta: 0.1\nbetta: 2", 2, ["unknown key 'betta'", "'beta'"]),
        ("size: 2", 1, ["unknown key 'size'", "'model.size'"]),
        ("model:\n  nmae: x", 2, ["unknown key 'model.nmae'", "'model.name'"]),
        ("beta: big", 1, ["beta", "a number", "str 'big'"]),
        ("beta: .nan", 1, ["a number"]),
        ("beta: true", 1, ["a number"]),
        ("model: {size: 1.5}", 1, ["model.size", "whole number"]),
        ("model: {dtype: bloat16}", 1, ["bfloat16'?"]),
        ("model: 3", 1, ["group of settings"]),
        ("model: {name: 3}", 1, ["in quotes"]),
        ("tags: a", 1, ["a list"]),
        ("pair: [1]", 1, ["a list of 2"]),
        ("colour: green", 1, ["red, blue"]),
        ("files:\n- path: a\n- path: b\n  wieght: 2", 4, ["unknown key 'files.1.wieght'", "'files.1.weight'"]),
        ("files:\n- path: a\n  weight: much", 3, ["files.0.weight", "a number"]),
        ("beta: 1\nfiles:\n- path: a\n- b", 4, ["files.1", "group of settings", "str 'b'"]),
        ("files: [a]", 1, ["files.0", "group of settings"]),
        ("files: {path: a}", 1, ["files", "a path or a list"]),
        ("files:\n- path: a\n- path: b\n  path: c", 4, ["'path' twice"]),
        ("resume: maybe", 1, ["true or false"]),
        ("beta: 1\nresume: false\nbeta: 2", 3, ["'beta' twice"]),
        ("beta: [1\nb: 2", 2, ["YAML"]),
        ("beta: 1\n  b: 2", 2, ["mapping values"]),
        ("- 1", None, ["name: value"]),
        ("a: &a {b: *a}", None, ["expected"]),
        ("beta: !!python/object:os.system x", 1, ["could not determine a constructor"]),
    ],
)
def test_a_wrong_file_names_the_line(write, text, line, words):
    path = write(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(Outer, path)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}" if line else str(path))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("override", ["beta", "=1", "model..name=1", "bata=1", "beta=x", "model=1", "model.size=x"])
def test_a_wrong_override_is_quoted(override):
    with pytest.raises(ConfigError, match="override '"):
        load_settings(Outer, None, [override])


def test_a_setting_without_a_value_is_named():
    @dataclass
    class Needs:
        data: str

    with pytest.raises(ConfigError, match="'data'"):
        load_settings(Needs, None)


def test_settings_that_refuse_each_other_are_an_error_of_the_file(write):
    with pytest.raises(ConfigError, match=r"run\.yaml.*fit together"):
        load_settings(Strict, write("low: 3"))


@dataclass
class Strict:
    low: int = 0
    high: int = 1

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


def test_dump_is_plain_and_loads_back(write):
    settings = Outer(data=Path("a"), judge=Inner(size=2), colour=Colour.BLUE, extra={"a": (1, 2)}, tags=["no"])
    dumped = dump_settings(settings)
    back = load_settings(Outer, write(yaml.safe_dump(dumped)))
    assert dumped["colour"] == "blue"
    assert back == Outer(data=Path("a"), judge=Inner(size=2), colour=Colour.BLUE, extra={"a": [1, 2]}, tags=["no"])


def test_recipes_are_found_by_name_and_missing_ones_by_nearest(tmp_path, monkeypatch):
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "ddpo.yaml").write_text("beta: 1")
    monkeypatch.setattr("errata.config.settings.resources.files", lambda _: folder)
    for name in ("ddpo", "ddpo.yaml", "recipes/ddpo.yaml"):
        assert find_recipe(name) == folder / "ddpo.yaml"
    with pytest.raises(ConfigError, match="did you mean 'ddpo'"):
        find_recipe("ddpoo")
    with pytest.raises(ConfigError, match="folder"):
        find_recipe(tmp_path)
    for name in ("../ddpo", str(tmp_path / "ddpo.yaml")):
        with pytest.raises(ConfigError):
            find_recipe(name)


def test_training_arguments_are_settings(write):
    transformers = pytest.importorskip("transformers")

    @dataclass
    class Args(transformers.TrainingArguments):
        beta: float = 0.1

    text = "beta: 0.5\nlearning_rate: 1e-4\nlr_scheduler_type: cosine\nreport_to: none\nuse_cpu: true\nlogging_steps: 5"
    args = load_settings(Args, write(text), ["output_dir=out", "activation_checkpointing_kwargs.use_reentrant=false"])
    assert (args.beta, args.learning_rate, args.lr_scheduler_type) == (0.5, 1e-4, "cosine")
    assert args.activation_checkpointing_kwargs == {"use_reentrant": False}
    again = load_settings(Args, write(yaml.safe_dump(dump_settings(args))))
    assert again.to_dict() == args.to_dict()
    with pytest.raises(ConfigError, match="did you mean 'learning_rate'"):
        load_settings(Args, None, ["learning_rat=1"])


def test_secrets_are_not_written():
    @dataclass
    class Hub:
        hub_token: str | None = None

    assert dump_settings(Hub("s3cret")) == {"hub_token": None}


@pytest.mark.parametrize(
    ("found", "stated", "words"),
    [
        ({"a": 1, "out": 1}, {"a": 1, "out": 2}, None),
        ({"a": 1}, {"a": 2}, "a was 1 and is now 2"),
        (
            {"m": {"name": "x", "k": 1}},
            {"m": {"name": "y", "k": 2}},
            "m.name was 'x' and is now 'y', and 1 more differ",
        ),
        ({"lora": None}, {"lora": {"r": 4}}, "lora.r was None and is now 4"),
        ({"lora": {"r": 4}}, {"lora": None}, "lora.r was 4 and is now None"),
        ({"a": 1, "older": 3}, {"a": 1, "newer": None}, None),
        (None, {"a": 1}, "a was None and is now 1"),
        ({"a": []}, {"a": [1]}, "a was [] and is now [1]"),
    ],
)
def test_the_first_setting_that_differs_is_named(found, stated, words):
    assert describe_difference(found, stated, free=("out",)) == words


def test_an_item_of_a_list_can_be_replaced(write):
    path = write("files:\n- path: a\n- path: b\n  weight: 2\ntags: [x, y]\nextra: {a: [{b: 1}]}\n")
    settings = load_settings(Outer, path, ["files.0.weight=3", "files.1.path=c", "tags.1=z", "extra.a.0.b=2"])
    assert settings.files == (Part(Path("a"), 3.0), Part(Path("c"), 2.0))
    assert (settings.tags, settings.extra) == (["x", "z"], {"a": [{"b": 2}]})
    assert load_settings(Outer, write(yaml.safe_dump(dump_settings(settings)))) == settings
    assert load_settings(Outer, path, ["files.0={path: d}"]).files[0] == Part(Path("d"))
    assert load_settings(Outer, path, ["files=d"]).files == Path("d")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("files.2.path=c", "the number of an item, 0 to 1"),
        ("files.path=c", "the number of an item, 0 to 1"),
        ("files.-1.path=c", "the number of an item, 0 to 1"),
        ("files.0.wieght=2", "did you mean 'files.0.weight'"),
        ("files.0.weight=much", r"override 'files\.0\.weight=much'.*a number"),
        ("tags.0.x=2", "tags.0 is 'x'"),
        ("files=[{wieght: 2}]", r"files\.0\.wieght"),
        ("files=[{weight: 2}]", r"'files\.0\.path'"),
    ],
)
def test_a_wrong_item_of_a_list_is_named(write, override, words):
    path = write("files: [{path: a}, {path: b}]\ntags: [x, y]\n")
    with pytest.raises(ConfigError, match=words):
        load_settings(Outer, path, [override])
