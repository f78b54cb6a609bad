"""What draws in a way that has no key begins at the key, and moves nothing that is drawn besides."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import dropout
from torch.utils.checkpoint import checkpoint

import droplab
from droplab.errors import SiteError
from droplab.surgery import match_sites
from droplab.surgery.functional import NAMES

pytestmark = pytest.mark.usefixtures("one_thread")
X = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))


class Noise(nn.Module):
    def forward(self, x):
        return x * (torch.rand_like(x) > 0.5) if self.training else x


class Derived(nn.Dropout):
    """Of a user's own, which is called like torch's."""

    def forward(self, x):
        return x + super().forward(x)


class Model(nn.Module):
    def __init__(self, recomputed=False):
        super().__init__()
        self.noise, self.derived, self.recomputed = Noise(), Derived(0.5), recomputed
        self.listed = [nn.Dropout(0.5)]

    def forward(self, x):
        x = checkpoint(self.noise, x, use_reentrant=False) if self.recomputed else self.noise(x)
        return self.listed[0](self.derived(x)) * (1 + F.dropout(torch.ones_like(x), 0.1, self.training))


@pytest.fixture
def model():
    return Model()


def replaced(model):
    with pytest.warns(UserWarning, match=r"left derived \(Derived\) as it was"):
        return droplab.replace(model, X)


def keyed(model, number=0, **options):
    with droplab.keyed(model, seed=1, step=number, **options):
        return model(X)


def test_it_is_shown_and_undone(model):
    levels = {site.name: site.level for site in droplab.sites(model, X).values() if site.level}
    assert levels == dict.fromkeys(["derived", ":dropout", "noise:noise", ":noise"], "seen only")
    change = replaced(model)
    assert str(change).splitlines() == [":dropout: p 0.1", "noise:noise: seeded", "derived: seeded", ":noise: seeded"]
    for found in (droplab.sites(model), droplab.sites(model, X)):
        levels = {site.name: site.level for site in found.values() if site.level}
        assert levels == {":dropout": "keyed", **dict.fromkeys(["derived", "noise:noise", ":noise"], "seeded")}
    assert droplab.rates(model) == {"derived": 0.5, ":dropout": 0.1}
    change.undo()
    assert not [name for name, module in model.named_modules() if "forward" in module.__dict__]


def test_a_step_is_a_function_of_its_key_and_leaves_the_generator(model):
    replaced(model)
    first = keyed(model)
    for other in (model, copy.deepcopy(model)):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        assert torch.equal(keyed(other), first)
        assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(keyed(model, 1), first)
    assert not torch.equal(keyed(model, samples=torch.arange(4, 8)), first)  # another rank's part of the batch
    torch.manual_seed(5)
    assert not torch.equal(model(X), model(X))  # no block, no key


def test_two_calls_differ_and_a_recomputation_does_not():
    twice = nn.Sequential(noise := Noise(), noise)
    droplab.replace(twice, X)
    with droplab.keyed(twice, seed=1):
        kept = [noise(torch.ones(100)) for _ in range(2)]
    assert not torch.equal(*kept)
    model = Model(recomputed=True)
    replaced(model)
    x = X.clone().requires_grad_()
    with droplab.keyed(model, seed=1):
        y = model(x)
        y.sum().backward()
    torch.testing.assert_close(x.grad * X, y.detach())


def test_it_has_no_rate(model):
    droplab.sites(model, X)
    with pytest.raises(SiteError, match="what a module draws by hand"):
        match_sites(model, "noise:noise")


class Imported(nn.Module):
    def forward(self, x):
        return dropout(x, 0.5, self.training)


class Named(nn.Module):
    def __init__(self, inner=None):
        super().__init__()
        self.inner = inner or nn.Identity()

    def forward(self, x):
        return F.dropout(self.inner(x), 0.5, self.training)


@pytest.mark.parametrize(("make", "by_name"), [(Imported, False), (Named, True)])
def test_names_are_exchanged_where_they_are_all_that_is_called(make, by_name):
    model, one = nn.Sequential(make()), torch.ones(50)
    droplab.replace(model, one)
    assert model[0].forward.by_name is by_name
    with droplab.keyed(model, seed=1):
        y = model(one)
    with droplab.keyed(model, seed=1), torch.device("cpu"):  # a mode of torch's sees calls as ever
        assert torch.equal(model(one), y)
    model[0].forward.by_name = False
    with droplab.keyed(model, seed=1):
        assert torch.equal(model(one), y)
    assert F.dropout is dropout


def test_an_inner_module_that_needs_a_mode_has_its_own_masks():
    model, one = nn.Sequential(Named(Imported())), torch.ones(50)
    droplab.replace(model, one)
    assert [model[0].forward.by_name, model[0].inner.forward.by_name] == [True, False]
    with droplab.keyed(model, seed=1):
        y = model(one)
    model[0].forward.by_name = False
    with droplab.keyed(model, seed=1):
        assert torch.equal(model(one), y)


def test_other_threads_call_torchs_own_meanwhile_and_an_error_puts_them_back():
    calls, model = [], nn.Sequential(Named())

    class Inner(nn.Module):
        def forward(self, x):
            thread = threading.Thread(target=lambda: calls.append(F.dropout(x, 0.5, True)))
            thread.start()
            thread.join()
            if len(calls) > 1:
                raise ValueError("stop")
            return x

    model[0].inner = Inner()
    droplab.replace(model, torch.ones(200))
    calls.clear()
    with droplab.keyed(model, seed=1):
        torch.manual_seed(0)
        model(torch.ones(200))
        assert torch.equal(calls[0], (torch.manual_seed(0), dropout(torch.ones(200), 0.5))[1])
        with pytest.raises(ValueError, match="stop"):
            model(torch.ones(200))
    assert F.dropout is dropout
    assert not NAMES._inside


def test_what_others_put_under_a_name_stays(monkeypatch):
    model = nn.Sequential(Named())
    droplab.replace(model, X)

    def mine(x, p=0.5, training=True, inplace=False):
        return x

    monkeypatch.setattr(F, "dropout", mine)
    with droplab.keyed(model, seed=1):
        assert torch.equal(model(X), X)
    assert F.dropout is mine
