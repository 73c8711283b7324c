"""Every figure and table of the report, in one style: `from helpers import figures`."""
# ruff: noqa: F401, I001

from helpers.figures.convolution import activation_sizes, convolution_integral, convolution_steps, kernel_on_patch
from helpers.figures.filters import before_and_after, filters_and_maps, moved, shares_above_0
from helpers.figures.images import MOST, beside, contact_sheet, heat_maps, image_grid, image_rows, input_to_map
from helpers.figures.network import architecture, pooling_gradient, winners
from helpers.figures.neurons import (
    gradient_image, gradient_rules, growing_fields, many_neurons, neurons_of_image, receptive_fields,
)  # fmt: skip
from helpers.figures.playground import KERNELS, Playground, kernel_effects
from helpers.figures.scores import (
    accuracies, cascade, compare_networks, confusion, confusion_of, curves, insertion_deletion_curves, intervals, rungs,
)  # fmt: skip
from helpers.figures.sliding import correlate, sliding_strip
from helpers.figures.names import drawn_names, shorten
from helpers.figures.style import setup, to_png
from helpers.figures.tables import code_safe, table
