"""Gaussian noise, multiplied or added."""

from __future__ import annotations

from torch import Tensor

from droplab.errors import UserError
from droplab.layers.layer import DropLayer
from droplab.masks.checking import check_input, check_rate, is_zero
from droplab.masks.factor import multiply
from droplab.masks.key import Key
from droplab.masks.noise import normal
from droplab.variants.kind import Kind
from droplab.variants.options import AtLeast

__all__ = ["GaussianDropout", "GaussianNoise", "gaussian_dropout", "gaussian_noise"]

_SCALE = AtLeast("scale", 0, "a standard deviation, a number from 0 on,", who="gaussian noise")


def gaussian_dropout(
    input: Tensor, p: float | Tensor = 0.5, training: bool = True, *, key: Key | None = None
) -> Tensor:
    """Multiply each element by a normal number of mean 1 and the variance that dropout's mask has.

    ``y = x (1 + ε √(p / (1 - p)))``, ``ε`` standard normal. Srivastava et al., *Dropout*, JMLR 2014, section 10.
    Keras's ``GaussianDropout`` is the same equation. Nothing is kept for the backward pass, which draws again.

    Args:
        input: any shape, floating point.
        p: drop rate of the dropout whose moments are taken, in [0, 1); 0 returns the input itself. In graphs and
            on a GPU a tensor is not looked at; one of 1 gives infinities.
        training: where false, the input itself is returned.
        key: names the numbers; where absent a seed is drawn from torch's default generator.

    Raises:
        UserError: ``p`` outside [0, 1), or an input that is not floating point.

    >>> import torch
    >>> gaussian_dropout(torch.ones(4), 0.2, key=Key(seed=0, layer="fc1", batch_dim=None))
    tensor([1.1431, 0.8546, 1.7374, 0.9386])
    """
    check_rate(p)
    check_input(input, "gaussian_dropout")
    if not training or is_zero(p):
        return input
    return multiply(input, p, key, _around_one)


def gaussian_noise(
    input: Tensor, p: float | Tensor = 0.1, training: bool = True, *, scale: float = 1.0, key: Key | None = None
) -> Tensor:
    """Add a normal number to each element.

    ``y = x + scale p ε``, ``ε`` standard normal: the noise's standard deviation is ``scale p``. Nothing is dropped;
    ``p``, in [0, 1] as everywhere, is the noise's strength, which schedules move. Sietsma and Dow, *Creating
    artificial neural networks that generalize*, Neural Networks 1991; Bishop, *Training with noise is equivalent to
    Tikhonov regularization*, Neural Computation 1995. Keras's ``GaussianNoise`` is the same equation with ``stddev``
    for ``scale p``.

    Args:
        input: any shape, floating point.
        p: strength in [0, 1]; 0 returns the input itself.
        training: where false, the input itself is returned.
        scale: the standard deviation at ``p = 1``; not negative.
        key: names the numbers; where absent a seed is drawn from torch's default generator.

    Raises:
        UserError: ``p`` outside [0, 1], a negative ``scale``, or an input that is not floating point.

    >>> import torch
    >>> gaussian_noise(torch.zeros(4), 0.5, key=Key(seed=0, layer="fc1", batch_dim=None))
    tensor([ 0.1431, -0.1454,  0.7374, -0.0614])
    """
    check_rate(p, learned=True)  # noise is proportional to it
    check_input(input, "gaussian_noise")
    _SCALE.check(scale)
    if not training or is_zero(p):
        return input
    noise = normal(input, key=key) * (p * scale)
    return (input + noise).to(input.dtype)


def _around_one(x: Tensor, p: float | Tensor, key: Key | None) -> Tensor:
    if not isinstance(p, Tensor) and p == 1:
        raise UserError("gaussian_dropout got p = 1, for which its noise is infinite; a rate below 1 is wanted")
    return 1 + normal(x, key=key) * (p / (1 - p)) ** 0.5


class GaussianDropout(DropLayer):
    """Multiply by normal numbers with the moments of dropout's mask in training; identity in eval.

    See ``droplab.functional.gaussian_dropout``.

    Args:
        p: drop rate of the dropout whose moments are taken, in [0, 1).

    >>> GaussianDropout(0.2)
    GaussianDropout(p=0.2)
    """

    def __init__(self, p: float | Tensor = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """Any shape to the same shape."""
        return self._in_training(gaussian_dropout, input)


class GaussianNoise(DropLayer):
    """Add normal numbers of standard deviation ``scale p`` in training; identity in eval.

    See ``droplab.functional.gaussian_noise``. In an arm ``p`` is the standard deviation; for more than 1 give the
    layer a ``scale``.

    Args:
        p: strength in [0, 1].
        scale: the standard deviation at ``p = 1``.

    >>> GaussianNoise(0.2, scale=5.0)
    GaussianNoise(p=0.2, scale=5.0)
    """

    shown = ("scale",)

    def __init__(self, p: float | Tensor = 0.1, scale: float = 1.0) -> None:
        super().__init__()
        _SCALE.check(scale)
        self.p, self.scale = p, scale

    def forward(self, input: Tensor) -> Tensor:
        """Any shape to the same shape."""
        return self._in_training(gaussian_noise, input, scale=self.scale)


KINDS = (
    Kind(
        "gaussian_dropout", GaussianDropout,
        "Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014, section 10",
        "y = x (1 + ε √(p / (1 - p))), ε standard normal", "nothing",
    ),
    Kind(
        "gaussian_noise", GaussianNoise,
        "Bishop, Training with noise is equivalent to Tikhonov regularization, Neural Computation 1995",
        "y = x + scale p ε, ε standard normal", "nothing", limits=(_SCALE,),
        deviations="p, the standard deviation, is in [0, 1] as everywhere, hence the factor scale",
    ),
)  # fmt: skip
