"""Keras's layers on the torch backend beside ours: the same moments, the same law in inference.

In a process of its own, as Keras takes its backend from the environment when it is first imported.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, warnings
warnings.simplefilter("ignore")
import keras, torch, droplab
assert keras.backend.backend() == "torch"
torch.set_num_threads(1)
keras.utils.set_random_seed(3)
FIRST = {"data_format": "channels_first"}
PAIRS = {
    "dropout": (keras.layers.Dropout(0.3), droplab.nn.Dropout(0.3), (2, 5)),
    "spatial 1d": (keras.layers.SpatialDropout1D(0.3), droplab.nn.LockedDropout(0.3), (2, 4, 3)),  # (N, T, C)
    "spatial 2d": (keras.layers.SpatialDropout2D(0.3, **FIRST), droplab.nn.Dropout2d(0.3), (2, 3, 2, 2)),
    "spatial 3d": (keras.layers.SpatialDropout3D(0.3, **FIRST), droplab.nn.Dropout3d(0.3), (2, 3, 2, 1, 2)),
    "gaussian": (keras.layers.GaussianDropout(0.3), droplab.nn.GaussianDropout(0.3), (2, 5)),
    "noise": (keras.layers.GaussianNoise(0.3), droplab.nn.GaussianNoise(0.3), (2, 5)),
    "alpha": (keras.layers.AlphaDropout(0.3), droplab.nn.AlphaDropout(0.3), (2, 5)),
}
found = {}
torch.manual_seed(1)
for name, (theirs, ours, shape) in PAIRS.items():
    x = torch.linspace(-1.5, 2.0, torch.Size(shape).numel(), dtype=torch.float32).reshape(shape)
    a = torch.stack([torch.as_tensor(theirs(x, training=True)).detach().cpu() for _ in range(2000)]).double().flatten(1)
    b = torch.stack([ours(x) for _ in range(2000)]).double().flatten(1)
    error = ((a.var(0) + b.var(0)) / 2000).sqrt().clamp(min=1e-9)
    mean = ((a.mean(0) - b.mean(0)) / error).abs().max()
    spread_a, spread_b = (a - a.mean(0)).square(), (b - b.mean(0)).square()
    error = ((spread_a.var(0) + spread_b.var(0)) / 2000).sqrt().clamp(min=1e-9)
    variance = ((spread_a.mean(0) - spread_b.mean(0)) / error).abs().max()
    alike = (torch.corrcoef(a.T) - torch.corrcoef(b.T)).abs().max()
    quiet = torch.equal(torch.as_tensor(theirs(x, training=False)).cpu(), ours.eval()(x))
    found[name] = [float(mean), float(variance), float(alike), quiet]
print(json.dumps(found))
"""
ERRORS = 5.0
"""Standard errors that a mean or a variance may differ by; correlations by five of theirs, 5 √(2 / 2000)."""


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_moments_agree(tmp_path):
    place = {**os.environ, "KERAS_BACKEND": "torch", "KERAS_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", SCRIPT], env=place, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.strip().splitlines()[-1])
    assert len(found) == 7
    for name, (mean, variance, alike, quiet) in found.items():
        assert mean < ERRORS, name
        assert variance < ERRORS, name
        assert alike < ERRORS * (2 / 2000) ** 0.5, name
        assert quiet, name
