"""Models with one fault each, as people write them, and models without any."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

import droplab

X = torch.linspace(-1, 1, 256 * 8).reshape(256, 8)
SEQUENCE = torch.linspace(-1, 1, 4 * 6 * 8).reshape(4, 6, 8)
FAULTS: dict[str, tuple[str, str, Callable[[], nn.Module], Any]] = {}
"""By name: code, where, model, input."""
CLEAN: dict[str, tuple[Callable[[], nn.Module], Any]] = {}


class Net(nn.Module):
    def __init__(self, **parts: Any) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(8, 8), nn.Linear(8, 3)
        for name, part in parts.items():
            setattr(self, name, part)


def fault(code: str, where: str, x: Any = X) -> Callable[[type[nn.Module]], type[nn.Module]]:
    def enter(kind: type[nn.Module]) -> type[nn.Module]:
        FAULTS[kind.__name__] = code, where, kind, x
        return kind

    return enter


def clean(x: Any = X) -> Callable[[Any], Any]:
    def enter(make: Any) -> Any:
        CLEAN[make.__name__] = make, x
        return make

    return enter


@fault("DL001", "F.dropout")
class FunctionalInEval(Net):
    def forward(self, x):
        return self.fc2(F.dropout(self.fc1(x).relu(), 0.2))


@fault("DL001", "F.scaled_dot_product_attention", SEQUENCE)
class FusedAttentionInEval(Net):
    def forward(self, x):
        return self.fc2(F.scaled_dot_product_attention(x, x, x, dropout_p=0.1))


@fault("DL001", "F.dropout")
class LayerKeptInAList(Net):
    def __init__(self) -> None:
        super().__init__()
        self.drops = (nn.Dropout(0.2),)

    def forward(self, x):
        return self.fc2(self.drops[0](self.fc1(x).relu()))


@fault("DL001", "torch.rand_like")
class MaskByHandInEval(Net):
    def forward(self, x):
        x = self.fc1(x).relu()
        return self.fc2(x * (torch.rand_like(x) > 0.2))


@fault("DL001", "PythonsRandomInEval")
class PythonsRandomInEval(Net):
    def forward(self, x):
        return self.fc2(self.fc1(x) * (0.0 if random.random() < 0.5 else 2.0))


@fault("DL002", "F.dropout")
class OffInTrain(Net):
    def forward(self, x):
        return self.fc2(F.dropout(self.fc1(x).relu(), 0.2, training=False))


@fault("DL002", "drop")
class NeverBackInTrain(Net):
    """Off for ever after the first eval."""

    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout(0.2))

    def train(self, mode=True):
        super().train(mode)
        self.drop.eval()
        return self

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).relu()))


@fault("DL003", "drop2")
class NeverExecuted(Net):
    def __init__(self) -> None:
        super().__init__(drop1=nn.Dropout(0.2))
        self.drop2 = nn.Dropout(0.3)

    def forward(self, x):
        return self.fc2(self.drop1(self.fc1(x).relu()))


UNREAD = "hidden_" + "pord"[::-1]
"""Not in one piece in this file, which is what the check reads."""


@fault("DL004", f"config.{UNREAD}")
class UnreadRate(Net):
    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout(0.2))
        self.config = SimpleNamespace(dropout=0.2, **{UNREAD: 0.1})

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).relu()))


@fault("DL004", "config.resid_pdrop")
class ConfigChangedAfterwards(Net):
    def __init__(self) -> None:
        config = SimpleNamespace(resid_pdrop=0.1)
        super().__init__(drop=nn.Dropout(config.resid_pdrop), config=config)
        config.resid_pdrop = 0.3

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).relu()))


@fault("DL005", "drop")
class KeepRateTakenForP(Net):
    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout(1.0))

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).relu()))


@fault("DL006", "lstm", SEQUENCE)
class OneLayerLSTM(Net):
    def __init__(self) -> None:
        super().__init__()
        with __import__("warnings").catch_warnings(action="ignore"):
            self.lstm = nn.LSTM(8, 8, dropout=0.3)

    def forward(self, x):
        return self.fc2(self.lstm(x)[0])


@fault("DL007", "drop", SEQUENCE)
class ChannelsOfThree(Net):
    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout2d(0.2))

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).relu()))


@fault("DL008", "drop")
class OnLogits(Net):
    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout(0.2))

    def forward(self, x):
        return F.log_softmax(self.drop(self.fc2(self.fc1(x).relu())), dim=-1)


@fault("DL009", "drop")
class BeforeBatchNorm(Net):
    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout(0.2), norm=nn.BatchNorm1d(8))

    def forward(self, x):
        return self.fc2(self.norm(self.drop(self.fc1(x)).relu()))


@fault("DL009", "torch.rand", SEQUENCE)
class MaskByHandBeforeBatchNorm(Net):
    def __init__(self) -> None:
        super().__init__(norm=nn.BatchNorm1d(6))

    def forward(self, x):
        if self.training:
            x = x * (torch.rand(x.shape) < 0.8)
        return self.fc2(self.norm(x))


@fault("DL011", "drop")
class InPlaceAfterSigmoid(Net):
    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout(0.2, inplace=True))

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).sigmoid()))


class _Checkpointed(Net):
    def __init__(self) -> None:
        super().__init__(drop=nn.Dropout(0.5))

    def block(self, x):
        return self.drop(self.fc1(x).tanh())


@fault("DL012", "drop")
class RecomputedWithoutGenerator(_Checkpointed):
    def forward(self, x):
        return self.fc2(checkpoint(self.block, x, use_reentrant=False, preserve_rng_state=False))


@fault("DL012", "drop")
class ReentrantWithoutGenerator(_Checkpointed):
    def forward(self, x):
        return self.fc2(
            checkpoint(self.block, x.clone().requires_grad_(), use_reentrant=True, preserve_rng_state=False)
        )


class DropWrong(nn.Module):
    """Keeps with the probability of dropping."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        return x * torch.empty_like(x).bernoulli_(self.p) / self.p


@fault("DL014", "drop")
class MeasuredIsNotNominal(Net):
    def __init__(self) -> None:
        super().__init__(drop=DropWrong(0.1))

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).relu()))


@fault("DL015", "F.scaled_dot_product_attention", SEQUENCE)
class FusedPathForgetsTheRate(Net):
    def __init__(self) -> None:
        super().__init__()
        self.attention_dropout = 0.1

    def forward(self, x):
        return self.fc2(F.scaled_dot_product_attention(x, x, x))


@fault("DL015", "encoder", SEQUENCE)
class FastPathInTrain(Net):
    """A frozen encoder, whose dropout the owner believes to be at work."""

    def __init__(self) -> None:
        super().__init__(encoder=nn.TransformerEncoderLayer(8, 2, 8, dropout=0.2, batch_first=True))

    def train(self, mode=True):
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, x):
        with torch.no_grad():
            x = self.encoder(x)
        return self.fc2(x)


@clean()
def plain_net():
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))


@clean()
def no_dropout():
    return nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


@clean()
def after_batch_norm():
    return nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))


@clean()
def of_droplab():
    return nn.Sequential(nn.Linear(8, 8), droplab.nn.Dropout(0.2), nn.Linear(8, 8), droplab.nn.DropPath(0.2))


@clean()
def in_place_after_linear():
    return nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.2, inplace=True), nn.Linear(8, 3))


@clean(torch.linspace(-1, 1, 4 * 3 * 32 * 32).reshape(4, 3, 32, 32))
def tutorial_cnn():
    return droplab.TutorialCNN((3, 32, 32), 10)


@clean(torch.linspace(-1, 1, 8 * 3 * 6 * 6).reshape(8, 3, 6, 6))
def channels():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout2d(0.3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


@clean(SEQUENCE)
def channels_of_a_sequence():
    return nn.Sequential(nn.Conv1d(6, 4, 3), nn.Dropout1d(0.3), nn.Flatten(), nn.Linear(24, 3))


@clean(SEQUENCE)
def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


@clean(SEQUENCE)
def encoder_norm_first():
    layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)


@clean((SEQUENCE, SEQUENCE))
def decoder():
    return nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 8, batch_first=True), 1)


@clean((SEQUENCE, SEQUENCE))
def transformer():
    return nn.Transformer(8, 2, 1, 1, 8, batch_first=True)


@clean(SEQUENCE)
def lstm():
    return nn.LSTM(8, 8, 2, dropout=0.3)


@clean(SEQUENCE)
def gru():
    return nn.GRU(8, 8, 3, dropout=0.3, bidirectional=True)


@clean(SEQUENCE)
def rnn_without():
    return nn.RNN(8, 8)


@clean()
def selu():
    return nn.Sequential(nn.Linear(8, 8), nn.SELU(), nn.AlphaDropout(0.1), nn.Linear(8, 3))


@clean()
class Recomputed(_Checkpointed):
    def forward(self, x):
        return self.fc2(checkpoint(self.block, x, use_reentrant=False))


@clean(SEQUENCE)
class FlashOrByHand(Net):
    """Attention as GPTs have it, whose layer for the other path sleeps on this one."""

    def __init__(self) -> None:
        super().__init__()
        self.attn_dropout, self.dropout = nn.Dropout(0.1), 0.1

    def forward(self, x):
        return self.fc2(F.scaled_dot_product_attention(x, x, x, dropout_p=self.dropout if self.training else 0.0))


@clean(SEQUENCE)
class ReadForFlash(Net):
    """Attention as timm has it."""

    def __init__(self) -> None:
        super().__init__(attn_drop=nn.Dropout(0.1))

    def forward(self, x):
        return self.fc2(F.scaled_dot_product_attention(x, x, x, dropout_p=self.attn_drop.p if self.training else 0.0))


class Path(nn.Module):
    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if not self.training:
            return x
        keep = 1 - self.drop_prob
        return x / keep * (keep + torch.rand(x.shape[0], 1)).floor()


@clean()
class Branch(Net):
    def __init__(self) -> None:
        super().__init__(path=Path(0.25))

    def forward(self, x):
        return self.fc2(x + self.path(self.fc1(x).relu()))


@clean()
class Noise(Net):
    """Sampling, which drops nothing."""

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x + 0.1 * torch.randn_like(x) if self.training else x)


@clean()
class Config(Net):
    def __init__(self) -> None:
        config = {"dropout": 0.2, "drop_path_rate": 0.0}
        super().__init__(config=config, drop=nn.Dropout(config["dropout"]))

    def forward(self, x):
        return self.fc2(self.drop(self.fc1(x).relu()))
