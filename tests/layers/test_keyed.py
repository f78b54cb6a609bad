"""Keyed dropout: names, samples, recomputation, ranks."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
import textwrap
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import droplab
from droplab import rng
from droplab.errors import KeyingError
from droplab.layers.identities import identities, keyed_layers, stripped


class Net(nn.Module):
    """Two layers that drop, recomputed where ``mode`` says so."""

    def __init__(self, mode: str = "") -> None:
        super().__init__()
        self.fc1, self.drop1, self.drop2, self.fc2 = (
            nn.Linear(8, 16), droplab.nn.Dropout(0.5), droplab.nn.Dropout(0.3), nn.Linear(16, 4),
        )  # fmt: skip
        self.mode = mode

    def body(self, x):
        return self.drop2(torch.relu(self.drop1(self.fc1(x))))

    def forward(self, x):
        if not self.mode:
            return self.fc2(self.body(x))
        reentrant, state = "reentrant" in self.mode, "state" in self.mode
        return self.fc2(checkpoint(self.body, x, use_reentrant=reentrant, preserve_rng_state=state))


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(6, 8, requires_grad=True)


def gradients(model, x, step=5):
    model.zero_grad()
    with droplab.keyed(model, seed=3, step=step):
        model(x).square().sum().backward()
    return [p.grad.clone() for p in model.parameters()]


def test_same_key_same_mask_and_every_part_of_it_counts(x):
    model = Net()

    def run(**key):
        with droplab.keyed(model, **{"seed": 3, "step": 5, **key}):
            return model(x)

    assert torch.equal(run(), run())
    for other in ({"seed": 4}, {"step": 6}, {"samples": torch.arange(1, 7)}, {"seed": 3 + 2**40}):
        assert not torch.equal(run(), run(**other))
    assert torch.equal(run(), run(seed=torch.tensor(3), step=torch.tensor(5), samples=torch.arange(6)))


def test_layers_of_one_model_have_masks_of_their_own():
    model = nn.Sequential(droplab.nn.Dropout(0.5), droplab.nn.Dropout(0.5))
    with droplab.keyed(model, seed=0):
        first, second = model[0](torch.ones(1, 1000)), model[1](torch.ones(1, 1000))
    assert 150 < int(((first == 0) & (second == 0)).sum()) < 350


@pytest.mark.parametrize("shards", [1, 2, 3, 6])
def test_a_batch_in_pieces_drops_what_the_whole_drops(x, shards):
    model = Net()
    ids = torch.tensor([7, 1, 2**32 - 1, 12, 3, 40])
    with droplab.keyed(model, seed=1, samples=ids):
        whole = model(x)
    for rows in torch.arange(6).chunk(shards):
        with droplab.keyed(model, seed=1, samples=ids[rows]):
            torch.testing.assert_close(model(x[rows]), whole[rows])


def test_the_calls_of_a_layer_are_named_by_their_place(x):
    layer = droplab.nn.Dropout(0.5)
    model = nn.Sequential(layer, nn.Linear(8, 8), layer)
    named = nn.Sequential(droplab.nn.Dropout(0.5), model[1], droplab.nn.Dropout(0.5))
    named[2].key_name = "0#2"
    for step in (0, 1):
        with droplab.keyed(model, seed=0, step=step):
            found = model(x)
        with droplab.keyed(named, seed=0, step=step):
            assert torch.equal(found, named(x))
    model(x)  # outside, masks come from the generator
    with droplab.keyed(model.eval(), seed=0):
        model(x)


def test_a_call_whose_name_is_taken_is_refused(x):
    model = nn.Sequential(droplab.nn.Dropout(0.5), droplab.nn.Dropout(0.5))
    model[1].key_name = "0#2"
    with droplab.keyed(model, seed=0):
        model(x)
        with pytest.raises(
            KeyingError, match=r"call 2 of layer '0'.*call 1 of layer '0#2'.*have the same id.*key_name"
        ):
            model[0](x)


def test_a_block_within_a_block_raises_and_an_error_ends_the_block(x):
    model = Net()
    with droplab.keyed(model, seed=0), pytest.raises(KeyingError, match="keyed already"), droplab.keyed(model, seed=1):
        pass
    with pytest.raises(ZeroDivisionError), droplab.keyed(model, seed=0):
        raise ZeroDivisionError
    with droplab.keyed(model, seed=0):
        model(x)


def test_names_are_stripped_of_wrappers(x):
    assert stripped("module._orig_mod.a.module.b") == "a.b"
    assert stripped("modules.a") == "modules.a"
    model = Net()
    wrapped = nn.Sequential()
    wrapped.add_module("module", model)
    assert [name for name, _ in keyed_layers(wrapped)] == ["drop1", "drop2"]
    with droplab.keyed(model, seed=0):
        plain = model(x)
    with droplab.keyed(wrapped, seed=0):
        assert torch.equal(wrapped(x), plain)


def test_colliding_ids_raise_and_a_name_of_its_own_helps(monkeypatch):
    model = nn.Sequential(droplab.nn.Dropout(0.5), droplab.nn.Dropout(0.5))
    model[1].key_name = "0"
    with pytest.raises(KeyingError, match=r"same id.*key_name"):
        droplab.keyed(model, seed=0)
    model[1].key_name = "another"
    x = torch.ones(2, 50)
    with droplab.keyed(model, seed=0):
        found = model[1](x)
    key = droplab.Key(0, "another")
    assert torch.equal(found, droplab.functional.dropout(x, 0.5, key=key))
    assert rng.layer_id("another") == key.layer_id


def test_the_sample_dimension_is_the_layers():
    layer = droplab.nn.Dropout(0.5)
    layer.batch_dim = 1
    x = torch.ones(30, 4, 10)  # (T, N, H)
    with droplab.keyed(layer, seed=0):
        whole = layer(x)
    with droplab.keyed(layer, seed=0, samples=torch.tensor([2])):
        assert torch.equal(layer(x[:, 2:3]), whole[:, 2:3])


@pytest.mark.parametrize("backend", ["numba", "reference"])
@pytest.mark.parametrize("count", [1, 5, 7])
def test_one_sample_id_for_each_sample_or_an_error(x, backend, count):
    model = Net()
    with (
        droplab.backend(backend),
        droplab.keyed(model, seed=0, samples=torch.arange(count)),
        pytest.raises(KeyingError, match=rf"shape \({count},\).*\(6,\)"),
    ):
        model(x)


def test_doorways_are_keyed(x):
    model = nn.Sequential(nn.Linear(8, 8))
    droplab.apply_rates(model, {"0:out": 0.5})
    assert [name for name, _ in keyed_layers(model)] == ["0:out"]
    outputs = []
    for _ in range(2):
        with droplab.keyed(model, seed=0):
            outputs.append(model(x))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("mode", ["state", "none", "reentrant state", "reentrant none"])
def test_checkpointing_draws_the_same_masks_again(x, mode):
    model, recomputing = Net(), Net(mode)
    recomputing.load_state_dict(model.state_dict())
    for ours, plain in zip(gradients(recomputing, x), gradients(model, x), strict=True):
        assert torch.equal(ours, plain)


def test_checkpointing_of_drop_in_masks(x):
    found = []
    for mode in ("", "state"):
        model = Net(mode)
        torch.manual_seed(0)
        for parameter in model.parameters():
            nn.init.normal_(parameter)
        torch.manual_seed(1)
        model(x).sum().backward()
        found.append([p.grad for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_recomputation_outside_the_block_raises(x):
    model = Net("none")
    with droplab.keyed(model, seed=3):
        loss = model(x).sum()
    with pytest.raises(KeyingError, match=r"outside.*backward\(\) inside"):
        loss.backward()


def test_a_recomputation_in_another_block_raises(x):
    model = Net("none")
    with droplab.keyed(model, seed=3, step=1):
        loss = model(x).sum()
    with pytest.raises(KeyingError, match="another key"), droplab.keyed(model, seed=3, step=2):
        loss.backward()


@pytest.mark.parametrize("samples", [torch.arange(1, 7), torch.tensor([1, 0, 2, 3, 4, 5])])
def test_a_recomputation_with_other_samples_raises(x, samples):
    model = Net("none")
    with droplab.keyed(model, seed=3, samples=torch.arange(6)):
        loss = model(x).sum()
    with pytest.raises(KeyingError, match="another key"), droplab.keyed(model, seed=3, samples=samples):
        loss.backward()


def test_a_model_that_was_keyed_once_may_be_checkpointed_without_a_key(x):
    model = Net("state")
    gradients(model, x)
    model(x).sum().backward()


@pytest.mark.parametrize("part", ["seed", "step", "samples", "p"])
def test_tensors_that_change_between_forward_and_backward_change_no_mask(part):
    """A mask drawn again must be the mask of the forward pass."""
    tensors = {"seed": torch.tensor(1), "step": torch.tensor(2), "samples": torch.arange(4), "p": torch.tensor(0.5)}
    layer = droplab.nn.Dropout()
    layer.p = tensors["p"]
    x = torch.ones(4, 200, requires_grad=True)
    with droplab.keyed(layer, seed=tensors["seed"], step=tensors["step"], samples=tensors["samples"]):
        y = layer(x)
        tensors[part] += 0.25 if part == "p" else 7
        y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_keyed_and_unkeyed_without_recomputation_may_go_backward_anywhere(x):
    model = Net()
    with droplab.keyed(model, seed=3, step=5):
        loss = model(x).square().sum()
    loss.backward()
    outside = [p.grad.clone() for p in model.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(outside, gradients(model, x), strict=True))


RANKS = """
    import sys, torch, torch.distributed as dist
    import droplab
    rank, port = int(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(1)
    layer = droplab.nn.Dropout(0.5)
    x = torch.ones(6, 400)
    with droplab.keyed(layer, seed=9, step=2):
        whole = layer(x)
    dist.init_process_group("gloo", init_method=f"file://{port}", rank=rank, world_size=2)
    with droplab.keyed(layer, seed=9, step=2):
        mine = layer(x[rank * 3 : rank * 3 + 3])
    parts = [torch.empty_like(mine) for _ in range(2)]
    dist.all_gather(parts, mine)
    assert torch.equal(torch.cat(parts), whole), "two ranks are not one"
    rows = {tuple(row.tolist()) for row in torch.cat(parts)}
    assert len(rows) == 6, "two samples share a mask"
    alone = [dist.new_group([number]) for number in range(2)]

    def both(**options):
        with droplab.keyed(layer, seed=9, **options):
            mine = layer(x)
        parts = [torch.empty_like(mine) for _ in range(2)]
        dist.all_gather(parts, mine)
        return parts

    assert not torch.equal(*both())
    assert torch.equal(*both(replicated=True)), "ranks of the same batch have different masks"
    assert torch.equal(*both(group=alone[rank])), "each is the first of its group"
    assert not torch.equal(*both(group=dist.group.WORLD))
    try:
        droplab.keyed(layer, seed=9, group=alone[1 - rank])
    except droplab.UserError as error:
        assert "not in" in str(error)
    else:
        raise AssertionError
    dist.destroy_process_group()
"""


def test_two_ranks_share_no_mask_and_together_are_one_and_groups_say_who_counts(tmp_path):
    script = tmp_path / "ranks.py"
    script.write_text(textwrap.dedent(RANKS))
    ranks = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(tmp_path / "meet")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    outputs = [process.communicate(timeout=120)[0] for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], outputs


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ({"seed": 1.0}, r"seed = 1.0 \(float\); a whole number"),
        ({"seed": True}, r"seed = True \(bool\)"),
        ({"seed": "1"}, "seed = '1'"),
        ({"seed": None}, "seed = None"),
        ({"seed": 2**64}, "seed = 18446744073709551616; a number from"),
        ({"seed": torch.tensor(1.0)}, "seed = a torch.float32 tensor of shape"),
        ({"seed": torch.tensor([1])}, r"seed = a torch.int64 tensor of shape \(1,\)"),
        ({"seed": torch.tensor(True)}, "seed = a torch.bool tensor"),
        ({"step": -1}, "step = -1; a number from 0 to 4294967295"),
        ({"step": 2**32}, "step = 4294967296"),
        ({"step": torch.tensor(2**32)}, "step = 4294967296"),
        ({"step": np.float64(1)}, "float64"),
        ({"samples": torch.arange(6) / 10}, r"samples = a torch.float32 Tensor of shape \(6,\); an int64"),
        ({"samples": torch.ones(6, dtype=torch.bool)}, "samples = a torch.bool Tensor"),
        ({"samples": np.arange(6) / 10}, "samples = a float64 ndarray"),
        ({"samples": [0, 1, 2, 3, 4, 5]}, r"samples = \[0, 1, 2, 3, 4, 5\] \(list\)"),
        ({"samples": 3}, "samples = 3"),
        ({"samples": torch.tensor(3)}, r"of shape \(\)"),
        ({"samples": torch.zeros(6, 1, dtype=torch.int64)}, r"of shape \(6, 1\)"),
        ({"samples": torch.arange(6) - 1}, "a sample id = -1"),
        ({"samples": torch.arange(6) + 2**32}, "a sample id = 4294967296"),
        ({"replicated": 1}, "replicated = 1"),
        ({"replicated": True, "group": object()}, "a group and replicated"),
    ],
    ids=lambda value: re.sub(" at 0x[0-9a-f]+", "", str(value)),  # the same in every process
)
def test_what_names_no_mask_is_refused(key, said):
    with pytest.raises(KeyingError, match=said):
        droplab.keyed(Net(), **{"seed": 0, **key})


def test_whole_numbers_of_all_kinds_are_one(x):
    model, found = Net(), []
    for kind in (int, np.int64, np.int32, np.uint8, np.array, torch.tensor):
        for ids in (
            torch.arange(6),
            torch.arange(6, dtype=torch.int32),
            torch.arange(6).byte(),
            np.arange(6),
            np.arange(6, dtype="u2"),
        ):
            with droplab.keyed(model, seed=kind(3), step=kind(5), samples=ids):
                found.append(model(x))
    assert all(torch.equal(found[0], other) for other in found)
    with droplab.keyed(model, seed=-1), droplab.keyed(Net(), seed=2**64 - 1):
        pass


def seen(model):
    return [name for name, _, _ in identities(model)]


def test_changes_of_a_model_are_seen():
    """Names and ids are remembered, and forgotten with any change."""
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Sequential(nn.ReLU()))
    assert seen(model) == []
    change = droplab.replace(model)
    assert seen(model) == ["1"]
    model[2].append(droplab.nn.Dropout(0.1))
    assert seen(model) == ["1", "2.1"]
    door = droplab.apply_rates(model, {"0:in": 0.5})
    assert seen(model) == ["0:in", "1", "2.1"]
    layer = dict(keyed_layers(model))["0:in"]
    droplab.apply_rates(model, {"0:in": 0.5}, "gaussian_dropout")
    assert dict(keyed_layers(model))["0:in"] is not layer
    assert identities(model)[0][1] is dict(keyed_layers(model))["0:in"]
    door.undo()
    assert seen(model) == ["1", "2.1"]
    model[2][1].key_name = "own"
    assert [number for _, _, number in identities(model)] == [rng.layer_id("1"), rng.layer_id("own")]
    model[0].late = droplab.nn.Dropout(0.2)  # a child of what had none
    assert seen(model) == ["0.late", "1", "2.1"]
    del model[0].late
    model[2]._modules["renamed"] = model[2]._modules.pop("1")  # as surgery does it
    assert seen(model) == ["1", "2.renamed"]
    change.undo()
    assert seen(model) == ["2.renamed"]
    model[2] = nn.Identity()
    assert seen(model) == []
    model[1] = None
    assert seen(model) == []


def test_what_changed_between_making_a_block_and_entering_it_is_keyed(x):
    model = nn.Sequential(nn.Dropout(0.5))
    block = droplab.keyed(model.eval(), seed=1)
    droplab.replace(model.train())
    with block:
        first = model(x)
    with droplab.keyed(model, seed=1):
        assert torch.equal(model(x), first)


def test_a_model_that_was_keyed_is_not_kept():
    model = nn.Sequential(nn.Linear(2, 2), droplab.nn.Dropout(0.5))
    with droplab.keyed(model, seed=1):
        pass
    gone = weakref.ref(model), weakref.ref(model[1])
    del model
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


def test_entering_a_block_does_not_walk_the_model_again(monkeypatch):
    model = nn.Sequential(*[nn.Sequential(nn.Linear(2, 2), droplab.nn.Dropout(0.5)) for _ in range(6)])
    with droplab.keyed(model, seed=1):
        pass
    monkeypatch.setattr(nn.Module, "named_modules", None)
    with droplab.keyed(model, seed=1, step=1):
        pass


class FunctionalNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_dropout, self.drop_path_keep = 0.1, 0.2

    def forward(self, x):
        return x


def test_what_is_not_reached_is_told_once_for_a_model(recwarn):
    model = nn.ModuleDict({
        "own": droplab.nn.Dropout(0.5), "torchs": nn.Dropout2d(0.2), "off": nn.Dropout(0.0),
        "attention": nn.MultiheadAttention(4, 2, dropout=0.3), "rnn": nn.GRU(4, 4, 2, dropout=0.4),
        "one": nn.LSTM(4, 4), "weights": droplab.nn.WeightDropLSTM(4, 4, 2, dropout=0.5),
        "zoneout": droplab.nn.ZoneoutLSTM(4, 4, 2, dropout=0.6), "theirs": FunctionalNet(),
    })  # fmt: skip
    wanted = {
        "torchs": "Dropout2d(p=0.2)",
        "attention.dropout": "MultiheadAttention has dropout = 0.3",
        "rnn.dropout": "GRU has dropout = 0.4",
        "weights.dropout": "WeightDropLSTM has dropout = 0.5",
        "theirs.attention_dropout": "FunctionalNet has attention_dropout = 0.1",
    }
    with droplab.keyed(model.eval(), seed=0):
        pass
    assert not recwarn
    with pytest.warns(
        UserWarning, match=r"does not reach all of ModuleDict: torchs: Dropout2d\(p=0.2\), .*torch's gen"
    ):
        block = droplab.keyed(model.train(), seed=0)
    assert block.unreached == wanted
    droplab.keyed(model, seed=0)
    assert not recwarn
    droplab.replace(model)
    droplab.apply_rates(model, {"attention.dropout": 0.0, "*.dropout": 0.0})
    assert set(block.unreached) == {"theirs.attention_dropout"}


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_modules_within_a_model():
    """Their tables of parameters and children are no dicts."""
    inner = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    model = nn.Sequential(inner, droplab.nn.Dropout(0.5))
    masks = []
    for _ in range(2):
        with droplab.keyed(model, seed=1):
            masks.append(model(torch.ones(8, 4)))
    assert torch.equal(*masks)
    assert [name for name, *_ in identities(model)] == ["1"]


def test_a_rate_that_no_method_reads_is_not_warned_of_where_its_layers_are():
    class Plain(nn.Module):
        def __init__(self, dropout=0.1):
            super().__init__()
            self.dropout = dropout
            self.net = nn.Sequential(nn.Linear(4, 4), droplab.nn.Dropout(dropout))

        def forward(self, x):
            return self.net(x)

    class Reads(Plain):
        def forward(self, x):
            name = "dropout"
            return nn.functional.alpha_dropout(self.net(x), getattr(self, name), self.training)

    class Owner(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Plain()

        def forward(self, x):
            return nn.functional.alpha_dropout(self.inner(x), self.inner.dropout, self.training)

    with droplab.keyed(Plain(), seed=1):  # a warning would be an error
        pass
    for model in (Reads(), Owner()):
        with pytest.warns(UserWarning, match=r"does not reach all.*has dropout = 0\.1"), droplab.keyed(model, seed=1):
            pass
