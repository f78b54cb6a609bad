"""The spec of an experiment on a loop of the user's own: loop, measures, seeds and arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from droplab.errors import UserError, quote
from droplab.given import name_of
from droplab.measures import PARTS, measures_json, read_measures
from droplab.records import Measure
from droplab.schedules import for_sites
from droplab.spec.arm import TUTORIAL_ARMS, ArmSpec, ByName, check_names
from droplab.spec.experiment import digest
from droplab.spec.order import reordered
from droplab.spec.plan import KEYS, Planned
from droplab.spec.read_arms import own_arms, read_arm
from droplab.spec.seeds import Seeds
from droplab.spec.tables import ComputeSpec
from droplab.userobjects import looks_like_object
from droplab.variants.asked import normal_form

NOT_IDENTITY = ("arms", "seeds", "compute", "keep_samples")
"""Of a spec's keys: what may be another one when an experiment is continued."""


def _loop_name(value: Any) -> Any:
    """A function may stand where its name does."""
    if callable(value) and not isinstance(value, str):
        return name_of(value)
    if isinstance(value, str) and not looks_like_object(value.partition("@")[0].replace("<", "").replace(">", "")):
        raise ValueError(f"got {quote(value)}; the name of a function is wanted, pkg.module:train")
    return value


class LoopSpec(Planned, ByName):
    """Arms × seeds on one training loop of the user's own.

    >>> spec = LoopSpec(loop="my_project.training:train", measures={"loss": "lower", "f1": "higher"}, arms=[0, 0.1])
    >>> spec.name, spec.baseline_arm, spec.measures[1].better
    ('train', 'no dropout', 'higher')
    """

    name: str = Field(default="", max_length=120)
    """Shown in titles; part of the default folder's name. Where absent, the loop's."""
    loop: Annotated[str, BeforeValidator(_loop_name)]
    """``pkg.module:function``, called with a ``droplab.Run``; in Python also the function itself."""
    measures: tuple[Measure, ...] = (Measure("loss", "lower"),)
    """What the loop reports: ``{loss = "lower", f1 = "higher"}``, or a list of tables; the first is decided on."""
    epochs: int | None = Field(default=None, ge=1)
    """Epochs of every run, for a loop that says ``run.epochs()``; where absent, the loop says how many."""
    keep_samples: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    """MB in the ledger for figures of single samples, of all runs together; a loop gives them to
    ``run.report_samples``. 0 keeps only their sums on folds."""
    compute: ComputeSpec = ComputeSpec()
    seeds: Seeds = (0, 1, 2)
    """A number (5 means 0 to 4), a list, or ``until-decided``."""
    arms: tuple[ArmSpec, ...] = TUTORIAL_ARMS
    """The first is the baseline unless ``baseline`` names another. A number is one rate for all dropout layers."""
    baseline: str = ""
    """Name of the arm that the others are compared with."""

    @field_validator("measures", mode="before")
    @classmethod
    def _as_measures(cls, value: Any) -> tuple[Measure, ...]:
        return read_measures(value)

    @field_validator("arms", mode="before")
    @classmethod
    def _as_arms(cls, value: Any) -> Any:
        if isinstance(value, str) and looks_like_object(value):
            value = own_arms(value)
        if isinstance(value, Mapping | str) or not hasattr(value, "__iter__"):
            raise ValueError(f"got {quote(value)}; a list of arms is wanted: [0, 0.1]")  # pydantic collects these
        return [read_arm(arm) for arm in value]

    @model_validator(mode="before")
    @classmethod
    def _named_after_the_loop(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("name"):
            return values
        loop = values.get("loop")
        if loop is None:
            return values
        last = (loop if isinstance(loop, str) else getattr(loop, "__name__", type(loop).__name__)).partition("@")[0]
        return {**values, "name": last.rpartition(":")[2].rpartition(".")[2].strip("<>")[:120]}

    @model_validator(mode="after")
    def _names_hold_together(self) -> LoopSpec:
        check_names(self.arms, self.seeds, self.baseline)
        return self

    @model_validator(mode="after")
    def _schedules_have_what_they_read(self) -> LoopSpec:
        """An adaptive schedule that reads what no loop with these measures reports is known of before any epoch."""
        figures = {"gap", "seconds", "images_per_second"}
        figures |= {f"{part}_{measure.name}" for part in PARTS for measure in self.measures}
        for arm in self.arms:
            for _, schedule in for_sites(arm.schedule):
                missing = [name for name in getattr(schedule, "reads", ()) if name not in figures]
                if missing:
                    raise ValueError(
                        f"the schedule {schedule.name!r} of the arm {arm.name!r} reads {', '.join(missing)}, and the "
                        f"measures are {', '.join(measure.name for measure in self.measures)}; declare what it reads "
                        "with measures=, or take another schedule"
                    )
        return self

    @property
    def loop_name(self) -> str:
        """The loop's name; without the digest of one that only this process knows."""
        return self.loop.partition("@")[0]

    def canonical(self) -> dict[str, Any]:
        """The spec as JSON-ready values, defaults and kinds written out; the baseline by name, as arms may be added."""
        measures = measures_json(self.measures)
        values = self.model_dump(mode="json", exclude={"measures", *KEYS})
        for arm in values["arms"]:
            arm["kind"] = normal_form(arm["kind"])
            if not arm["recipe"]:
                del arm["recipe"]
        if not values["resample"]:
            del values["resample"]
        return {**values, "loop": self.loop_name, "measures": measures, "baseline": self.baseline_arm}

    def identity(self) -> str:
        """Hash of what makes it this experiment: everything but arms, seeds, executor, device and what is kept.

        Arms and seeds can be added later, and only they are trained then.
        """
        decisive = self.canonical()
        for key in NOT_IDENTITY:
            del decisive[key]
        return digest(decisive)


def enlarged(spec: LoopSpec, before: Mapping[str, Any]) -> tuple[LoopSpec, list[int], list[dict[str, Any]]]:
    """The spec with the seeds and arms that its folder has already; and those that are new.

    Args:
        spec: what is asked for now.
        before: what the folder's ledger has.

    Raises:
        UserError: an arm of one name is another one now.
    """
    arms = {arm["name"]: arm for arm in before["arms"]}
    wanted = {arm["name"]: arm for arm in spec.canonical()["arms"]}
    for name, arm in wanted.items():
        if arms.get(name, arm) != arm:
            raise UserError(
                f"the arm {name!r} is {quote(arms[name])} there and {quote(arm)} now; give it another name, or take "
                "another folder"
            )
    for line in reordered(arms.values(), wanted.values()):
        raise UserError(f"{line}; give the arm another name, or take another folder")
    seeds = [seed for seed in spec.seeds if seed not in before["seeds"]]
    added = [arm for name, arm in wanted.items() if name not in arms]
    update = {
        "seeds": (*before["seeds"], *seeds),
        "arms": tuple(ArmSpec.model_validate(arm) for arm in (*arms.values(), *added)),
        "baseline": before["baseline"],
    }
    return spec.model_copy(update=update), seeds, added
