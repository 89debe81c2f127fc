"""Result files become something to read: tables, plots and one self-contained page.

In: a run folder with `results.json` and the images it names, or the counts of a file of records. Out: `plots/*.png`,
`report.html` or `stats.html`, and a plain-text table for the terminal. This room computes no score and no interval: it
shows the numbers that `benchmarks` and `data` found, and only counts and subtracts what it is given. Loads without
torch. What a model said is hostile text here: it is escaped everywhere, and the page may load nothing.
"""

from errata.reports.page import render_report
from errata.reports.plots import STUDY_FIGURES, draw_table
from errata.reports.stats import render_stats_page, render_stats_table
from errata.reports.table import render_table

__all__ = ["STUDY_FIGURES", "draw_table", "render_report", "render_stats_page", "render_stats_table", "render_table"]
