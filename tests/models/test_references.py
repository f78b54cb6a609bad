"""The small references: what they compute, where they drop, how long they are."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import droplab
from droplab.errors import ModelError
from droplab.models import GPT, LSTM, MLP, UNet, build
from droplab.tasks import NextToken, Regression, Segmentation, evaluate

TOKENS = torch.arange(60).reshape(4, 15) * 7 % 11
SMALL = {
    "mlp": (lambda: build("mlp", (5,), 2, {"hidden": [8, 8]}), torch.randn(6, 5), Regression(), torch.randn(6, 2)),
    "unet": (
        lambda: build("unet", (2, 9, 7), 3, {"width": 4, "depth": 2}),
        torch.randn(4, 2, 9, 7),
        Segmentation(),
        torch.arange(4 * 63).reshape(4, 9, 7) // 5 % 3,
    ),
    "gpt": (lambda: build("gpt", (15,), 11, {"width": 16, "depth": 2}), TOKENS, NextToken(), TOKENS * 3 % 11),
    "lstm": (lambda: build("lstm", (15,), 11, {"width": 16}), TOKENS, NextToken(), TOKENS * 3 % 11),
}


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("name", SMALL)
def test_it_learns_what_it_is_for(name):
    make, inputs, task, targets = SMALL[name]
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    before = evaluate(task, model, [(inputs, targets)])["loss"]
    for _ in range(20):
        optimizer.zero_grad()
        task.loss(model(inputs), targets).backward()
        optimizer.step()
    assert evaluate(task, model, [(inputs, targets)])["loss"] < 0.75 * before


@pytest.mark.parametrize("name", SMALL)
def test_every_place_of_dropout_has_a_name_and_acts(name):
    make, inputs, _, _ = SMALL[name]
    torch.manual_seed(0)
    model = make().train()
    plain = model(inputs)
    found = [site for site, module in model.named_modules() if isinstance(module, nn.Dropout | nn.Dropout2d)]
    assert found
    for site in found:
        change = droplab.apply_rates(model, {site: 0.5})
        assert not torch.equal(model(inputs), plain), site
        change.undo()


@pytest.mark.parametrize("model", [MLP, UNet, GPT, LSTM])
def test_it_is_short(model):
    assert len(inspect.getsource(inspect.getmodule(model)).splitlines()) <= 80


def test_a_gpt_does_not_look_ahead():
    model = SMALL["gpt"][0]().eval()
    other = TOKENS.clone()
    other[:, 8:] = 0
    assert torch.equal(model(other)[:, :8], model(TOKENS)[:, :8])


def test_a_gpts_attention_is_torchs():
    block = SMALL["gpt"][0]().blocks[0].double()
    x = torch.randn(2, 5, 16, dtype=torch.float64)
    q, k, v = (part.unflatten(2, (4, 4)).transpose(1, 2) for part in block.qkv(x).chunk(3, 2))
    wanted = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    torch.testing.assert_close(block._attend(x), wanted, rtol=1e-12, atol=1e-12)


def test_an_lstm_of_modules_is_torchs_stacked_one():
    model = LSTM((5,), 7, width=4, depth=2).eval()
    stacked = nn.LSTM(4, 4, 2, batch_first=True)
    names = {f"{name[:-1]}{at}": (f"lstm{at + 1}", name) for at in (0, 1) for name, _ in model.lstm1.named_parameters()}
    for name, (layer, theirs) in names.items():
        stacked.get_parameter(name).data = model.get_submodule(layer).get_parameter(theirs).data
    tokens = torch.arange(10).reshape(2, 5) % 7
    torch.testing.assert_close(model(tokens), model.out(stacked(model.embed(tokens))[0]))


def test_categories_have_embeddings_and_an_image_is_wanted_for_a_unet():
    net = MLP({"categories": (2,)}, 3, categories=[4, 100])
    assert [table.embedding_dim for table in net.embeddings] == [2, 32]
    assert net(categories=torch.zeros(5, 2, dtype=torch.int64)).shape == (5, 3)
    with pytest.raises(ModelError, match=r"wants images \(C, H, W\)"):
        UNet((5,), 2)
