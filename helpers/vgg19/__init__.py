"""The pretrained network: its weights, its features, and a new head."""

from helpers.vgg19.backbone import build, features, origin, preprocess
from helpers.vgg19.head import add_head

__all__ = ["add_head", "build", "features", "origin", "preprocess"]
