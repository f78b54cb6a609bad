"""What is listed: each call with its module, line, rate, share, bytes and level, and nothing that draws left out."""

from __future__ import annotations

import linecache
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import droplab
from droplab.auditing import audit
from droplab.errors import ModelError
from tests.auditing.faults import SEQUENCE, Branch, Net, Noise, X


def only(model, *args):
    (one,) = audit(model, *args).executed
    return one


def test_a_layer():
    one = only(nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.3), nn.Linear(8, 3)), X)
    assert (one.module, one.owner, one.function, one.what, one.p) == (
        "1",
        "torch.nn.Dropout",
        "F.dropout",
        "layer",
        0.3,
    )
    assert (one.shape, one.calls, one.level, one.in_train, one.in_eval) == ((256, 8), 1, "keyed", True, False)
    assert one.drawn == X.numel()
    assert abs(one.share - 0.3) < 5 * math.sqrt(0.3 * 0.7 / X.numel())
    assert one.bytes == X.numel() * 4  # torch keeps a mask of floats on the CPU


class Functional(Net):
    def forward(self, x):
        return self.fc2(F.dropout(self.fc1(x), 0.2, self.training))


def test_a_function_has_its_line():
    one = only(nn.Sequential(Functional()), X)
    assert (one.module, one.what, one.p, one.level) == ("0", "function", 0.2, "keyed")
    file, _, line = one.place.rpartition(":")
    assert file == __file__
    assert "F.dropout(self.fc1(x), 0.2, self.training)" in linecache.getline(file, int(line))


def test_what_droplab_put_there_keeps_less():
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.3), nn.Linear(8, 3))
    droplab.replace(model)
    one = only(model, X)
    assert (one.function, one.level, one.p) == ("droplab.nn.Dropout", "keyed", 0.3)
    assert one.bytes < X.numel()
    assert abs(one.share - 0.3) < 5 * math.sqrt(0.3 * 0.7 / X.numel())


def test_attention_and_recurrence():
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
    first = audit(layer, SEQUENCE).executed[0]
    assert (first.module, first.what, first.p, first.level) == ("self_attn", "attention", 0.1, "keyed")
    assert math.prod(first.shape) == 4 * 2 * 6 * 6
    assert "transformer.py:" in first.place
    stack = only(nn.LSTM(8, 8, 3, dropout=0.2), SEQUENCE)
    assert (stack.what, stack.p, stack.calls, len(stack.draws)) == ("recurrent", 0.2, 1, 2)


class Listed(Net):
    def __init__(self):
        super().__init__()
        self.drops = [nn.Dropout(0.5)]

    def forward(self, x):
        return self.fc2(self.drops[0](self.fc1(x)))


class Attending(Net):
    def forward(self, x):
        return self.fc2(F.scaled_dot_product_attention(x, x, x, dropout_p=0.3 if self.training else 0.0))


class Stack(Net):
    def __init__(self):
        super().__init__(lstm=nn.LSTM(8, 8, 2, dropout=0.5))

    def forward(self, x):
        return self.fc2(self.lstm(x)[0])


class Apart(Net):
    """Has a generator of its own."""

    def __init__(self):
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, x):
        return self.fc2(x * (torch.rand(x.shape, generator=self.generator) < 0.5))


@pytest.mark.filterwarnings("ignore:droplab")
@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (Functional, {"keyed"}),
        (Attending, {"keyed"}),
        (Listed, {"seeded"}),
        (Stack, {"keyed"}),
        (Branch, {"seeded"}),
        (lambda: nn.TransformerEncoderLayer(8, 2, 8, batch_first=True), {"keyed"}),
        (Apart, {"seen"}),
    ],
    ids=["function", "attention", "listed", "stack", "path", "encoder", "apart"],
)
def test_the_level_is_what_keys_reach(make, wanted):
    """Replaced and keyed, two steps are equal to the bit, but for what draws from a generator of its own."""
    model = make().train()
    x = SEQUENCE[0] if make is Branch else SEQUENCE
    assert {one.level for one in audit(model, x).executed} == wanted
    droplab.replace(model, x)
    assert {site.level for site in droplab.sites(model, x).values() if site.level} == {
        "seen only" if level == "seen" else level for level in wanted
    }
    outputs, after = [], []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        with droplab.keyed(model, seed=0):
            outputs.append(model(x))
        after.append(torch.equal(torch.get_rng_state(), before))
    with droplab.keyed(model, seed=0, step=1):
        assert not torch.equal(outputs[0], model(x))
    assert torch.equal(*outputs) == (wanted != {"seen"})
    assert all(after)


class ByHand(Net):
    """Attention with a softmax of its own."""

    def forward(self, x):
        weights = F.dropout((x @ x.mT).softmax(-1), 0.1, self.training)
        return self.fc2(weights @ x)


def test_dropout_of_probabilities_is_attentions():
    assert only(ByHand(), SEQUENCE).what == "attention"


def test_a_path_by_hand_is_known_by_its_mask():
    one = only(Branch(), X)
    assert (one.what, one.function, one.drops, one.drawn) == ("path", "torch.rand", True, 256)
    assert abs(one.share - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 256)


def test_noise_drops_nothing():
    one = only(Noise(), X)
    assert (one.what, one.drops, one.share, one.p) == ("noise", False, None, None)


def test_calls_of_one_line_are_counted():
    model = nn.Sequential(nn.Linear(8, 8), *([nn.Dropout(0.5)] * 3), nn.Linear(8, 8))
    assert only(model, X).calls == 3


class Rates(Net):
    def forward(self, x):
        for p in (0.1, 0.6):
            x = F.dropout(x, p, self.training)
        return self.fc2(x)


def test_a_line_with_two_rates_is_two():
    found = audit(Rates(), X)
    assert [(one.p, one.calls) for one in found.executed] == [(0.1, 1), (0.6, 1)]
    assert found.faults == ()


class Scripted(Net):
    def __init__(self):
        super().__init__()
        self.inner = torch.jit.trace(lambda x: torch.bernoulli(torch.full_like(x, 0.9)) * x, X, check_trace=False)

    def forward(self, x):
        return self.fc2(self.inner(self.fc1(x)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_what_has_no_handler_is_listed():
    found = audit(Scripted(), X)
    (one,) = found.executed
    assert (one.function, one.level, one.drops) == ("aten::bernoulli", "unreached", True)
    assert "not reachable" in found.text()


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_parts_are_seen_and_their_gradient_is_checked(backend):
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 3))
    model.compile(backend=backend)
    found = audit(model, X)
    assert [(one.module, one.p) for one in found.executed] == [("1", 0.5)]
    assert found.faults == ()
    assert "DL012" not in found.unchecked


def test_what_the_model_raises_is_said():
    with pytest.raises(ModelError, match=r"the model raised RuntimeError: mat1 and mat2 .*droplab.audit\(model"):
        audit(nn.Linear(2, 2), torch.ones(3, 3))
    with pytest.raises(ModelError, match=r"got a Tensor; a torch\.nn.Module is wanted"):
        audit(torch.ones(2))


def test_a_layer_at_a_doorway_is_known_by_its_place():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    droplab.insert(model, {"0:out": 0.5})
    (one,) = droplab.audit(model, torch.ones(64, 4)).executed
    assert (one.module, one.level, one.what) == ("0:out", "keyed", "layer")


class Function(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.3, self.training)


def test_a_function_under_keys_is_one_line_and_keyed():
    model = nn.Sequential(nn.Linear(4, 4), Function())
    droplab.replace(model, torch.ones(64, 4))
    found = droplab.audit(model, torch.ones(64, 4))
    assert [(one.module, one.level, one.in_train, one.in_eval) for one in found.executed] == [
        ("1", "keyed", True, False)
    ]
    assert found.complete


class Assigned(Net):
    """Zeros where a drawn mask says so."""

    def forward(self, x):
        x = self.fc1(x)
        if self.training:
            x = x.clone()
            x[torch.rand_like(x) < 0.3] = 0
        return self.fc2(x)


def test_what_is_set_to_zero_is_dropped():
    one = only(Assigned(), X)
    assert (one.function, one.what, one.drops, one.level) == ("torch.rand_like", "function", True, "seeded")
    assert abs(one.share - 0.3) < 5 * math.sqrt(0.3 * 0.7 / X.numel())
