"""Data larger than memory through an experiment."""

from __future__ import annotations

import subprocess
import sys

import pytest

TWENTY_GB = """
import resource, sys
import numpy as np, torch
from torch import nn
import droplab

COUNT, SIZE = 20_000, 250_000
with open(sys.argv[1] + "/numbers", "wb") as file:
    file.truncate(4 * COUNT * SIZE)

class Mapped(torch.utils.data.Dataset):
    def __init__(self, first, last): self.first, self.last = first, last
    def __len__(self): return self.last - self.first
    def __getitem__(self, index):
        numbers = np.memmap(sys.argv[1] + "/numbers", np.float32, "r", shape=(COUNT, SIZE))[self.first + index]
        return torch.from_numpy(numbers.reshape(1, 500, 500) + np.float32(index % 3)), index % 3

class Pooled(nn.Sequential):
    def __init__(self, shape, classes): super().__init__(nn.AvgPool2d(100), nn.Flatten(), nn.Linear(25, classes))

ends = {"train": (0, 19_000), "validation": (19_000, 19_500), "test": (19_500, 20_000)}
data = {"classes": 3, **{part: Mapped(*between) for part, between in ends.items()}}
spec = {
    "task": {"name": "classification", "figures": ["loss", "macro_f1"]},
    "recipe": {"epochs": 1, "batch_size": 64, "precision": "float32", "watch_every": 0, "fit_size": 100},
    "compute": {"executor": "serial", "threads": 1},
    "arms": [{"name": "none"}],
    "seeds": 1,
}
record = droplab.compare(spec, model=Pooled, data=data, out=sys.argv[1] + "/out").record
assert [run.state for run in record.runs.values()] == ["done"]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.prove  # it reads 20 GB
@pytest.mark.timeout(1800)
def test_an_epoch_over_twenty_gigabytes_takes_less_than_two_of_memory(tmp_path):
    """20,000 samples of a megabyte in one mapped file, each read once and more: MB of all that the process had."""
    told = subprocess.run(
        [sys.executable, "-c", TWENTY_GB, str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout
    print(told)
    assert int(told.split()[-1]) < 2000
