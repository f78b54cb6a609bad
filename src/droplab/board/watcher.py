"""Threads that look at ledgers: one finds and reads, one judges, so that a new epoch never waits for statistics."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from droplab.board.finding import find
from droplab.board.pace import Pace
from droplab.board.sharing import Shared
from droplab.board.watched import Translate, Watched

POLL_SECONDS = 0.25
"""Between looks at what the file system says of the ledgers."""
FIND_SECONDS = 1.0
"""Between looks for experiments that are new."""
_LATEST_SECONDS = 1.2
"""An epoch that is committed is looked for after that time at most, however long reading takes."""
_READ_SHARE = 0.0025
"""Of one core, for reading: what that costs is told to readers besides, which takes as much again."""
_SHARE = 0.02
"""Of one core, for finding experiments, and again for judging while runs train."""
_STILL_SECONDS = 5.0
"""Where nothing trains, and for so long nothing was written, training has ended: between two runs it only seems so."""


class Watcher:
    """Knows every experiment at the places, and reads those that somebody looks at.

    Args:
        places: folders of experiments, or folders that hold some; they need not exist yet.
        lang: language in which pages open.
        translate: an English message in another language.
        tell: called from its threads when there is something new.
    """

    def __init__(self, places: Sequence[Path], lang: str, translate: Translate, tell: Callable[[], None]) -> None:
        self.places = tuple(dict.fromkeys(Path(os.path.abspath(place)) for place in places))  # noqa: PTH100  # ".." goes
        self._lang = lang
        self._translate = translate
        self._tell = tell
        self._known: dict[Path, tuple[Path, Watched]] = {}
        """By folder: the place under which it was found, and what is known of it."""
        self._shared = Shared(lang)
        self._readers: Counter[str] = Counter()
        self._every = 0
        self._over = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._judge)]

    def start(self) -> None:
        """Begin to look; experiments that are there already are known when this returns."""
        self._find()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads."""
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=5.0)
        self._shared.close()

    def experiments(self) -> list[tuple[Path, Watched]]:
        """Every experiment with the place under which it was found, in the order of places and names."""
        return list(self._known.values())

    def experiment(self, identity: str) -> Watched | None:
        """The experiment of an address; ``None`` where there is none."""
        return next((watched for _, watched in self.experiments() if watched.id == identity), None)

    def waiting(self) -> list[Path]:
        """Places at which no experiment is yet."""
        found = {one for folder in list(self._known) for one in (folder, *folder.parents)}
        return [place for place in self.places if place not in found]

    def shared(self, watched: Watched) -> Path:
        """The experiment's page as a file of its own.

        Raises:
            FailureError: it cannot be made.
        """
        return self._shared.page(watched.folder)

    @contextmanager
    def reader(self, watched: Watched | None) -> Iterator[None]:
        """While somebody looks at an experiment, or at the list of all."""
        if watched is None:
            self._every += 1
        else:
            self._readers[watched.id] += 1
        try:
            yield
        finally:
            if watched is None:
                self._every -= 1
            else:
                self._readers[watched.id] -= 1

    # threads ------------------------------------------------------------------------------------

    def _find(self) -> bool:
        """Add experiments that are new; whether there were any."""
        before = set(self._known)
        for place in self.places:
            for folder in find(place):
                if folder not in self._known:
                    self._known[folder] = (place, Watched(folder, self._lang, self._translate))
        self._known = dict(sorted(self._known.items(), key=lambda one: (self.places.index(one[1][0]), one[0])))
        return before != set(self._known)

    def _wanted(self, watched: Watched) -> bool:
        """Whether it is to be looked at: it was not read yet, or somebody looks at it."""
        return watched.record is None or self._every > 0 or self._readers[watched.id] > 0

    def _read(self) -> None:
        pace, finding = Pace(_READ_SHARE, POLL_SECONDS, _LATEST_SECONDS), Pace(_SHARE, FIND_SECONDS)
        while not self._over.wait(pace.left):
            began = time.thread_time()
            news = False
            if finding.due:
                news = self._find()
                finding.spent(time.thread_time() - began)
            for _, watched in self.experiments():
                if self._wanted(watched) and watched.look():
                    news = True
            if news:
                self._tell()
            pace.spent(time.thread_time() - began)

    def _judge(self) -> None:
        paces: dict[str, Pace] = {}
        while not self._over.wait(POLL_SECONDS):
            for _, watched in self.experiments():
                pace = paces.setdefault(watched.id, Pace(_SHARE, POLL_SECONDS))
                at_once = _still(watched) and not watched.trouble  # what fails is not tried again and again
                if self._over.is_set() or not self._wanted(watched) or not (pace.due or at_once):
                    continue
                began = time.thread_time()
                try:
                    news = watched.judge()
                    if self._readers[watched.id] > 0 and watched.page_is_due:
                        watched.make_page()
                        news = True
                    news = news or self._finish(watched)
                except Exception as problem:  # noqa: BLE001  # whatever somebody's ledger holds
                    news = watched.failed(problem)
                if news:
                    self._tell()
                pace.spent(time.thread_time() - began)

    def _finish(self, watched: Watched) -> bool:
        """Where nothing trains any more, show what the experiment's own page shows: images want the data set."""
        mark = watched.mark
        if mark is None or self._readers[watched.id] == 0 or not _still(watched):
            return False
        made = self._shared.payload(watched.folder, watched.seen)
        return made is not None and watched.take(made, mark)


def _still(watched: Watched) -> bool:
    """Whether nobody trains the experiment any more."""
    return not watched.running and time.time() - watched.seen.changed > _STILL_SECONDS
