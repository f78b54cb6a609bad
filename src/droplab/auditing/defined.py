"""The line where a module is made: what a finding points to where no call is to blame."""

from __future__ import annotations

import inspect
import re

from torch import nn


def defined_at(model: nn.Module, name: str) -> str:
    """``file:line`` of ``self.NAME = …`` in the class that holds a module; empty where there is none.

    Args:
        model: any.
        name: a module's path.
    """
    parts = name.split(".")
    for length in range(len(parts) - 1, -1, -1):
        owner = model.get_submodule(".".join(parts[:length]))
        if type(owner).__module__.startswith("torch.nn.modules.container"):
            continue
        return _assigned(type(owner), parts[length])
    return ""


def _assigned(kind: type, attribute: str) -> str:
    pattern = re.compile(rf"\bself\.{re.escape(attribute)}\s*(:[^=]+)?=")
    for base in kind.__mro__:
        if base.__module__.startswith(("torch.", "builtins")):
            continue
        try:
            lines, first = inspect.getsourcelines(base)
            file = inspect.getsourcefile(base)
        except (OSError, TypeError):
            continue
        for number, line in enumerate(lines):
            if pattern.search(line):
                return f"{file}:{first + number}"
    return ""
