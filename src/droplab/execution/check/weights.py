"""Initial weights: equal for the arms of a seed, different for different seeds, new for each model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from droplab.errors import ModelError
from droplab.records import Notice
from droplab.spec.experiment import ExperimentSpec
from droplab.training.arming import initial_model
from droplab.training.digests import weights_digest
from droplab.training.samples import RunData


def check_new(spec: ExperimentSpec, one: nn.Module, other: nn.Module) -> None:
    """Raise ``ModelError`` where two calls of the model function share what training changes.

    Weights would leak from run to run, arms into each other.
    """
    trained = {id(value) for value in one.parameters() if value.requires_grad}
    if one is other or any(id(value) in trained for value in other.parameters()):
        what = "the same module" if one is other else "modules that share trainable parameters"
        raise ModelError(
            f"model {spec.model.name!r} returned {what} on two calls, so that every run would go on with the weights "
            "of the one before. Build a new model on each call: no module kept in a global variable, no cache around "
            "the function (or return copy.deepcopy(it), with its weights drawn anew)."
        )


def check_weights(spec: ExperimentSpec, data: RunData, digests: Sequence[str]) -> Iterator[Notice]:
    """Tell whether arms start from one set of weights, and seeds from different ones.

    Args:
        spec: the experiment.
        data: its data.
        digests: of each arm's weights of the first seed, before the arm was applied.
    """
    if len(set(digests)) > 1:
        yield Notice("weights_differ", detail={"seed": spec.seeds[0]})
        return
    if len(spec.seeds) > 1:
        model = initial_model(spec, data.shape, data.classes, spec.seeds[1])
        if weights_digest(model) == digests[0]:
            yield Notice("weights_same")
