"""The pretrained network: its weights, its features, and a new head."""

from helpers.vgg19.backbone import build, compiled, features, origin, preprocess, scaled
from helpers.vgg19.head import add_head, predict, tail, train_head, training_step, tune_block5
from helpers.vgg19.weights import (
    BLOCKS,
    CONVOLUTIONS,
    digest,
    identity_kernel,
    is_identity,
    layer_weights,
    set_layer_weights,
)

# fmt: off
__all__ = [
    "BLOCKS", "CONVOLUTIONS", "add_head", "build", "compiled", "digest", "features", "identity_kernel", "is_identity",
    "layer_weights", "origin", "predict", "preprocess", "scaled", "set_layer_weights", "tail", "train_head",
    "training_step", "tune_block5",
]
# fmt: on
