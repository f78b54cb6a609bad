"""See and change dropout in a model."""

from droplab.surgery.calls import calls_missing
from droplab.surgery.depth import fed_weights, in_depth_order, set_rates, site_layers
from droplab.surgery.example import remember
from droplab.surgery.holders import CallRate, FunctionRate, OwnRate, is_dropout
from droplab.surgery.insert import insert, remove, set_p
from droplab.surgery.levels import raised
from droplab.surgery.patterns import match_sites
from droplab.surgery.rates import apply_rates, rates
from droplab.surgery.replace import replace
from droplab.surgery.site import Site, Sites
from droplab.surgery.sites import sites
from droplab.surgery.undoing import Change

__all__ = [
    "CallRate",
    "Change",
    "FunctionRate",
    "OwnRate",
    "Site",
    "Sites",
    "apply_rates",
    "calls_missing",
    "fed_weights",
    "in_depth_order",
    "insert",
    "is_dropout",
    "match_sites",
    "raised",
    "rates",
    "remember",
    "remove",
    "replace",
    "set_p",
    "set_rates",
    "site_layers",
    "sites",
]
