"""What an arm gives a loop of the user's own beside its dropout: settings, each of which the loop must read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, final

from droplab.errors import UserError, quote
from droplab.spec.arm import ArmSpec


@final
class Settings(Mapping[str, Any]):
    """An arm's ``recipe``, and which of it was read.

    >>> settings = Settings(ArmSpec(name="decay", recipe={"weight_decay": 0.01}))
    >>> settings.get("weight_decay", 0.0), settings.get("label_smoothing", 0.0)
    (0.01, 0.0)
    """

    def __init__(self, arm: ArmSpec) -> None:
        self._arm, self._unread = arm.name, set(arm.recipe)
        self._values = arm.recipe

    def __getitem__(self, key: str) -> Any:
        if key not in self._values:
            raise KeyError(
                f"the arm {self._arm!r} gives no {key}; say what it is then: run.settings.get({key!r}, default)"
            )
        self._unread.discard(key)
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Settings({self._values!r})"

    def check(self) -> None:
        """When the first figures are reported.

        Raises:
            UserError: the loop has not read a setting, so that the arm is not what it says.
        """
        if self._unread:
            names = ", ".join(sorted(self._unread))
            raise UserError(
                f"the arm {self._arm!r} gives {names}, which the loop had not read when it reported its first figures: "
                f"read it from run.settings before training, as run.settings.get({quote(min(self._unread))}, default), "
                "or correct its name in the arm"
            )
