"""Language without models.

In: text, and vocabulary files. Out: words with their places, sentences, nouns with the phrases they head, singular
forms, vocabularies, and where a text names the objects of one; the answer of a model that thinks aloud, without its
thoughts; whether a reply is a refusal, and what it answers to a yes/no question; where a text holds another tool's
markup. What a mention counts for in a benchmark is decided in `benchmarks`; tokenizers of models are in `models`.
"""

from errata.text.markup import MARKUP, Markup, find_markup, parse_messages_text, require_plain, require_plain_question
from errata.text.mentions import Mention, find_mentions
from errata.text.noun_chunks import NounChunk, find_noun_chunks
from errata.text.official_singular import find_official_singular, find_wordnet_singular
from errata.text.printable import make_printable
from errata.text.reasoning import Reasoned, Spoken, find_spoken, split_reasoning, strip_reasoning
from errata.text.refusals import is_refusal
from errata.text.singular import find_singular
from errata.text.verdicts import find_verdict_words, read_yes_no
from errata.text.vocabulary import (
    Vocabulary,
    build_vocabulary,
    load_coco_vocabulary,
    load_vocabulary,
    parse_vocabulary,
)
from errata.text.words import Sentence, Word, find_sentences, find_treebank_tokens, find_words

__all__ = [
    "MARKUP",
    "Markup",
    "Mention",
    "NounChunk",
    "Reasoned",
    "Sentence",
    "Spoken",
    "Vocabulary",
    "Word",
    "build_vocabulary",
    "find_markup",
    "find_mentions",
    "find_noun_chunks",
    "find_official_singular",
    "find_sentences",
    "find_singular",
    "find_spoken",
    "find_treebank_tokens",
    "find_verdict_words",
    "find_wordnet_singular",
    "find_words",
    "is_refusal",
    "load_coco_vocabulary",
    "load_vocabulary",
    "make_printable",
    "parse_messages_text",
    "parse_vocabulary",
    "read_yes_no",
    "require_plain",
    "require_plain_question",
    "split_reasoning",
    "strip_reasoning",
]
