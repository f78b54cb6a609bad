"""What tells one model from another: digests of initial weights and of the code that makes them."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from droplab.experiment.named import named_objects
from droplab.experiment.spec import ExperimentSpec
from droplab.userobjects import looks_like_object


def weights_digest(model: nn.Module) -> str:
    """16 hex digits of the SHA-256 of a ``state_dict``: names, shapes, types and bits, on whatever device.

    >>> torch.manual_seed(0); a = weights_digest(nn.Linear(2, 2))  # doctest: +ELLIPSIS
    <torch...>
    >>> torch.manual_seed(1); b = weights_digest(nn.Linear(2, 2))  # doctest: +ELLIPSIS
    <torch...>
    >>> a == b, len(a)
    (False, 16)
    """
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        update(digest, name, value)
    return digest.hexdigest()[:16]


def update(digest: Any, name: str, value: Any) -> None:
    """Feed a named value to a digest: a dense tensor's shape, type and bits, of anything else its type alone."""
    digest.update(f"{name}: ".encode())
    if not isinstance(value, Tensor) or value.layout is not torch.strided or nn.parameter.is_lazy(value):
        digest.update(f"{type(value).__name__}\n".encode())
        return
    digest.update(f"{value.dtype} {tuple(value.shape)}\n".encode())
    plain = value.detach().cpu().contiguous().resolve_conj().resolve_neg()
    digest.update(plain.reshape(-1).view(torch.uint8).numpy().data)


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
    try:
        source = Path(file).read_bytes() if file else b""
    except OSError:
        return {}
    if not source:
        return {}
    digests = {"file": file, "bytes": hashlib.sha256(source).hexdigest()[:16]}
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
