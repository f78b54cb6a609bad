"""``droplab.study``: the runs of an experiment as a ``for`` loop, for notebooks and prompts."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, final

from droplab.analysis import Verdict, wanted
from droplab.cells import code_around
from droplab.errors import LedgerError, UserError
from droplab.execution.session import Opened, session
from droplab.given import name_of
from droplab.listener import Listener, Silent
from droplab.measures import MeasuresLike
from droplab.records import Notice
from droplab.results import Results
from droplab.spec.loop import LoopSpec
from droplab.spec.specfile import parse
from droplab.tracking import Tracker
from droplab.training.run import Run

_WRITE = "write it as `for run in study:`, and below it `with run:` around the training"
_under_way: list[str] = []
"""Names of the studies that are iterated over in this process; one at most."""


@final
class StudyRun:
    """One run of a study: within its ``with`` block all that a ``droplab.Run`` is, and refused outside of it.

    An exception within the block fails the run, with its reason, and the iteration goes on; Ctrl-C and ``break`` leave
    it to be continued.
    """

    def __init__(self, opened: Opened) -> None:
        self.arm, self.seed = opened.arm, opened.key.seed
        self._opened = opened
        self._run: Run | None = None
        self._state = "new"

    def __repr__(self) -> str:
        return f"<run {self._opened.key}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if self._run is None:
            when = "before its `with` block" if self._state == "new" else "after its `with` block has ended"
            raise UserError(f"run.{name} was used {when}; a run trains within it: {_WRITE}")
        return getattr(self._run, name)

    def __enter__(self) -> StudyRun:
        if self._state != "new":
            raise UserError(f"{self._opened.key} was opened already; each run has one `with run:`")
        self._run = self._opened.begin()
        self._state = "open"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._state == "settled":  # the iteration was left meanwhile, and the ledger with it
            return False
        self._run = None
        self._state = "ended"
        try:
            self._opened.leave()
        except LedgerError:
            self._state = "settled"
            raise
        if problem is None:
            return False
        self._state = "settled"
        if isinstance(problem, Exception | SystemExit):
            self._opened.fail(problem)
            _show(self._opened, problem, trace)
            return True
        self._opened.interrupt()
        return False

    def _settle(self, *, goes_on: bool) -> None:
        """After the block, when the iteration goes on or is left."""
        if self._state == "settled" or (self._state == "new" and not goes_on):
            return
        if self._state == "new":
            raise UserError(f"{self._opened.key} was never opened, so nothing was trained; {_WRITE}")
        if self._state == "open":
            self._run = None
            self._opened.leave()
            self._opened.interrupt()
            self._state = "settled"
            if goes_on:
                raise UserError(f"the next run was asked for within the `with` block of {self._opened.key}; {_WRITE}")
            return
        self._state = "settled"
        if not goes_on and not self._opened.whole:  # `break`, whether or not the run would have gone on
            self._opened.interrupt()
            return
        reason = self._opened.finish()
        if reason:
            print(f"{self._opened.key} failed: {reason}", file=sys.stderr)  # noqa: T201  # as an exception would be


def _show(opened: Opened, problem: BaseException, trace: TracebackType | None) -> None:
    """The last lines of a traceback: the others of the set go on."""
    lines = traceback.format_exception(type(problem), problem, trace, limit=-2)
    print(f"{opened.key} failed, the next one goes on\n{''.join(lines)}", file=sys.stderr, end="")  # noqa: T201


@final
class Study:
    """An experiment whose runs come one by one; see ``study``."""

    def __init__(
        self, values: Mapping[str, Any], out: Path | None, listener: Listener | None, track: Sequence[str],
        *, fresh: bool, accept_changed_code: bool,
    ) -> None:  # fmt: skip
        self._values = dict(values)
        self._listener, self._track = listener, tuple(track)
        self._fresh, self._accept = fresh, accept_changed_code
        self._out = out
        self._spec("")
        self._folder: Path | None = None

    def _spec(self, code: str) -> LoopSpec:
        loop = name_of(partial(_cells, code), "study:cells")
        spec: LoopSpec = parse(LoopSpec, {**self._values, "loop": loop}, "droplab.study")
        if spec.compute.executor in {"process", "ray"}:
            raise UserError(
                "droplab.study trains one run at a time; droplab.compare(train, …) has worker processes and clusters"
            )
        return spec

    def __iter__(self) -> Iterator[StudyRun]:
        """The runs that are not done yet, seed by seed.

        Raises:
            UserError: another iteration is under way, or the folder holds another experiment.
            LockedError: another process works on the folder.
        """
        if _under_way:
            raise UserError(
                f"the study {_under_way[0]!r} is under way in this process; end it first (leave its loop, or delete "
                "its iterator), and do not nest studies: arms of both can be arms of one"
            )
        frame = inspect.currentframe()
        assert frame is not None
        assert frame.f_back is not None
        return self._runs(code_around(frame.f_back))

    def _runs(self, code: str) -> Iterator[StudyRun]:
        spec = self._spec(code)
        notices = () if code else (Notice("code_unknown"),)
        _under_way.append(spec.name)
        try:
            with (
                Tracker(self._listener or Silent(), self._track) as tracker,
                session(
                    spec,
                    self._folder or self._out,
                    tracker,
                    fresh=self._fresh and self._folder is None,
                    accept_changed_code=self._accept,
                    notices=lambda: notices,
                    wanted=wanted,
                ) as (self._folder, left),
            ):
                for opened in left:
                    run = StudyRun(opened)
                    try:
                        yield run
                    except GeneratorExit:
                        run._settle(goes_on=False)  # noqa: SLF001  # the two are one
                        raise
                    run._settle(goes_on=True)  # noqa: SLF001  # the two are one
                self.results.conclude(tracker)
        finally:
            _under_way.clear()

    @property
    def results(self) -> Results:
        """What the ledger holds now.

        Raises:
            UserError: nothing was begun.
        """
        folder = self._folder or self._out
        if folder is None or not folder.exists():
            raise UserError(f"the study has no results yet; train first: {_WRITE}")
        return Results.read(folder)

    @property
    def verdict(self) -> Verdict:
        """What the statistics allow to say."""
        return self.results.verdict


def _cells(code: str, run: Run) -> None:
    """Stands for the loop of a study, which has no function."""
    raise UserError(f"{run} belongs to a study ({len(code)} characters of code); iterate over it to go on")


def study(
    name: str,
    *,
    measures: MeasuresLike,
    arms: Sequence[Any] | None = None,
    seeds: int | Sequence[int] | str | None = None,
    margin: float | None = None,
    looks: Sequence[int] | None = None,
    endpoints: str | None = None,
    resample: bool | str | None = None,
    epochs: int | None = None,
    baseline: str | None = None,
    compute: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    track: Sequence[str] = (),
    listener: Listener | None = None,
    accept_changed_code: bool = False,
) -> Study:
    """An experiment whose training loop stands below, in a notebook's cell or at a prompt.

    ::

        study = droplab.study("my net", arms=[0, 0.1, 0.3], seeds=5, measures={"loss": "lower"})
        for run in study:
            with run:
                model = run.prepare(MyNet)
                ...  # as in a function train(run)
        print(study.results)

    Executed again, a cell continues where it was: the same name (or ``out``), measures and code are the same
    experiment, and more arms or seeds are added. A run that raises is recorded as failed with its reason, and the next
    one goes on. ``break`` and Ctrl-C leave the run in hand to be continued. The folder is locked while the iteration
    lasts. Arguments are as ``droplab.compare``'s; one run at a time.

    Args:
        name: shown in titles, and part of the folder's name.
        measures: what the loop reports, with the better direction; the first is decided on.
        arms: drop rates, rates by site, or arms as in a spec; the first is the baseline.
        seeds: a number of seeds, a list, or ``"until-decided"``: then results are looked at between runs.
        margin: the smallest difference of the first measure that matters.
        looks: numbers of seeds at which results are looked at.
        endpoints: ``"2"``, the measure as deployed first; ``"1"``, the last epoch.
        resample: whether ``run.split`` gives each seed a split of its own: ``True``, or ``"5-fold"``.
        epochs: for ``run.epochs()``; where absent, the loop says how many.
        baseline: the name of the arm that the others are compared with.
        compute: ``{"threads": 1, "device": "cpu"}``.
        out: the experiment's folder; by default one under ``droplab-runs``.
        fresh: start anew in a folder that does not exist yet.
        track: sinks that mirror the metrics meanwhile.
        listener: follows the progress.
        accept_changed_code: continue although the code of the loop is another now; the verdict says so.

    Raises:
        UserError: the arguments do not hold.

    >>> study("my net", measures={"loss": "lower"}, arms=0.1)
    Traceback (most recent call last):
    ...
    droplab.errors.SpecError: droplab.study has 1 problem:
      - arms: got 0.1; a list of arms is wanted: [0, 0.1]
    """
    given = {
        "name": name, "measures": measures, "arms": arms, "seeds": seeds, "epochs": epochs, "baseline": baseline,
        "compute": compute, "margin": margin, "looks": looks, "endpoints": endpoints,
        "resample": resample,
    }  # fmt: skip
    values = {key: value for key, value in given.items() if value is not None}
    place = Path(out) if out is not None else None
    return Study(values, place, listener, track, fresh=fresh, accept_changed_code=accept_changed_code)
