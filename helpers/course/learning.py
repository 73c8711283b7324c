"""The exercises of chapter 3: gradients, the loss, and training."""

from types import SimpleNamespace

import numpy as np

from helpers.course.cases import Case, Exercise, given


def softmaxes(m, rng):
    """One row, several, and numbers whose exponential overflows or, in another row, becomes 0."""
    yield given(m.softmax, "p", logits=rng.normal(size=4))
    yield given(m.softmax, "p", logits=rng.normal(size=(3, 4)))
    yield given(m.softmax, "p", logits=np.array([[1000.0, 1001, 999]]))
    yield given(m.softmax, "p", logits=np.array([[2000.0, 1999, 0], [0, 1, 2]]))


def losses(m, rng):
    """Usual scores, and a row whose right class has a probability too small for a float."""
    yield given(m.softmax_cross_entropy, "loss dlogits", logits=rng.normal(size=(3, 4)), labels=np.array([3, 0, 0]))
    far = np.array([[1000.0, 0, 10], [0, 1, 2]])
    yield given(m.softmax_cross_entropy, "loss dlogits", logits=far, labels=np.array([1, 2]))


def dense(m, rng):
    """As many outputs as inputs, and fewer."""
    for n, inputs, outputs in ((4, 3, 3), (2, 4, 3)):
        shapes = {"x": (n, inputs), "w": (inputs, outputs), "b": (outputs,), "dout": (n, outputs)}
        arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        layer = m.Dense(inputs, outputs, rng=None, dtype=float)
        layer.params = {name: arrays[name] for name in "wb"}
        yield Case(arrays, _there_and_back(layer, arrays))


def relu(m, rng):
    """Numbers with zeros among them."""
    x, dout = (rng.integers(-2, 3, (2, 3, 4)).astype(float) for _ in range(2))
    arrays = {"x": x, "dout": dout + 0.5}
    yield Case(arrays, _there_and_back(m.ReLU(), arrays))


def _there_and_back(layer, arrays):
    def call():
        results = {"forward(x)": layer.forward(arrays["x"]), "backward(dout)": layer.backward(arrays["dout"])}
        return results | {f"grads[{name!r}]": layer.grads[name] for name in layer.params}

    return call


def pool_gradients(function):
    """Return the cases of a pooling's gradient: windows that overlap, and a stride."""

    def cases(m, rng):
        for n, h, w, size, stride in ((2, 4, 5, 2, 1), (1, 7, 8, 3, 2)):
            out = n, (h - size) // stride + 1, (w - size) // stride + 1, 2
            cache = (n, h, w, 2), rng.integers(size**2, size=out), size, stride
            yield given(getattr(m, function), "dx", dout=rng.normal(size=out), cache=cache)

    return cases


def conv_gradients(function):
    """Return the cases of a convolution's gradients: without and with stride and padding."""

    def cases(m, rng):
        for stride, pad, out in ((1, 0, (2, 3, 5, 3)), (2, 1, (2, 3, 4, 3))):
            x = np.pad(rng.normal(size=(2, 5, 6, 2)), [(0, 0), (pad, pad), (pad, pad), (0, 0)])
            cache = x, rng.normal(size=(3, 2, 2, 3)), stride, pad
            yield given(getattr(m, function), "dx dw db", dout=rng.normal(size=out), cache=cache)

    return cases


def derivatives(m, rng):
    """A function that is curved, with a large step: one-sided differences are seen to be worse."""
    x, a = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    yield given(m.numerical_gradient, "gradient", f=lambda: float((a * x**3).sum()), x=x, step=1e-3)


def steps(m, rng):
    """Without momentum, and two steps with it."""
    for momentum in (0.0, 0.9):
        param, grad, velocity = rng.normal(size=(3, 4))
        arguments = {"learning_rate": 0.1, "momentum": momentum, "param": param, "grad": grad}
        yield Case(
            arguments | ({"velocity": velocity} if momentum else {}), _stepped(m, momentum, param, grad, velocity)
        )


def _stepped(m, momentum, param, grad, velocity):
    def call():
        sgd, w, v = m.SGD(0.1, momentum), param.copy(), velocity.copy() if momentum else None
        for _ in range(2 if momentum else 1):
            sgd.rule(w, grad, v)
        return {"param, changed in place": w} | ({"velocity, changed in place": v} if momentum else {})

    return call


class Toy:
    """A model of one matrix, with a loss of its own, that writes down what is asked of it."""

    def __init__(self, w) -> None:
        self.w, self.said = w.copy(), []

    def forward(self, x):
        self.said.append("forward")
        self.x = x.reshape(len(x), -1)
        return self.x @ self.w

    def backward(self, dout, *, need_dx=True):
        self.said.append("backward")
        self.dw = self.x.T @ dout

    def step(self, model):
        self.said.append("step")
        self.w -= 0.5 * self.dw

    @staticmethod
    def loss(logits, labels):
        return float(np.sin(logits).mean() + labels.mean()), np.cos(logits) / len(labels)


def epochs(m, rng):
    """25 images in batches of 10, 10 and 5, with a model and a loss that are made for this case."""
    images, labels = rng.integers(0, 256, (25, 2, 2, 1), dtype=np.uint8), rng.integers(0, 3, 25)
    order, w = rng.permutation(25), rng.normal(size=(4, 3))
    batches = [order[:10], order[10:20], order[20:]]

    def call():
        toy, m.softmax_cross_entropy, updates = Toy(w), Toy.loss, []
        bar = SimpleNamespace(update=lambda: updates.append(1))
        toy.learning_rate = 0.5
        loss, share = m._epoch(toy, images, labels, batches, toy, 0, bar)
        return {"what the model was asked": " ".join(toy.said), "weights": toy.w, "loss": loss, "share right": share,
                "updates of the bar": len(updates)}  # fmt: skip

    yield Case({"images": images, "labels": labels, "batches": batches}, call)


def confusions(m, rng):
    """Pairs that come several times, and a class that is neither there nor predicted."""
    yield given(m.confusion_matrix, "matrix", actual=[0, 0, 0, 1, 1, 2], predicted=[0, 1, 1, 1, 2, 2], classes=4)


EXERCISES = [
    Exercise(
        "3.1",
        "helpers.training: softmax",
        "eq-softmax",
        "turn scores into probabilities along the last axis",
        "take the maximum of each row off first; the checks of the argument are `_checks.logits` and `_checks.finite`",
        softmaxes,
    ),
    Exercise(
        "3.2",
        "helpers.training: softmax_cross_entropy",
        "eq-softmax-gradient",
        "compute the mean loss in nats and its gradient by the scores",
        "log p = z - max z - log sum exp(z - max z); the gradient is (p - onehot) / N",
        losses,
    ),
    Exercise(
        "3.3",
        "helpers.layers: Dense.forward Dense.backward",
        "eq-dense-gradient",
        "write the dense layer forward and backward",
        "forward keeps x in self.cache; backward leaves dw and db in self.grads and returns dx",
        dense,
    ),
    Exercise(
        "3.4",
        "helpers.layers: ReLU.forward ReLU.backward",
        "sec-relu-gradient",
        "write the ReLU forward and backward",
        "forward keeps in self.cache where x > 0; the derivative at 0 is 0",
        relu,
    ),
    Exercise(
        "3.5",
        "helpers.pooling: max_pool2d_backward_loops",
        "eq-pool-gradient",
        "send each number of dout to the pixel that won its window, by loops",
        "the cache is (x.shape, winner, size, stride), a winner is u * size + v; where windows overlap, shares add up",
        pool_gradients("max_pool2d_backward_loops"),
    ),
    Exercise(
        "3.6",
        "helpers.pooling: max_pool2d_backward",
        "eq-pool-gradient",
        "do the same for all windows at once, with a loop over the places in a window only",
        "dx[:, u::stride, v::stride] views the pixels at place (u, v) of all windows: add dout where that place won",
        pool_gradients("max_pool2d_backward"),
    ),
    Exercise(
        "3.7",
        "helpers.convolution: conv2d_backward_loops",
        "eq-conv-dw",
        "pass each output's share back to its window, its kernel and its bias, by loops",
        "the cache is (x with its padding, w, stride, pad); add up, then cut the padding off dx",
        conv_gradients("conv2d_backward_loops"),
    ),
    Exercise(
        "3.8",
        "helpers.convolution: conv2d_backward",
        "eq-conv-dx",
        "compute the same three gradients as products, without a loop",
        "dw is windows by dout; for dx lay dout out with its pixels a stride apart and zeros around them, and take its "
        "windows by the turned kernel; cut the padding off dx",
        conv_gradients("conv2d_backward"),
    ),
    Exercise(
        "3.9",
        "helpers.gradients: numerical_gradient",
        "eq-numerical",
        "compute a gradient by central differences, one element at a time",
        "change x[index] up and down by the step, call f() each time, and put x[index] back",
        derivatives,
        tolerance=1e-7,
    ),
    Exercise(
        "3.10",
        "helpers.training: SGD.rule",
        "eq-sgd",
        "change a parameter in place by its gradient, and by its velocity where there is one",
        "v <- momentum v - rate g, w <- w + v, both in place; the gradient stays as it is",
        steps,
    ),
    Exercise(
        "3.11",
        "helpers.training: _epoch",
        "sec-training",
        "learn from every batch, and return the mean loss and the share that was right beforehand",
        "for each batch: forward, loss, backward, step, and bar.update(); batches may differ in size, and both results "
        "are means over the images",
        epochs,
        points=3,
    ),
    Exercise(
        "3.12",
        "helpers.metrics: confusion_matrix",
        "sec-results",
        "count how often each class was taken for each, rows actual and columns predicted",
        "the labels may be lists; a pair of them may come several times, and is counted each time",
        confusions,
    ),
]
