"""See and change dropout in a model."""

from droplab.surgery.depth import fed_weights, in_depth_order, set_rates, site_layers
from droplab.surgery.rates import Change, apply_rates, rates
from droplab.surgery.replace import replace
from droplab.surgery.sites import match_sites, sites

__all__ = [
    "Change",
    "apply_rates",
    "fed_weights",
    "in_depth_order",
    "match_sites",
    "rates",
    "replace",
    "set_rates",
    "site_layers",
    "sites",
]
