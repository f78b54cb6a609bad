"""The global generators that transforms draw from, of torch's CPU, NumPy and Python: seeded, watched and given back.

All of it happens for every batch, between samples that have filled the processor's caches, so that each step counts. To
ask NumPy's generator where it stands by ``np.random.get_state`` takes as long as to seed it 20 times, Python's as long
as to seed it twice. Their memory is read and written instead, where it is found to be what is known of it.
"""

from __future__ import annotations

import ctypes
import random
import sys
from collections.abc import Callable, Iterable
from typing import Any, Protocol, final

import numpy as np
import torch

from droplab import global_numpy
from droplab.global_numpy import Held

Seed = Callable[[int], object]
"""Takes 64 bits."""
_WORDS = 624
"""Of a Mersenne twister; another one says how many of them are used up."""


class Seedable(Protocol):
    """What can begin anew."""

    def seeder(self) -> Seed:
        """What lets the generator of now begin anew."""


class Drawer(Seedable, Protocol):
    """A global generator."""

    def state(self) -> Any:
        """Where it stands."""

    def same(self, one: Any, other: Any) -> bool:
        """Whether nothing was drawn between two states."""

    def put(self, state: Any) -> None:
        """The inverse of ``state``."""


@final
class _Torch:
    """Torch's of the CPU."""

    def seeder(self) -> Seed:
        return torch.default_generator.manual_seed

    def state(self) -> Any:
        return torch.default_generator.get_state()

    def same(self, one: Any, other: Any) -> bool:
        return torch.equal(one, other)

    def put(self, state: Any) -> None:
        torch.default_generator.set_state(state)


@final
class _Numpy:
    """NumPy's.

    >>> numpy = _Numpy()
    >>> before, drawn = numpy.state(), np.random.normal()
    >>> between = numpy.state()
    >>> numpy.put(before)
    >>> numpy.same(before, between), numpy.same(before, numpy.state()), bool(np.random.normal() == drawn)
    (False, True, True)
    >>> numpy.put(before)
    """

    def __init__(self) -> None:
        self._generator: Any = None
        self._words: _Memory | None = None
        self._normal: _Memory | None = None

    def seeder(self) -> Seed:
        return global_numpy.seeder()

    def state(self) -> Any:
        generator = global_numpy.current()
        if generator is not self._generator:
            self._look(generator)
        if self._words is None or self._normal is None:
            return global_numpy.held()
        return generator, self._words.raw, self._normal.raw

    def _look(self, generator: Any) -> None:
        """Where its memory is."""
        self._generator, self._words = generator, _memory_of_twister(generator)
        if self._words is not None and self._normal is None:
            self._normal = _memory_of_normal()

    def same(self, one: Any, other: Any) -> bool:
        if isinstance(one, Held) and isinstance(other, Held):
            return global_numpy.same(one, other)
        return bool(one == other)

    def put(self, state: Any) -> None:
        if isinstance(state, Held):
            global_numpy.put_back(state)
            return
        generator, words, normal = state
        global_numpy.use(generator)
        if generator is not self._generator:
            self._look(generator)
        if self._words is not None and self._normal is not None:  # as they were when it was asked
            self._words.raw, self._normal.raw = words, normal


@final
class _Python:
    """Python's.

    >>> python = _Python()
    >>> before, drawn = python.state(), random.random()
    >>> python.same(before, python.state())
    False
    >>> python.put(before)
    >>> python.same(before, python.state()), random.random() == drawn
    (True, True)
    """

    def __init__(self) -> None:
        self._generator = _instance()
        self._words = None if self._generator is None else _memory_of_python(self._generator)

    def seeder(self) -> Seed:
        return random.seed

    def state(self) -> Any:
        return random.getstate() if self._words is None else (self._words.raw, self._generator.gauss_next)

    def same(self, one: Any, other: Any) -> bool:
        return bool(one == other)

    def put(self, state: Any) -> None:
        if self._words is None:
            random.setstate(state)
        else:
            self._words.raw, self._generator.gauss_next = state


class _Memory(Protocol):
    """A piece of memory that can be read and written."""

    raw: bytes


def _memory(address: int, size: int) -> _Memory:
    return (ctypes.c_char * size).from_address(address)


def _memory_of_twister(generator: Any) -> _Memory | None:
    """Of the words of NumPy's global generator, and how many of them are used up after them."""
    if type(generator) is not np.random.MT19937:
        return None
    _, keys, used, *_ = np.random.get_state(legacy=True)  # noqa: NPY002
    known = keys.tobytes() + _word(int(used))  # type: ignore[union-attr]
    found = _memory(generator.ctypes.state_address, len(known))
    return found if found.raw == known else None


def _memory_of_normal() -> _Memory | None:
    """Of NumPy's second normal number of a pair, which waits elsewhere, and whether there is one before it."""
    holder = getattr(np.random.random_sample, "__self__", None)
    if type(holder) is not np.random.RandomState or sys.implementation.name != "cpython":
        return None
    before, seen = global_numpy.held(), []
    whole = _memory(id(holder), type(holder).__basicsize__)
    try:
        for waits, normal in ((1, 0.123456789), (0, 0.0), (1, -9.87654321e-5)):  # as it is seen to follow what is set
            np.random.set_state({**before.state, "has_gauss": waits, "gauss": normal})  # noqa: NPY002
            pattern = waits.to_bytes(4, sys.byteorder) + b"\0" * 4 + np.float64(normal).tobytes()
            seen.append({at for at in range(len(whole.raw)) if whole.raw.startswith(pattern, at)})
    finally:
        global_numpy.put_back(before)
    places = set.intersection(*seen)
    return _memory(id(holder) + places.pop(), 16) if len(places) == 1 else None


def _instance() -> Any:
    """The generator behind the functions of ``random``, where they are its methods."""
    found = getattr(random.random, "__self__", None)
    return found if type(found) is random.Random and hasattr(found, "gauss_next") else None


def _memory_of_python(generator: random.Random) -> _Memory | None:
    """Of how many words are used up, and the words after it.

    >>> python = random.Random(5)
    >>> _memory_of_python(python).raw[4:8] == _word(python.getstate()[1][0])
    True
    """
    if sys.implementation.name != "cpython":
        return None
    _, (*words, used), _ = generator.getstate()
    known = _word(used) + np.array(words, np.uint32).tobytes()
    start = object.__basicsize__
    if random.Random.__basicsize__ < start + len(known):
        return None
    found = _memory(id(generator) + start, len(known))
    return found if found.raw == known else None


def _word(value: int) -> bytes:
    return value.to_bytes(4, sys.byteorder)


DRAWERS: tuple[Drawer, ...] = (_Torch(), _Numpy(), _Python())
"""All that transforms usually draw from."""


def seeding(drawers: Iterable[Seedable]) -> Seed:
    """What lets those begin anew, as they are now.

    >>> seeding(DRAWERS)(3)
    >>> one = random.random()
    >>> seeding(DRAWERS)(3)
    >>> random.random() == one
    True
    """
    seeders = [one.seeder() for one in drawers]
    if len(seeders) == 1:
        return seeders[0]

    def seed(number: int) -> None:
        for one in seeders:
            one(number)

    return seed
