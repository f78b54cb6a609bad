"""Schedules: pure functions from progress to ``p``, and controllers from measured metrics to ``p``. No torch."""

from droplab.schedules.adaptive import Adaptive
from droplab.schedules.adaptive_gap import AdaptiveGap
from droplab.schedules.adaptive_site_gap import AdaptiveSiteGap
from droplab.schedules.adaptive_slope import AdaptiveSlope
from droplab.schedules.base import Schedule
from droplab.schedules.compose import Chain, Max, Min, Product
from droplab.schedules.constant import Constant
from droplab.schedules.cosine import Cosine
from droplab.schedules.curriculum import Curriculum
from droplab.schedules.depth_ramp import DepthRamp
from droplab.schedules.early import Early
from droplab.schedules.late import Late
from droplab.schedules.linear import Linear
from droplab.schedules.piecewise import Piecewise
from droplab.schedules.registry import SCHEDULES, for_sites, make, normal_form
from droplab.schedules.step import Step
from droplab.schedules.warm_up import WarmUp

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
    "normal_form",
]
