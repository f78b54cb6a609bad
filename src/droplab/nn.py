"""Layers that drop. Same names, arguments and behaviour as torch's; one family per file of ``variants/``.

Written by ``scripts/faces.py``.
"""

from droplab.layers.identities import keyed_layers
from droplab.layers.keyed import keyed
from droplab.layers.layer import DropLayer, penalty
from droplab.variants.alpha import AlphaDropout, FeatureAlphaDropout
from droplab.variants.attention import AttentionDropout
from droplab.variants.channels import Dropout1d, Dropout2d, Dropout3d
from droplab.variants.concrete import ConcreteDropoutConv2d, ConcreteDropoutLinear
from droplab.variants.drop_block import DropBlock2d, DropBlock3d
from droplab.variants.drop_connect import DropConnectConv2d, DropConnectLinear
from droplab.variants.dropout import Dropout
from droplab.variants.embedding import EmbeddingDropout
from droplab.variants.gaussian import GaussianDropout, GaussianNoise
from droplab.variants.heads import DropHead
from droplab.variants.layer_drop import LayerDrop
from droplab.variants.locked import LockedDropout
from droplab.variants.path import DropPath
from droplab.variants.sparse_variational import SparseVariationalConv2d, SparseVariationalLinear
from droplab.variants.standout import LinearStandout
from droplab.variants.tokens import PatchDropout, TokenDropout
from droplab.variants.unit_mlp import UnitDropoutMLP
from droplab.variants.units import UnitDropoutConv2d, UnitDropoutLinear
from droplab.variants.variational import VariationalDropoutLinear
from droplab.variants.weight_drop import WeightDropGRU, WeightDropLinear, WeightDropLSTM
from droplab.variants.zoneout import ZoneoutGRU, ZoneoutLSTM

__all__ = [
    "AlphaDropout",
    "AttentionDropout",
    "ConcreteDropoutConv2d",
    "ConcreteDropoutLinear",
    "DropBlock2d",
    "DropBlock3d",
    "DropConnectConv2d",
    "DropConnectLinear",
    "DropHead",
    "DropLayer",
    "DropPath",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "EmbeddingDropout",
    "FeatureAlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "LayerDrop",
    "LinearStandout",
    "LockedDropout",
    "PatchDropout",
    "SparseVariationalConv2d",
    "SparseVariationalLinear",
    "TokenDropout",
    "UnitDropoutConv2d",
    "UnitDropoutLinear",
    "UnitDropoutMLP",
    "VariationalDropoutLinear",
    "WeightDropGRU",
    "WeightDropLSTM",
    "WeightDropLinear",
    "ZoneoutGRU",
    "ZoneoutLSTM",
    "keyed",
    "keyed_layers",
    "penalty",
]
