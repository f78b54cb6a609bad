"""A run's model: weights drawn under the seed, then the arm's layers put in; the one way for runs and for the check."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import nn

from droplab.data.shapes import example, is_plain
from droplab.layers.unreached import hush
from droplab.models import build
from droplab.schedules import for_sites
from droplab.spec.arm import ArmSpec
from droplab.spec.experiment import ExperimentSpec
from droplab.surgery import Change, apply_rates, raised, remember, replace
from droplab.tasks.evaluate import called_with
from droplab.training.seeding import seed_everything


def initial_model(spec: ExperimentSpec, shape: Any, classes: int, seed: int) -> nn.Module:
    """The model before any arm touches it. The global generators are seeded with the run's seed.

    What it is called with is remembered: arms may name places that a forward pass finds (``@before_head``).

    Raises:
        ModelError: the model cannot be built.
    """
    seed_everything(seed, "weights")
    model = build(spec.model.name, shape, classes, spec.model.options)
    remember(model, *called_with(example(shape)))
    return model


def apply_arm(model: nn.Module, arm: ArmSpec) -> Change:
    """``apply_rates`` with an arm's, without its word on what may drop besides: the check has seen what does.

    Raises:
        SiteError: a site pattern of the arm matches nothing.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"droplab\.apply_rates does not reach", UserWarning)
        change = apply_rates(model, arm.p, arm.kind)
    hush(model)
    return change


def give_arm(model: nn.Module, arm: ArmSpec) -> Change:
    """Put an arm's layers and rates into a model; torch's dropout layers become droplab's, where there are any.

    Other sites where the arm drops get keys, or generators that are set from the key.

    Raises:
        SiteError: a site pattern of the arm matches nothing.
    """
    change = apply_arm(model, arm)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"droplab\.replace ", UserWarning)
        replace(model)
    moves = any(inner.name != "constant" for _, inner in for_sites(arm.schedule))
    change._undo += raised(model, {site for site, rate in change.rates.items() if rate or moves})
    return change


def on_device(model: nn.Module, shape: Any, device: torch.device) -> nn.Module:
    """The model where it is trained; for images in the layout that batches come in."""
    model = model.to(device)
    if is_plain(shape) and len(shape) == 3:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # in torch's docs, not in its stubs
    return model
