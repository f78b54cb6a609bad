"""What drops time steps, branches, heads and regions as wholes."""

from __future__ import annotations

from droplab import nn
from droplab.nn.catalog.row import IN_TRAINING, MASKED, Variant, scaled

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
)
