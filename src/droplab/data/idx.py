"""The idx format of MNIST's files: a magic number, the sizes of the dimensions, then bytes."""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from droplab.errors import DataError

UNSIGNED_BYTES = 0x08


def parse(content: bytes, where: str) -> NDArray[np.uint8]:
    """An idx file of unsigned bytes as an array, copied.

    Args:
        content: two zero bytes, ``08``, the number of dimensions, each dimension as 32 bits (big end first), data.
        where: names the file in messages.

    Raises:
        DataError: another type, or more or fewer bytes than the dimensions say.

    >>> parse(bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9]), "tiny")
    array([[7, 9]], dtype=uint8)
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UNSIGNED_BYTES:
        raise DataError(
            f"{where} begins with {content[:4].hex() or 'nothing'}; an idx file of unsigned bytes (0000 08 and the "
            "number of dimensions) is wanted. Is it still compressed?"
        )
    ndim = content[3]
    start = 4 + 4 * ndim
    if len(content) < start:
        raise DataError(f"{where} ends after {len(content)} bytes, within its header; it is damaged: fetch it again")
    shape = struct.unpack(f">{ndim}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise DataError(
            f"{where} holds {len(content) - start:,} bytes for the shape {shape}; {math.prod(shape):,} are wanted. "
            "It is damaged: fetch it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()
