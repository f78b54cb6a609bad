"""What a schedule is: parameters that can be written down, and a pure function from progress to ``p``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from droplab.errors import SpecError, UserError, quote, suggest
from droplab.schedules.numbers import no_switches
from droplab.schedules.table import spec_name


class Described(BaseModel):
    """Frozen parameters under a name; ``describe`` writes them down, ``make`` reads them back.

    The name is that of droplab's table; a class of the user's own goes by ``pkg.module:Class`` in what is written.

    Raises:
        SpecError: unknown parameters or values that do not hold, all of them at once.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        no_switches(value, cls.model_fields[str(info.field_name)].annotation)
        return value

    name: ClassVar[str]
    """By which a spec names one of droplab's, and messages all; the class's own where none is given."""
    paper: ClassVar[str]
    """Where it comes from."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """A class of the user's own needs no name; that of a base which has none either is not inherited."""
        super().__pydantic_init_subclass__(**options)
        if getattr(cls, "name", None) in {None, *(base.__name__ for base in cls.__mro__[1:])}:
            cls.name = cls.__name__

    def __init__(self, **parameters: Any) -> None:
        try:
            super().__init__(**parameters)
        except ValidationError as problem:
            raise SpecError(list(_problems(type(self), problem)), f"schedule {self.name!r}") from None

    def describe(self) -> dict[str, Any]:
        """Name and parameters as JSON and TOML hold them: every default written out, what is absent left out."""
        return {"name": spec_name(type(self)), **self.model_dump(mode="json", exclude_none=True)}

    def __repr__(self) -> str:
        """As it is written in Python; a parameter that is a schedule shows its table."""
        shown = ", ".join(f"{key}={value!r}" for key, value in self.model_dump(mode="json").items())
        return f"{type(self).__name__}({shown})"

    def __str__(self) -> str:
        return json.dumps(self.describe(), ensure_ascii=False)


class Schedule(Described):
    """A pure function from the share of training that is done to the share of ``p`` that acts.

    A site's ``p`` in the spec is its peak: a schedule multiplies it by a factor in [0, 1]. The share of
    training at a step is ``t = step / steps``, as for learning rates, so that ``t = 0`` at the first step
    and ``t = 1`` would come right after the last one; with a single step, ``t`` is 0 all the time.
    """

    def factor(self, t: float, site: int, sites: int) -> float:
        """The share of ``p`` that acts.

        Args:
            t: share of training that is done, in [0, 1].
            site: place of the site in the order of depth, from 0.
            sites: how many sites share this schedule.
        """
        raise NotImplementedError

    def __call__(self, step: int, steps: int, p: float, site: int = 0, sites: int = 1) -> float:
        """Drop rate at a step, in [0, ``p``].

        Args:
            step: counted from 0; below 0 and beyond ``steps`` the ends' values hold.
            steps: of the whole training.
            p: the site's peak drop rate, in [0, 1].
            site: place of the site in the order of depth, from 0.
            sites: how many sites share this schedule.

        Raises:
            UserError: no steps, ``p`` that is no probability, or a site that is not among ``sites``.
        """
        if steps < 1 or not 0 <= p <= 1 or not 0 <= site < sites:
            raise UserError(
                f"schedule {self.name!r} got steps={steps}, p={p}, site={site} of {sites}; wanted are at least one "
                "step, a drop rate within [0, 1] and a site counted from 0"
            )
        factor = self.factor(min(max(step, 0), steps) / steps, site, sites)
        return p * min(max(factor, 0.0), 1.0)


def _problems(kind: type[Described], problem: ValidationError) -> Iterator[str]:
    """One line for each thing wrong: the parameter, what arrived, what is wanted."""
    for error in problem.errors(include_url=False):
        where, got = [str(part) for part in error["loc"]], error.get("input")
        path = ".".join(where)
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, SpecError):
            yield from (f"{path}.{line}" for line in cause.problems)
        elif error["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields) or "none"
            yield f"{path}: unknown parameter{suggest(path, kind.model_fields)}; {kind.name} takes: {known}"
        elif error["type"] == "missing":
            yield f"{path}: {kind.name} needs this parameter"
        elif cause is not None:
            yield f"{path}: {cause}" if path else str(cause)
        else:
            yield f"{path}: {error['msg'][0].lower()}{error['msg'][1:]}; got {quote(got)}"
