"""``droplab.run()`` where nobody launched the script."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import droplab
from droplab.adapters.plain import PlainRun

DATA = TensorDataset(torch.arange(10.0)[:, None])


def test_it_changes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = PlainRun()
    model = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.3))
    assert run.prepare(model) is model
    assert droplab.rates(model) == {"1": 0.3}
    loader = run.loader(DATA, batch_size=4)
    assert isinstance(loader, DataLoader)
    seen = []
    for _ in run.epochs(2, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), best=1.0):
        for (batch,) in loader:
            with run.step() as number:
                seen += batch.flatten().tolist()
        run.report(val_loss=torch.tensor(0.5))
    assert sorted(seen) == sorted([*range(10), *range(10)])
    assert (number, run.kept["best"], run.reports) == (5, 1.0, [{"val_loss": 0.5}] * 2)
    assert capsys.readouterr().out == "epoch 1/2: val_loss 0.5\nepoch 2/2: val_loss 0.5\n"
    assert not list(tmp_path.iterdir())


def test_epochs_of_steps_go_on_within_a_pass():
    run = PlainRun()
    run.prepare(lambda: nn.Linear(1, 1))
    loader, seen = run.loader(DATA, batch_size=1), []
    for _ in run.epochs(4, unit="5 steps"):
        seen.append([])
        for (batch,) in run.steps(loader):
            seen[-1].append(int(batch))
    assert [len(part) for part in seen] == [5] * 4
    assert sorted(seen[0] + seen[1]) == sorted(seen[2] + seen[3]) == list(range(10))


def test_it_has_every_method_of_a_run():
    public = {name for name in dir(droplab.Run) if not name.startswith("_")} - {"models"}
    assert public <= set(dir(PlainRun()))


def test_the_number_of_epochs_is_the_scripts():
    with pytest.raises(droplab.UserError, match="the script says it"):
        list(PlainRun().epochs())
