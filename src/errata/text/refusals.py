"""Replies that answer nothing: a model that declines, or that says it was given no image.

"I cannot see the image" is one; "I cannot see a dog in the image" is an answer, and so is whatever says yes or no, or
goes on to tell what is there.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from errata.text.words import find_sentences

_NOT = (
    r"(?:can ?not|can't|cant|could ?n[o']t|(?:won't|will not)(?: be able to)?|wouldn't|am not able to|"
    r"'m not able to|not able to|unable to|don't have (?:the |any )?(?:ability|capability|capacity|means|tools|"
    r"permission) to|do not have (?:the |any )?(?:ability|capability|capacity|means|tools|permission) to|"
    r"have no (?:way|means) (?:to|of)|not (?:allowed|permitted|designed|programmed|equipped|capable) (?:to|of)|"
    r"must decline to|(?:have to|need to|would|'d) (?:decline|refuse) to|decline to|refuse to|(?:would|"
    r"'d) (?:rather|prefer) not(?: to)?|prefer not to|(?:don't|do not) feel comfortable|(?:not|un)comfortable)"
)
_IMAGE = (
    r"(?:images?|pictures?|photos?|photographs?|pics?|screenshots?|visuals?|visual (?:content|input|data|"
    r"information)|media|attachments?|files?|videos?)\b(?! (?:frames?|books?|windows?)\b)"
)
_WHICH = (
    r"(?:(?:the|this|that|these|those|your|any|an|a|all|such|actual|specific|individual|provided|uploaded|"
    r"attached|given|mentioned|external|visual|directly|of|content|contents|details|it|or|and|images?|pictures?|"
    r"photos?) )*"
)
_LOOK = (
    r"(?:see|view|access|open|look at|display|load|receive|read|retrieve|perceive|observe|examine|inspect|"
    r"analy[sz]e|process|interpret|describe|evaluate|assess|comment on|discuss|work with|identify|recogni[sz]e)"
)
_HELP = (
    r"(?:assist|help|comply|fulfill?|answer|respond|reply|proceed|continue|provide|offer|share|do (?:that|this|"
    r"so)|engage|participate|discuss|comment|complete|accommodate|support|process (?:that|this|your)|speculate|"
    r"make (?:that|any|such)|give (?:you )?(?:an|any|that)|identify(?:ing)? (?:people|individuals|real|who|things|"
    r"anyone|them)|recogni[sz]e (?:people|individuals|faces|who))"
)
_GIVEN = r"(?:provided|uploaded|attached|included|shared|given|supplied|loaded|displayed|received|supported|sent)\b"
_VERDICT = re.compile(rf"\W*(?:yes|no)\b(?! (?:{_IMAGE}|access|information|visual|context))")
_IDLE = re.compile(
    r"\b(?:sorry|apolog|unfortunately|regret|please|question|request|ask(?:s|ed|ing)?|whether|if you|polic|"
    r"guideline|assist|"
    r"help|information|context|details|upload|attach|provide|share|contact|rephrase|try|let me know|feel free|"
    r"happy to|"
    r"text-based|text based|language model|ai\b|an assistant|understand|thank|respect|privacy|instead|support|"
    r"able to|"
    r"safety|harmful|appropriate|describe (?:it|the)|what you see|would you like|anything else|hello|hi\b)"
)
_QUOTED = re.compile(r'"[^"\n]*"|“[^”\n]*”|«[^»\n]*»')
_BREAK = re.compile(r"[;:—–]|,? (?:but|however|although|though|yet|still)\b|, ")


@cache
def _build_said() -> re.Pattern[str]:
    """What declines; compiled when the first reply is read, as it takes longer than all else that is imported."""
    return re.compile(
        rf"\b{_NOT}(?: \w+ly)? {_HELP}\w*\b(?! (?:a|an|any|the) (?!answer|question|information|assistance|help|"
        rf"response|request|description|details?|analysis|image|picture|photo|specific|kind|definit|accurate|"
        rf"opinion|content))"
        rf"|\b{_NOT}(?: \w+ly)? {_LOOK}(?:ing)? (?:or {_LOOK}(?:ing)? )?{_WHICH}{_IMAGE}"
        rf"|\b(?:can't|cannot|can not|unable to|not able to) (?:actually |directly |physically )?(?:see|view|"
        rf"look)(?: at)? (?:it|them|what you)\b"
        rf"|\b(?:don't|do not|didn't|did not|doesn't|not) (?:actually |currently |seem to |appear to )?(?:have|see|"
        rf"get|receive) (?:any |an? |the |direct |access to |visual |attached |uploaded )*{_IMAGE}(?! (?:of|"
        rf"showing|with|that|on)\b)"
        rf"|\b(?:no|without) (?:direct |visual )?access to {_WHICH}{_IMAGE}|\bdon't have (?:visual |"
        rf"direct )?access\b|\bdo not have (?:visual |direct )?access\b"
        rf"|\bno {_IMAGE} (?:\w+ ){{0,3}}{_GIVEN}"
        rf"|\b{_IMAGE} (?:\w+ ){{0,3}}(?:not|\w+n't) (?:\w+ ){{0,2}}(?:{_GIVEN}|load|come through|available|"
        rf"accessible)\b"
        rf"|\b{_IMAGE} (?:is|are|seems?|appears?|was)(?: to be)? (?:missing|inaccessible|unavailable|corrupt\w*)\b"
        rf"|\bfailed to (?:load|open|display|process) {_WHICH}{_IMAGE}|\b{_IMAGE} failed to (?:load|open|upload)\b"
        rf"|\b(?:no|there is no|there's no|isn't an|is not an) {_IMAGE} (?:here|attached|in your|for me|to (?:look|"
        rf"see|view|analy))"
        rf"|\b(?:please|kindly|could you|can you|try) (?:\w+ )?(?:re-?)?(?:upload|attach|share|provide|send|supply|"
        rf"include)(?:ing)? (?:me )?(?:(?:the|an?|your|that|this|it|again|actual|or|a link to) )*(?:{_IMAGE}|it\b)"
        rf"|\byou (?:haven't|have not|didn't|did not) (?:\w+ )?(?:upload|attach|share|provide|send|"
        rf"include)\w* (?:\w+ ){{0,2}}{_IMAGE}"
        r"|\bas an? (?:\w+[ -]){0,3}(?:ai|language model|model|assistant|chatbot)\b[^.]{0,60}\b(?:can't|cannot|"
        r"can not|unable|not able|don't|do not|not capable|lack)\b(?! (?:see|find|detect|notice|spot|observe|"
        r"identify) (?:a|an|any|the) (?!image|picture|photo))"
        r"|\b(?:against|violates?|violation of|goes against|conflicts? with) (?:\w+ ){0,3}(?:polic|guideline|"
        r"rules|terms|principles|guidance)"
        r"|\bi (?:must|have to|need to|will have to|respectfully) (?:respectfully )?(?:decline|refuse)\b|"
        r"\bi (?:refuse|decline)\b"
        r"|\b(?:not |don't feel |not feel |un)comfortable (?:with )?\w+ing\b"
        r"|\bthis (?:request|question|content) (?:cannot|can't|can not) be (?:answered|processed|fulfilled|completed)\b"
        r"|\bunable to (?:assist|help|comply|answer|respond|provide|process|fulfill?)\b"
    )


def is_refusal(text: str) -> bool:
    """Whether a reply declines, or misses the image, and tells nothing beside that."""
    said = _QUOTED.sub('""', plain(text))
    if not said or _VERDICT.match(said) or not _declines(said):
        return False
    parts = [part for sentence in find_sentences(said) for part in _split(sentence.text)]
    return not any(_tells(part) for part in parts)


def plain(text: str) -> str:
    """Lower case, plain apostrophes, single blanks, no marks of emphasis: how a reply is read."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[’‘ʼ´`]", "'", text).replace("*", "").replace("_", " ")
    return "\n".join(" ".join(line.split()) for line in text.casefold().splitlines()).strip()


def _declines(text: str) -> bool:
    return _build_said().search(text) is not None


def _split(sentence: str) -> list[str]:
    """Clauses; one that begins in the middle of a refusal belongs to it."""
    parts: list[str] = []
    for part in _BREAK.split(sentence):
        if parts and not _declines(parts[-1]) and _declines(f"{parts[-1]}, {part}") and not _declines(part):
            parts[-1] += f", {part}"
        else:
            parts.append(part)
    return parts


def _tells(part: str) -> bool:
    """Whether a clause says something: it neither declines nor is a courtesy beside that."""
    return len(part.split()) > 3 and not _declines(part) and not _IDLE.search(part)
