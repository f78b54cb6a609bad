"""The documents' table of transforms is what the rows say, and rows say only what the contract checks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn as torchs

import droplab
from droplab.errors import UserError
from droplab.testing.laws import ORACLES
from droplab.testing.transforms import TRANSFORMS

ROOT = Path(__file__).parent.parent.parent


def test_the_pages_are_written_from_the_catalog():
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "transforms.py", "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("oracle", ORACLES.values(), ids=ORACLES)
def test_refusals_are_of_transforms_that_are_checked(oracle):
    assert oracle.refusals.keys() <= set(TRANSFORMS)


def test_a_refusal_names_the_layer_and_the_way_out():
    model = torchs.ModuleDict({"rnn": droplab.nn.WeightDropLSTM(4, 2, batch_first=True)})
    with (
        pytest.raises(UserError, match=r"layer 'rnn' \(WeightDropLSTM\).*vmap.*one after the other"),
        droplab.keyed(model, seed=1),
    ):
        torch.vmap(lambda x: model["rnn"](x)[0])(torch.ones(3, 2, 5, 4))
