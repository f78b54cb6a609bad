"""The share of units that DropBlock really drops, by size and nominal rate, beside the usual equation's.

    python benchmarks/papers/dropblock_rates.py [--units 4000000] [--seed 0]

Ghiasi, Lin and Le, *DropBlock*, NeurIPS 2018, blocks of 7. Their equation, γ = p / b² · HW / ((H - b + 1)(W - b + 1)),
is carried out in the two ways that are in use: seeds where a whole block fits (the paper, torchvision), and seeds
anywhere in the map, with padding at the edges (timm's default, ``drop_block_fast_2d``). Where the map is smaller than
a block, the block is cut to the map, and γ to 1; torchvision and timm then do other things, or raise. droplab's
equation is γ = 1 - (1 - p)^(1 / b²) on a grid that reaches over the edge. For each: the share of all units dropped,
its standard error over maps, and the share at the corner and in the middle. The table goes to
benchmarks/results/dropblock_rates.csv; it takes half a minute on one core.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from droplab.functional import Key, drop_block2d

SIDE = 7
SIZES = (3, 5, 7, 8, 10, 14, 28, 56)
RATES = (0.05, 0.1, 0.2, 0.3)


def usual_gamma(p: float, size: int, side: int) -> float:
    """The paper's seed rate."""
    return min(1.0, p / side**2 * size**2 / (size - side + 1) ** 2)


def where_blocks_fit(maps: int, size: int, p: float, generator: torch.Generator) -> Tensor:
    """Dropped units with seeds at the places of whole blocks."""
    side = min(SIDE, size)
    seeds = torch.rand(maps, 1, size - side + 1, size - side + 1, generator=generator) < usual_gamma(p, size, side)
    return F.max_pool2d(F.pad(seeds.float(), [side - 1] * 4), side, stride=1) > 0


def anywhere(maps: int, size: int, p: float, generator: torch.Generator) -> Tensor:
    """Dropped units with seeds at every unit."""
    side = min(SIDE, size)
    seeds = torch.rand(maps, 1, size, size, generator=generator) < usual_gamma(p, size, side)
    return F.max_pool2d(seeds.float(), side, stride=1, padding=side // 2) > 0


def ours(maps: int, size: int, p: float, generator: torch.Generator) -> Tensor:
    """Dropped units of droplab's."""
    key = Key(generator.initial_seed(), "dropblock_rates")
    return drop_block2d(torch.ones(maps, 1, size, size), p, block_size=SIDE, key=key) == 0


WAYS: dict[str, Callable[[int, int, float, torch.Generator], Tensor]] = {
    "usual equation, seeds where blocks fit": where_blocks_fit,
    "usual equation, seeds anywhere": anywhere,
    "droplab": ours,
}


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=4_000_000, help="units looked at for each row")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    for size in SIZES:
        maps = max(400, options.units // size**2)
        for p in RATES:
            for way, draw in WAYS.items():
                dropped = draw(maps, size, p, torch.Generator().manual_seed(options.seed)).float()
                shares = dropped.mean((1, 2, 3))
                middle = size // 2
                row = {
                    "size": size,
                    "p": p,
                    "way": way,
                    "measured": round(float(shares.mean()), 5),
                    "standard_error": round(float(shares.std()) / maps**0.5, 5),
                    "corner": round(float(dropped[:, 0, 0, 0].mean()), 4),
                    "middle": round(float(dropped[:, 0, middle, middle].mean()), 4),
                    "maps": maps,
                }
                rows.append(row)
                print(*(f"{name} {value}" for name, value in row.items()), sep="  ")
    place = Path(__file__).parent.parent / "results" / "dropblock_rates.csv"
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
