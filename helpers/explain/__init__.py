"""What makes a neuron fire, where the evidence for a class lies, and how good such a map is."""

from helpers.explain.map_scores import pointing_game
from helpers.explain.maps import class_map, grad_cam, guided_backprop, guided_grad_cam, top_neurons
from helpers.explain.perturbation import insertion_deletion
from helpers.explain.randomisation import randomisation_test
from helpers.explain.receptive import receptive_field

__all__ = [
    "class_map",
    "grad_cam",
    "guided_backprop",
    "guided_grad_cam",
    "insertion_deletion",
    "pointing_game",
    "randomisation_test",
    "receptive_field",
    "top_neurons",
]
