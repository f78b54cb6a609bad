"""Schedules: pure functions from progress to ``p``, and controllers from measured metrics to ``p``. No torch."""

from droplab.schedules.adaptive import Adaptive
from droplab.schedules.adaptive_gap import AdaptiveGap
from droplab.schedules.adaptive_site_gap import AdaptiveSiteGap
from droplab.schedules.adaptive_slope import AdaptiveSlope
from droplab.schedules.base import Schedule
from droplab.schedules.compose import Chain, Max, Min, Product
from droplab.schedules.pure import (
    Constant,
    Cosine,
    Curriculum,
    DepthRamp,
    Early,
    Late,
    Linear,
    Piecewise,
    Step,
    WarmUp,
)
from droplab.schedules.registry import for_sites, make, moves, normal_form
from droplab.schedules.table import SCHEDULES, enter

__all__ = [
    "SCHEDULES",
    "Adaptive",
    "AdaptiveGap",
    "AdaptiveSiteGap",
    "AdaptiveSlope",
    "Chain",
    "Constant",
    "Cosine",
    "Curriculum",
    "DepthRamp",
    "Early",
    "Late",
    "Linear",
    "Max",
    "Min",
    "Piecewise",
    "Product",
    "Schedule",
    "Step",
    "WarmUp",
    "for_sites",
    "make",
    "moves",
    "normal_form",
]

enter(Constant, Linear, Cosine, Step, WarmUp, Early, Late, Curriculum, DepthRamp, Piecewise)
enter(Chain, Product, Min, Max)
enter(AdaptiveGap, AdaptiveSlope, AdaptiveSiteGap)
