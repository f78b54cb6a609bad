"""From a verdict to what people read: text and a page in English and Japanese, and CSV."""

from droplab.languages import LANGUAGES, check_language
from droplab.report.blocks import blocks
from droplab.report.figures import PageSource
from droplab.report.locale import texts
from droplab.report.page import build_page
from droplab.report.tables import write_effects, write_metrics
from droplab.report.text import render

__all__ = [
    "LANGUAGES",
    "PageSource",
    "blocks",
    "build_page",
    "check_language",
    "render",
    "texts",
    "write_effects",
    "write_metrics",
]
