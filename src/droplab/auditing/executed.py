"""What one dropout that executes is, and what an audit hands on to its checks; plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from torch import nn

What = Literal["layer", "function", "attention", "recurrent", "path", "noise"]
"""``layer``: a dropout layer; ``function``: dropout called in a forward pass; ``attention``: of attention's weights;
``recurrent``: between the layers of a stack; ``path``: of whole samples of a branch; ``noise``: other draws."""
Level = Literal["keyed", "seeded", "seen", "unreached"]
"""``keyed``: droplab can make the mask a function of a key; ``seeded``: it can set torch's generators from a key around
the call; ``seen``: it is known what executes there, and no more; ``unreached``: it draws, and no handler knows what it
is."""


@dataclass(eq=False)
class Call:
    """One call in one pass that drops, could drop, or draws."""

    function: str
    """``F.dropout``, ``Tensor.bernoulli_``, ``aten::rand`` where only the operator was seen."""
    what: What
    module: str
    """Path of the innermost module that was running; empty for the model itself."""
    owner: nn.Module | None
    place: str
    """``file:line`` of the innermost line that is not torch's own plumbing; the file in full. Empty where none is."""
    scope: str
    """The function around that line."""
    p: float | None = None
    active: bool = True
    """Whether it was asked to drop: training, and a rate that is not 0."""
    handled: bool = True
    shape: tuple[int, ...] = ()
    inplace: bool = False
    drops: bool = True
    """Whether units are dropped by it; noise that is added does not."""
    registered: bool = False
    """Its module is one of the model's, and not kept in a list."""
    served: bool = False
    """A function that ``droplab.replace`` can put under keys."""
    own_generator: bool = False
    """It draws from a generator that it was given, and not from torch's."""
    own_masks: bool = False
    """Its draws are its masks, and not numbers that become one."""
    draws: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    """Operators that drew within it, and the shapes of what they drew."""
    dropped: int = 0
    drawn: int = 0
    """Of so many numbers of masks, so many were 0."""
    fingerprint: str = ""
    """Digest of its first mask."""
    bytes: int = 0
    """Kept for the backward pass."""
    recomputed: bool = False
    """Called within ``torch.utils.checkpoint``."""
    overwritten: bool = False
    """In place, on memory that autograd had kept."""


@dataclass(eq=False)
class Passed:
    """What one forward pass showed."""

    calls: list[Call]
    ran: set[int]
    """Identities of the modules whose forward ran."""
    normed: list[tuple[Call, str]]
    """Calls whose output went into a BatchNorm, and its path."""
    output: Any = None
    on_output: list[Call] = field(default_factory=list)
    """Calls on what a linear map gave, whose output is the model's."""


@dataclass(frozen=True)
class Executed:
    """A dropout that executes: all calls of one function at one line of one module.

    Attributes:
        module: path in the module tree; empty for the model itself.
        owner: the module's class.
        function: what was called.
        place: ``file:line``.
        what: layer, function, attention, recurrent, path, noise.
        p: the rate that it was called with; ``None`` where it cannot be known.
        shape: of what it acts on, at its first call.
        calls: how often in a forward pass in train mode.
        share: dropped, as measured, in [0, 1]; ``None`` where no mask was seen.
        drawn: numbers of masks that were counted for it.
        bytes: kept for the backward pass, over all calls.
        level: keyed, seeded, seen, unreached.
        in_train: draws in train mode.
        in_eval: draws in eval mode.
        drops: units are dropped by it.
        draws: operators that drew in train mode, in order.
    """

    module: str
    owner: str
    function: str
    place: str
    what: What
    p: float | None
    shape: tuple[int, ...]
    calls: int
    share: float | None
    drawn: int
    bytes: int
    level: Level
    in_train: bool
    in_eval: bool
    drops: bool
    draws: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        code: ``DL001`` and so on.
        where: the module or call.
        place: ``file:line``; empty where there is none.
        values: what the check's words are filled with.
        note: told, not blamed: it never fails a command.
    """

    code: str
    where: str
    place: str = ""
    values: dict[str, str] = field(default_factory=dict)
    note: bool = False


@dataclass(eq=False)
class Subject:
    """What checks look at: the model, its input, and what executed.

    Attributes:
        model: in the mode in which it came.
        args, kwargs: its input; checks that call it copy them.
        train, evaluation: the two passes.
        executed: both of them merged.
        fused: kernels that computed whole layers without dropout in train mode, and the module that was running.
    eval_varies: two passes in eval mode gave different outputs.
    skipped: by code, the key of the reason why a check was not carried out.
    """

    model: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    train: Passed
    evaluation: Passed
    executed: tuple[Executed, ...]
    fused: list[tuple[str, nn.Module | None]]
    eval_varies: bool
    skipped: dict[str, str] = field(default_factory=dict)


class Report(Protocol):
    """What is rendered: an ``Audit``."""

    @property
    def model(self) -> str:
        """The model's class."""

    @property
    def executed(self) -> tuple[Executed, ...]:
        """Every dropout that executes."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, and notes."""

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are no notes."""

    @property
    def ignored(self) -> tuple[Finding, ...]:
        """Findings that their line asks to ignore."""

    @property
    def unchecked(self) -> dict[str, str]:
        """By code, the key of the reason."""

    @property
    def complete(self) -> bool:
        """Whether a second pass drew as listed."""

    @property
    def modules(self) -> tuple[tuple[str, str], ...]:
        """Paths and classes of all modules; the model's own path is empty."""
