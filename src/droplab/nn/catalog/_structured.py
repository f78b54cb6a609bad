"""What drops time steps, branches, heads and regions as wholes."""

from __future__ import annotations

from droplab import nn
from droplab.nn.catalog.row import IN_TRAINING, MASKED, Variant, scaled

_GHIASI = "Ghiasi, Lin and Le, DropBlock: a regularization method for convolutional networks, NeurIPS 2018"
_BLOCKS = (
    "γ makes the rate p exactly, at edges and at every size, where the paper's formula does not; blocks may reach over "
    "the edge; scaled by 1 / (1 - p) unless normalise is 'count'"
)

ROWS = (
    Variant(
        "locked_dropout",
        nn.LockedDropout,
        "Gal and Ghahramani, A theoretically grounded application of dropout in recurrent neural networks, "
        "NeurIPS 2016",
        MASKED,
        "a unit of a sample at all time steps",
        scaled,
        (16, 5, 8),
        ranks=(3,),
        refuses=(2, 4),
        deviations=IN_TRAINING,
    ),
    Variant(
        "drop_path",
        nn.DropPath,
        "Huang et al., Deep networks with stochastic depth, ECCV 2016",
        MASKED,
        "a sample (or, in batch mode, the batch)",
        scaled,
        (24, 3, 2),
        refuses=(0,),
        deviations="one draw for each sample unless mode is 'batch'; " + IN_TRAINING,
    ),
    Variant(
        "drop_head",
        nn.DropHead,
        "Zhou et al., Scheduled DropHead, Findings of EMNLP 2020",
        MASKED,
        "the attention head of a sample",
        scaled,
        (16, 8, 3, 2),
        ranks=(4,),
        refuses=(3, 5),
        deviations="scaled by 1 / (1 - p), not by heads over heads kept; no schedule of its own",
    ),
    Variant(
        "drop_block2d",
        nn.DropBlock2d,
        _GHIASI,
        MASKED + ": where a seed, of probability γ = 1 - (1 - p)^(1 / b²), lies in the unit's block",
        "a square of b × b units of a sample's channel, b = 7",
        scaled,
        (12, 2, 5, 4),
        ranks=(4,),
        refuses=(3, 5),
        deviations=_BLOCKS,
    ),
    Variant(
        "drop_block3d",
        nn.DropBlock3d,
        _GHIASI,
        MASKED + ": where a seed, of probability γ = 1 - (1 - p)^(1 / b³), lies in the unit's block",
        "a cube of b × b × b units of a sample's channel, b = 3",
        scaled,
        (12, 2, 3, 4, 2),
        ranks=(5,),
        refuses=(4, 6),
        deviations="cubes, which the paper does not have; " + _BLOCKS,
    ),
)
