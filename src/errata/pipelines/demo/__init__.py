"""The whole circle on the synthetic world, in minutes on a laptop: measure, correct, train, measure again.

In: a seed and how much. Out: a folder with the trained model, the results and their report.
"""

from errata.pipelines.demo.run import run_demo
from errata.pipelines.demo.settings import DemoResult, DemoSettings

__all__ = ["DemoResult", "DemoSettings", "run_demo"]
