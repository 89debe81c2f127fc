"""Every benchmark by name, and how one is built from its options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from errata.benchmarks.amber import Amber
from errata.benchmarks.chair import Chair
from errata.benchmarks.hallusionbench import HallusionBench
from errata.benchmarks.llava_bench import LlavaBenchCoco, LlavaBenchWild
from errata.benchmarks.mhumaneval import MHumanEval
from errata.benchmarks.mmhal import MMHal
from errata.benchmarks.mrhal import MRHal
from errata.benchmarks.object_halbench import ObjectHalBench
from errata.benchmarks.overgeneralisation import OverGeneralisation
from errata.benchmarks.pope import Pope
from errata.benchmarks.protocol import Benchmark
from errata.benchmarks.refomb import RefoMB
from errata.benchmarks.vqav2 import VQAv2
from errata.config import load_settings
from errata.errors import ConfigError

BENCHMARKS: dict[str, type[Benchmark[Any]]] = {
    "pope": Pope,
    "chair": Chair,
    "object_halbench": ObjectHalBench,
    "amber": Amber,
    "mhumaneval": MHumanEval,
    "overgeneralisation": OverGeneralisation,
    "mmhal": MMHal,
    "mrhal": MRHal,
    "llava_bench_coco": LlavaBenchCoco,
    "llava_bench_wild": LlavaBenchWild,
    "refomb": RefoMB,
    "hallusionbench": HallusionBench,
    "vqav2": VQAv2,
}


def build_benchmarks(names: Sequence[str], options: Sequence[str] = ()) -> list[Benchmark[Any]]:
    """The benchmarks called `names`, each once and in that order, with their options.

    Args:
        names: Of `BENCHMARKS`; "all" stands for every one.
        options: `benchmark.option=value`.

    Raises:
        ConfigError: A benchmark or an option that does not exist, or an option of a benchmark that was not chosen.
    """
    chosen = list(dict.fromkeys(one for name in names for one in (BENCHMARKS if name == "all" else (name,))))
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown or not chosen:
        expected, found = " or ".join([*BENCHMARKS, "all"]), repr(unknown[0]) if unknown else "none"
        raise ConfigError("benchmarks", expected=expected, found=found, fix="see `errata bench list`")
    for option in options:
        if option.partition(".")[0] not in chosen or "." not in option.partition("=")[0]:
            raise ConfigError(
                option,
                expected=f"{chosen[0]}.option=value",
                found="no option of a chosen benchmark",
                fix="leave it out",
            )
    return [
        load_settings(BENCHMARKS[name], None, [o.partition(".")[2] for o in options if o.partition(".")[0] == name])
        for name in chosen
    ]
