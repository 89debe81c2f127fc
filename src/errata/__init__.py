"""Errata makes multimodal large language models tell the truth about what they see.

Corrections and ranked answers come in, a measurably more truthful model comes out. The rooms, from the bottom up:
`records`, `corrections`, `objectives`, `text`, `images`, `data`, `world`, `models`, `trees`, `generation`, `judges`,
`training`, `benchmarks`, `feedback`, `reports`, `pipelines`, `cli`.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
