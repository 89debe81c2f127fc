"""What feedback asks of a model that is loaded here: the probability of yes, and its own reward.

In: loaded models, questions, answers. Out: labels as a judge gives them, and rewards. This is the part of `feedback`
that needs torch.
"""

from errata.feedback.local.labeller import LocalLabeller, YesNo
from errata.feedback.local.self_reward import SelfReward, compute_reward

__all__ = ["LocalLabeller", "SelfReward", "YesNo", "compute_reward"]
