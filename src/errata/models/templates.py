"""Render a conversation to the text a model was trained on."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from errata.errors import DataError, ModelError
from errata.models.protocol import ModelSettings
from errata.records import IMAGE_PLACEHOLDER, Turn

VICUNA = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{{ ' ' }}"
    "{% elif message['role'] == 'user' %}{{ 'USER: ' }}"
    "{% for part in message['content'] if part['type'] == 'image' %}{{ '<image>\n' }}{% endfor %}"
    "{% for part in message['content'] if part['type'] == 'text' %}{{ part['text'] }}{% endfor %}{{ ' ' }}"
    "{% else %}{{ 'ASSISTANT: ' }}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{{ eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)
"""LLaVA-1.5: `{system} USER: <image>\\n{question} ASSISTANT: {answer}</s>`."""

MUFFIN = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{{ '\n\n### ' }}"
    "{% else %}{{ '### ' if loop.first else '' }}{{ 'Human: ' if message['role'] == 'user' else 'Assistant: ' }}"
    "{% for part in message['content'] %}{{ part['text'] if part['type'] == 'text' else '<image>\n' }}{% endfor %}"
    "{{ '\n### ' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""Muffin, and RLHF-V on it: `{system}\\n\\n### Human: <image>\\n{question}\\n### Assistant: {answer}\\n### `. No token
ends a turn in it; one is put behind each answer (see `RoundWriter`)."""
NAMED = {"vicuna": VICUNA, "muffin": MUFFIN}
"""Templates of releases by the name that `model.template` gives them."""


def is_vicuna(text_config: Any, tokenizer: Any) -> bool:
    """Whether a language model may be a Vicuna: a Llama whose turns end as those of Llama 1 and 2 do.

    LLaVA-1.6 also stands on Mistral (`[INST]`), Yi (ChatML, a Llama by its configuration) and Llama 3; what these were
    trained with cannot be told from their weights.
    """
    return bool(text_config.model_type == "llama" and tokenizer.eos_token == "</s>")


def find_source(settings: ModelSettings, own: str | None) -> str:
    """The template that the settings ask for; `own` is the model's.

    Raises:
        ModelError: The model has none and none is named, or what is named is no template.
    """
    source = own if settings.template == "auto" else NAMED.get(settings.template, settings.template)
    if source is None or "{" not in source:
        missing = source is None
        raise ModelError(
            f"{settings.name}: model.template" if missing else "model.template",
            expected="a chat template beside the model" if missing else "'auto', 'vicuna', 'muffin' or Jinja text",
            found="none" if missing else repr(source),
            fix="set model.template to 'vicuna' or to the Jinja text that the model was trained with",
        )
    return source


def advise(settings: ModelSettings, own: str | None) -> str:
    """What to do about a template that fails: a model that has one of its own was trained with no other."""
    if own is None:
        return "set model.template to 'vicuna' or to the Jinja text that the model was trained with"
    if settings.template == "auto":
        return "set model.template to the Jinja text that the model was trained with, mended where it fails"
    return "leave model.template out, as the model has a template of its own, or mend it"


class Template:
    """A compiled chat template; rendering is sandboxed because templates come with downloaded models.

    Args:
        source: Jinja text.
        special_tokens: What it may name, such as `eos_token`.
        thinking: `enable_thinking` for templates that ask for it; None leaves it to the template.
        fix: What errors about it advise.
    """

    def __init__(
        self,
        source: str,
        special_tokens: dict[str, Any],
        *,
        thinking: bool | None = None,
        fix: str = "set model.template to the Jinja text that the model was trained with",
    ) -> None:
        self.source, self.fix, self._variables = source, fix, dict(special_tokens)
        if thinking is not None:
            self._variables["enable_thinking"] = thinking
        # Templates of text models take a plain string where templates of vision models take a list of parts.
        self._takes_parts = "type" in source
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationTag, "jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _raise
        environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
        try:
            with warnings.catch_warnings():
                # The Hub's template of LLaVA-NeXT on Mistral writes `\s`, which is no escape.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._compiled = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise self._broken(error) from None

    @property
    def knows_thoughts(self) -> bool:
        """Whether it tells what a model thinks from what it answers."""
        return "/think" in self.source

    @property
    def can_switch_thoughts(self) -> bool:
        """Whether it asks if the model is to think before it answers."""
        return "enable_thinking" in self.source

    def render(self, turns: Sequence[Turn], n_images: int, *, open_assistant: bool) -> str:
        """The text of the turns; `open_assistant` adds what stands before the assistant's first word."""
        try:
            messages = build_messages(turns, n_images)
            if not self._takes_parts:
                messages = [_join_parts(message) for message in messages]
            return self._compiled.render(messages=messages, add_generation_prompt=open_assistant, **self._variables)
        except _RefusedError as error:
            raise DataError(
                "conversation",
                expected="one that the model's chat template takes",
                found=str(error),
                fix="set the row aside, or set model.template to a template that takes it",
            ) from None
        except (jinja2.TemplateError, TypeError, KeyError, AttributeError) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> ModelError:
        return ModelError(
            "chat template",
            expected="a Jinja template that accepts the conversation",
            found=str(error) or type(error).__name__,
            fix=self.fix,
        )


def build_messages(turns: Sequence[Turn], n_images: int) -> list[dict[str, Any]]:
    """Turns as lists of parts. Placeholders become image parts; without any, all images open the first user turn."""
    placed = any(IMAGE_PLACEHOLDER in turn.text for turn in turns)
    waiting = 0 if placed else n_images
    messages = []
    for turn in turns:
        content: list[dict[str, str]] = []
        if turn.role == "user":
            content, waiting = [{"type": "image"}] * waiting, 0
        for number, text in enumerate(turn.text.split(IMAGE_PLACEHOLDER)):
            if number:
                content.append({"type": "image"})
            # Templates put images on lines of their own; the line break beside a placeholder would come twice.
            text = text.strip("\n") if placed and turn.role == "user" else text
            if text:
                content.append({"type": "text", "text": text})
        messages.append({"role": turn.role, "content": content})
    return messages


def _join_parts(message: dict[str, Any]) -> dict[str, Any]:
    texts = [part.get("text", IMAGE_PLACEHOLDER + "\n") for part in message["content"]]
    return {"role": message["role"], "content": "".join(texts)}


class _GenerationTag(Extension):
    """`{% generation %}` marks the assistant's words for tools that train on tokens; here it only groups."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's interface

    def parse(self, parser: Parser) -> Any:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body).set_lineno(line)


class _RefusedError(jinja2.TemplateError):
    """What a template itself has to say against a conversation."""


def _raise(message: str) -> None:
    raise _RefusedError(message)
