"""Results -> PNG figures, each in a light and a dark version.

In: `Results`. Out: files under a folder, with a caption and a text alternative. A figure whose numbers are absent is
not drawn. Numbers are shown as given; nothing is smoothed without its raw line beside it.
"""

from errata.reports.plots.figures import FIGURES, STATS_FIGURES, STUDY_FIGURES, Figure, draw_figures, draw_table

__all__ = ["FIGURES", "STATS_FIGURES", "STUDY_FIGURES", "Figure", "draw_figures", "draw_table"]
