"""Divide and conquer (RLAIF-V): answers are split into claims, a labeller judges each, pairs come of the counts.

In: questions with several answers. Out: preference pairs and what became of every answer.
"""

from errata.feedback.claims.judging import (
    NO_PICTURE,
    Candidates,
    JudgedAnswer,
    Judging,
    Labeller,
    OnProgress,
    build_label_calls,
    find_lost_image,
    find_obstacle,
    judge_claims,
)
from errata.feedback.claims.labels import (
    LABEL,
    PLAIN_LABEL,
    SUFFIX,
    AnswerTokens,
    EndpointLabeller,
    OnReply,
    find_answer_tokens,
    write_label,
)
from errata.feedback.claims.method import ClaimSettings, build_claim_pairs, list_judged
from errata.feedback.claims.split import (
    RULES,
    SPLIT,
    Split,
    ToSplit,
    ask_splitter,
    build_split_call,
    read_split,
    split_by_rules,
    split_world,
)
from errata.feedback.claims.truth import LabelAgreement, measure_label_agreement

__all__ = [
    "LABEL",
    "NO_PICTURE",
    "PLAIN_LABEL",
    "RULES",
    "SPLIT",
    "SUFFIX",
    "AnswerTokens",
    "Candidates",
    "ClaimSettings",
    "EndpointLabeller",
    "JudgedAnswer",
    "Judging",
    "LabelAgreement",
    "Labeller",
    "OnProgress",
    "OnReply",
    "Split",
    "ToSplit",
    "ask_splitter",
    "build_claim_pairs",
    "build_label_calls",
    "build_split_call",
    "find_answer_tokens",
    "find_lost_image",
    "find_obstacle",
    "judge_claims",
    "list_judged",
    "measure_label_agreement",
    "read_split",
    "split_by_rules",
    "split_world",
    "write_label",
]
