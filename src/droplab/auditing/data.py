"""An audit as JSON, for programs; ``docs/audit.md`` has its keys."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from droplab.auditing.executed import Finding, Report
from droplab.auditing.words import said, words


def as_json(audit: Report, lang: str) -> str:
    """The report; every key is there, in this order, whatever was found."""
    reasons, checks = words(lang)["reasons"], words(lang)["checks"]
    found: dict[str, Any] = {
        "model": audit.model,
        "complete": audit.complete,
        "executed": [asdict(one) for one in audit.executed],
        "findings": [_finding(finding, lang) for finding in audit.findings],
        "ignored": [_finding(finding, lang) for finding in audit.ignored],
        "unchecked": [
            {"code": code, "name": checks[code]["name"], "reason": reasons[key]}
            for code, key in audit.unchecked.items()
        ],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _finding(finding: Finding, lang: str) -> dict[str, Any]:
    return {
        "code": finding.code,
        "where": finding.where,
        "place": finding.place,
        "note": finding.note,
        **said(finding, lang),
    }
