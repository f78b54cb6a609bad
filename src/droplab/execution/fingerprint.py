"""What tells one experiment's code from another's: digests of the files that a spec names."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from droplab.spec.experiment import ExperimentSpec
from droplab.spec.named import named_objects
from droplab.userobjects import looks_like_object


def code_digests(spec: ExperimentSpec) -> dict[str, dict[str, str]]:
    """For all that a spec names of the user's own, the file it comes from and its digests.

    ``bytes`` is of the file as it is; ``meaning`` leaves comments and layout out. What droplab and torch bring
    themselves is not there: their versions are kept with the environment.
    """
    found = {what: file_digests(name) for what, name in named_objects(spec).items() if looks_like_object(name)}
    return {what: digests for what, digests in found.items() if digests}


def file_digests(name: str) -> dict[str, str]:
    """Of the file behind ``pkg.module:function``; nothing where it cannot be read."""
    module = name.partition(":")[0]
    file = "" if module.partition(".")[0] in {"droplab", "torch"} else _file(module)
    return digests_of(Path(file)) if file else {}


def digests_of(file: Path) -> dict[str, str]:
    """Of a file; nothing where it cannot be read."""
    try:
        source = file.read_bytes()
    except OSError:
        return {}
    if not source:
        return {}
    digests = {"file": str(file), "bytes": hashlib.sha256(source).hexdigest()[:16]}
    with suppress(SyntaxError, ValueError, RecursionError):  # compiled modules have bytes only
        digests["meaning"] = hashlib.sha256(ast.dump(ast.parse(source)).encode()).hexdigest()[:16]
    return digests


def _file(module: str) -> str:
    loaded = sys.modules.get(module)
    if loaded is not None:
        return getattr(loaded, "__file__", None) or ""
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(module)
        return (spec.origin or "") if spec is not None else ""
    return ""


def changed_code(before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Which code differs between two ``code_digests``: ``model (nets.py)``. What one of them lacks is not compared.

    >>> changed_code({"model": {"file": "a.py", "bytes": "1"}}, {"model": {"file": "a.py", "bytes": "2"}})
    ['model (a.py)']
    """
    return [
        f"{what} ({Path(now[what]['file']).name})"
        for what, digests in before.items()
        if what in now
        and digests["bytes"] != now[what]["bytes"]
        and (digests.get("meaning") is None or digests.get("meaning") != now[what].get("meaning"))
    ]
