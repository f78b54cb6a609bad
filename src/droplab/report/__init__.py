"""From a verdict to what people read: text and a page in English and Japanese, and CSV."""

from droplab.languages import LANGUAGES, check_language
from droplab.report.conclusion import conclusion
from droplab.report.locale import texts
from droplab.report.machine import exit_code as exit_code_of
from droplab.report.machine import schema, verdict_json
from droplab.report.naming import report_words
from droplab.report.page import build_page
from droplab.report.payload import PageSource
from droplab.report.planning import expectation, render_pilot
from droplab.report.rows import rows
from droplab.report.source import page_source
from droplab.report.summary import summaries
from droplab.report.tables import write_effects, write_metrics
from droplab.report.text import render
from droplab.report.wording import wording

__all__ = [
    "LANGUAGES",
    "PageSource",
    "build_page",
    "check_language",
    "conclusion",
    "exit_code_of",
    "expectation",
    "page_source",
    "render",
    "render_pilot",
    "report_words",
    "rows",
    "schema",
    "summaries",
    "texts",
    "verdict_json",
    "wording",
    "write_effects",
    "write_metrics",
]
