"""From a verdict to what people read: text in English and Japanese, and CSV."""

from droplab.report.locale import LANGUAGES, check_language
from droplab.report.tables import write_effects, write_metrics
from droplab.report.text import render

__all__ = ["LANGUAGES", "check_language", "render", "write_effects", "write_metrics"]
