from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from droplab.errors import ModelError
from droplab.models import SrivastavaMLP, TutorialCNN, build


def published(model: TutorialCNN, x: torch.Tensor) -> torch.Tensor:
    """The network as the tutorial writes it: ReLU, then pooling."""
    for conv in (model.conv1, model.conv2, model.conv3):
        x = F.max_pool2d(F.relu(conv(x)), 2)
    x = model.drop1(torch.flatten(x, 1))
    return model.fc2(model.drop2(F.relu(model.fc1(x))))


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (2, 23, 41)])
def test_tutorial_cnn_is_the_published_function_gradients_included(shape):
    torch.manual_seed(0)
    model = TutorialCNN(shape, 7, p=0.25).double().eval()
    x = torch.randn(5, *shape, dtype=torch.float64)
    grads = []
    for function in (model, lambda inputs: published(model, inputs)):
        model.zero_grad()
        logits = function(x)
        F.cross_entropy(logits, torch.arange(5) % 7).backward()
        grads.append([logits.detach(), *(parameter.grad.clone() for parameter in model.parameters())])
    for ours, theirs in zip(*grads, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_tutorial_cnn_has_the_published_size():
    sizes = [tuple(p.shape) for p in TutorialCNN((3, 32, 32), 10).parameters() if p.ndim > 1]
    assert sizes == [(32, 3, 3, 3), (64, 32, 3, 3), (128, 64, 3, 3), (512, 512), (10, 512)]


def test_srivastava_mlp_has_the_papers_size():
    sizes = [tuple(p.shape) for p in SrivastavaMLP((1, 28, 28), 10).parameters() if p.ndim > 1]
    assert sizes == [(1024, 784), (1024, 1024), (1024, 1024), (10, 1024)]


def raising():
    raise RuntimeError("no such file")


def no_module():
    return 3


def small(classes, width=2):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.Dropout(0.5), nn.Linear(width, classes))


def test_functions_of_the_users_own():
    model = build("tests.models.test_models:small", (1, 28, 28), 4, {"width": 3})
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 4)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("tutorial-cn", {}, "did you mean 'tutorial-cnn'"),
        ("tests.models.test_models:raising", {}, "no such file"),
        ("tests.models.test_models:no_module", {}, "returned a int"),
        ("tests.models.test_models:smal", {}, "small"),
        ("tests.models.test_models:small", {"widht": 3}, "widht"),
        ("not_there.at_all:net", {}, "not_there"),
    ],
)
def test_what_cannot_be_built_says_why(name, options, words):
    with pytest.raises(ModelError, match=words):
        build(name, (1, 28, 28), 4, options)


def test_too_small_images():
    with pytest.raises(ModelError, match="at least 22"):
        TutorialCNN((3, 8, 8), 10)


made_already = torch.nn.Linear(4, 2)


def test_a_module_is_no_model_function():
    with pytest.raises(ModelError, match=r"a Linear that was made already.*def make\(shape, classes\)"):
        build("tests.models.test_models:made_already", (4,), 2)
    for name in ("builtins:dict", "builtins:type"):
        with pytest.raises(ModelError, match="a function of your own"):
            build(name, (4,), 2)
