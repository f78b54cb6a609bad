"""NumPy's and Python's global generators, of which transforms draw: seeded, watched and given back at little cost.

To ask NumPy's generator where it stands by ``np.random.get_state`` takes as long as to seed it 20 times. Its memory,
whose address it tells, is read and written instead. Normal numbers come in pairs, and the second one waits elsewhere: a
draw that leaves the memory as it was has found one.
"""

from __future__ import annotations

import ctypes
import random
import sys
from typing import Any, Protocol, final

import numpy as np

from droplab import global_numpy
from droplab.global_numpy import Held

_BYTES = 624 * 4 + 4
"""Of a Mersenne twister: its words, and how many of them are used up."""


class Drawer(Protocol):
    """A global generator."""

    def seed(self, seed: int) -> object:
        """Begin anew, by 64 bits."""

    def state(self) -> Any:
        """Where it stands."""

    def same(self, one: Any, other: Any) -> bool:
        """Whether nothing was drawn between two states."""

    def put(self, state: Any) -> None:
        """The inverse of ``state``."""


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
        self._address = 0

    def seed(self, seed: int) -> None:
        global_numpy.seed(seed)

    def state(self) -> Any:
        generator = global_numpy.current()
        if generator is not self._generator:
            self._look(generator)
        if not self._address:
            return global_numpy.held()
        memory = self._memory()
        normal = np.random.standard_normal()  # noqa: NPY002
        if self._memory() == memory:
            self.put((generator, self._address, memory, normal))
            return generator, self._address, memory, normal
        np.random.standard_normal()  # noqa: NPY002  # the other one of the pair
        ctypes.memmove(self._address, memory, _BYTES)
        return generator, self._address, memory, None

    def _memory(self) -> bytes:
        return ctypes.string_at(self._address, _BYTES)

    def _look(self, generator: Any) -> None:
        """Where its memory is; nowhere where that is not what is known of it."""
        self._generator, self._address = generator, 0
        if isinstance(generator, np.random.MT19937):
            _, keys, used, *_ = np.random.get_state(legacy=True)  # noqa: NPY002
            address = generator.ctypes.state_address
            memory = keys.tobytes() + int(used).to_bytes(4, sys.byteorder)  # type: ignore[union-attr]
            self._address = address if ctypes.string_at(address, _BYTES) == memory else 0

    def same(self, one: Any, other: Any) -> bool:
        if isinstance(one, Held) and isinstance(other, Held):
            return global_numpy.same(one, other)
        return bool(one == other)

    def put(self, state: Any) -> None:
        if isinstance(state, Held):
            global_numpy.put_back(state)
            return
        generator, address, memory, normal = state
        global_numpy.use(generator)
        if normal is None:
            np.random.seed(0)  # noqa: NPY002  # no normal number waits
            ctypes.memmove(address, memory, _BYTES)
        else:
            words, used = np.frombuffer(memory[:-4], np.uint32), int.from_bytes(memory[-4:], sys.byteorder)
            np.random.set_state(("MT19937", words, used, 1, normal))  # noqa: NPY002


@final
class _Python:
    """Python's.

    >>> python = _Python()
    >>> before, drawn = python.state(), random.random()
    >>> python.same(before, python.state())
    False
    >>> python.put(before)
    >>> python.same(before, python.state())
    True
    """

    def seed(self, seed: int) -> None:
        random.seed(seed)

    def state(self) -> Any:
        return random.getstate()

    def same(self, one: Any, other: Any) -> bool:
        """The words of a twister change together; to compare some is enough, and many times faster."""
        (_, words, normal), (_, others, other_normal) = one, other
        return bool(words[-9:] == others[-9:] and normal == other_normal)

    def put(self, state: Any) -> None:
        random.setstate(state)


OTHERS: tuple[Drawer, ...] = (_Numpy(), _Python())
"""Beside torch's. To seed one of them takes longer than to seed torch's."""
