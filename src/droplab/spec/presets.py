"""Specs that come with droplab."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from importlib.resources import files
from typing import Any

from droplab.errors import UserError, suggest
from droplab.spec.read_arms import own_arms
from droplab.userobjects import looks_like_object


def demo() -> dict[str, Any]:
    """The embedded demonstration: the tutorial's question on real images, within minutes on two cores.

    Size and recipe were chosen by experiment; ``docs/results/demo-choice.md`` says what was tried.

    >>> demo()["data"]["name"]
    'fashion-mnist-mini'
    """
    return {
        "name": "demo",
        "data": {"name": "fashion-mnist-mini", "train_size": 1000},
        "recipe": {"epochs": 40, "batch_size": 64, "lr": 2e-3},
        "seeds": 5,
        "arms": [{"name": "no dropout", "p": 0.0}, {"name": "dropout 0.5", "p": 0.5}],
    }


def _embedded(name: str, arms: list[dict[str, Any]], baseline: str = "") -> dict[str, Any]:
    """The demonstration's data and recipe with other arms."""
    return {**demo(), "name": name, "arms": arms, "baseline": baseline}


def _constant(*rates: float) -> list[dict[str, Any]]:
    return [{"name": f"dropout {p:g}" if p else "no dropout", "p": p} for p in rates]


def _both(p: float, decay: float) -> str:
    """What an arm of the two is called."""
    dropout = f"dropout {p:g}" if p else "no dropout"
    return f"{dropout}, weight decay {decay:g}" if decay else dropout


def _each(what: str, p: float, named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Arms that differ in their kind or schedule alone, by name."""
    return [{"name": name, "p": p, what: value} for name, value in named.items()]


TARGET_GAP = 0.3
"""The generalisation gap, in nats, that the adaptive arms of the sets hold."""
_GAP = {"name": "adaptive-gap", "target": TARGET_GAP}

SETS: Mapping[str, Mapping[str, Any]] = {
    "tutorial": _embedded(
        "tutorial",
        [
            *_constant(0.0, 0.25),
            {"name": "more before fc2", "p": {"drop1": 0.25, "drop2": 0.5}},
            {"name": "adaptive", "p": 0.0, "schedule": _GAP},
        ],
    ),
    "quick": {
        **_embedded("quick", _constant(0.0, 0.2, 0.5, 0.8)),
        "recipe": {**demo()["recipe"], "epochs": 20},
        "seeds": 3,
    },
    "variants": {
        **_embedded(
            "variants",
            [
                *_constant(0.0, 0.5),
                *_each(
                    "kind",
                    0.5,
                    {
                        "gaussian 0.5": "gaussian_dropout",
                        "units 0.5": "unit_dropout_linear",
                        "drop-connect 0.5": "drop_connect_linear",
                        "standout 0.5": "standout",
                    },
                ),
                *_each(
                    "kind",
                    0.1,
                    {
                        "concrete": "concrete_dropout_linear",
                        "variational": "variational_dropout_linear",
                        "sparse variational": "sparse_variational_linear",
                    },
                ),
                {"name": "channels 0.2", "p": {"conv2:out": 0.2, "conv3:out": 0.2}, "kind": "dropout2d"},
                {
                    "name": "blocks 0.2",
                    "p": {"conv2:out": 0.2, "conv3:out": 0.2},
                    "kind": {"name": "drop_block2d", "block_size": 3},
                },
                {"name": "input noise 0.5", "p": {"conv1:in": 0.5}, "kind": "gaussian_noise"},
                {
                    "name": "channels 0.2, dropout 0.5",
                    "p": {"conv2:out": 0.2, "conv3:out": 0.2, "drop*": 0.5},
                    "kind": {"conv*:out": "dropout2d"},
                },
            ],
        ),
        "recipe": {**demo()["recipe"], "penalty_warm_up": 0.5},
    },
    "placements": _embedded(
        "placements",
        [
            *_constant(0.0),
            {"name": "input 0.2", "p": {"@input": 0.2}},
            {"name": "hidden 0.5", "p": {"@after_activations": 0.5}},
            {"name": "early 0.5", "p": {"@early(2)": 0.5}},
            {"name": "late 0.5", "p": {"@late(2)": 0.5}},
            {"name": "before the head 0.5", "p": {"@before_head": 0.5}},
        ],
    ),
    "rivals": _embedded(
        "rivals",
        [
            *_constant(0.0, 0.25),
            {"name": "flip-crop", "augmentation": "flip-crop"},
            {"name": "dropout 0.25, flip-crop", "p": 0.25, "augmentation": "flip-crop"},
            {"name": "weight decay 0.0005", "weight_decay": 5e-4},
            {"name": "label smoothing 0.1", "label_smoothing": 0.1},
        ],
    ),
    "dropout-x-decay": _embedded(
        "dropout-x-decay",
        [
            {"name": _both(p, decay), "p": p, "weight_decay": decay}
            for p in (0.0, 0.25, 0.5)
            for decay in (0.0, 1e-4, 1e-3)
        ],
    ),
    "rates": _embedded("rates", _constant(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.95)),
    "schedules": _embedded(
        "schedules",
        [
            *_constant(0.0, 0.3, 0.5, 0.6, 0.7, 0.8),
            *_each(
                "schedule",
                0.7,
                {
                    "linear to 0.7": "linear",
                    "curriculum to 0.7": "curriculum",
                    "early 0.7": "early",
                    "late 0.7": "late",
                    "depth ramp to 0.7": "depth-ramp",
                },
            ),
            {"name": "adaptive gap", "p": 0.0, "schedule": _GAP},
            {"name": "adaptive slope", "p": 0.0, "schedule": "adaptive-slope"},
            {"name": "adaptive gap per site", "p": 0.0, "schedule": {**_GAP, "name": "adaptive-site-gap"}},
        ],
    ),
}
"""Arm sets for ``droplab compare --set NAME``: whole specs on the embedded data. One more is one more row here."""


def arm_set(name: str) -> dict[str, Any]:
    """The spec of a built-in set, a copy to change at will; or ``pkg.module:ARMS``, a list of the user's own.

    Raises:
        UserError: there is no such set; the message lists those there are.

    >>> [arm["name"] for arm in arm_set("tutorial")["arms"]]
    ['no dropout', 'dropout 0.25', 'more before fc2', 'adaptive']
    """
    if looks_like_object(name):
        return _embedded(name.partition(":")[2], own_arms(name))
    if name not in SETS:
        raise UserError(
            f"no set {name!r}; there are {', '.join(SETS)}, and pkg.module:ARMS of your own{suggest(name, SETS)}"
        )
    return deepcopy(dict(SETS[name]))


def example(name: str, lang: str = "en") -> str:
    """What ``droplab init`` writes: a spec with comments in a language, which says how a file of that name is run.

    >>> print(example("mine.toml").splitlines()[0])
    # A droplab experiment. Run it with:  droplab compare mine.toml
    """
    file = "example.toml" if lang == "en" else f"example.{lang}.toml"
    text = files("droplab.spec").joinpath(file).read_text(encoding="utf-8")
    return text.replace("droplab.toml", name, 1)
