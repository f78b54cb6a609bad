"""Sites of an arm that never act, and kinds at layers whose ``p`` the model only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from droplab.errors import ModelError
from droplab.execution.check.randomness import named, same
from droplab.execution.check.subject import Subject, unchanged
from droplab.records import Notice
from droplab.surgery import CallRate, FunctionRate, OwnRate, calls_missing, site_layers
from droplab.surgery.draws import DrawRecorder
from droplab.surgery.kinds import chosen_at, kinds


def check_never_called(subject: Subject) -> Iterator[Notice]:
    """Name sites that the arm drops at and whose layer no forward pass calls.

    A layer that is not called may still matter: attention written by hand often reads ``dropout.p`` and hands it to
    torch. Plain dropout then acts as the arm says; any other kind does not.

    Raises:
        ModelError: a kind other than plain dropout at a layer whose ``p`` is only read; a call that there is not.
    """
    layers = site_layers(subject.model)
    mine = {site: layers[site] for site in subject.change.rates if site in layers}
    idle = _uncalled(subject, mine)
    _check_calls(subject, idle)
    uncalled = {site: layer for site, layer in mine.items() if site in idle}
    if not uncalled:
        return
    dead = list(uncalled)
    if _matters(subject, list(uncalled.values())):
        read = [site for site, layer in uncalled.items() if _matters(subject, [layer])]
        _check_kinds(subject, read)
        dead = [site for site in uncalled if site not in read]
    dead = [site for site in dead if subject.change.rates[site] or subject.moves]
    if dead:
        yield Notice("never_called", subject.arm.name, {"sites": named(dead)})


def _check_calls(subject: Subject, idle: set[str]) -> None:
    """After a forward pass, which has counted."""
    missing = {site: calls for site, calls in calls_missing(subject.model).items() if site not in idle}
    for site, calls in missing.items():
        layer = site.rpartition("#")[0]
        raise ModelError(
            f"arm {subject.arm.name!r} gives the site {site!r} a rate, but model {subject.spec.model.name!r} calls "
            f"{layer!r} {calls} time{'s' if calls > 1 else ''} in a forward pass. Name a call that there is, from "
            f"{layer}#2 on, or the layer"
        )


def _uncalled(subject: Subject, layers: Mapping[str, Any]) -> set[str]:
    with unchanged(subject.model), DrawRecorder(subject.model) as seen:
        subject.train(subject.first)
    called = {
        site: layer.module if isinstance(layer, OwnRate | CallRate | FunctionRate) else layer
        for site, layer in layers.items()
    }
    return {site for site, module in called.items() if not seen.was_called(module)}


def _matters(subject: Subject, layers: list[Any]) -> bool:
    """Whether the output depends on the rates of layers."""
    before = [layer.p for layer in layers]
    outputs: list[Tensor] = []
    try:
        for rate in (0.0, 0.5):
            for layer in layers:
                layer.p = rate
            with unchanged(subject.model):
                outputs.append(subject.train(subject.first))
    finally:
        for layer, rate in zip(layers, before, strict=True):
            layer.p = rate
    return not same(*outputs)


def _check_kinds(subject: Subject, read: list[str]) -> None:
    wanted = kinds(subject.arm.kind)
    for site in read:
        kind = chosen_at(wanted, site)
        if kind is not None and kind.name != "dropout":
            raise ModelError(
                f"arm {subject.arm.name!r} gives the site {site!r} the kind {kind.name!r}, but model "
                f"{subject.spec.model.name!r} never calls that layer: it only reads its p, for a dropout of its own. "
                f"What trained would be standard dropout, not {kind.name!r}. Leave the kind out for this site "
                "(then the arm sets its p), or name a site that the model calls."
            )
