"""An arm's schedules at work on a model: which sites they move, before which step, after which epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from droplab.errors import SiteError
from droplab.schedules import Adaptive, Schedule, for_sites, moves
from droplab.surgery import fed_weights, in_depth_order, match_sites, site_layers


class MovingRates:
    """Moves the drop rates of a model's sites as an arm's ``schedule`` says.

    The arm's ``p`` of a site is the peak of a pure schedule, and the start of an adaptive one. Pure schedules
    act before every step. Adaptive ones act after an epoch, on what it measured, and what they remember goes
    into checkpoints. Where several patterns name a site, the last one wins; sites that none names stay.

    Args:
        model: as ``apply_rates`` left it; its layers' ``p`` are set in place.
        schedule: an arm's.
        p: the arm's rate by site, ``apply_rates(...).rates``.

    Raises:
        SiteError: a pattern matches no site of the model, or none to which the arm gives a ``p``; or a
            schedule has nothing to move.
    """

    def __init__(self, model: nn.Module, schedule: Any, p: Mapping[str, float]) -> None:
        self._layers = site_layers(model)
        self._pure: list[tuple[Schedule, dict[str, float]]] = []
        self._adaptive: dict[str, Adaptive] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._weights: dict[str, nn.Parameter] = {}
        for pattern, inner, sites in _shared_out(model, schedule, p):
            if isinstance(inner, Schedule):
                self._pure.append((inner, sites))
                continue
            self._adaptive[pattern] = inner
            self._states[pattern], rates = inner.start(sites)
            self._set(rates)
            if inner.reads_sites:
                self._weights.update(_weights(model, inner, sites))

    def before_step(self, step: int, steps: int) -> None:
        """Set the rates of pure schedules for a step, counted from 0, of ``steps`` in all."""
        for schedule, peaks in self._pure:
            count = len(peaks)
            self._set({s: schedule(step, steps, p, place, count) for place, (s, p) in enumerate(peaks.items())})

    def measure(self) -> dict[str, float]:
        """What adaptive schedules read beside the epoch's own metrics: ``site_norm/SITE``, if any asks for it."""
        return {f"site_norm/{site}": float(weight.detach().norm()) for site, weight in self._weights.items()}

    def after_epoch(self, metrics: Mapping[str, float]) -> None:
        """Set the rates of adaptive schedules for the next epoch.

        Args:
            metrics: what the epoch measured, ``measure()`` among it.
        """
        for pattern, schedule in self._adaptive.items():
            self._states[pattern], rates = schedule.update(self._states[pattern], metrics)
            self._set(rates)

    def put(self, metrics: Mapping[str, float]) -> None:
        """Set the rates to what an epoch ended with, ``p/SITE`` among its metrics."""
        moved = {site for _, peaks in self._pure for site in peaks}
        moved |= {site for state in self._states.values() for site in state["p"]}
        self._set({site: metrics[f"p/{site}"] for site in moved if f"p/{site}" in metrics})

    def state(self) -> dict[str, Any]:
        """What adaptive schedules remember, by site pattern; plain values."""
        return dict(self._states)

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a ``state()``."""
        for pattern, remembered in state.items():
            self._states[pattern] = dict(remembered)
            self._set(remembered["p"])

    def _set(self, rates: Mapping[str, float]) -> None:
        for site, rate in rates.items():
            layer: Any = self._layers[site]
            if layer.p != rate:
                layer.p = rate


def _weights(model: nn.Module, schedule: Adaptive, sites: Mapping[str, float]) -> dict[str, nn.Parameter]:
    found = fed_weights(model, sites)
    if len(found) < len(sites):
        raise SiteError(f"the schedule {schedule.name!r} reads weights' norms, and the model has no weights")
    return found


def _shared_out(
    model: nn.Module, schedule: Any, p: Mapping[str, float]
) -> Iterator[tuple[str, Schedule | Adaptive, dict[str, float]]]:
    """Pattern, schedule, and its sites with the arm's ``p`` in the order of depth; constant ones are left out."""
    pairs = for_sites(schedule)
    owner: dict[str, int] = {}
    for place, (pattern, _) in enumerate(pairs):
        named = tuple(p) if pattern is None else match_sites(model, pattern)
        given = [site for site in named if site in p]
        if pattern is not None and not given:
            raise SiteError(
                f"the schedule for {pattern!r} is for {', '.join(named)}, but the arm's p is for "
                f"{', '.join(p) or 'no site'}; give those sites a p too"
            )
        owner.update(dict.fromkeys(given, place))
    ordered = in_depth_order(model, owner)
    for place, (pattern, inner) in enumerate(pairs):
        if not moves(inner):
            continue
        rates = {site: p[site] for site in ordered if owner[site] == place}
        if not rates or not (isinstance(inner, Adaptive) or any(rates.values())):
            where = "" if pattern is None else f" for {pattern!r}"
            why = f"p is 0 at {', '.join(rates)}" if rates else "no site is left to it"
            raise SiteError(f"the schedule {inner.name!r}{where} has nothing to move: {why}")
        yield pattern or "*", inner, rates
