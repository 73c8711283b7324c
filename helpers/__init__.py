"""A file here is the report's mathematics; a folder is everything else.

convolution, pooling, layers, training, gradients, network, metrics: the textbook, in the order of reading.
engine    the same numbers, quicker; nobody needs it to understand the report
vgg19     the pretrained network: weights, features, new head
explain   what makes a neuron fire and where the evidence for a class lies; how good such a map is
data      data sets by name
figures   every picture and table
store     files whole or absent, artifacts of a run, results kept for the same code and data
study     the trainings over seeds and settings
report    notebooks to one document, HTML and PDF
course    the report as an assignment: exercises, checks, a student's edition, marks
"""
