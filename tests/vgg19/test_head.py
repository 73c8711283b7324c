"""The new head and its training, on a small backbone with VGG19's layer names."""

import shutil

import numpy as np
import pytest

from helpers.store import code, files
from helpers.training import softmax_cross_entropy
from helpers.vgg19 import head as transfer
from helpers.vgg19.backend import keras

BACKBONE = ["block4_conv1", "block5_conv1"]


def rng(seed=0):
    return np.random.default_rng(seed)


def backbone():
    conv = {"activation": "relu", "padding": "same"}
    x = inputs = keras.Input((8, 6, 3))
    x = keras.layers.Conv2D(4, 3, name="block4_conv1", **conv)(x)
    x = keras.layers.MaxPooling2D(name="block4_pool")(x)
    x = keras.layers.Conv2D(5, 3, name="block5_conv1", **conv)(x)
    model = keras.Model(inputs, keras.layers.MaxPooling2D(name="block5_pool")(x), name="small")
    model.set_weights([rng(k).normal(size=w.shape, scale=0.4) for k, w in enumerate(model.get_weights())])
    return model


def head(seed=0, **kwargs):
    return transfer.add_head(backbone(), 3, seed=seed, units=16, **kwargs)


def clouds(shape, n=60, spread=40.0):
    """Features of three classes that can be told apart, of VGG's size."""
    labels = np.arange(n) % 3
    x = np.abs(rng().normal(size=(n, *shape), scale=5)).astype(np.float32)
    x[np.arange(n), ..., labels] += spread
    return x, labels


def loss_of(model, after, split):
    x, labels = split
    probabilities = transfer.predict(transfer.tail(model, after), x)
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


def test_the_head_is_the_sources_and_flat():
    base = backbone()
    trainable = sum(int(np.prod(w.shape)) for w in base.trainable_weights)
    assert trainable == base.count_params()
    model = transfer.add_head(base, 3, seed=0)
    assert [layer.name for layer in model.layers[-4:]] == ["pooled", "hidden", "logits", "softmax"]
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert sum(int(np.prod(w.shape)) for w in model.non_trainable_weights) == trainable
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == (5 * 512 + 512) + (512 * 3 + 3)
    x = rng().normal(size=(2, 8, 6, 3)).astype(np.float32)
    pooled = keras.Model(model.input, model.get_layer("pooled").output)(x)
    assert np.array_equal(pooled, base(x).numpy().max(axis=(1, 2)))
    np.testing.assert_allclose(model(x).numpy().sum(axis=1), 1, rtol=1e-6)


def test_the_seed_draws_the_head():
    first, second, third = head(0).get_weights(), head(0).get_weights(), head(1).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[4], third[4])
    assert not np.array_equal(first[6], third[6])
    assert "dropout" in [layer.name for layer in head(0, dropout=0.5).layers]
    with pytest.raises(ValueError, match="at least two classes, not 1"):
        transfer.add_head(backbone(), 1, seed=0)


def test_the_two_dense_layers_are_drawn_apart():
    hidden, logits = (transfer.add_head(backbone(), 5, seed=0, units=5).get_layer(n) for n in ("hidden", "logits"))
    assert not np.allclose(hidden.get_weights()[0], logits.get_weights()[0])


def test_a_step_is_that_of_the_mean_loss():
    model, (x, labels) = transfer.tail(head(), "pooled", "logits"), clouds((5,), n=7)
    bias = model.get_weights()[-1]
    logits = transfer.training_step(model, keras.optimizers.SGD(0.5))(x, labels).numpy()
    dlogits = softmax_cross_entropy(logits, labels)[1]
    np.testing.assert_allclose(model.get_weights()[-1] - bias, -0.5 * dlogits.sum(axis=0), rtol=1e-4, atol=1e-7)


def test_a_tail_is_the_rest_of_the_network():
    model, x = head(), rng().normal(size=(3, 8, 6, 3)).astype(np.float32)
    for after in ("block4_conv1", "block4_pool", "pooled"):
        middle = keras.Model(model.input, model.get_layer(after).output)(x)
        np.testing.assert_allclose(transfer.predict(transfer.tail(model, after), middle), model(x), rtol=1e-5)
    with pytest.raises(ValueError, match="No such layer: block9"):
        transfer.tail(model, "block9")
    with pytest.raises(ValueError, match="does not come after"):
        transfer.tail(model, "logits", "pooled")


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_training_the_head_learns_and_leaves_the_backbone(dropout):
    model, train = head(dropout=dropout), clouds((5,))
    before = transfer.digest(model, BACKBONE)
    val = (train[0] + rng(1).normal(size=train[0].shape, scale=3).astype(np.float32), train[1])
    history = transfer.train_head(model, train, val, seed=0, epochs=12, learning_rate=0.01)
    assert transfer.digest(model, BACKBONE) == before
    assert len(history.loss) == len(history.val_accuracy) == len(history.seconds) == 12
    assert min(history.accuracy[-1], history.val_accuracy[-1]) > 0.9
    assert min(history.val_loss) < 0.5 * history.val_loss[0]
    # the best epoch is kept, and on features as they are, although the training divides them
    assert loss_of(model, "pooled", val) == pytest.approx(min(history.val_loss), rel=1e-4)


def test_the_best_epoch_is_kept_though_later_ones_are_worse():
    model, train = head(), clouds((5,), spread=3.0)
    val = clouds((5,), n=9, spread=1.0)
    history = transfer.train_head(model, train, val, seed=0, epochs=15, learning_rate=0.2)
    assert history.val_loss[-1] > min(history.val_loss) * 1.01
    assert loss_of(model, "pooled", val) == pytest.approx(min(history.val_loss), rel=1e-3)


def test_the_same_seed_gives_the_same_bytes():
    def trained(seed, start=0):
        model = head(start, dropout=0.3)
        transfer.train_head(model, clouds((5,), n=20), clouds((5,), n=9), seed=seed, epochs=2)
        return transfer.digest(model, ["hidden", "logits"])

    first = trained(0)
    assert trained(0) == first != trained(1)


def test_tuning_changes_block_5_and_the_head_alone():
    model, train = head(), clouds((4, 3, 4))
    before = {name: transfer.digest(model, [name]) for name in (*BACKBONE, "hidden", "logits")}
    start = loss_of(model, "block4_pool", train)
    history = transfer.tune_block5(model, train, train, seed=0, epochs=3, learning_rate=1e-3)
    changed = {name for name, was in before.items() if transfer.digest(model, [name]) != was}
    assert changed == {"block5_conv1", "hidden", "logits"}
    assert loss_of(model, "block4_pool", train) == pytest.approx(min(history.val_loss), rel=1e-3)
    assert min(history.val_loss) < start
    assert not model.get_layer("block5_conv1").trainable


def test_tuning_that_does_not_help_changes_nothing():
    model, x = head(), clouds((4, 3, 4))[0]
    before = transfer.digest(model, [*BACKBONE, "hidden", "logits"])
    val = (x, transfer.predict(transfer.tail(model, "block4_pool"), x).argmax(axis=1))  # what it says already
    transfer.tune_block5(model, (x, (val[1] + 1) % 3), val, seed=0, epochs=2, learning_rate=1e-2)
    assert transfer.digest(model, [*BACKBONE, "hidden", "logits"]) == before


def test_a_tuning_is_kept_for_the_same_start_data_and_settings(tmp_path, monkeypatch):
    runs, train = [], transfer._train
    monkeypatch.setattr(transfer, "_train", lambda *args, **kwargs: runs.append(1) or train(*args, **kwargs))
    split, settings = clouds((4, 3, 4), n=12), {"epochs": 1, "learning_rate": 1e-3, "cache": tmp_path / "tuned.npz"}

    def tuned(seed, start=0):
        model = head(start)
        history = transfer.tune_block5(model, split, split, seed=seed, **settings)
        return transfer.digest(model, ["block5_conv1", "hidden", "logits"]), vars(history)

    assert tuned(0) == tuned(0)
    assert len(runs) == 1
    assert tuned(1) != tuned(0, start=1)
    assert len(runs) == 3


def test_a_trained_head_is_kept_for_the_same_start_data_and_settings(tmp_path, monkeypatch):
    runs, train = [], transfer._train
    monkeypatch.setattr(transfer, "_train", lambda *args, **kwargs: runs.append(1) or train(*args, **kwargs))
    split, settings = clouds((5,), n=12), {"epochs": 2, "cache": tmp_path / "head.npz"}

    def trained(seed, start=0, **kwargs):
        model = head(start, **kwargs)
        history = transfer.train_head(model, split, split, seed=seed, **settings)
        return transfer.digest(model, ["hidden", "logits"]), vars(history)

    assert trained(0) == trained(0)
    assert len(runs) == 1
    before = trained(0)[0]
    assert len({before, trained(1)[0], trained(0, start=1)[0], trained(0, dropout=0.5)[0]}) == 4
    assert len(runs) == 4


@pytest.mark.parametrize("changed", ["vgg19/head.py", "vgg19/backend.py", "training.py"])
def test_a_trained_head_is_kept_for_the_same_code(tmp_path, monkeypatch, changed):
    runs, train, split = [], transfer._train, clouds((5,), n=12)
    monkeypatch.setattr(transfer, "_train", lambda *args, **kwargs: runs.append(1) or train(*args, **kwargs))
    monkeypatch.setattr(code, "ROOT", tmp_path)
    shutil.copytree(files.ROOT / "helpers", tmp_path / "helpers")

    def times():
        transfer.train_head(head(), split, split, seed=0, epochs=1, cache=tmp_path / "head.npz")
        return len(runs)

    assert [times(), times()] == [1, 1]
    (tmp_path / "helpers" / changed).write_text("x = 1")
    assert [times(), times()] == [2, 2]


def test_a_failed_tuning_freezes_block_5_again():
    model, (x, labels) = head(), clouds((4, 3, 4))
    with pytest.raises(FloatingPointError, match="a learning rate below 1e"):
        transfer.tune_block5(model, (x, labels), (x, labels), seed=0, epochs=3, learning_rate=1e30)
    assert not model.get_layer("block5_conv1").trainable


def test_the_digest_sees_one_bit_and_weights_can_be_kept():
    model = head()
    before, kept = transfer.digest(model, BACKBONE), transfer.layer_weights(model, BACKBONE)
    assert sorted(kept) == ["block4_conv1.0", "block4_conv1.1", "block5_conv1.0", "block5_conv1.1"]
    layer = model.get_layer("block5_conv1")
    kernel, bias = layer.get_weights()
    kernel.ravel()[7] = np.nextafter(kernel.ravel()[7], np.float32(np.inf))
    layer.set_weights([kernel, bias])
    assert transfer.digest(model, BACKBONE) != before
    transfer.set_layer_weights(model, kept)
    assert transfer.digest(model, BACKBONE) == before
    with pytest.raises(ValueError, match="block5_conv1"):
        transfer.set_layer_weights(model, {"block5_conv1.0": kernel})
