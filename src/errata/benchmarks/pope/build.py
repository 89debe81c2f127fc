"""Building POPE's yes/no questions (Li et al. 2023, arXiv 2305.10355).

Per image as many questions about objects that are there as about objects that are not. The absent ones are drawn at
random, are the most frequent objects (popular), or those seen most often together with the object just asked about
(adversarial).
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from errata.errors import ConfigError, DataError
from errata.records import Question, Turn

Setting = Literal["random", "popular", "adversarial"]
SETTINGS: tuple[Setting, ...] = ("random", "popular", "adversarial")

TEMPLATE = "Is there a {} in the image?"
Objects = Mapping[str, Sequence[str]]
"""Image -> the objects in it."""


def build_pope(
    images: Objects,
    setting: Setting,
    *,
    num_images: int | None = None,
    questions_per_image: int = 6,
    seed: int = 0,
    template: str = TEMPLATE,
    mode: Literal["official", "strict"] = "strict",
    ranking: Objects | None = None,
    rng: random.Random | None = None,
) -> list[Question]:
    """Build the questions of one setting.

    Strict mode asks about the same images and the same present objects in every setting and draws the absent ones from
    a generator of the setting's own. Official mode repeats the released code, given its random state: the first objects
    in the listed order, one generator for all, and "an" put for every letter a of the template.

    Args:
        images: Image -> objects; images with fewer objects than questions of one label are left out.
        setting: How absent objects are chosen.
        num_images: How many images to draw; None takes all, in their order.
        questions_per_image: Even; half are answered "yes".
        seed: Of everything drawn.
        template: The question, with `{}` for the object.
        mode: Whose rules.
        ranking: Strict mode: images whose frequencies make objects popular or adversarial; None counts the drawn ones.
        rng: Official mode: the generator to go on with, instead of one from `seed`.

    Returns:
        Questions with `meta` `{label, object, setting}`, ids `pope-<setting>-<number from 1>`.

    Raises:
        ConfigError: A setting, mode, number or template that cannot be used.
        DataError: Fewer usable images than asked for, or no absent object left for an image.
    """
    half = _check(setting, mode, questions_per_image, template)
    official = mode == "official"
    if official:
        rng = rng or random.Random(seed)
        chosen = _choose_images(images, num_images, half, rng)
        present = {image: objects[:half] for image, objects in chosen.items()}
        frequencies = count_objects(chosen)
    else:
        shared, rng = random.Random(f"{seed}/images"), random.Random(f"{seed}/{setting}")
        unique = {image: tuple(dict.fromkeys(objects)) for image, objects in images.items()}
        chosen = _choose_images(unique, num_images, half, shared)
        present = {image: shared.sample(objects, half) for image, objects in chosen.items()}
        frequencies = count_objects(ranking or chosen, chosen)
    return _ask(chosen, present, _Picker(frequencies, setting, rng, official), template)


@dataclass(frozen=True, slots=True)
class Frequencies:
    """How often objects occur (`counts`) and with which others (`together`), ties in order of first appearance."""

    counts: Counter[str]
    together: dict[str, Counter[str]]

    @property
    def popular(self) -> list[str]:
        """Objects, the most frequent first."""
        return [name for name, _ in self.counts.most_common()]

    def neighbours(self, name: str) -> list[str]:
        """Objects seen with `name`, the most frequent first."""
        return [other for other, _ in self.together.get(name, Counter()).most_common()]


def count_objects(*sets: Objects) -> Frequencies:
    """Count the first set; objects that only the later sets have follow with a count of zero."""
    counts: Counter[str] = Counter()
    together: dict[str, Counter[str]] = {}
    for number, images in enumerate(sets):
        for objects in images.values():
            for name in objects:
                counts[name] += number == 0
                others = together.setdefault(name, Counter())
                others.update({other: int(number == 0) for other in objects if other != name})
    return Frequencies(counts, together)


@dataclass(frozen=True, slots=True)
class _Picker:
    """Chooses the absent object to ask about next."""

    frequencies: Frequencies
    setting: Setting
    rng: random.Random
    official: bool

    def pick(self, image: str, taken: set[str], beside: str) -> str:
        listed: Sequence[str] = ()
        if self.setting == "popular":
            listed = self.frequencies.popular
        elif self.setting == "adversarial":
            listed = self.frequencies.neighbours(beside)
        for name in listed:
            if name not in taken:
                return name
        return self._draw(image, taken)

    def _draw(self, image: str, taken: set[str]) -> str:
        names = list(self.frequencies.counts)
        free = [name for name in names if name not in taken]
        if not free:
            found = f"all {len(names)} objects are in the image or were asked about"
            fix = "use more varied images or fewer questions per image"
            raise DataError(f"POPE, image {image}", expected="an absent object to ask about", found=found, fix=fix)
        if not self.official:
            return self.rng.choice(free)
        while (name := self.rng.choice(names)) in taken:  # the released code rejects, which moves its generator on
            pass
        return name


def _ask(images: Objects, present: Objects, picker: _Picker, template: str) -> list[Question]:
    setting, word = picker.setting, _word_officially if picker.official else _word
    questions: list[Question] = []
    for image, objects in images.items():
        taken = set(objects)
        for name in present[image]:
            absent = picker.pick(image, taken, name)
            taken.add(absent)
            for thing, label in ((name, "yes"), (absent, "no")):
                meta = {"label": label, "object": thing, "setting": setting}
                prompt = (Turn("user", word(template, thing)),)
                questions.append(Question(f"pope-{setting}-{len(questions) + 1}", (image,), prompt, meta))
    return questions


def _choose_images(images: Objects, number: int | None, half: int, rng: random.Random) -> Objects:
    usable = [image for image, objects in images.items() if len(objects) >= half]
    if len(usable) < (number or 1):
        found = f"{len(usable)} of {len(images)} with {half} objects or more"
        raise DataError(
            "POPE", expected=f"{number or 1} usable images", found=found, fix="give more images or ask less"
        )
    drawn = usable if number is None else rng.sample(usable, number)
    return {image: images[image] for image in drawn}


_AN = re.compile(r"(?!uni|use|usu|eu|one|ufo)[aeiou]|hour|honest|heir", re.IGNORECASE)
"""Words that take "an", by sound."""


def _word(template: str, name: str) -> str:
    if _AN.match(name):
        template = re.sub(r"\b([Aa])(?= \{\})", r"\1n", template)
    return template.replace("{}", name)


def _word_officially(template: str, name: str) -> str:
    return (template.replace("a", "an") if name[:1] in tuple("aeiou") else template).replace("{}", name)


def _check(setting: str, mode: str, questions_per_image: int, template: str) -> int:
    """Half of `questions_per_image`, once every choice is one that exists."""
    for name, value, known in (("setting", setting, SETTINGS), ("mode", mode, ("official", "strict"))):
        if value not in known:
            raise ConfigError(f"POPE {name}", expected=" or ".join(known), found=f"{value!r}", fix="choose one of them")
    if questions_per_image < 2 or questions_per_image % 2:
        found = str(questions_per_image)
        raise ConfigError("POPE questions_per_image", expected="an even number from 2", found=found, fix="use 6")
    if "{}" not in template:
        raise ConfigError(
            "POPE template", expected="{} for the object", found=f"{template!r}", fix=f"as in {TEMPLATE!r}"
        )
    return questions_per_image // 2
