"""A model out of what ``run.prepare`` is given."""

from __future__ import annotations

import copy
from collections.abc import Callable, Container

from torch import nn

from droplab.errors import ModelError, UserError, quote, words_of
from droplab.surgery.example import carry
from droplab.training.prepared import MAIN
from droplab.userobjects import where_raised

Make = Callable[[], nn.Module] | nn.Module


def check_name(name: str, known: Container[str]) -> None:
    """Raise ``UserError`` where a model cannot be called so."""
    if not isinstance(name, str) or not name.isidentifier():
        raise UserError(f"run.prepare got name={quote(name)}; a name such as 'generator' is wanted")
    if name in known:
        again = "give this one a name: run.prepare(…, name='teacher')" if name == MAIN else "take another name"
        raise UserError(f"run.prepare has a model called {name!r} already; {again}")


def made(make: Make, name: str) -> nn.Module:
    """The model: a copy of a ready one, or what the function or class gives.

    Raises:
        ModelError: there is none.
    """
    if isinstance(make, nn.Module):
        copied = copy.deepcopy(make)
        carry(make, copied)
        return copied
    if not callable(make):
        raise ModelError(
            f"run.prepare got {quote(make)}, a {type(make).__name__}; a function or class that builds the model, or a "
            "torch module, is wanted"
        )
    try:
        model = make()
    except UserError:
        raise
    except Exception as problem:
        raise ModelError(
            f"building the {name} raised {words_of(problem)} (at {where_raised(problem)}); run.prepare calls it "
            "without arguments: prepare(lambda: MyNet(width=64)) gives it some"
        ) from problem
    if not isinstance(model, nn.Module):
        raise ModelError(f"run.prepare called what it was given and got {quote(model)}; a torch module is wanted")
    return model
