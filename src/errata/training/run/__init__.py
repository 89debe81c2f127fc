"""One training run from settings to a saved model, supervised or on preferences, and the guard of its folder.

In: settings. Out: a folder that another command can continue, evaluate or load.
"""

from errata.training.run.run import SftRun, TrainResult, TrainRun, train

__all__ = ["SftRun", "TrainResult", "TrainRun", "train"]
