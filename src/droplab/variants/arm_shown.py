"""The arm of a kind as people are shown it: a whole spec that runs as it stands, with the files it names."""

from __future__ import annotations

from typing import NamedTuple

TEXT = """\
# my_text.py
import droplab

def stream():
    text = droplab.data.read_text("words.txt", "bytes")  # a text of yours
    return droplab.data.Windows(text.tokens, length=32)
"""
"""Where a language model's data come from: a text file of the reader's."""

_MODEL = """\
# my_model.py
from torch import nn

def {name}(shape, classes):
{body}
"""

_MODELS = {
    "signal": """\
    net = nn.Sequential(nn.Flatten(1, 2))  # each row of an image is a channel
    net.add_module("conv", nn.Conv1d(shape[0] * shape[1], 32, 3))
    net.extend([nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, classes)])
    return net""",
    "volume": """\
    net = nn.Sequential(nn.Unflatten(1, (1, shape[0])))  # an image is a volume of one slice
    net.add_module("conv", nn.Conv3d(1, 8, (1, 3, 3)))
    net.extend([nn.ReLU(), nn.AdaptiveAvgPool3d(4), nn.Flatten(), nn.Linear(512, classes)])
    return net""",
    "patches": """\
    net = nn.Sequential(nn.Flatten(1, 2), nn.Linear(shape[2], 32))  # each row is a patch
    net.add_module("encoder", nn.TransformerEncoderLayer(32, 4, 64, dropout=0, batch_first=True))
    net.extend([nn.LayerNorm(32), Mean(), nn.Linear(32, classes)])
    return net

class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)""",
    "rows": """\
    net = nn.Sequential(nn.Flatten(1, 2))  # each row is a step in time
    net.add_module("gru", nn.GRU(shape[2], 64, batch_first=True))
    net.extend([Last(), nn.Linear(64, classes)])
    return net

class Last(nn.Module):
    def forward(self, outputs):
        return outputs[0][:, -1]""",
}
"""Models of a few lines, for kinds that fit none of droplab's."""

_SPEC = """\
model = {{ name = "{model}" }}

[[arms]]
name = "no dropout"

[[arms]]
name = "{name}"
kind = "{name}"
p = {{ "{site}" = 0.25 }}
"""
_OF_TEXT = """\
task = { name = "next-token", vocabulary = 256 }
data = { name = "my_text:stream" }
"""


class ArmShown(NamedTuple):
    """A spec, and the file that it names beside it."""

    spec: str
    """TOML."""
    file: str = ""
    """Its name, where there is one."""
    code: str = ""
    """What is in it."""


def arm_shown(name: str, model: str, site: str) -> ArmShown:
    """The arm of a kind, at a site of a model that takes it.

    Args:
        name: the kind's.
        model: one of droplab's, or ``my_model:FUNCTION`` for one of those here.
        site: where.

    >>> print(arm_shown("dropout", "tutorial-cnn", "fc1:in").spec)
    model = { name = "tutorial-cnn" }
    <BLANKLINE>
    [[arms]]
    name = "no dropout"
    <BLANKLINE>
    [[arms]]
    name = "dropout"
    kind = "dropout"
    p = { "fc1:in" = 0.25 }
    <BLANKLINE>
    """
    spec = _SPEC.format(name=name, model=model, site=site)
    if model in {"gpt", "lstm"}:
        return ArmShown(_OF_TEXT + spec, "my_text.py", TEXT)
    own = model.partition(":")[2]
    return ArmShown(spec, "my_model.py", _MODEL.format(name=own, body=_MODELS[own])) if own else ArmShown(spec)
