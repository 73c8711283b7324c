"""The network as a whole: its gradient, its twin in TensorFlow, its size, its files."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from checking import LAYOUTS, assert_close, check_gradient, layouts, seeds
from hypothesis import given

from helpers.engine import dense, fused, threads
from helpers.network import (
    SGD,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    report_cnn,
    softmax,
    softmax_cross_entropy,
    to_inputs,
)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(params=[True, False], ids=["engine", "plain"], autouse=True)
def fast(request, monkeypatch):
    """Every test of this file runs over both: the plain layers are the engine's specification."""
    monkeypatch.setitem(small.__kwdefaults__, "fast", request.param)
    return request.param


def small(size=10, classes=3, dtype=np.float64, seed=0, *, fast=True):
    """The report's network for small images, with biases that are not 0."""
    model = report_cnn(size, classes, rng=rng(seed), fast=fast, dtype=dtype)
    for layer in model.layers:
        if layer.params:
            layer.params["b"] += 0.1 * rng(seed + 1).standard_normal(layer.params["b"].shape).astype(dtype)
    return model


def batch(size=10, count=4, classes=3, dtype=np.float64, seed=5):
    return rng(seed).random((count, size, size, 3)).astype(dtype), rng(seed).integers(0, classes, count)


def gradients(model):
    return {f"{k}.{name}": grad for k, layer in enumerate(model.layers) for name, grad in layer.grads.items()}


# Gradients


def odd():
    """A network in which height and width, kernel, stride and padding all differ, and a batch that fits it."""
    model = Sequential(
        [
            Conv2D(3, 5, (3, 2), 2, 1, rng=rng(), dtype=np.float64),
            ReLU(),
            MaxPool2D(3, 2),
            Flatten(),
            Dense(2 * 3 * 5, 6, rng=rng(1), dtype=np.float64),
            ReLU(),
            Dense(6, 4, rng=rng(2), dtype=np.float64),
        ]
    )
    return model, rng(3).random((3, 9, 13, 3)), np.array([1, 3, 0])


@pytest.mark.parametrize("network", [lambda: (small(8), *batch(8, 3)), odd])
def test_the_whole_networks_gradient_is_a_derivative(network):
    model, x, labels = network()
    _, dlogits = softmax_cross_entropy(model.forward(x), labels)
    dx = model.backward(dlogits)
    # Steps so small that no ReLU and no maximum changes sides: there the function has no derivative.
    options = {"rng": rng(1), "h": 1e-6, "elements": 6}
    check_gradient(lambda x: softmax_cross_entropy(model.predict(x), labels)[0], x, dx, **options)
    state = model.state()
    assert gradients(model).keys() == state.keys()
    for name, gradient in gradients(model).items():

        def loss(value, name=name):
            model.set_state(state | {name: value})
            return softmax_cross_entropy(model.predict(x), labels)[0]

        check_gradient(loss, state[name], gradient, **options)


def twin(model):
    """The same network in Keras, with the same weights."""
    from helpers.vgg19.backend import keras

    dtype = model.layers[0].params["w"].dtype.name
    options = {"dtype": dtype}
    other = keras.Sequential(
        [
            keras.layers.Input(model.input_shape, dtype=dtype),
            keras.layers.Conv2D(32, 3, activation="relu", **options),
            keras.layers.MaxPooling2D(2, 1, **options),
            keras.layers.Conv2D(64, 3, activation="relu", **options),
            keras.layers.MaxPooling2D(2, 1, **options),
            keras.layers.Flatten(**options),
            keras.layers.Dense(128, activation="relu", **options),
            keras.layers.Dense(model.classes, **options),
        ]
    )
    other.set_weights(list(model.state().values()))
    return other


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_report_network_against_its_twin_in_keras(dtype):
    from helpers.vgg19.backend import tf

    model = small(18, 4, dtype)
    x, labels = batch(18, 5, 4, dtype)
    other, tx = twin(model), tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tx)
        expected = other(tx, training=True)
        expected_loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, expected))
    by_x, by_weights = tape.gradient(expected_loss, [tx, other.trainable_variables])

    logits = model.forward(x)
    loss, dlogits = softmax_cross_entropy(logits, labels)
    assert_close(logits, expected)
    assert_close(np.array(loss, dtype), expected_loss)
    assert_close(model.backward(dlogits), by_x, scale=0)
    for ours, theirs in zip(gradients(model).values(), by_weights, strict=True):
        assert_close(ours, theirs, scale=0)
    assert other.count_params() == model.size
    assert_close(softmax(logits), tf.nn.softmax(expected))


@pytest.mark.parametrize("momentum", [0.0, 0.875])
def test_three_steps_of_sgd_against_keras(momentum):
    from helpers.vgg19.backend import keras, tf

    model = small(12)
    x, labels = batch(12, 6)
    other = twin(model)
    theirs, ours = keras.optimizers.SGD(0.0625, momentum), SGD(0.0625, momentum)  # exact in Keras's float32 too
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, other(x, training=True)))
        theirs.apply(tape.gradient(loss, other.trainable_variables), other.trainable_variables)
        model.backward(softmax_cross_entropy(model.forward(x), labels)[1], need_dx=False)
        ours.step(model)
    for value, expected in zip(model.state().values(), other.get_weights(), strict=True):
        assert_close(value, expected)


@given(seed=seeds, layout=layouts)
def test_a_batch_is_its_images_one_by_one(seed, layout):
    model = small(8)
    x, dlogits = batch(8, 3, seed=seed)[0], rng(seed).standard_normal((3, 3))
    logits = model.forward(LAYOUTS[layout](x))
    dx = model.backward(dlogits)
    total = gradients(model)
    apart = [(model.forward(x[n : n + 1]), model.backward(dlogits[n : n + 1]), gradients(model)) for n in range(3)]
    assert_close(logits, np.concatenate([part[0] for part in apart]))
    assert_close(dx, np.concatenate([part[1] for part in apart]))
    for name, gradient in total.items():
        assert_close(gradient, sum(part[2][name] for part in apart))


def test_the_images_gradient_can_be_left_out():
    model = small()
    x, _ = batch()
    dlogits = model.forward(x)
    model.backward(dlogits)
    whole = gradients(model)
    assert model.backward(dlogits, need_dx=False) is None
    assert all(np.array_equal(gradient, whole[name]) for name, gradient in gradients(model).items())


def test_layers_one_after_the_other_are_the_network():
    """The engine takes the images one by one through its first layers; the layers' own passes take them together."""
    model = small()
    x, _ = batch()
    logits, dlogits = model.forward(x), rng(1).standard_normal((4, 3))
    dx, grads = model.backward(dlogits), gradients(model)
    by_hand = x
    for layer in model.layers:
        by_hand = layer.forward(by_hand)
    assert_close(logits, by_hand)
    for layer in reversed(model.layers):
        dlogits = layer.backward(dlogits)
    assert_close(dx, dlogits)
    for name, gradient in gradients(model).items():
        assert_close(grads[name], gradient)


# Blocks and threads


def one_step(model, x, labels):
    logits = model.forward(x)
    dx = model.backward(softmax_cross_entropy(logits, labels)[1])
    SGD(0.1, 0.5).step(model)
    return [logits, dx, *model.state().values()]


@pytest.mark.parametrize(("block", "rows"), [(1, 1), (500, 7), (10**9, 10**9)])
def test_the_size_of_blocks_changes_nothing(block, rows, monkeypatch):
    expected = one_step(small(), *batch())
    monkeypatch.setattr(fused, "STRIP", block)
    monkeypatch.setattr(dense, "ROWS", rows)
    for a, z in zip(one_step(small(), *batch()), expected, strict=True):
        assert_close(a, z, 1e-13)


@pytest.mark.parametrize("count", [1, 5, 9])
def test_the_number_of_threads_changes_not_a_bit(count, monkeypatch):
    results = []
    for cores in (1, 2, 3):
        monkeypatch.setattr(threads, "cores", lambda cores=cores: cores)
        results.append(one_step(small(26, dtype=np.float32), *batch(26, count, dtype=np.float32)))
    for result in results[1:]:
        assert all(np.array_equal(a, z) for a, z in zip(result, results[0], strict=True))


def test_several_threads_may_predict_with_one_network(fast):
    model = report_cnn(24, 3, rng=rng(), fast=fast)
    batches = [rng(seed).random((10, 24, 24, 3), dtype=np.float32) for seed in range(12)]
    expected = [model.predict(x) for x in batches]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(model.predict, batches * 3))
    assert all(np.array_equal(a, z) for a, z in zip(found, expected * 3, strict=True))


def test_the_engines_gradients_are_gone_when_their_images_are(fast):
    if not fast:
        return
    model, (x, y) = small(), batch()
    dlogits = softmax_cross_entropy(model.forward(x), y)[1]
    model.backward(dlogits)
    kept = model.layers[9].grads["w"].copy()
    dlogits *= 0
    assert np.array_equal(model.layers[9].grads["w"], kept)
    model.forward(x[::-1].copy())
    assert model.layers[7].grads == {}
    with pytest.raises(RuntimeError, match="Dense has no gradients to step by: call backward first"):
        SGD(0.1).step(model)


def test_a_step_without_a_backward_pass_is_refused():
    with pytest.raises(RuntimeError, match="Conv2D has no gradients"):
        SGD(0.1).step(small())


def test_a_state_that_is_set_is_a_copy():
    model, other = small(), small(seed=3)
    other.set_state(model.state())
    before = model.state()["9.b"].copy()
    other.layers[9].params["b"] += 1
    assert np.array_equal(model.state()["9.b"], before)


def test_backward_wants_the_gradient_of_the_whole_batch():
    first = small().steps[0]
    out = first.forward(batch(count=10)[0])
    with pytest.raises(ValueError, match=rf"dout has the shape \(9, .*\), but the output had \(10, {out.shape[1]}, "):
        first.backward(np.ones_like(out)[:9])


def test_layers_that_need_no_images_take_what_they_take_alone():
    dense = Dense(4, 2, rng=rng(), dtype=np.float64)
    x = rng(1).standard_normal((3, 2, 2))
    assert_close(Sequential([Flatten(), ReLU(), dense]).forward(x), dense.forward(np.maximum(x, 0).reshape(3, 4)))


# The report's network


def test_the_report_network_has_the_sources_shapes_and_parameters():
    model = report_cnn(rng=None)
    assert [layer.size for layer in model.layers if layer.params] == [896, 18_496, 389_316_736, 387]
    assert model.size == 389_336_515
    assert model.output_shapes() == [
        (222, 222, 32),
        (222, 222, 32),
        (221, 221, 32),
        (219, 219, 64),
        (219, 219, 64),
        (218, 218, 64),
        (3_041_536,),
        (128,),
        (128,),
        (3,),
    ]
    lines = model.summary().splitlines()
    assert lines[3].split() == ["MaxPool2D", "221", "x", "221", "x", "32", "0"]
    assert lines[8].split() == ["Dense", "128", "389,316,736"]
    assert lines[-1].split() == ["total", "389,336,515"]
    assert len(lines) == 12


@pytest.mark.parametrize(("size", "classes"), [(8, 2), (13, 5)])
def test_shapes_that_are_announced_are_those_that_come(size, classes):
    model = report_cnn(size, classes, rng=rng())
    x = np.zeros((2, size, size, 3), np.float32)
    for layer, shape in zip(model.layers, model.output_shapes(), strict=True):
        x = layer.forward(x)
        assert x.shape == (2, *shape)
    assert x.dtype == np.float32
    assert model.classes == classes


def test_the_report_network_is_drawn_from_the_generator_alone():
    first, second, other = (report_cnn(9, rng=rng(seed)).state() for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["0.w"], other["0.w"])
    assert {value.dtype for value in first.values()} == {np.dtype(np.float32)}


# Predicting


def test_probabilities_of_pixels_in_batches():
    model = small(8, dtype=np.float32)
    images = rng().integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
    probabilities = model.predict_proba(images, batch_size=3)
    assert probabilities.shape == (7, 3)
    assert_close(probabilities, softmax(model.forward(to_inputs(images))))


def test_predicting_remembers_nothing():
    model = small(8)
    x, _ = batch(8)
    assert_close(model.predict(x), small(8).forward(x), 1e-14)
    model.predict_proba(x)
    with pytest.raises(RuntimeError, match="needs a forward pass first"):
        model.backward(np.zeros((4, 3)))
    assert not any(hasattr(layer, "_cache") for layer in model.layers)


def test_predicting_between_forward_and_backward_disturbs_nothing():
    model = small(8)
    x, _ = batch(8)
    dlogits = model.forward(x)
    dx = model.backward(dlogits)
    kept = gradients(model)
    model.forward(x)
    model.predict(batch(8, 2, seed=9)[0])
    assert np.array_equal(model.backward(dlogits), dx)
    assert all(np.array_equal(gradient, kept[name]) for name, gradient in gradients(model).items())


@pytest.mark.parametrize("stem", [[], [Conv2D(3, 2, rng=rng()), Flatten()]])
def test_backward_before_forward_is_an_error(stem):
    model = Sequential([*stem, Dense(2, 2, rng=rng())])
    with pytest.raises(RuntimeError, match="needs a forward pass first"):
        model.backward(np.zeros((1, 2)))


def test_a_network_without_layers_is_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        Sequential([])


def test_shapes_need_an_input_shape():
    model = Sequential([Conv2D(3, 2, rng=rng()), ReLU(), MaxPool2D()])
    assert model.output_shapes((5, 7, 3)) == [(3, 5, 2), (3, 5, 2), (2, 4, 2)]
    with pytest.raises(ValueError, match="Give the shape of one input"):
        model.summary()


# Files


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_and_loaded(dtype, fast, tmp_path):
    model, other = small(8, dtype=dtype), small(8, dtype=dtype, seed=7)
    x, _ = batch(8, dtype=dtype)
    model.save(tmp_path / "weights.npz")
    other.load(tmp_path / "weights.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["weights.npz"]
    assert all(np.array_equal(value, model.state()[name]) for name, value in other.state().items())
    assert {value.dtype for value in other.state().values()} == {np.dtype(dtype)}
    assert np.array_equal(other.predict(x), model.predict(x))
    empty = report_cnn(8, rng=None, fast=fast, dtype=dtype)
    assert not any(value.any() for value in empty.state().values())
    empty.load(tmp_path / "weights.npz")
    assert np.array_equal(empty.predict(x), model.predict(x))
    before = model.state()["9.b"].copy()
    other.layers[-1].params["b"] += 1
    assert np.array_equal(model.state()["9.b"], before)  # what was loaded is not shared


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda: small(9), r"weights.npz .*7.w has the shape \(576, 128\); the layer's is \(256, 128\)"),
        (lambda: small(8, 4), r"weights.npz .*9.[wb] has the shape"),
        (lambda: Sequential(small(8).layers[:-1]), "weights.npz .*hold no 9.[wb]"),
    ],
)
def test_another_networks_weights_are_refused_and_change_nothing(wrong, sentence, tmp_path):
    wrong().save(tmp_path / "weights.npz")
    model = small(8, seed=7)
    with pytest.raises(ValueError, match=sentence):
        model.load(tmp_path / "weights.npz")
    assert all(np.array_equal(value, small(8, seed=7).state()[name]) for name, value in model.state().items())


@pytest.mark.parametrize("kept", [0, 10, 50_000, -1])
def test_truncated_weights_are_refused_by_name(kept, tmp_path):
    path = tmp_path / "weights.npz"
    small(8, dtype=np.float32).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"weights.npz is damaged \(.+\): delete it and train again"):
        small(8).load(path)


def test_weights_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"weights\.npz"):
        small(8).load(tmp_path / "weights.npz")


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "weights.npz"
    small(8).save(path)
    kept = path.read_bytes()
    monkeypatch.setattr(np, "savez", lambda file, **arrays: file.write(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        small(8, seed=1).save(path)
    assert path.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [path]


def test_chapters_1_to_3_start_without_tensorflow_and_opencv():
    code = (
        "import sys, helpers.network, helpers.metrics, helpers.pooling\n"
        "print(sorted({'tensorflow', 'keras', 'cv2'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
