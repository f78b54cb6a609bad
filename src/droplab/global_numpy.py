"""NumPy's global generator, which models and transforms draw from: a Mersenne twister, or whichever was set.

Where it stands is kept with the generator itself, as code within may set another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Held(NamedTuple):
    """The generator, and where it stood."""

    generator: Any
    state: dict[str, Any]


def held() -> Held:
    """What ``put_back`` takes."""
    return Held(current(), state())


def put_back(before: Held) -> None:
    """Make the generator of then the global one again, where it stood.

    >>> before, drawn = held(), np.random.rand()
    >>> np.random.set_bit_generator(np.random.PCG64(0))
    >>> put_back(before)
    >>> bool(np.random.rand() == drawn)
    True
    >>> put_back(before)
    """
    use(before.generator)
    np.random.set_state(before.state)  # noqa: NPY002  # the one that models use


def use(generator: Any) -> None:
    """Make a generator the global one, where it is not yet."""
    if generator is not current():
        np.random.set_bit_generator(generator)  # type: ignore[attr-defined]  # its stubs forget it


def seed(value: int) -> None:
    """Begin anew, whichever generator it is.

    Args:
        value: its lowest 32 bits count.
    """
    seeder()(value)


def seeder() -> Callable[[int], None]:
    """``seed`` for the generator that is the global one now: it is so again when it begins anew."""
    generator = current()
    twister = type(generator) is np.random.MT19937

    def begin(value: int) -> None:
        use(generator)
        np.random.seed(value & 0xFFFFFFFF)  # noqa: NPY002  # as above
        if not twister:  # of others NumPy leaves the second normal number of a pair
            np.random.set_state({**state(), "has_gauss": 0, "gauss": 0.0})  # noqa: NPY002  # as above

    return begin


def state() -> dict[str, Any]:
    """Where it stands, with the name of its kind."""
    return np.random.get_state(legacy=False)  # noqa: NPY002  # as above


def same(one: Held, other: Held) -> bool:
    """Whether nothing was drawn between two of them, and no other generator set."""
    return one.generator is other.generator and _plain(one.state) == _plain(other.state)


def standing() -> Any:
    """Where it stands, to be compared with ``==``.

    >>> before = standing()
    >>> before == standing()
    True
    """
    return _plain(state())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value.tobytes() if isinstance(value, np.ndarray) else value


def without_arrays(value: Any) -> Any:
    """A generator's state as plain values: arrays are lists with a name of their type."""
    if isinstance(value, dict):
        return {key: without_arrays(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return ["array", str(value.dtype), value.tolist()]
    return value.item() if isinstance(value, np.generic) else value


def with_arrays(value: Any) -> Any:
    """The inverse.

    >>> with_arrays(without_arrays(state()))["bit_generator"] == state()["bit_generator"]
    True
    """
    if isinstance(value, dict):
        return {key: with_arrays(inner) for key, inner in value.items()}
    return np.array(value[2], value[1]) if isinstance(value, list) else value


def current() -> Any:
    """The global generator."""
    return np.random.get_bit_generator()  # type: ignore[attr-defined]  # as above
