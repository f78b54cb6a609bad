"""Making the check on one of ``models.py``, without an experiment around it."""

from __future__ import annotations

import pytest
import torch

from droplab.data import Split, load
from droplab.execution.check import Checked, check_experiment
from droplab.spec.experiment import ExperimentSpec
from droplab.training.samples import lay_out
from tests.conftest import tiny

ARMS = [{"name": "none", "p": 0.0}, {"name": "half", "p": 0.5}]


@pytest.fixture(scope="session")
def pixels() -> Split:
    """100 training samples, as ``TINY`` has them."""
    return load("fashion-mnist-mini", train_size=100)


@pytest.fixture(autouse=True)
def one_thread():
    """Small models are slower on several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def check(pixels):
    """The check on a model of ``models.py``."""

    def checked(name: str, *, allow_random_baseline: bool = False, split: Split | None = None, **changes) -> Checked:
        named = {"arms": ARMS, **changes}
        model = {"name": name if ":" in name else f"tests.execution.check.models:{name}"}
        spec: ExperimentSpec = tiny(model=model, **named)
        data = split or pixels
        bench = lay_out(data, spec.recipe.fit_size, torch.device("cpu"))
        return check_experiment(spec, data, bench, allow_random_baseline=allow_random_baseline)

    return checked


@pytest.fixture
def said(check):
    """Codes of the notices but the one on the inputs' scale, with their arms."""

    def codes(name: str, **options) -> dict[str, str]:
        found = check(name, **options).notices
        return {notice.code: notice.arm for notice in found if not notice.code.startswith("inputs")}

    return codes
