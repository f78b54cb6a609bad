"""Every built-in set on every model and task there is: its arms are adapted, or it is said why not."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from droplab.data import Windows
from droplab.errors import UserError
from droplab.execution.check import check_arms
from droplab.execution.fitting import fit_set
from droplab.execution.loading import load_data
from droplab.spec.presets import SETS, arm_set
from droplab.spec.specfile import parse_spec

pytestmark = pytest.mark.usefixtures("one_thread")


def table(columns=None):
    x = np.random.default_rng(0).normal(size=(60, 6)).astype("float32")
    return {"train": (x, x[:, 0] if columns is None else (x[:, columns] > 0).astype("int64"))}


def pixels():
    x = np.random.default_rng(0).normal(size=(30, 3, 16, 16)).astype("float32")
    return {"train": (x, (x[:, 0] > 0).astype("int64"))}


def tokens():
    return Windows(np.arange(600) % 11, 16, vocabulary=11)


class Own(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.wide, self.drop, self.out = nn.Linear(6, 8), nn.Dropout(0.1), nn.Linear(8, classes)

    def forward(self, x):
        return self.out(self.drop(self.wide(x).relu()))


MAPS = {"channels 0.2", "blocks 0.2", "channels 0.2, dropout 0.5"}
WEIGHTS = {"units 0.5", "drop-connect 0.5", "standout 0.5", "concrete", "variational", "sparse variational"}
FLIPS = {"flip-crop", "dropout 0.25, flip-crop"}
NO_CLASSES = FLIPS | {"label smoothing 0.1"}
BY_CLASS = {"name": "classification", "figures": ["loss", "macro_f1"]}
CASES = {
    "regression": ("regression", "table", {}, "mlp", {"hidden": [8, 8]}, MAPS | NO_CLASSES),
    "classification": (BY_CLASS, "table", {"columns": 0}, "mlp", {"hidden": [8, 8]}, MAPS | FLIPS),
    "multilabel": ("multilabel", "table", {"columns": [0, 1, 2]}, "mlp", {"hidden": [8, 8]}, MAPS | NO_CLASSES),
    "segmentation": ("segmentation", "pixels", {}, "unet", {"width": 4}, WEIGHTS | NO_CLASSES | {"more before fc2"}),
    "next-token": (
        *("next-token", "tokens", {}, "gpt", {"width": 8, "depth": 2, "heads": 2}),
        MAPS | NO_CLASSES | {"input noise 0.5"},
    ),
    "recurrent": (
        *("next-token", "tokens", {}, "lstm", {"width": 8}),
        MAPS | NO_CLASSES | {"input noise 0.5", "hidden 0.5", "early 0.5", "late 0.5"},
    ),
    "own": ("regression", "table", {}, f"{__name__}:Own", {}, MAPS | NO_CLASSES | {"more before fc2"}),
}
"""Task, data and their options, model and its options, and the arms of all sets that it cannot take."""


@pytest.mark.parametrize("case", CASES)
def test_each_set_on_each_task(case):
    task, data, options, model, model_options, without = CASES[case]
    missing = set()
    for name in SETS:
        values = {
            "task": task,
            "data": {"name": f"{__name__}:{data}", "options": options},
            "model": {"name": model, "options": model_options},
            "arms": arm_set(name)["arms"],
        }
        fitted, left = fit_set(values)
        lost = len(values["arms"]) - len(fitted["arms"])
        assert len(left) == lost
        assert lost < len(values["arms"]) - 1
        missing |= {line.split("'")[1] for line in left}
        spec = parse_spec(fitted)
        split = load_data(spec.data, None, spec.task)
        check_arms(spec, split.shape, split.classes)
    assert missing == without


def test_a_model_that_fails_by_itself_is_not_told_that_it_has_no_place_for_dropout():
    values = {
        "task": "next-token",
        "data": {"name": f"{__name__}:tokens"},
        "model": {"name": f"{__name__}:Own"},
        "arms": arm_set("rates")["arms"],
    }
    with pytest.raises(
        UserError, match=r"no arm of this set is for the model '.*Own'; left out of the set: 'dropout 0\.1'"
    ):
        fit_set(values)
