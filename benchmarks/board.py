"""What an open board costs training, and how soon it tells of an epoch.

python benchmarks/board.py [--epochs 320] [--block 8] [--browser]

The demonstration's recipe, 2 arms × 1 seed, is trained while ``droplab board`` has a reader of the experiment's page
and one of the list, or with ``--browser`` both open in headless Chromium. Every --block epochs board and readers are
stopped (SIGSTOP) or let go on (SIGCONT), in the order with, without, without, with: one block with them over the block
without is the ratio, pairs are averaged, with the standard error. 1,000 images an epoch are the worst case, as a
board's work goes by epochs. The delay is from the commit of an epoch until the page's reader has its event, of epochs
that were committed while the board was at work, and two seconds at least before it was stopped: what it had not told by
then it tells a block later. Which these are is known without looking at when they were told, so that a board that is
later than that shows as one that is a block late.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from droplab.listener import Listener
from droplab.records import Measurement, RunKey
from droplab.spec import parse_spec
from droplab.spec.presets import demo

WARM_SECONDS = 15
SETTLED_SECONDS = 2.0
"""A board rests for 1.2 at most; what is committed later than that before a stop says nothing of the delay."""
ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "board.csv"


class Turns(Listener):
    """Lets the board and its readers work in every other block of epochs, and notes when epochs were committed."""

    def __init__(self, groups: list[int], block: int) -> None:
        self.block = block
        self.blocks: list[float] = []
        self.committed: dict[tuple[str, int, int], float] = {}
        self._groups = groups
        self._first = self._began = time.perf_counter()
        self._seen = -1
        self._stopped = False

    def epoch(self, key: RunKey, measurement: Measurement) -> None:
        """Count, and take turns at the end of a block."""
        now = time.perf_counter()
        if not self._stopped:
            self.committed[key.arm, key.seed, measurement.epoch + 1] = time.time()
        if now - self._first < WARM_SECONDS:
            return
        self._seen += 1
        if self._seen % self.block == 0:
            if self._seen:
                self.blocks.append(now - self._began)
                self.turn(stop=len(self.blocks) % 4 in {1, 2})
            self._began = time.perf_counter()

    def ended(self, key: RunKey, state: str, reason: str) -> None:  # noqa: ARG002  # as listeners hear it
        """Four blocks that a run's end cuts are not counted; the next run warms up anew."""
        del self.blocks[len(self.blocks) // 4 * 4 :]
        self._first, self._seen = time.perf_counter(), -1
        self.turn(stop=False)

    def turn(self, *, stop: bool) -> None:
        """Stop the processes, or let them go on."""
        if stop and not self._stopped:
            last = time.time() - SETTLED_SECONDS
            self.committed = {epoch: at for epoch, at in self.committed.items() if at < last}
        self._stopped = stop
        for group in self._groups:
            os.killpg(group, signal.SIGSTOP if stop else signal.SIGCONT)


def read(address: str) -> None:
    """Read a page's events, and print when each epoch came."""
    with urllib.request.urlopen(address) as stream:  # noqa: S310  # our own board
        for line in stream:
            if line.startswith(b"data: "):
                now, runs = time.time(), json.loads(line[6:]).get("runs", {})
                told = runs.values() if isinstance(runs, dict) else ()
                print(json.dumps([now, [[run["arm"], run["seed"], run["epochs"]] for run in told]]), flush=True)


def show(address: str) -> None:
    """Keep a page open in headless Chromium."""
    sys.path.insert(0, str(ROOT))
    from playwright.sync_api import sync_playwright
    from tests.report.conftest import ARGUMENTS, CHROMIUM

    with sync_playwright() as play:
        page = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS).new_page()
        page.goto(address)
        page.wait_for_selector("#live[data-is=here]", timeout=120_000)
        if page.locator("#curves").count():
            page.locator("#curves").scroll_into_view_if_needed()
        while True:
            page.wait_for_timeout(1000)


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    """A process with a session of its own."""
    return subprocess.Popen([sys.executable, *words], start_new_session=True, text=True, **options)


def measure(folder: Path, epochs: int, block: int, *, browser: bool) -> dict[str, Any]:
    """Train once, in turns."""
    from droplab.execution import run_experiment  # loads torch, which readers need not wait for

    spec = demo()
    spec["recipe"] = {**spec["recipe"], "epochs": epochs}
    spec |= {"seeds": 1, "compute": {"executor": "serial"}}
    place, log = folder / "runs", folder / "events"
    board = start("-u", "-m", "droplab", "board", str(place), "--port", "0", "--lang", "en", stdout=subprocess.PIPE)
    assert board.stdout is not None
    board.stdout.readline()
    address = board.stdout.readline().split("http://")[1].split()[0]
    processes = [board]

    class Opened(Turns):
        """Opens the readers when there is something to read."""

        def opened(self, record: Any, plan: dict[str, Any], folder: str) -> None:
            del record, plan, folder
            listed: list[Any] = []
            while not listed:
                time.sleep(0.5)
                with urllib.request.urlopen(f"http://{address}") as page:  # as above
                    text = page.read().decode()
                listed = json.loads(text.split('data-follow="events">')[1].split("</script>")[0])["rows"]
            page = f"http://{address}x/{listed[0]['id']}/"
            own = [__file__, "--read", f"{page}events?since="]
            processes.append(start(*own, stdout=log.open("w", encoding="utf-8")))
            if browser:
                processes.extend(start(__file__, "--show", where) for where in (page, f"http://{address}"))
            else:
                processes.append(start(__file__, "--read", f"http://{address}events", stdout=subprocess.DEVNULL))
            self._groups += [one.pid for one in processes[1:]]

    turns = Opened([board.pid], block)
    try:
        run_experiment(parse_spec(spec), out=place / "demo", listener=turns)
        turns.turn(stop=False)
        time.sleep(3)
    finally:
        turns.turn(stop=False)
        for one in processes:
            os.killpg(one.pid, signal.SIGTERM)
        ends = [os.wait4(one.pid, 0)[2] for one in processes]
    came: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        now, runs = json.loads(line)
        for arm, seed, done in runs:
            came.setdefault((arm, seed), []).append((done, now))
    told = {
        (arm, seed, done): next((now for reached, now in came.get((arm, seed), ()) if reached >= done), math.inf)
        for arm, seed, done in turns.committed
    }
    delays = [told[epoch] - at for epoch, at in turns.committed.items()]  # endless where it was never told
    pairs = zip(turns.blocks[::2], turns.blocks[1::2], strict=False)
    ratios = [first / last if number % 2 == 0 else last / first for number, (first, last) in enumerate(pairs)]
    return {
        "reader": "Chromium" if browser else "streams",
        "pairs": len(ratios),
        "ratio": round(statistics.fmean(ratios), 4),
        "standard_error": round(statistics.stdev(ratios) / math.sqrt(len(ratios)) if len(ratios) > 1 else math.nan, 4),
        "median_ratio": round(statistics.median(ratios), 4),
        "epochs_per_second": round(block / statistics.median(turns.blocks), 2),
        "epochs_timed": len(delays),
        "delay_median": round(statistics.median(delays), 3),
        "delay_99": round(statistics.quantiles(delays, n=100)[98], 3),
        "delay_worst": round(max(delays), 3),
        "board_cpu_seconds": round(ends[0].ru_utime + ends[0].ru_stime, 1),
    }


def main() -> None:
    """Measure, print and write benchmarks/results/board.csv."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=320)
    parser.add_argument("--block", type=int, default=8)
    parser.add_argument("--browser", action="store_true")
    parser.add_argument("--read", metavar="ADDRESS", help=argparse.SUPPRESS)
    parser.add_argument("--show", metavar="ADDRESS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read or options.show:
        (read if options.read else show)(options.read or options.show)
        return
    rows: dict[str, dict[str, Any]] = {}
    if RESULTS.exists():
        with RESULTS.open(encoding="utf-8", newline="") as file:
            rows = {row["reader"]: row for row in csv.DictReader(file)}
    with tempfile.TemporaryDirectory() as place:
        found = measure(Path(place), options.epochs, options.block, browser=options.browser)
    print(found)
    rows[found["reader"]] = found
    with RESULTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


if __name__ == "__main__":
    main()
