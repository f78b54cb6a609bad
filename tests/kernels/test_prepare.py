"""The CPU's kernel is loaded before the first job that is timed, and nothing else changes."""

from __future__ import annotations

import torch

from droplab.data import load
from droplab.kernels import cpu, prepare_meanwhile
from droplab.training.samples import lay_out
from tests.conftest import tiny
from tests.training.trainer import Trainer


def test_a_trainer_has_its_kernel_before_its_first_epoch(monkeypatch):
    monkeypatch.setattr(cpu, "_loops", {})
    spec = tiny()
    bench = lay_out(load("fashion-mnist-mini", train_size=100), 100, torch.device("cpu"))
    Trainer(spec, spec.arms[1], 1, bench, "float32")
    assert {torch.float32, torch.bfloat16} <= set(cpu._loops)


def test_no_generator_moves_and_what_fails_is_left_to_the_first_job(monkeypatch):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    prepare_meanwhile().join()
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr("droplab.kernels._prepare.apply", lambda *_: 1 / 0)
    prepare_meanwhile().join()
