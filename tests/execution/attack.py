"""Kills, full disks and damage, many in a minute: this process imports droplab once and forks for every attack.

``python -m tests.execution.attack NAME FOLDER`` prints counts as JSON; ``test_prove_attacks.py`` starts it.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import resource
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch

import droplab
import droplab.nn
from droplab.errors import DroplabError
from droplab.ledger import FILE_NAME
from tests.execution.test_engine import figures
from tests.execution.test_reliability import small

SEEDS = 1
MORE = 2


def forked(work: Callable[[], object]) -> int:
    """Exit status of ``work`` in a child: 0; 7, an error of droplab's tree; 8, another; minus a signal's number."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    code = 8
    try:
        work()
        code = 0
    except DroplabError:
        code = 7
    except BaseException:  # noqa: BLE001  # whatever it is, it is counted
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)
    raise AssertionError  # not reached


def spec(seeds: int = SEEDS):
    return small(seeds=seeds, arms=[{"name": "a"}, {"name": "b", "p": 0.3, "schedule": "curriculum"}])


def train(folder: Path, seeds: int = SEEDS) -> Callable[[], object]:
    return lambda: droplab.compare(spec(seeds), out=folder)


def all_of(folder: Path) -> bytes:
    """Every figure of a folder, read in a child: this process must not start threads."""
    place = folder.with_name(f"{folder.name}.figures")
    assert forked(lambda: place.write_bytes(pickle.dumps(sorted(figures(folder).items(), key=str)))) == 0
    return place.read_bytes()


class Fuse:
    """Kills this process at the n-th commit, statement, flush, rename or removal."""

    def __init__(self, point: int) -> None:
        self.left = point

    def tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def light(self) -> None:
        fuse, connect = self, sqlite3.connect

        class Connection(sqlite3.Connection):
            def execute(self, *args):
                fuse.tick()
                return super().execute(*args)

            def executemany(self, *args):
                fuse.tick()
                return super().executemany(*args)

            def __exit__(self, *args):
                fuse.tick()
                done = super().__exit__(*args)
                fuse.tick()
                return done

        sqlite3.connect = lambda *args, **options: connect(*args, factory=Connection, **options)
        for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir")):
            setattr(owner, name, self._ticking(getattr(owner, name)))

    def _ticking(self, real: Callable[..., object]) -> Callable[..., object]:
        def ticking(*args, **options):
            self.tick()
            done = real(*args, **options)
            self.tick()
            return done

        return ticking


def killed_at(point: int, work: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        Fuse(point).light()
        work()

    return run


def kills(home: Path, seeds: int, base: Path | None, every: int, first: int) -> dict[str, int]:
    """Kill at each of the ``first`` points, then at every so many; the same command must end as if nothing had been."""
    whole = home / "whole"
    assert forked(train(whole, seeds)) == 0
    expected, found, point = all_of(whole), Counter(), 0
    while True:
        point += 1 if point < first else every
        folder = home / "killed"
        shutil.rmtree(folder, ignore_errors=True)
        if base is not None:
            shutil.copytree(base, folder)
        status = forked(killed_at(point, train(folder, seeds)))
        if status == 0:  # past its end
            return {**found, "points": point}
        found["kills"] += status == -signal.SIGKILL
        again = forked(train(folder, seeds))
        found["stuck"] += again != 0
        found["differ"] += again == 0 and all_of(folder) != expected


def creation(home: Path) -> dict[str, int]:
    return kills(home, SEEDS, None, every=9, first=90)


def enlarging(home: Path) -> dict[str, int]:
    base = home / "base"
    assert forked(train(base)) == 0
    return kills(home, MORE, base, every=9, first=90)


def disk(home: Path) -> dict[str, int]:
    """No file may grow beyond a limit; then it may."""
    whole, found = home / "whole", Counter()
    assert forked(train(whole)) == 0
    expected = all_of(whole)
    for limit in (
        0,
        100,
        1000,
        4096,
        5000,
        9000,
        12_288,
        16_384,
        20_000,
        24_576,
        30_000,
        36_000,
        45_056,
        60_000,
        90_000,
    ):
        folder = home / f"limit{limit}"

        def limited(limit=limit, folder=folder) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            train(folder)()

        status = forked(limited)
        found["limits"] += 1
        found["hit"] += status != 0
        found["tracebacks"] += status not in {0, 7}
        again = forked(train(folder))
        found["stuck"] += again != 0
        found["differ"] += again == 0 and all_of(folder) != expected
    return found


def tmpfs(home: Path) -> dict[str, int]:
    """A disk that is full, then has room: a mount of our own, in a name space of our own."""
    import subprocess

    whole, found = home / "whole", Counter()
    assert forked(train(whole)) == 0
    expected = all_of(whole)
    place = home / "mounted"
    place.mkdir()

    def mount(*options: str) -> None:
        subprocess.run(["mount", *options, str(place)], check=True)

    for kilobytes in (4, 8, 16, 24, 32, 48, 64, 96, 128):
        mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "none")
        status = forked(train(place / "x"))
        found["disks"] += 1
        found["full"] += status != 0
        found["tracebacks"] += status not in {0, 7}
        mount("-o", "remount,size=20m")
        again = forked(train(place / "x"))
        found["stuck"] += again != 0
        found["differ"] += again == 0 and all_of(place / "x") != expected
        mount("-o", "remount,ro")
        found["unreadable"] += forked(lambda: print(droplab.Results.read(place / "x").text()[:0], end="")) != 0
        found["pages"] += forked(lambda: droplab.Results.read(place / "x").write_page(home / "page.html")) == 0
        found["read-only, given again"] += forked(train(place / "x")) == 0
        subprocess.run(["umount", str(place)], check=True)
    return found


def checkpoints(home: Path) -> dict[str, int]:
    """Damage the checkpoints of a set that was killed in the middle; it must end as if nothing had been."""
    whole, base, found, rng = home / "whole", home / "base", Counter(), random.Random(3)
    assert forked(train(whole)) == 0
    expected = all_of(whole)
    point = 100
    while True:  # until a run has a checkpoint and is not done
        shutil.rmtree(base, ignore_errors=True)
        assert forked(killed_at(point, train(base))) == -signal.SIGKILL
        if list(base.glob("runs/0001/epoch-000001.ckpt")):
            break
        point += 10
    for number in range(40):
        folder = home / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder)
        for path in folder.glob("runs/*/*.ckpt"):
            raw = bytearray(path.read_bytes())
            place = rng.randrange(len(raw))
            raw[place] ^= 1 << rng.randrange(8)
            path.write_bytes(raw[:place] if number % 4 == 1 else b"" if number % 4 == 2 else raw)
            found["files"] += 1
        again = forked(train(folder))
        found["stuck"] += again != 0
        found["differ"] += again == 0 and all_of(folder) != expected
    return found


def ledgers(home: Path) -> dict[str, int]:
    """Flipped bits, overwritten stretches and cuts of a finished ledger: other output without a word is never."""
    from tests.ledger.test_ledger import everything

    assert forked(train(home / "x", MORE)) == 0
    path, found, rng = home / "x" / FILE_NAME, Counter(), random.Random(5)
    whole, expected = path.read_bytes(), everything(path)
    for number in range(3000):
        raw = bytearray(whole)
        place = rng.randrange(len(raw))
        kind = ("bit", "bit", "stretch", "cut")[number % 4] if number < 800 else "bit"
        if kind == "bit":
            raw[place] ^= 1 << rng.randrange(8)
        elif kind == "stretch":
            raw[place : place + 64] = rng.randbytes(len(raw[place : place + 64]))
        else:
            del raw[place:]
        for end in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        path.write_bytes(raw)
        try:
            found[f"{kind}: {'same' if everything(path) == expected else 'silent'}"] += 1
        except DroplabError:
            found[f"{kind}: refused"] += 1
        except Exception as problem:  # noqa: BLE001  # as above
            print(repr(problem), file=sys.stderr)
            found[f"{kind}: traceback"] += 1
    return found


def warm() -> None:
    """Load what every child would load again; with one thread no other is started here."""
    torch.set_num_threads(1)
    layer = droplab.nn.Dropout(0.5)
    with droplab.keyed(layer, seed=1, step=0, samples=torch.arange(16)):
        layer(torch.ones(16, 16, requires_grad=True)).sum().backward()


if __name__ == "__main__":
    warm()
    name, where = sys.argv[1:]
    attack = {f.__name__: f for f in (creation, enlarging, disk, tmpfs, checkpoints, ledgers)}[name]
    print(json.dumps(attack(Path(where))))
