"""The base of all tables of a spec."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from droplab.schedules.numbers import no_switches
from droplab.spec.values import settled


class Strict(BaseModel):
    """Base of tables whose keys are known, and whose values a ledger keeps."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _can_be_kept(cls, value: Any, info: ValidationInfo) -> Any:
        value = settled(value)
        no_switches(value, cls.model_fields[str(info.field_name)].annotation)
        return value
