"""Streams of tokens for language models: from a text or a file of numbers, cut into windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from droplab.data.samples import Batch
from droplab.errors import DataError, quote

TokenKind = Literal["bytes", "characters", "words"]


class Stream(NamedTuple):
    """A text in numbers."""

    tokens: NDArray[Any]
    """``(L,)``, whole numbers."""
    vocabulary: tuple[str, ...]
    """The token of each number."""
    bytes_per_token: tuple[int, ...]
    """UTF-8 bytes of text that each token stands for; of words, with the blank behind them."""


def read_text(path: str | Path, tokens: TokenKind = "characters") -> Stream:
    """A text file as a stream.

    Args:
        path: a UTF-8 file.
        tokens: ``bytes`` (256 of them), ``characters``, or ``words``, which blanks part.

    Raises:
        DataError: no such file, not UTF-8, an empty one, or an unknown kind.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "text"
    >>> _ = place.write_text("aba", encoding="utf-8")
    >>> read_text(place).tokens.tolist(), read_text(place, "bytes").tokens.tolist()
    ([0, 1, 0], [97, 98, 97])
    """
    if tokens not in {"bytes", "characters", "words"}:
        raise DataError(f"tokens arrived as {quote(tokens)}; wanted bytes, characters or words")
    try:
        raw = Path(path).read_bytes()
        text = raw.decode("utf-8")
    except OSError as problem:
        raise DataError(f"text {str(path)!r} cannot be read ({problem}); wanted the path of a file") from problem
    except UnicodeDecodeError as problem:
        raise DataError(f"text {str(path)!r} is not UTF-8 ({problem}); convert it: iconv -t utf-8") from problem
    if not raw:
        raise DataError(f"text {str(path)!r} is empty")
    if tokens == "bytes":
        return Stream(np.frombuffer(raw, np.uint8), tuple(map(chr, range(256))), (1,) * 256)
    units: Sequence[str] = text if tokens == "characters" else text.split()
    known = sorted(set(units))
    number = {unit: at for at, unit in enumerate(known)}
    behind = 0 if tokens == "characters" else 1
    sizes = tuple(len(unit.encode()) + behind for unit in known)
    return Stream(np.fromiter((number[unit] for unit in units), np.int64, len(units)), tuple(known), sizes)


class Windows:
    """Windows of a stream: inputs are ``length`` tokens, targets the same moved by one.

    Nothing is copied until a batch is taken, so a stream may be a memory-mapped file larger than memory
    (``np.memmap``).

    Args:
        stream: ``(L,)`` whole numbers: an array, a tensor, a ``np.memmap``.
        length: tokens of a window.
        stride: from one window to the next; ``length`` where absent, so that each token is a target once.
        vocabulary: how many tokens there are; where given, others are refused.

    Raises:
        DataError: no numbers, too few of them, or one outside the vocabulary.

    >>> windows = Windows(np.arange(10), 4)
    >>> len(windows), windows.take(torch.tensor([1]))
    (2, Batch(inputs=tensor([[4, 5, 6, 7]]), targets=tensor([[5, 6, 7, 8]])))
    """

    def __init__(self, stream: Any, length: int, stride: int | None = None, vocabulary: int | None = None) -> None:
        tokens = stream.numpy() if isinstance(stream, Tensor) else stream
        if not isinstance(tokens, np.ndarray):
            tokens = np.asarray(tokens)
        if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
            raise DataError(f"a stream arrived as {tokens.dtype} with shape {tokens.shape}; wanted (L,) whole numbers")
        if isinstance(length, bool) or not isinstance(length, int) or length < 1:
            raise DataError(f"length arrived as {quote(length)}; wanted a number of tokens, 1 or more")
        if stride is not None and (isinstance(stride, bool) or not isinstance(stride, int) or stride < 1):
            raise DataError(f"stride arrived as {quote(stride)}; wanted a number of tokens, 1 or more")
        if len(tokens) <= length:
            raise DataError(
                f"a stream of {len(tokens):,} tokens has no window of {length:,} and the token after it; take shorter "
                "windows, or a longer text"
            )
        self._tokens, self._length, self._stride = tokens, length, stride or length
        self._within = np.arange(length + 1)
        if vocabulary is not None:
            _check_vocabulary(tokens, vocabulary)

    def __len__(self) -> int:
        return (len(self._tokens) - 1 - self._length) // self._stride + 1

    @property
    def overlapping(self) -> int:
        """How many windows after one begin before it ends.

        >>> Windows(np.arange(20), 4).overlapping, Windows(np.arange(20), 4, stride=1).overlapping
        (0, 3)
        """
        return -(-self._length // self._stride) - 1

    def __getitem__(self, index: int) -> Batch:
        """One window."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        found = self.take(torch.tensor([index % len(self)]))
        return Batch(found.inputs[0], found.targets[0])

    def take(self, ids: Tensor) -> Batch:
        """Windows by number: ``(B,)`` to inputs and targets ``(B, length)`` int64."""
        starts = ids.cpu().numpy()[:, None] * self._stride
        both = torch.from_numpy(self._tokens[starts + self._within].astype(np.int64))
        return Batch(both[:, :-1], both[:, 1:])

    def chunks(self, size: int) -> Iterator[Batch]:
        """All windows in order, ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.take(torch.arange(start, min(start + size, len(self))))


_AT_ONCE = 2**24


def _check_vocabulary(tokens: NDArray[Any], vocabulary: int) -> None:
    for start in range(0, len(tokens), _AT_ONCE):
        part = tokens[start : start + _AT_ONCE]
        bad = (part < 0) | (part >= vocabulary)
        if bool(bad.any()):
            at = start + int(bad.argmax())
            raise DataError(
                f"the stream holds token {int(tokens[at])} at place {at:,}, and the vocabulary has {vocabulary:,} "
                f"(0..{vocabulary - 1}); give the vocabulary that made the tokens"
            )
