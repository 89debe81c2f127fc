"""Text and images in, a verdict out: cached, priced, replayable.

In: calls, each a prompt with the texts and images to be judged, and a parser for the reply. Out: verdicts, read,
unreadable or missing. No benchmark's prompt or parser is here, they stand beside its score in `benchmarks`; nor is a
client of servers (`generation`). Loads without torch; `build_judge` imports what a kind of judge needs.
"""

from errata.judges.backend import Backend, JudgeFailure, JudgeReply, JudgeRequest, Parameters
from errata.judges.build import KINDS, build_backend, build_judge
from errata.judges.cache import VerdictCache
from errata.judges.calls import JudgeCall, JudgePrompt
from errata.judges.endpoint_judge import convert_reply
from errata.judges.estimate import Estimate
from errata.judges.fence import disarm
from errata.judges.judge import Judge
from errata.judges.model_folder import find_model_folder
from errata.judges.prices import PriceTable, format_price, load_prices
from errata.judges.scripted import RecordedJudge, Rule, ScriptedJudge
from errata.judges.summary import Spread, measure_spread, summarise
from errata.judges.verdicts import Sample, Verdict
from errata.judges.world_truth import Finding, build_world_rule, find_errors
from errata.storage import SqliteFile, Table

__all__ = [
    "KINDS",
    "Backend",
    "Estimate",
    "Finding",
    "Judge",
    "JudgeCall",
    "JudgeFailure",
    "JudgePrompt",
    "JudgeReply",
    "JudgeRequest",
    "Parameters",
    "PriceTable",
    "RecordedJudge",
    "Rule",
    "Sample",
    "ScriptedJudge",
    "Spread",
    "SqliteFile",
    "Table",
    "Verdict",
    "VerdictCache",
    "build_backend",
    "build_judge",
    "build_world_rule",
    "convert_reply",
    "disarm",
    "find_errors",
    "find_model_folder",
    "format_price",
    "load_prices",
    "measure_spread",
    "summarise",
]
