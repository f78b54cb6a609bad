"""``droplab.audit``: every dropout of a model that executes, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from droplab.auditing.bare import Generators, again
from droplab.auditing.checks import CHECKS
from droplab.auditing.data import as_json
from droplab.auditing.executed import Executed, Finding, Subject
from droplab.auditing.ignoring import ignored
from droplab.auditing.merging import merged
from droplab.auditing.passes import as_it_was, varies, watched
from droplab.auditing.picture import as_svg
from droplab.auditing.text import as_text
from droplab.errors import ModelError


@dataclass(frozen=True)
class Audit:
    """What ``droplab.audit`` found.

    Attributes:
        model: the model's class.
        executed: every dropout that executes in train or eval mode, in order.
        findings: what is wrong, in the order of codes; notes are told and not blamed.
        ignored: findings at a line that says ``# droplab: ignore=CODE``.
        unchecked: by code, the key of the reason why a check could not be carried out.
        complete: a second pass, watched by a dispatch mode alone, drew with the same operators in the same order as the
            calls that are listed. Else what is listed is not all, or not always the same.
        modules: paths and classes of all modules, in order; the model's own path is empty.
    """

    model: str
    executed: tuple[Executed, ...]
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...]
    unchecked: dict[str, str]
    complete: bool
    modules: tuple[tuple[str, str], ...] = (("", ""),)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are no notes."""
        return tuple(finding for finding in self.findings if not finding.note)

    def text(self, lang: str = "en") -> str:
        """The report in words, in at most 80 columns; ``en`` or ``ja``."""
        return as_text(self, lang)

    def json(self, lang: str = "en") -> str:
        """The report as JSON; its keys are in ``docs/audit.md``."""
        return as_json(self, lang)

    def svg(self, lang: str = "en") -> str:
        """A picture, as SVG: the model's modules with what executes in each."""
        return as_svg(self, lang)

    def __str__(self) -> str:
        return self.text()


def audit(model: nn.Module, *args: Any, **kwargs: Any) -> Audit:
    """List every dropout that executes in a model, and check it.

    The model is run on ``model(*args, **kwargs)`` in train and in eval mode: what is called, with which rate, and what
    is drawn is seen as it happens, whatever name it has. Modes, buffers, gradients and generators are as before
    afterwards; compiled parts run as Python. Where a model recomputes (``torch.utils.checkpoint``) or is compiled, its
    gradient is compared with differences, on a copy in float64.

    Args:
        model: any; it is left as it was.
        args: its input, on its device.
        kwargs: its input by name.

    Raises:
        ModelError: the model raises on this input, or ``model`` is none.

    >>> import torch
    >>> found = audit(nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.25), nn.Linear(8, 2)), torch.ones(512, 4))
    >>> [(one.module, one.what, one.p, one.level) for one in found.executed]
    [('1', 'layer', 0.25, 'keyed')]
    >>> found.findings
    ()
    """
    if not isinstance(model, nn.Module):
        raise ModelError(f"droplab.audit got a {type(model).__name__}; a torch.nn.Module is wanted, then its input")
    with as_it_was(model):
        begun = Generators()
        train = watched(model, args, kwargs, training=True)
        bare = again(model, args, kwargs, begun)
        evaluation = watched(model, args, kwargs, training=False)
        executed = merged(train, evaluation)
        subject = Subject(model, args, kwargs, train, evaluation, executed, bare.fused, varies(model, args, kwargs))
        found = [finding for check in CHECKS for finding in check(subject)]
    silent = [finding for finding in found if ignored(finding)]
    return Audit(
        type(model).__name__,
        subject.executed,
        tuple(finding for finding in found if finding not in silent),
        tuple(silent),
        subject.skipped,
        bare.drawn == [draw for one in train.calls for draw in one.draws],
        tuple((name, type(module).__name__) for name, module in model.named_modules()),
    )
