"""Figures for papers: each panel of the page as SVG, by the renderer that the page without JavaScript uses too.

Data come as the page has them (``sheet.py``), marks go through one small writer of SVG (``canvas.py``), and a figure
is one file and one line in ``table.py``.
"""

from droplab.report.figures.drawing import WIDTH, Listed, draw, listed, themed
from droplab.report.figures.made import FORMS, Figure
from droplab.report.figures.source import sheet_of
from droplab.report.figures.table import WITHOUT

__all__ = ["FORMS", "WIDTH", "WITHOUT", "Figure", "Listed", "draw", "listed", "sheet_of", "themed"]
