"""Running a model as it stands and leaving it as it was: modes, buffers, generators."""

from __future__ import annotations

import copy
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from droplab import global_numpy
from droplab.auditing.executed import Passed
from droplab.auditing.trace import Trace
from droplab.errors import ModelError, words_of
from droplab.surgery.tensors import tensors
from droplab.userobjects import where_raised


@contextmanager
def as_it_was(model: nn.Module) -> Iterator[None]:
    """Whatever is run within, modes, buffers and the generators of torch, NumPy and Python are put back.

    >>> net = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout()).eval()
    >>> with as_it_was(net):
    ...     y = net.train()(torch.ones(4, 2))
    >>> net.training, int(net[0].num_batches_tracked)
    (False, 0)
    """
    modes = {module: module.training for module in model.modules()}
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    python, numpy = random.getstate(), global_numpy.held()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        global_numpy.put_back(numpy)
        for module, mode in modes.items():
            module.training = mode
        with torch.no_grad():
            for buffer, before in buffers:
                if not torch.equal(buffer, before):
                    buffer.copy_(before)


def own(values: Any) -> Any:
    """A copy of a model's input, as a model may write into it."""
    if isinstance(values, Tensor):
        return values.detach().clone().requires_grad_(values.requires_grad)
    if type(values) in {list, tuple}:
        return type(values)(own(value) for value in values)
    if type(values) is dict:
        return {name: own(value) for name, value in values.items()}
    return copy.copy(values)


def call(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The model's output, with its compiled parts run as Python; its warnings are its owner's.

    Raises:
        ModelError: the model raises.
    """
    with warnings.catch_warnings(), torch.compiler.set_stance("force_eager"):
        warnings.simplefilter("ignore")
        try:
            return model(*own(args), **own(dict(kwargs)))
        except Exception as problem:
            raise ModelError(
                f"the model raised {words_of(problem)} (at {where_raised(problem)}); droplab.audit runs it on what it "
                "is given: droplab.audit(model, *args, **kwargs) calls model(*args, **kwargs)"
            ) from problem


def watched(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], training: bool) -> Passed:
    """One pass in a mode, and what executed in it."""
    model.train(training)
    with torch.set_grad_enabled(training), Trace(model) as trace:
        output = call(model, args, kwargs)
        trace.output(output)
    return trace.passed


def varies(model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether two passes in eval mode give different numbers under different generators."""
    model.eval()
    outputs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        random.seed(seed)
        global_numpy.seed(seed)
        with torch.no_grad():
            outputs.append(list(tensors(call(model, args, kwargs))))
    first, second = outputs
    return len(first) != len(second) or not all(
        a.shape == b.shape and torch.equal(torch.nan_to_num(a), torch.nan_to_num(b))
        for a, b in zip(first, second, strict=True)
    )
