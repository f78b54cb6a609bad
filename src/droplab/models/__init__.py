"""The tutorial's network, small references for tables, pixels and text, and any ``pkg.module:function``."""

from droplab.models.build import MODELS, build
from droplab.models.gpt import GPT
from droplab.models.lstm import LSTM
from droplab.models.mlp import MLP
from droplab.models.srivastava_mlp import SrivastavaMLP
from droplab.models.tutorial_cnn import TutorialCNN
from droplab.models.unet import UNet

__all__ = ["GPT", "LSTM", "MLP", "MODELS", "SrivastavaMLP", "TutorialCNN", "UNet", "build"]
