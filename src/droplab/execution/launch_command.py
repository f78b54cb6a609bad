"""Commands that ``droplab launch`` is given: which script they start, and which it does not take."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from droplab.errors import UserError


def script_of(command: Sequence[str], directory: Path) -> Path | None:
    """The file that a command runs: its first ``.py`` file, the module after ``-m``, or the command itself.

    >>> script_of(["python", "nowhere.py"], Path()) is None
    True
    """
    for before, word in zip(["", *command], command, strict=False):
        path = directory / word
        if word.endswith(".py") and path.is_file():
            return path
        if before == "-m":
            module = directory.joinpath(*word.split("."))
            for found in (module.with_suffix(".py"), module / "__main__.py"):
                if found.is_file():
                    return found
    own = directory / command[0]
    return own if own.is_file() and os.sep in command[0] else None


def check_command(command: Sequence[str]) -> None:
    """See that it is one that can be launched from here.

    Raises:
        UserError: there is none; it has several nodes; or this process is itself a rank or a launched run.
    """
    if not command:
        raise UserError("droplab launch got no command; it comes after --: droplab launch --seeds 3 -- python train.py")
    if "WORLD_SIZE" in os.environ or "TORCHELASTIC_RUN_ID" in os.environ:
        raise UserError(
            "droplab launch was started by torchrun, once for each rank; one driver starts the ranks of all runs: "
            "droplab launch … -- torchrun --nproc-per-node 2 train.py"
        )
    if "DROPLAB_RUN" in os.environ:
        raise UserError("droplab launch was started within a run of another droplab launch; start it by itself")
    for word, value in zip(command, [*command[1:], ""], strict=True):
        option, _, given = word.replace("_", "-").partition("=")
        if option == "--nnodes" and (given or value) not in {"1", "1:1"}:
            raise UserError(
                f"droplab launch got --nnodes {given or value}; it runs the ranks of one node, "
                "torchrun --nnodes 1. Several nodes are not supported yet"
            )
