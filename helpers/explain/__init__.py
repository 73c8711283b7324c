"""What makes a neuron fire, where the evidence for a class lies, and how good such a map is."""
# ruff: noqa: F401

from helpers.explain.backprop import RULES, class_gradients, gradient_function, guided_backprop, top_neurons
from helpers.explain.cam import class_map, class_maps, enlarged, grad_cam, guided_grad_cam
from helpers.explain.deletion import insertion_deletion
from helpers.explain.networks import layer_index
from helpers.explain.pointing import energy_inside, pointing_game
from helpers.explain.randomisation import randomisation_test
from helpers.explain.receptive import field_on_image, field_size, geometry, receptive_field
