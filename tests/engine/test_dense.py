"""The dense layer in blocks: the plain layer's numbers, whatever is cut where; gradients made when they are used."""

import numpy as np
import pytest
from checking import LAYOUTS, assert_close, dtypes, layouts, seeds
from hypothesis import given
from hypothesis import strategies as st

from helpers import layers
from helpers.engine import dense, threads
from helpers.engine.dense import Dense
from helpers.training import SGD


def rng(seed=0):
    return np.random.default_rng(seed)


def pair(inputs, outputs, dtype=np.float64, seed=0):
    """The plain layer and the quick one, with the same weights and a bias that is not 0."""
    both = [kind(inputs, outputs, rng=rng(seed), dtype=dtype) for kind in (layers.Dense, Dense)]
    for layer in both:
        layer.params["b"] += rng(seed + 1).standard_normal(outputs).astype(dtype)
    return both


def test_the_name_and_the_first_weights_are_the_plain_layers():
    plain, quick = pair(40, 30, np.float32)
    assert type(quick).__name__ == type(plain).__name__
    assert all(np.array_equal(quick.params[name], plain.params[name]) for name in plain.params)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@given(
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 20), st.integers(1, 5)),
    seed=seeds,
    dtype=dtypes,
    layout=layouts,
    rows=st.integers(1, 25),
)
def test_whatever_its_blocks_it_is_the_plain_layer(momentum, sizes, seed, dtype, layout, rows):
    n, inputs, outputs = sizes
    plain, quick = pair(inputs, outputs, dtype, seed % 1000)
    x, dout = (
        LAYOUTS[layout](rng(seed + k).standard_normal((n, m)).astype(dtype)) for k, m in ((0, inputs), (1, outputs))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "ROWS", rows)
        assert_close(quick.forward(x), plain.forward(x))
        assert_close(quick.backward(dout), plain.backward(dout))
        for name in plain.params:
            assert_close(quick.grads[name], plain.grads[name])
        for layer in (plain, quick):
            rule, velocity = SGD(0.1, momentum), {}
            if momentum:
                velocity = {
                    name: rng(9).standard_normal(param.shape).astype(dtype) for name, param in layer.params.items()
                }
            layer.update(rule.rule, velocity)
    for name in plain.params:
        assert quick.params[name].dtype == dtype
        assert_close(quick.params[name], plain.params[name])


@pytest.mark.parametrize("count", [1, 3])
def test_in_pieces_it_gives_the_sums_of_one_product(count, monkeypatch):
    monkeypatch.setattr(dense, "ROWS", 128)
    monkeypatch.setattr(dense, "unpacked", lambda: 2 * count * 40)  # 40 inputs at once: pieces of 32
    (_, layer), x, dout = pair(300, 2), rng(2).standard_normal((count, 300)), rng(3).random((count, 2))
    w = layer.params["w"].copy()
    assert dense._piece(128, 2 * count) == 32
    assert dense._piece(44, 2 * count) == 44
    assert_close(layer.forward(x), x @ w + layer.params["b"], 1e-13)
    assert_close(layer.backward(dout), dout @ w.T, 1e-13)
    layer.update(SGD(0.5).rule, {})
    assert_close(layer.params["w"], w - 0.5 * (x.T @ dout), 1e-13)


def test_the_number_of_threads_changes_not_a_bit(monkeypatch):
    monkeypatch.setattr(dense, "ROWS", 50)
    x, dout = rng(1).standard_normal((7, 1234), dtype=np.float32), rng(2).standard_normal((7, 33), dtype=np.float32)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "cores", lambda count=count: count)
        _, layer = pair(1234, 33, np.float32)
        results.append([layer.forward(x), layer.backward(dout)])
        layer.update(SGD(0.1).rule, {})
        results[-1] += layer.params.values()
    for result in results[1:]:
        assert all(np.array_equal(a, z) for a, z in zip(result, results[0], strict=True))


def test_gradients_do_not_change_with_what_they_were_made_of():
    _, layer = pair(5, 3)
    x, dout = rng(1).random((2, 5)), rng(2).random((2, 3))
    layer.forward(x)
    layer.backward(dout)
    expected, dout[...] = x.T @ dout, 7
    assert_close(layer.grads["w"], expected)


def test_gradients_are_gone_when_the_next_images_come():
    _, layer = pair(5, 3)
    layer.backward(layer.forward(rng(1).random((2, 5))))
    layer.forward(rng(2).random((2, 5)))
    assert layer.grads == {}
    with pytest.raises(RuntimeError, match="Dense has no gradients to step by: call backward first"):
        layer.update(SGD(0.1).rule, {})


def test_gradients_can_be_set():
    _, layer = pair(5, 3)
    layer.backward(layer.forward(rng(1).random((2, 5))))
    before = {name: param.copy() for name, param in layer.params.items()}
    layer.grads = {name: np.full(param.shape, 2.0) for name, param in layer.params.items()}
    layer.update(SGD(0.5).rule, {})
    assert all(np.array_equal(layer.params[name], before[name] - 1) for name in before)


@pytest.mark.parametrize("shape", [(3, 5), (2, 4), (4,)])
def test_another_gradients_shape_is_refused(shape):
    _, layer = pair(7, 4)
    with pytest.raises(RuntimeError, match=r"Dense\.backward needs a forward pass first"):
        layer.backward(np.zeros((3, 4)))
    layer.forward(np.zeros((3, 7)))
    with pytest.raises(ValueError, match=r"but the output had \(3, 4\)"):
        layer.backward(np.zeros(shape))
    with pytest.raises(ValueError, match=r"This Dense takes \(N, 7\), not"):
        layer.forward(np.zeros((3, 8)))
