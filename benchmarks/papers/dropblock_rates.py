"""The share of units that DropBlock really drops, by size and nominal rate, beside the usual equation's.

    python benchmarks/papers/dropblock_rates.py [--units 4000000]

Ghiasi, Lin and Le, *DropBlock*, NeurIPS 2018, blocks of 7. Their equation, γ = p / b² · HW / ((H - b + 1)(W - b + 1)),
is carried out in the two ways that are in use: seeds where a whole block fits (the paper, torchvision), and seeds
anywhere in the map, with padding at the edges (timm's default, ``drop_block_fast_2d``). Where the map is smaller than
a block, the block is cut to the map, and γ to 1; torchvision and timm then do other things, or raise. droplab's
equation is γ = 1 - (1 - p)^(1 / b²) on a grid that reaches over the edge. For each: the share of all units dropped,
with half its 95 % interval, and the share at the corner and in the middle. Every size of map is an experiment, every
way with a rate an arm; nothing is trained, and a run is one pass over fresh maps.
"""

from __future__ import annotations

from functools import partial

import torch
from guest import compared, parser, spread, values
from torch import Tensor, nn
from torch.nn import functional as F

import droplab
from droplab.nn import DropLayer

SIDE = 7
SIZES = (3, 5, 7, 8, 10, 14, 28, 56)
RATES = (0.05, 0.1, 0.2, 0.3)
SHARE = {"better": "lower", "unit": "share"}
MEASURES = {"off": SHARE, "dropped": SHARE, "corner": SHARE, "middle": SHARE}
"""``off``: how far the share dropped is from the nominal rate, which is the question. The others describe."""


def usual_gamma(p: float, size: int, side: int) -> float:
    """The paper's seed rate."""
    return min(1.0, p / side**2 * size**2 / (size - side + 1) ** 2)


class WhereBlocksFit(DropLayer):
    """The usual equation with seeds at the places of whole blocks."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 1, S, S)`` to the same shape, not scaled."""
        maps, size = len(x), x.shape[-1]
        side = min(SIDE, size)
        seeds = torch.rand(maps, 1, size - side + 1, size - side + 1, device=x.device)
        blocks = F.pad((seeds < usual_gamma(self.p, size, side)).float(), [side - 1] * 4)
        return x * (F.max_pool2d(blocks, side, stride=1) == 0)


class Anywhere(DropLayer):
    """The usual equation with seeds at every unit."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 1, S, S)`` to the same shape, not scaled."""
        size = x.shape[-1]
        side = min(SIDE, size)
        seeds = (torch.rand_like(x) < usual_gamma(self.p, size, side)).float()
        return x * (F.max_pool2d(seeds, side, stride=1, padding=side // 2) == 0)


WAYS = {
    "usual equation, seeds where blocks fit": "dropblock_rates:WhereBlocksFit",
    "usual equation, seeds anywhere": "dropblock_rates:Anywhere",
    "droplab": {"name": "drop_block2d", "block_size": SIDE},
}


def arm_of(way: str, p: float) -> str:
    """The arm's name."""
    return f"{way}, p {p}"


def measure(run: droplab.Run, size: int, maps: int) -> None:
    """One pass over maps of ones."""
    model = run.prepare(nn.Sequential(nn.Dropout()))
    for _ in run.epochs(1):
        with run.step(samples=torch.arange(maps)):
            dropped = (model(torch.ones(maps, 1, size, size, device=run.device)) == 0).float()
        share, middle = float(dropped.mean()), size // 2
        assert not isinstance(run.arm.p, dict)
        run.report(
            off=abs(share - run.arm.p),
            dropped=share,
            corner=dropped[:, 0, 0, 0].mean(),
            middle=dropped[:, 0, middle, middle].mean(),
        )


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, seeds=4)
    options.add_argument("--units", type=int, default=4_000_000, help="units looked at for each row, by all seeds")
    options.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    given = options.parse_args()
    arms = [{"name": arm_of(way, p), "p": p, "kind": kind} for way, kind in WAYS.items() for p in RATES]
    for size in given.sizes:
        maps = max(400, given.units // size**2) // given.seeds
        loop, name = partial(measure, size=size, maps=maps), f"DropBlock's rate, {size} x {size}, {maps} maps"
        results = compared(loop, given, name=name, arms=arms, measures=MEASURES)
        for p in RATES:
            for way in WAYS:
                found = {name: values(results, arm_of(way, p), f"val_{name}") for name in MEASURES}
                told = f"{spread(found['dropped'], 5)} (corner {spread(found['corner'], 3)}, "
                print(f"{size} x {size}, p {p}, {way}: {told}middle {spread(found['middle'], 3)})", flush=True)


if __name__ == "__main__":
    main()
