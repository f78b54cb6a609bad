"""Small images as PNG data addresses, so that a page needs no other file."""

from __future__ import annotations

import base64
import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2}  # channels -> grey, RGB


def data_address(pixels: bytes, width: int, height: int, channels: int) -> str:
    """A ``data:image/png`` address of ``(H, W, C)`` bytes; C is 1 (grey) or 3 (RGB).

    PNG, ISO/IEC 15948: 8 bits per channel, no filter, one deflate stream.

    >>> data_address(bytes(4), 2, 2, 1)[:22]
    'data:image/png;base64,'

    Raises:
        ValueError: the bytes are not H x W x C, or C is neither 1 nor 3.
    """
    row = width * channels
    if channels not in _COLOUR_TYPE or len(pixels) != row * height:
        raise ValueError(f"{len(pixels)} bytes are no image of {height} x {width} x {channels}")
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    lines = b"".join(b"\0" + pixels[start : start + row] for start in range(0, len(pixels), row))
    png = _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
