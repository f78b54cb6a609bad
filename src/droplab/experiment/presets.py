"""Specs that come with droplab."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from droplab.errors import UserError, suggest


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
    "variants": {
        **_embedded(
            "variants",
            [
                *_constant(0.0, 0.5),
                {"name": "gaussian 0.5", "p": 0.5, "layer": "gaussian_dropout"},
                {"name": "units 0.5", "p": 0.5, "layer": "unit_dropout_linear"},
                {"name": "drop-connect 0.5", "p": 0.5, "layer": "drop_connect_linear"},
                {"name": "standout 0.5", "p": 0.5, "layer": "standout"},
                {"name": "concrete", "p": 0.1, "layer": "concrete_dropout_linear"},
                {"name": "variational", "p": 0.1, "layer": "variational_dropout_linear"},
                {"name": "sparse variational", "p": 0.1, "layer": "sparse_variational_linear"},
                {"name": "channels 0.2", "p": {"conv2:out": 0.2, "conv3:out": 0.2}, "layer": "dropout2d"},
                {
                    "name": "blocks 0.2",
                    "p": {"conv2:out": 0.2, "conv3:out": 0.2},
                    "layer": {"name": "drop_block2d", "block_size": 3},
                },
                {"name": "input noise 0.5", "p": {"conv1:in": 0.5}, "layer": "gaussian_noise"},
                {
                    "name": "channels 0.2, dropout 0.5",
                    "p": {"conv2:out": 0.2, "conv3:out": 0.2, "drop*": 0.5},
                    "layer": {"conv*:out": "dropout2d"},
                },
            ],
        ),
        "recipe": {**demo()["recipe"], "penalty_warm_up": 0.5},
    },
    "rates": _embedded("rates", _constant(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.95)),
    "schedules": _embedded(
        "schedules",
        [
            *_constant(0.0, 0.3, 0.5, 0.6, 0.7, 0.8),
            {"name": "linear to 0.7", "p": 0.7, "schedule": "linear"},
            {"name": "curriculum to 0.7", "p": 0.7, "schedule": "curriculum"},
            {"name": "early 0.7", "p": 0.7, "schedule": "early"},
            {"name": "late 0.7", "p": 0.7, "schedule": "late"},
            {"name": "depth ramp to 0.7", "p": 0.7, "schedule": "depth-ramp"},
            {"name": "adaptive gap", "p": 0.0, "schedule": _GAP},
            {"name": "adaptive slope", "p": 0.0, "schedule": "adaptive-slope"},
            {"name": "adaptive gap per site", "p": 0.0, "schedule": {**_GAP, "name": "adaptive-site-gap"}},
        ],
    ),
}
"""Arm sets for ``droplab compare --set NAME``: whole specs on the embedded data. One more is one more row here."""


def arm_set(name: str) -> dict[str, Any]:
    """The spec of a built-in set, a copy to change at will.

    Raises:
        UserError: there is no such set; the message lists those there are.

    >>> [arm["name"] for arm in arm_set("tutorial")["arms"]]
    ['no dropout', 'dropout 0.25', 'more before fc2', 'adaptive']
    """
    if name not in SETS:
        raise UserError(f"no set {name!r}; there are {', '.join(SETS)}{suggest(name, SETS)}")
    return deepcopy(dict(SETS[name]))


EXAMPLE = """\
# A droplab experiment. Run it with:  droplab compare {name}
# Every key may be left out; the values below are the defaults unless a comment says otherwise.

name = "my-experiment"
seeds = 5                      # 5 means seeds 0 to 4; or a list such as [1, 7, 42]
baseline = "no dropout"        # the arm that the others are compared with; the first where absent

[data]
name = "fashion-mnist-mini"    # or "cifar10", "mnist", "my_data.npz", "my_package.my_module:my_function"
# train_size = 2000            # keep fewer training samples, stratified by class
# validation_size = 0.1        # a share below 1, or a number of samples; taken from the training data
# inputs = "pixels"            # 0..255, scaled to -1..1; "as-is" never scales; left out: uint8 images are pixels
split_seed = 0

[model]
name = "tutorial-cnn"          # or "srivastava-mlp", "my_package.my_module:my_function"
# options = {{ hidden = 512 }}   # keyword arguments for the model

[recipe]
epochs = 15
batch_size = 32
drop_last = false              # true: leave out an epoch's last batch where it is smaller
optimizer = "adam"             # adam, adamw, sgd
lr = 1e-3
lr_schedule = "constant"       # constant, cosine, step
weight_decay = 0.0
# max_norm = 3.0               # bound of each unit's incoming weights
augmentation = "none"          # none, flip-crop (images only)
# penalty_warm_up = 0.3        # share of steps over which penalties of variational layers rise to full weight
precision = "auto"             # float32, bfloat16; auto measures which this machine trains faster
watch_every = 1                # epochs between norms and histograms; 0 for never

[compute]
executor = "auto"              # serial, process; auto measures which finishes first
# workers = 2
# threads = 1
device = "auto"

# One table per arm. p is the probability that a unit is DROPPED (not the keep rate).
[[arms]]
name = "no dropout"
p = 0.0                        # one rate for all dropout layers of the model ...

# An own model's rates are replaced by that one rate. Sites that no arm names keep theirs, so that p = {{}} names none:
# [[arms]]
# name = "as written"
# p = {{}}

[[arms]]
name = "dropout 0.25"
p = 0.25

[[arms]]
name = "more before fc2"
p = {{ drop1 = 0.2, drop2 = 0.5 }}   # ... or a rate for each site; patterns such as "drop*" work
# p = {{ "conv2:out" = 0.1 }}        # doorways of layers are sites too: NAME:in and NAME:out
# layer = "dropout2d"              # another variant; `droplab variants` lists them
# layer = {{ name = "drop_path", mode = "batch" }}           # with options
# layer = {{ "drop1" = "alpha_dropout", "conv2:out" = "dropout2d" }}   # or one for each site
# schedule = "constant"            # how p moves over training; p is its peak

[[arms]]
name = "up to 0.5"
p = 0.5
schedule = {{ name = "linear", start = 0.0, end = 1.0 }}   # a name alone takes the defaults: schedule = "linear"
# schedule = {{ "drop1" = "late", "drop2" = {{ name = "curriculum", gamma = 10.0 }} }}   # or one for each site
# Others: cosine, step, warm-up, early, depth-ramp, piecewise; chain, product, min, max put them together.

[[arms]]
name = "adaptive"
p = 0.0                            # where an adaptive schedule starts; it moves p after every epoch
schedule = {{ name = "adaptive-gap", target = 0.3 }}       # adaptive-slope, adaptive-site-gap
"""
"""What ``droplab init`` writes; ``{name}`` is the file's name."""
