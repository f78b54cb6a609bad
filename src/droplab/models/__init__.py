"""The tutorial's network, a reference MLP, and any ``pkg.module:function``."""

from droplab.models.build import MODELS, build
from droplab.models.srivastava_mlp import SrivastavaMLP
from droplab.models.tutorial_cnn import TutorialCNN

__all__ = ["MODELS", "SrivastavaMLP", "TutorialCNN", "build"]
