"""Norms and histograms of parameters that are not plain finite floats."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import droplab
from droplab.training.norms import BINS, histogram, watch
from tests.conftest import tiny

INF = math.inf
ODD = {
    "frozen mask": torch.tensor([[0.0, -INF], [0.0, 0.0]]),
    "nothing finite": torch.tensor([INF, -INF, math.nan]),
    "bool": torch.tensor([True, False, True]),
    "uint8": torch.arange(4, dtype=torch.uint8),
    "int64": torch.tensor([2**62, -(2**62)]),
    "complex": torch.tensor([3 + 4j, 0j]),
    "complex, not finite": torch.tensor([complex(INF, 0), 1j]),
    "half": torch.tensor([1.0, 65504.0], dtype=torch.float16),
    "float64 beyond float32": torch.tensor([-1.7e308, 1.7e308], dtype=torch.float64),
    "ends of float32": torch.tensor([-3.4e38, 3.4e38, 0.0]),
    "fp8": torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn),
    "0-d": torch.tensor(2.0),
    "sparse": torch.eye(3).to_sparse(),
    "constant": torch.full((5,), -7.0),
}


@pytest.mark.parametrize("name", ODD)
def test_every_tensor_has_a_histogram_of_its_finite_values(name):
    values = ODD[name]
    found = histogram(values, "parameter", name)
    stored = values.coalesce().values() if values.is_sparse else values
    magnitudes = stored.abs() if stored.is_complex() else stored.double()
    finite = magnitudes[torch.isfinite(magnitudes)]
    assert len(found.counts) == BINS
    assert sum(found.counts) == finite.numel()
    assert math.isfinite(found.low)
    assert math.isfinite(found.high)
    assert found.low < found.high
    if finite.numel():
        slack = 1e-6 * max(1.0, float(finite.abs().max()))
        assert found.low <= float(finite.min()) + slack
        assert found.high >= float(finite.max()) - slack


@pytest.mark.parametrize("name", ODD)
def test_every_parameter_is_watched(name):
    model = nn.Module()
    model.odd = nn.Parameter(ODD[name], requires_grad=False)
    model.plain = nn.Parameter(torch.ones(2))
    metrics, histograms = watch(model)
    assert {"param_norm/odd", "param_norm/plain", "param_norm"} <= metrics.keys()
    assert all(isinstance(value, float) for value in metrics.values())
    assert len(histograms) == 2


class Masked(nn.Module):
    """A frozen mask of -inf, an integer and a complex parameter, beside a layer that learns."""

    def __init__(self, features, classes):
        super().__init__()
        self.fc = nn.Linear(features, classes)
        self.mask = nn.Parameter(torch.full((2, 2), -INF).triu(1), requires_grad=False)
        self.steps = nn.Parameter(torch.tensor([[1, 2]]), requires_grad=False)
        self.phase = nn.Parameter(torch.tensor([1j]), requires_grad=False)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        return self.fc(self.drop(x.flatten(1)))


def masked(shape, classes):
    return Masked(math.prod(shape), classes)


def test_a_run_goes_on_with_such_parameters_and_so_does_the_page(tmp_path):
    spec = tiny(
        model={"name": "tests.training.test_norms:masked"},
        recipe={"epochs": 1, "max_norm": 1.0},
        seeds=1,
        arms=[{"name": "a"}],
    )
    results = droplab.compare(spec, out=tmp_path / "run")
    (run,) = results.record.runs.values()
    assert (run.state, run.reason) == ("done", "")
    assert run.metrics["param_norm/mask"] == (INF,)
    assert results.write_page().is_file()  # its JSON takes no number that JSON does not have
