"""Every kind of dropout by name, without torch: what the check of a spec needs to know.

Written by ``scripts/faces.py`` from the rows in the kinds' own files.
"""

from __future__ import annotations

from collections.abc import Mapping

from droplab.variants.listed import Listed
from droplab.variants.options import AtLeast, Count, Function, Number, OneOf, Positive, Rate

_ROWS = (
    Listed("dropout", "droplab.variants.dropout", "Dropout"),
    Listed("dropout1d", "droplab.variants.channels", "Dropout1d"),
    Listed("dropout2d", "droplab.variants.channels", "Dropout2d"),
    Listed("dropout3d", "droplab.variants.channels", "Dropout3d"),
    Listed("alpha_dropout", "droplab.variants.alpha", "AlphaDropout"),
    Listed("feature_alpha_dropout", "droplab.variants.alpha", "FeatureAlphaDropout"),
    Listed("gaussian_dropout", "droplab.variants.gaussian", "GaussianDropout"),
    Listed(
        "gaussian_noise",
        "droplab.variants.gaussian",
        "GaussianNoise",
        options={"scale": 1.0},
        limits=(AtLeast("scale", 0, "a standard deviation, a number from 0 on,", who="gaussian noise"),),
    ),
    Listed(
        "locked_dropout",
        "droplab.variants.locked",
        "LockedDropout",
        options={"batch_first": True},
    ),
    Listed(
        "drop_path",
        "droplab.variants.path",
        "DropPath",
        options={"mode": "row"},
        limits=(OneOf("mode", ("row", "batch")),),
    ),
    Listed(
        "drop_head",
        "droplab.variants.heads",
        "DropHead",
        options={"head_dim": 1},
        limits=(OneOf("head_dim", (1, 2, 3), who="drop_head", note="0 is that of samples"),),
    ),
    Listed(
        "drop_block2d",
        "droplab.variants.drop_block",
        "DropBlock2d",
        options={"block_size": 7, "share_channels": False, "normalise": "rate"},
        limits=(
            AtLeast("block_size", 1, "a whole number from 1 on", who="DropBlock", whole=True),
            OneOf("normalise", ("rate", "count"), who="DropBlock"),
        ),
    ),
    Listed(
        "drop_block3d",
        "droplab.variants.drop_block",
        "DropBlock3d",
        options={"block_size": 3, "share_channels": False, "normalise": "rate"},
        limits=(
            AtLeast("block_size", 1, "a whole number from 1 on", who="DropBlock", whole=True),
            OneOf("normalise", ("rate", "count"), who="DropBlock"),
        ),
    ),
    Listed(
        "token_dropout",
        "droplab.variants.tokens",
        "TokenDropout",
        options={"prefix": 0},
        limits=(AtLeast("prefix", 0, "a number of tokens, from 0 on,"),),
    ),
    Listed(
        "patch_dropout",
        "droplab.variants.tokens",
        "PatchDropout",
        options={"prefix": 0},
        limits=(AtLeast("prefix", 0, "a number of tokens, from 0 on,"),),
    ),
    Listed(
        "embedding_dropout",
        "droplab.variants.embedding",
        "EmbeddingDropout",
        adopts=("Embedding",),
    ),
    Listed(
        "layer_drop",
        "droplab.variants.layer_drop",
        "LayerDrop",
        in_arms=False,
        adopts=("ModuleList", "Sequential"),
    ),
    Listed(
        "attention_dropout",
        "droplab.variants.attention",
        "AttentionDropout",
        in_arms=False,
    ),
    Listed(
        "unit_dropout_linear",
        "droplab.variants.units",
        "UnitDropoutLinear",
        adopts=("Linear",),
        options={"exact_count": False},
    ),
    Listed(
        "unit_dropout_conv2d",
        "droplab.variants.units",
        "UnitDropoutConv2d",
        adopts=("Conv2d",),
        options={"exact_count": False},
    ),
    Listed(
        "unit_dropout_mlp",
        "droplab.variants.unit_mlp",
        "UnitDropoutMLP",
        in_arms=False,
        adopts=("Sequential",),
        options={"exact_count": False},
    ),
    Listed(
        "drop_connect_linear",
        "droplab.variants.drop_connect",
        "DropConnectLinear",
        adopts=("Linear",),
        options={"drop_bias": True, "per_sample": False, "inference": "mean", "samples": 100, "activation": None},
        limits=(OneOf("inference", ("mean", "gaussian")), Count("samples"), Function("activation", "torch.relu")),
    ),
    Listed(
        "drop_connect_conv2d",
        "droplab.variants.drop_connect",
        "DropConnectConv2d",
        adopts=("Conv2d",),
        options={"drop_bias": True, "inference": "mean", "samples": 100, "activation": None},
        limits=(OneOf("inference", ("mean", "gaussian")), Count("samples"), Function("activation", "torch.relu")),
    ),
    Listed(
        "weight_drop_linear",
        "droplab.variants.weight_drop",
        "WeightDropLinear",
        adopts=("Linear",),
    ),
    Listed(
        "weight_drop_lstm",
        "droplab.variants.weight_drop",
        "WeightDropLSTM",
        adopts=("LSTM",),
    ),
    Listed(
        "weight_drop_gru",
        "droplab.variants.weight_drop",
        "WeightDropGRU",
        adopts=("GRU",),
    ),
    Listed(
        "zoneout_lstm",
        "droplab.variants.zoneout",
        "ZoneoutLSTM",
        adopts=("LSTM",),
        options={"p_cell": None},
        limits=(Rate("p_cell"),),
    ),
    Listed(
        "zoneout_gru",
        "droplab.variants.zoneout",
        "ZoneoutGRU",
        adopts=("GRU",),
    ),
    Listed(
        "standout",
        "droplab.variants.standout",
        "LinearStandout",
        adopts=("Linear",),
        options={"alpha": 1.0},
    ),
    Listed(
        "concrete_dropout_linear",
        "droplab.variants.concrete",
        "ConcreteDropoutLinear",
        adopts=("Linear",),
        options={"temperature": 0.1, "length_scale": 0.01, "tau": 1.0},
        limits=(Positive("temperature", who="concrete dropout", note="the paper: 0.1"),),
    ),
    Listed(
        "concrete_dropout_conv2d",
        "droplab.variants.concrete",
        "ConcreteDropoutConv2d",
        adopts=("Conv2d",),
        options={"temperature": 0.1, "length_scale": 0.01, "tau": 1.0},
        limits=(Positive("temperature", who="concrete dropout", note="the paper: 0.1"),),
    ),
    Listed(
        "variational_dropout_linear",
        "droplab.variants.variational",
        "VariationalDropoutLinear",
        adopts=("Linear",),
        options={"per": "layer"},
        limits=(OneOf("per", ("layer", "unit", "weight")),),
    ),
    Listed(
        "sparse_variational_linear",
        "droplab.variants.sparse_variational",
        "SparseVariationalLinear",
        adopts=("Linear",),
        options={"log_sigma2": None, "threshold": 3.0},
        limits=(Number("log_sigma2"),),
    ),
    Listed(
        "sparse_variational_conv2d",
        "droplab.variants.sparse_variational",
        "SparseVariationalConv2d",
        adopts=("Conv2d",),
        options={"log_sigma2": None, "threshold": 3.0},
        limits=(Number("log_sigma2"),),
    ),
)

TABLE: Mapping[str, Listed] = {row.name: row for row in _ROWS}
"""Every kind by its name."""
