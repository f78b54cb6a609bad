"""From a model's name in a spec to the module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from droplab.errors import ModelError, quote, suggest
from droplab.models.gpt import GPT
from droplab.models.lstm import LSTM
from droplab.models.mlp import MLP
from droplab.models.srivastava_mlp import SrivastavaMLP
from droplab.models.tutorial_cnn import TutorialCNN
from droplab.models.unet import UNet
from droplab.userobjects import call, is_object, resolve

MODELS: Mapping[str, Callable[..., nn.Module]] = {
    "tutorial-cnn": TutorialCNN,
    "srivastava-mlp": SrivastavaMLP,
    "mlp": MLP,
    "unet": UNet,
    "gpt": GPT,
    "lstm": LSTM,
}
"""The models that come with droplab, by the name a spec gives them."""


def build(name: str, shape: tuple[int, ...], classes: int, options: Mapping[str, Any] | None = None) -> nn.Module:
    """Build a model for samples of ``shape`` with ``classes`` outputs.

    A function ``pkg.module:function`` is called with ``options`` and with those of ``shape`` and
    ``classes`` that its signature names.

    Args:
        name: a key of ``MODELS`` or ``pkg.module:function``.
        shape: shape of one sample, ``(C, H, W)`` for images.
        classes: number of classes.
        options: keyword arguments for the model.

    Raises:
        ModelError: an unknown name or option, a function that raises, or one that returns no ``nn.Module``,
            or a module in place of a function.

    >>> type(build("tutorial-cnn", (1, 28, 28), 10)).__name__
    'TutorialCNN'
    """
    if name in MODELS:
        function = MODELS[name]
    elif is_object(name):
        function = resolve(name, "model", ModelError)
        if isinstance(function, nn.Module):
            raise ModelError(
                f"model {name!r} is a {type(function).__name__} that was made already, and every run would train the "
                "same weights on; a function that makes a new one is wanted: def make(shape, classes): return …"
            )
    else:
        known = ", ".join(MODELS)
        raise ModelError(
            f"unknown model {quote(name)}{suggest(name, MODELS)}. Known: {known}, "
            "or a function of yours as pkg.module:function."
        )
    model = call(function, name, "model", ModelError, {"shape": shape, "classes": classes}, options or {})
    if not isinstance(model, nn.Module):
        raise ModelError(f"model {name!r} returned a {type(model).__name__}; a torch.nn.Module is wanted")
    for path, module in model.named_modules():
        if any(is_lazy(value) for value in (*module._parameters.values(), *module._buffers.values())):  # noqa: SLF001  # named_parameters() says no module
            raise ModelError(
                f"model {name!r}: {path!r} ({type(module).__name__}) has no weights yet: it waits for a first batch. "
                "Show the model one before it is returned: model(torch.zeros(2, *shape)), with shape as an argument "
                "of the function."
            )
    return model
