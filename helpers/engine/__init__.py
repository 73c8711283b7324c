"""The same numbers as the plain layers, quicker; `helpers.network.report_cnn(fast=True)` is the only door.

images    both convolutions with ReLU and pooling, image by image, on every core
fused     the three in one go, a strip of rows at a time, so that maps stay in the cache
winograd  the convolution's sums in half the multiplications
dense     the dense layer in blocks of rows, its gradient made just when it is used
threads, memory  work shared between the cores; memory used again

What it computes is explained where it is readable: helpers.convolution, pooling and layers. Where it may differ from
them beyond rounding: of numbers in a window that are equal but for rounding, another may win the maximum, and pass the
gradient on to another pixel; and products that cancel to exactly 0 may leave a sum a little above it, which opens the
ReLU. Windows of zeros give the bias exactly, so that there nothing differs. Inputs beyond 256 are refused.
"""

from helpers.engine.dense import Dense
from helpers.engine.images import steps

__all__ = ["Dense", "steps"]
