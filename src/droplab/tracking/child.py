"""The process that feeds one sink, started by ``Tracker`` with the sink's name and the experiment's folder.

It runs at low priority, reads the ledger every two seconds, and finishes when its standard input ends, which
also happens when the training process dies. What came on that input is the conclusion as JSON, where there is one.
Its last line on standard output is JSON: what to tell the user.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

from droplab.errors import masked
from droplab.records import Conclusion
from droplab.tracking.follow import Follower
from droplab.tracking.priority import stay_low
from droplab.tracking.registry import make_sink

POLL_SECONDS = 2.0


def main(name: str, folder: Path) -> None:
    """Follow the ledger until standard input ends."""
    sys.excepthook = _log_masked
    if ":" in name:  # a sink of the user's may import its neighbours; last, so that it stands for no package
        sys.path.append(str(Path.cwd()))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the training's business; it closes the input
    stay_low()
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a sink prints belongs into its log
    ended = threading.Event()
    told = bytearray()

    def wait_for_end() -> None:
        while part := os.read(0, 65536):  # not sys.stdin: its lock would be held when the interpreter ends
            told.extend(part)
        ended.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    with Follower(folder, make_sink(name, folder)) as follower:
        while not ended.wait(POLL_SECONDS):
            follower.poll()
        lines = follower.finish(_conclusion(bytes(told)))
    print(json.dumps(lines), file=answer, flush=True)


def _conclusion(told: bytes) -> Conclusion | None:
    """None where the training has said nothing, or died in saying it."""
    try:
        return Conclusion(**json.loads(told)) if told else None
    except ValueError:
        return None


def _log_masked(kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
    """What ended the sink, for its log; addresses in it keep their passwords to themselves."""
    sys.stderr.write(masked("".join(traceback.format_exception(kind, problem, trace))))
