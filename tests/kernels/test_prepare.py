"""The CPU's kernel is loaded before the first job that is timed, and nothing else changes."""

from __future__ import annotations

import subprocess
import sys

import torch

from droplab.kernels import prepare_meanwhile


def test_a_trainer_has_its_kernel_before_its_first_epoch():
    code = """
import torch
from droplab.experiment.tensors import workbench
from droplab.experiment.train import Trainer
from droplab.data import load
from droplab.kernels import cpu
from tests.conftest import tiny
spec = tiny()
bench = workbench(load("fashion-mnist-mini", train_size=100), 100, torch.device("cpu"))
assert not cpu._loops
Trainer(spec, spec.arms[1], 1, bench, "float32")
assert set(cpu._loops) == {torch.float32, torch.bfloat16}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_generator_moves_and_what_fails_is_left_to_the_first_job(monkeypatch):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    prepare_meanwhile().join()
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr("droplab.kernels._prepare.apply", lambda *_: 1 / 0)
    prepare_meanwhile().join()
