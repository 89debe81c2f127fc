"""Studies on the synthetic world: what each kind of feedback is worth, over many seeds.

In: a settings file. Out: a table of conditions with their spread, a line a run, and figures.
"""

from errata.pipelines.study.run import run_study
from errata.pipelines.study.settings import WorldStudy

__all__ = ["WorldStudy", "run_study"]
