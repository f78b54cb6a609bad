"""Layers that drop. Same names, arguments and behaviour as torch's; one variant per file."""

from droplab.nn._alpha import AlphaDropout, FeatureAlphaDropout
from droplab.nn._attention import AttentionDropout
from droplab.nn._blocks import DropBlock2d, DropBlock3d
from droplab.nn._channels import Dropout1d, Dropout2d, Dropout3d
from droplab.nn._concrete import ConcreteDropoutConv2d, ConcreteDropoutLinear
from droplab.nn._drop_connect import DropConnectConv2d, DropConnectLinear
from droplab.nn._dropout import Dropout
from droplab.nn._gaussian import GaussianDropout, GaussianNoise
from droplab.nn._heads import DropHead
from droplab.nn._layer_drop import LayerDrop
from droplab.nn._locked import LockedDropout
from droplab.nn._path import DropPath
from droplab.nn._sparse import SparseVariationalConv2d, SparseVariationalLinear
from droplab.nn._standout import LinearStandout
from droplab.nn._tokens import PatchDropout, TokenDropout
from droplab.nn._units import UnitDropoutConv2d, UnitDropoutLinear, UnitDropoutMLP
from droplab.nn._variational import VariationalDropoutLinear
from droplab.nn._weight_drop import WeightDropGRU, WeightDropLinear, WeightDropLSTM
from droplab.nn._words import EmbeddingDropout
from droplab.nn._zoneout import ZoneoutGRU, ZoneoutLSTM
from droplab.nn.identities import keyed_layers
from droplab.nn.keyed import keyed
from droplab.nn.layer import DropLayer, penalty

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
