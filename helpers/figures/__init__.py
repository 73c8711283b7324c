"""Every figure and table of the report, in one style: `from helpers import figures`."""
# ruff: noqa: F401, I001

from helpers.figures.sliding import convolution_integral, convolution_steps, correlate, kernel_on_patch, sliding_strip
from helpers.figures.filters import filters_and_maps, moved
from helpers.figures.images import Panel, contact_sheet, image_grid, panels
from helpers.figures.network import architecture, pooling_gradient
from helpers.figures.neurons import (
    gradient_image, gradient_rules, growing_fields, neuron_gradients, receptive_fields, regions,
)  # fmt: skip
from helpers.figures.playground import KERNELS, Playground, kernel_effects
from helpers.figures.scores import LOOKS, compare_networks, confusion, curves, intervals, lines, rungs, study
from helpers.figures.names import drawn_names, shorten
from helpers.figures.style import setup, to_png
from helpers.figures.text import code_safe, table
