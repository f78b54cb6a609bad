"""Pictures of what a kind makes of ones, and a line that uses it."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor, nn

from droplab import keyed
from droplab.testing.laws.oracle import Oracle

CELL = 8
GAP = 6
SIZES = {2: (16, 48), 3: (4, 12, 16), 4: (3, 7, 8, 8), 5: (1, 7, 3, 8, 8)}
"""What is drawn on: samples × units; samples × rows × columns; samples × channels × rows × columns; and volumes."""


def drawable(oracle: Oracle) -> bool:
    """Whether the kind takes ones of a shape of ours and gives as many numbers back."""
    return not oracle.kind.adopts and len(oracle.shape) in SIZES and oracle.kind.picture


def picture(oracle: Oracle) -> str:
    """An SVG of the output for ones, under a fixed key: grey is dropped."""
    x = torch.ones(SIZES[len(oracle.shape)])
    layer = oracle.build(0.3)
    with keyed(nn.ModuleDict({oracle.kind.name: layer}), seed=7, step=0), torch.no_grad():
        tiles = _tiles(layer(x))
    across = tiles[0][0].shape[1] * CELL
    down = tiles[0][0].shape[0] * CELL
    width = len(tiles[0]) * (across + GAP) - GAP
    height = len(tiles) * (down + GAP) - GAP
    runs: dict[str, list[str]] = {}
    frames, grid = [], []
    for i, line in enumerate(tiles):
        for j, tile in enumerate(line):
            left, top = j * (across + GAP), i * (down + GAP)
            frames.append(f"M{left} {top}h{across}v{down}h{-across}z")
            grid += [f"M{left + c * CELL} {top}v{down}" for c in range(1, tile.shape[1])]
            grid += [f"M{left} {top + r * CELL}h{across}" for r in range(1, tile.shape[0])]
            _collect(tile, left, top, runs)
    paths = [f'<path d="{"".join(frames)}" fill="#ddd"/>']
    paths += [f'<path d="{"".join(places)}" {fill}/>' for fill, places in sorted(runs.items())]
    paths.append(f'<path d="{"".join(grid)}" stroke="#fff" stroke-width="1"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {width + 2} {height + 2}" width="{width + 2}" '
        f'height="{height + 2}" role="img"><title>{oracle.kind.name}</title>\n'
        f'<rect x="-1" y="-1" width="{width + 2}" height="{height + 2}" fill="#fff"/>\n'
        + "\n".join(paths)
        + "\n</svg>\n"
    )


def _tiles(y: Tensor) -> list[list[Tensor]]:
    """Two-dimensional pieces, line by line."""
    if y.ndim == 2:
        return [[y]]
    if y.ndim == 3:
        return [list(y)]
    if y.ndim == 4:
        return [list(sample) for sample in y]
    return [[volume[:, depth] if volume.ndim == 4 else volume[depth] for volume in y[0]] for depth in range(y.shape[2])]


def _collect(tile: Tensor, left: int, top: int, runs: dict[str, list[str]]) -> None:
    """Neighbours in a row that look alike become one rectangle, under their fill."""
    for r, line in enumerate(tile.tolist()):
        column = 0
        for fill, cells in groupby(line, _fill):
            length = len(list(cells))
            if fill:
                runs.setdefault(fill, []).append(
                    f"M{left + column * CELL} {top + r * CELL}h{length * CELL}v{CELL}h{-length * CELL}z"
                )
            column += length


def _fill(value: float) -> str:
    """Nothing where dropped; blue above zero, orange below, the stronger the larger, in ten steps."""
    if value == 0:
        return ""
    strength = min(10, max(1, round(4 * abs(value))))
    return f'fill="{"#0072b2" if value > 0 else "#d55e00"}" fill-opacity="{strength / 10:g}"'


def example(oracle: Oracle) -> list[str]:
    """Lines of Python that run."""
    shape = ", ".join(str(size) for size in oracle.shape)
    made = oracle.kind.example or f"droplab.nn.{oracle.kind.layer.__name__}(0.2)"
    x = f"torch.rand({shape})" if oracle.vocabulary is None else f"torch.randint({oracle.vocabulary}, ({shape}))"
    return ["import torch, droplab", "", f"layer = {made}", f"y = layer({x})"]
