"""What may be changed of an experiment afterwards, on the record: a run is forgotten, its name is another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from droplab.errors import UserError, quote, suggest
from droplab.execution.folder import run_folder
from droplab.execution.lock import folder_lock
from droplab.ledger import Ledger, change_experiment, open_experiment
from droplab.records import Notice, RunKey

_LONGEST = 120


def forget_run(folder: Path, arm: str, seed: int, reason: str = "") -> int:
    """Remove all that a run measured, and its checkpoints; the same command trains it again.

    An event keeps that and the reason. Where the run had measured anything, the verdict says so too, as choosing
    runs by what they gave is no experiment.

    Args:
        folder: the experiment's.
        arm: the run's arm.
        seed: the run's seed.
        reason: why, in your words.

    Returns:
        The epochs that it had measured.

    Raises:
        UserError: the folder holds no experiment, or it has no such run.
        LockedError: the experiment is running.
    """
    key = RunKey(arm, seed)
    with _held(folder) as ledger:
        runs = ledger.progress()
        if key not in runs:
            arms, seeds = (list(dict.fromkeys(getattr(one, part) for one in runs)) for part in ("arm", "seed"))
            raise UserError(
                f"{folder} has no run {key}; its arms: {', '.join(arms)}; its seeds: {', '.join(map(str, seeds))}"
                f"{suggest(arm, arms)}"
            )
        epochs = runs[key][2]
        ledger.forget(key, reason)
        if epochs:
            detail = {"seed": seed, "epochs": epochs, "reason": reason}
            ledger.notice(Notice("forgotten_why" if reason else "forgotten", arm, detail))
        for path in run_folder(folder, ledger.run_id(key)).glob("epoch-*.ckpt"):
            path.unlink(missing_ok=True)
    return epochs


def rename_experiment(folder: Path, name: str) -> None:
    """Show an experiment under another name. Its folder stays where it is; its spec continues it under either name.

    Args:
        folder: the experiment's.
        name: 1 to 120 characters.

    Raises:
        UserError: the folder holds no experiment, or the name is none.
        LockedError: the experiment is running.
    """
    name = name.strip()
    if not 0 < len(name) <= _LONGEST:
        raise UserError(f"the name {quote(name)} has {len(name)} characters; wanted 1 to {_LONGEST}")
    with _held(folder) as ledger:
        ledger.rename(name)


@contextmanager
def _held(folder: Path) -> Iterator[Ledger]:
    open_experiment(folder).close()  # before a lock is put where no experiment is
    with folder_lock(folder), change_experiment(folder) as ledger:
        yield ledger
