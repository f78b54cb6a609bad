"""What values an option of a kind may have. One object is the law: the layer asks it, and so does the check of a spec.

No torch: a spec is checked without it.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any

from droplab.errors import UserError
from droplab.masks.rate import not_a_rate


@dataclass(frozen=True)
class Limit:
    """Base of the laws of an option's values."""

    option: str
    """Its name."""
    _: KW_ONLY
    who: str = ""
    """Who speaks, where it is not the layer."""

    def holds(self, value: Any) -> bool:
        """Whether it is one of them."""
        raise NotImplementedError

    def wanted(self) -> str:
        """What is wanted, as a sentence's end."""
        raise NotImplementedError

    def refusal(self, value: Any, who: str) -> str:
        """What is said of a value that is none."""
        return f"{self.who or who} got {self.option} {value!r}; {self.wanted()}"

    def check(self, value: Any, who: str = "") -> None:
        """Raise unless a value is one of them.

        Raises:
            UserError: it is not.
        """
        if not self.holds(value):
            raise UserError(self.refusal(value, who))


@dataclass(frozen=True)
class OneOf(Limit):
    """One of a few values.

    >>> OneOf("mode", ("row", "batch")).check("all", "DropPath")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: DropPath got mode 'all'; 'row' or 'batch' is wanted
    """

    choices: tuple[Any, ...]
    note: str = ""
    """What a reader may want to know of them."""

    def holds(self, value: Any) -> bool:
        """Whether it is one of them."""
        return value in self.choices

    def wanted(self) -> str:
        """All of them."""
        *first, last = map(repr, self.choices)
        return f"{', '.join(first)} or {last} is wanted{self.note and f' ({self.note})'}"


@dataclass(frozen=True)
class AtLeast(Limit):
    """A finite number from ``least`` on.

    >>> AtLeast("prefix", 0, "a number of tokens, from 0 on,").check(-1, "TokenDropout")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: TokenDropout got prefix -1; a number of tokens, from 0 on, is wanted
    """

    least: float
    what: str
    """What it is, for people."""
    whole: bool = False
    """Whether only an ``int`` is one."""

    def holds(self, value: Any) -> bool:
        """Whether it is such a number."""
        if self.whole and not isinstance(value, int):
            return False
        try:
            return bool(self.least <= value < math.inf)
        except TypeError:
            return False

    def wanted(self) -> str:
        """What it is, and from where on."""
        return f"{self.what} is wanted"


@dataclass(frozen=True)
class Count(Limit):
    """How many of something: one or more.

    >>> Count("samples").check(0, "DropConnectLinear")
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: DropConnectLinear got samples=0; 1 or more are wanted
    """

    def holds(self, value: Any) -> bool:
        """Whether it is one or more."""
        try:
            return bool(value >= 1)
        except TypeError:
            return False

    def refusal(self, value: Any, who: str) -> str:
        """What is said of less."""
        return f"{self.who or who} got {self.option}={value!r}; 1 or more are wanted"


@dataclass(frozen=True)
class Positive(Limit):
    """A number above 0.

    >>> Positive("temperature").holds(0.0)
    False
    """

    note: str = ""
    """What a reader may want to know of it."""

    def holds(self, value: Any) -> bool:
        """Whether it is above 0."""
        try:
            return bool(value > 0)
        except TypeError:
            return False

    def wanted(self) -> str:
        """That it is above 0."""
        return f"a positive number is wanted{self.note and f' ({self.note})'}"


@dataclass(frozen=True)
class Number(Limit):
    """Any number that a float can be.

    >>> Number("log_sigma2").holds(-10), Number("log_sigma2").holds(10**400), Number("log_sigma2").holds("x")
    (True, False, False)
    """

    def holds(self, value: Any) -> bool:
        """Whether it is one."""
        try:
            math.isnan(value)
        except (TypeError, OverflowError):
            return False
        return True

    def wanted(self) -> str:
        """That it is one."""
        return "a number is wanted"


@dataclass(frozen=True)
class Rate(Limit):
    """A drop rate.

    >>> Rate("p_cell").check(2)
    Traceback (most recent call last):
    ...
    droplab.errors.UserError: dropout probability has to be between 0 and 1, but got 2
    """

    def holds(self, value: Any) -> bool:
        """Whether it is one."""
        return not not_a_rate(value)

    def refusal(self, value: Any, who: str) -> str:  # noqa: ARG002  # says it as every function does
        """What is said of every number that is no rate."""
        return not_a_rate(value)


@dataclass(frozen=True)
class Function(Limit):
    """A function.

    >>> Function("activation", "torch.relu").holds("relu")
    False
    """

    example: str
    """Such a function."""

    def holds(self, value: Any) -> bool:
        """Whether it can be called."""
        return callable(value)

    def wanted(self) -> str:
        """That it can be."""
        return f"a function such as {self.example} is wanted, or None"
