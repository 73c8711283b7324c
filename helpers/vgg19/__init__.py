"""The pretrained network: its weights, its features, and a new head."""
# ruff: noqa: F401, I001

from helpers.vgg19.backbone import build, compiled, features, preprocess, scaled, tail
from helpers.vgg19.head import add_head, predict, train_head, training_step, tune_block5
from helpers.vgg19.weights import (
    BLOCKS, CONVOLUTIONS, digest, identity_kernel, is_identity, layer_weights, set_layer_weights,
)  # fmt: skip
