"""The exercises of chapters 1 and 2: convolution and pooling forward, and the first weights."""

import numpy as np

from helpers.course.cases import Case, Exercise, given


def true_convolution(m, rng):
    """Floats, then stride, padding and depth, then whole numbers of 8 bits, whose sums do not fit into 8 bits."""
    yield given(m.convolve2d_loops, "s", image=rng.normal(size=(4, 5)), kernel=rng.normal(size=(2, 3)))
    image, kernel = rng.normal(size=(6, 7, 2)), rng.normal(size=(3, 2, 2))
    yield given(m.convolve2d_loops, "s", image=image, kernel=kernel, stride=2, pad=1)
    image, kernel = (rng.integers(100, 256, shape, dtype=np.uint8) for shape in ((3, 4), (2, 2)))
    yield given(m.convolve2d_loops, "s", image=image, kernel=kernel)


def correlations(function):
    """Return the cases of a forward convolution: without stride and padding, and with both."""

    def cases(m, rng):
        for stride, pad in ((1, 0), (2, 1)):
            sizes = {"x": (2, 5, 6, 2), "w": (3, 2, 2, 3), "b": (3,)}
            arguments = {name: rng.normal(size=shape) for name, shape in sizes.items()}
            yield Case(arguments | {"stride": stride, "pad": pad}, _forward(m, function, arguments, stride, pad))

    return cases


def _forward(m, function, arguments, stride, pad):
    def call():
        out, cache = getattr(m, function)(**arguments, stride=stride, pad=pad)
        return {"out": out, "cache[0], x with its padding": cache[0], "cache[1], w": cache[1], "cache[2:]": cache[2:]}

    return call


def first_weights(m, rng):
    """Ask for many weights: their spread is known to three in a hundred, whatever way they are drawn."""
    for shape, gain in (((3, 2, 40, 160), 2), ((400, 100), 1)):
        seed = int(rng.integers(1 << 30))
        yield Case({"shape": shape, "gain": gain, "seed": seed}, _drawn(m, shape, gain, seed))


def _drawn(m, shape, gain, seed):
    def call():
        first, again, other = (
            np.asarray(m.kaiming_normal(shape, rng=np.random.default_rng(s), gain=gain)) for s in (seed, seed, seed + 1)
        )
        return {
            "shape": first.shape,
            "type": str(first.dtype),
            "standard deviation": first.std(),
            "share above 0": np.mean(first > 0),
            "share within one standard deviation": np.mean(np.abs(first) < first.std()),
            "the same rng gives the same weights (1 yes, 0 no)": float(np.array_equal(first, again)),
            "another rng gives other weights (1 yes, 0 no)": float(not np.array_equal(first, other)),
        }

    return call


def poolings(function):
    """Return the cases of a pooling: overlapping windows, larger ones with a stride, ties, numbers below 0."""

    def cases(m, rng):
        inputs = (
            (rng.normal(size=(2, 4, 5, 2)), 2, 1),
            (rng.normal(size=(1, 7, 8, 2)), 3, 2),
            (rng.integers(0, 2, (1, 4, 5, 1)).astype(float), 2, 1),
            (-1 - rng.random((1, 3, 3, 1)), 2, 1),
        )
        for x, size, stride in inputs:
            yield Case({"x": x, "size": size, "stride": stride}, _pooled(m, function, x, size, stride))

    return cases


def _pooled(m, function, x, size, stride):
    def call():
        out, cache = getattr(m, function)(x, size, stride)
        return {"out": out, "cache[1], the winners": cache[1], "cache[0]": cache[0], "cache[2:]": cache[2:]}

    return call


EXERCISES = [
    Exercise(
        "1.1",
        "helpers.convolution: convolve2d_loops",
        "eq-convolution",
        "write true convolution as two loops over the positions of the window",
        "turn the kernel by 180 degrees, put zeros around the image, and sum window times kernel at each position; "
        "whole numbers are summed in 64 bits",
        true_convolution,
    ),
    Exercise(
        "1.2",
        "helpers.convolution: conv2d_forward_loops",
        "eq-forward",
        "write the cross-correlation of a batch with F kernels as loops, one number of the output at a time",
        "return out and the cache (x with its padding, w, stride, pad)",
        correlations("conv2d_forward_loops"),
    ),
    Exercise(
        "1.3",
        "helpers.convolution: conv2d_forward",
        "eq-im2col",
        "write the same cross-correlation without a loop, as one product of all windows and all kernels",
        "`sliding_windows` gives (N, H', W', KH, KW, C): sum over the last three axes and the first three of w; the "
        "cache is (x with its padding, w, stride, pad)",
        correlations("conv2d_forward"),
    ),
    Exercise(
        "1.4",
        "helpers.convolution: kaiming_normal",
        "eq-kaiming",
        "draw weights from a normal distribution with the variance gain / fan-in",
        "the fan-in is the product of all sizes but the last; draw from the `rng` that is given",
        first_weights,
        tolerance=0.03,
    ),
    Exercise(
        "2.1",
        "helpers.pooling: max_pool2d_forward_loops",
        "sec-pieces",
        "take the maximum of every window by loops, and remember the place of each in its window",
        "return out and the cache (x.shape, winner, size, stride); winner is the place in reading order, u * size + v",
        poolings("max_pool2d_forward_loops"),
    ),
    Exercise(
        "2.2",
        "helpers.pooling: max_pool2d_forward",
        "sec-pieces",
        "take the maximum of all windows at once, and remember the place of each in its window",
        "`sliding_windows` gives (N, H', W', size, size, C): make one axis of the two, argmax along it, and "
        "`np.take_along_axis`; the cache is (x.shape, winner, size, stride)",
        poolings("max_pool2d_forward"),
    ),
]
