"""Softmax, loss, SGD, and the training loop: what it learns, what it refuses, and what survives a kill."""

import dataclasses
import json
import warnings
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from checking import assert_close, check_gradient, dtypes, seeds
from hypothesis import given
from hypothesis import strategies as st

from helpers import engine, training
from helpers.engine import threads
from helpers.network import Conv2D, Dense, Flatten, MaxPool2D, ReLU, Sequential, report_cnn
from helpers.store import cache as store
from helpers.training import SGD, History, evaluate, fit, softmax, softmax_cross_entropy, to_inputs

HUGE = [1e4, -1e4, 1e4 - 1, 0.0]


def rng(seed=0):
    return np.random.default_rng(seed)


# Softmax and cross-entropy


def test_softmax_by_hand():
    assert_close(softmax(np.log([[1.0, 2, 5], [3, 3, 3]])), [[1 / 8, 2 / 8, 5 / 8], [1 / 3] * 3], 1e-15)


def test_softmax_of_a_list_and_of_whole_numbers():
    expected = np.exp([2.0, 1.0, 0.1]) / np.exp([2.0, 1.0, 0.1]).sum()
    assert_close(softmax([2.0, 1.0, 0.1]), expected, 1e-15)
    small = np.array([[1, 2, 3]], np.uint8)  # whose differences would wrap round
    assert_close(softmax(small), softmax(small.astype(float)), 1e-15)
    loss, dlogits = softmax_cross_entropy(small, [0])
    assert abs(loss - softmax_cross_entropy(small.astype(float), [0])[0]) < 1e-15
    assert abs(dlogits.sum()) < 1e-15


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_softmax_wants_finite_numbers(wrong):
    with pytest.raises(ValueError, match="Logits hold numbers that are NaN or infinite"):
        softmax(np.array([wrong, 0.0]))


@pytest.mark.parametrize("wrong", [3.0, [], ["a", "b"], [1j]])
def test_softmax_wants_numbers(wrong):
    with pytest.raises(ValueError, match=r"Logits must be an array \(K,\) or \(N, K\) of numbers"):
        softmax(wrong)


def test_softmax_of_huge_logits():
    e = np.exp(-1)
    assert_close(softmax(np.array([HUGE])), [[1 / (1 + e), 0, e / (1 + e), 0]], 1e-15)
    with np.errstate(all="raise", under="ignore"):
        assert softmax(np.full((2, 3), -1e4)).tolist() == [[1 / 3] * 3] * 2


@given(shape=st.tuples(st.integers(1, 4), st.integers(1, 5)), seed=seeds, dtype=dtypes, scale=st.sampled_from([1, 1e4]))
def test_softmax_is_a_distribution_and_ignores_a_shift(shape, seed, dtype, scale):
    logits = (scale * rng(seed).standard_normal(shape)).astype(dtype)
    p = softmax(logits)
    assert p.dtype == dtype
    assert (p >= 0).all()
    assert np.abs(p.sum(axis=1) - 1).max() <= 4 * np.finfo(dtype).eps
    shifted = softmax((logits.astype(float) + 1000).astype(float))
    assert_close(shifted, softmax(logits.astype(float)), 1e-10)


def test_cross_entropy_by_hand():
    loss, dlogits = softmax_cross_entropy(np.log([[1.0, 2, 5], [2, 2, 4]]), np.array([1, 2]))
    assert abs(loss - (np.log(8 / 2) + np.log(8 / 4)) / 2) < 1e-15
    assert_close(dlogits, np.array([[1 / 8, 2 / 8 - 1, 5 / 8], [2 / 8, 2 / 8, 4 / 8 - 1]]) / 2, 1e-15)


@pytest.mark.parametrize(("label", "expected"), [(0, np.log1p(np.exp(-1))), (1, 2e4 + np.log1p(np.exp(-1)))])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cross_entropy_of_huge_logits_is_finite_and_right(label, expected, dtype):
    loss, dlogits = softmax_cross_entropy(np.array([HUGE], dtype), np.array([label]))
    assert abs(loss - expected) <= np.finfo(dtype).eps * max(1, expected)
    assert np.isfinite(dlogits).all()
    assert abs(dlogits.sum()) <= np.finfo(dtype).eps


@given(n=st.integers(1, 5), k=st.integers(1, 6), seed=seeds)
def test_cross_entropys_gradient_is_a_derivative(n, k, seed):
    logits, labels = rng(seed).standard_normal((n, k)), rng(seed).integers(0, k, n)
    kept = logits.copy()
    loss, dlogits = softmax_cross_entropy(logits, labels)
    assert isinstance(loss, float)
    assert np.array_equal(logits, kept)
    assert np.abs(dlogits.sum(axis=1)).max() < 1e-15
    if k > 1:  # with one class there is nothing to learn: both are 0
        check_gradient(lambda z: softmax_cross_entropy(z, labels)[0], logits, dlogits, rng=rng(seed), h=1e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1, 30])
def test_cross_entropy_against_tensorflow(dtype, scale):
    from helpers.vgg19.backend import tf

    logits, labels = (scale * rng(1).standard_normal((6, 4))).astype(dtype), rng(2).integers(0, 4, 6)
    z = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(z)
        expected = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, z))
    loss, dlogits = softmax_cross_entropy(logits, labels)
    assert_close(np.array(loss, dtype), expected)
    assert_close(dlogits, tape.gradient(expected, z))
    assert_close(softmax(logits), tf.nn.softmax(z))


@pytest.mark.parametrize(
    ("logits", "labels", "sentence"),
    [
        (np.zeros((2, 3)), [0, 3], "A label is 3, but with 3 classes labels go from 0 to 2"),
        (np.zeros((2, 3)), [-1, 0], "A label is -1, but"),
        (np.zeros((2, 3)), [0.0, 1.0], "Labels must be whole numbers, not float64"),
        (np.zeros((2, 3)), [True, False], "Labels must be whole numbers, not bool"),
        (np.zeros((2, 3)), ["cat", "dog"], "Labels must be whole numbers"),
        (np.zeros((2, 3)), [0], "2 images need a list of as many labels"),
        (np.zeros((2, 3)), [[0, 1]], "2 images need a list of as many labels"),
        (np.zeros((0, 3)), np.zeros(0, int), r"Logits must be an array \(N, K\) of numbers, not \(0, 3\)"),
        (np.zeros(3), [0], r"Logits must be an array \(N, K\) of numbers, not \(3,\)"),
        (np.zeros((1, 2, 3)), [0], r"Logits must be an array \(N, K\)"),
    ],
)
def test_cross_entropy_refuses_what_does_not_fit(logits, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        softmax_cross_entropy(logits, np.array(labels))


# Inputs


def test_pixels_become_numbers_from_0_to_1():
    images = np.array([0, 51, 255], np.uint8)
    inputs = to_inputs(images)
    assert inputs.dtype == np.float32
    assert inputs.tolist() == [0, np.float32(0.2), 1]
    assert images.tolist() == [0, 51, 255]
    floats = np.array([0.0, 300.0])
    assert to_inputs(floats) is floats


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, bool, complex])
def test_other_pixels_are_refused(dtype):
    with pytest.raises(ValueError, match=r"Images must be uint8 \(0 to 255\) or floating-point numbers, not"):
        to_inputs(np.zeros((1, 4, 4, 3), dtype))


# SGD


def one_weight(value=1.0):
    """A network with the single weight `value`, whose gradient can be set."""
    layer = ReLU()
    layer.params = {"w": np.array([value])}
    return Sequential([layer]), layer


def test_sgd_by_hand():
    model, layer = one_weight(1.0)
    layer.grads = {"w": np.array([4.0])}
    optimizer = SGD(0.5)
    optimizer.step(model)
    assert layer.params["w"].tolist() == [-1]
    optimizer.step(model)
    assert layer.params["w"].tolist() == [-3]
    assert layer.grads["w"].tolist() == [4]  # the gradient is read, not used up


def test_momentum_by_hand():
    model, layer = one_weight(1.0)
    optimizer = SGD(0.1, momentum=0.8)
    weights = []
    for grad in (10.0, 10.0, -4.0):  # v = -1, -0.8 - 1, -1.44 + 0.4
        layer.grads = {"w": np.array([grad])}
        optimizer.step(model)
        weights.append(layer.params["w"].item())
    assert np.allclose(weights, [0, -1.8, -2.84], rtol=0, atol=1e-15)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("kind", [Dense, engine.Dense])
def test_a_dense_layers_update(momentum, kind):
    model = Sequential([kind(11, 3, rng=rng(), dtype=np.float64)])
    optimizer = SGD(0.1, momentum)
    expected, velocity = model.state()["0.w"].copy(), 0
    for step in range(3):
        x, dout = rng(step).standard_normal((4, 11)), rng(step + 9).standard_normal((4, 3))
        model.forward(x)
        model.backward(dout)
        optimizer.step(model)
        velocity = momentum * velocity - 0.1 * (x.T @ dout)
        expected += velocity
        assert_close(model.state()["0.w"], expected, 1e-14)


def test_float32_weights_stay_float32():
    model = Sequential([Dense(3, 2, rng=rng())])
    model.backward(model.forward(np.ones((1, 3), np.float32)))
    SGD(np.float64(0.1), 0.5).step(model)
    assert {value.dtype for value in model.state().values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("rate", [0, -0.1, np.nan, np.inf])
def test_a_learning_rate_that_makes_no_sense(rate):
    with pytest.raises(ValueError, match="learning rate must be a positive number"):
        SGD(rate)


@pytest.mark.parametrize("momentum", [-0.1, 1, np.nan])
def test_a_momentum_that_makes_no_sense(momentum):
    with pytest.raises(ValueError, match="momentum must be from 0 to below 1"):
        SGD(0.1, momentum)


# Training


def toy(count=24, seed=0):
    """Pictures 6 x 7 that are bright at the top, at the bottom or on the left."""
    images, labels = rng(seed).integers(0, 60, (count, 6, 7, 3), dtype=np.uint8), np.arange(count) % 3
    for image, label in zip(images, labels, strict=True):
        image[[np.s_[:3], np.s_[3:], np.s_[:, :3]][label]] += 150
    return SimpleNamespace(images=images, labels=labels)


def network(seed=0):
    return Sequential(
        [
            Conv2D(3, 4, (3, 2), rng=rng(seed)),
            ReLU(),
            MaxPool2D(2, 1),
            Flatten(),
            Dense(3 * 5 * 4, 3, rng=rng(seed + 1)),
        ],
        input_shape=(6, 7, 3),
    )


def train(epochs, path=None, *, momentum=0.0, seed=3, model=None, data=None, rate=0.05, batch_size=5):
    """A short training; 24 pictures in batches of 5: the last one is smaller."""
    model = model or network()
    optimizer = SGD(rate, momentum)
    history = fit(
        model,
        data or toy(),
        toy(9, seed=1),
        optimizer=optimizer,
        epochs=epochs,
        batch_size=batch_size,
        rng=rng(seed),
        checkpoint=path,
    )
    return model, history


@pytest.fixture(autouse=True, scope="module")
def every_two_epochs():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAVE_EVERY", 2)
        yield


def same(first, second):
    return all(np.array_equal(first.state()[name], value) for name, value in second.state().items())


def numbers(history):
    """The history without the seconds, which differ each time."""
    return {name: values for name, values in dataclasses.asdict(history).items() if name != "seconds"}


def test_training_learns_a_separable_problem():
    model, history = train(12)
    assert history.accuracy[-1] == history.val_accuracy[-1] == 1
    assert history.loss[-1] < 0.2 < history.loss[0]
    assert all(len(values) == 12 for values in dataclasses.asdict(history).values())
    assert evaluate(model, toy(9, seed=1).images, toy(9, seed=1).labels) == (
        history.val_loss[-1],
        history.val_accuracy[-1],
    )


def test_history_holds_means_over_pictures_not_over_batches():
    """With a learning rate too small to change anything, an epoch's loss is the untrained network's."""
    data = toy()
    expected = evaluate(network(), data.images, data.labels)
    _, history = train(1, rate=1e-12)
    assert abs(history.loss[0] - expected[0]) < 1e-6
    assert history.accuracy[0] == expected[1]


def test_evaluate_does_not_depend_on_its_batches():
    data, model = toy(), network()
    logits = model.predict(to_inputs(data.images))
    loss, accuracy = evaluate(model, data.images, data.labels, batch_size=7)
    assert abs(loss - softmax_cross_entropy(logits, data.labels)[0]) < 1e-6
    assert accuracy == (logits.argmax(axis=1) == data.labels).mean()


def test_every_picture_is_seen_once_an_epoch(monkeypatch):
    seen = []
    forward = Sequential.forward

    def watch(self, x):
        seen.extend(x[:, 0, 0, 0].tolist())
        return forward(self, x)

    monkeypatch.setattr(Sequential, "forward", watch)
    data = toy()
    data.images[:, 0, 0, 0] = np.arange(24)
    train(2, data=data)
    first, second = seen[:24], seen[24:]
    assert sorted(first) == sorted(second) == sorted(to_inputs(np.arange(24, dtype=np.uint8)).tolist())
    assert first != second
    assert first != sorted(first)


def test_pairs_of_arrays_will_do():
    data = toy()
    model, _ = train(2, data=(data.images, data.labels))
    assert same(model, train(2)[0])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_same_seed_gives_the_same_bits(momentum, monkeypatch):
    results = []
    for count in (1, 2, 3, 2):
        monkeypatch.setattr(threads, "cores", lambda count=count: count)
        results.append(train(3, momentum=momentum))
    for model, history in results[1:]:
        assert same(model, results[0][0])
        assert numbers(history) == numbers(results[0][1])
    assert not same(train(3, momentum=momentum, seed=4)[0], results[0][0])


class Killed(BaseException):
    """What no handler for errors catches, as a kill."""


def killed_at(epoch, monkeypatch, path, **options):
    """Train, and be killed in the evaluation that ends the given epoch."""
    calls = []

    def die(*arguments):
        calls.append(1)
        if len(calls) == epoch:
            raise Killed
        return evaluate(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training, "evaluate", die)
        with pytest.raises(Killed):
            train(7, path, **options)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("epoch", [1, 3, 4, 7])
def test_a_killed_training_goes_on_to_the_same_bits(momentum, epoch, tmp_path, monkeypatch, capsys):
    undisturbed = train(7, momentum=momentum)
    path = tmp_path / "training.npz"
    killed_at(epoch, monkeypatch, path, momentum=momentum)
    saved = (epoch - 1) // 2 * 2
    assert path.exists() == (saved > 0)
    capsys.readouterr()
    model, history = train(7, path, momentum=momentum)
    assert (f"Going on after epoch {saved} from training.npz" in capsys.readouterr().err) == (saved > 0)
    assert same(model, undisturbed[0])
    assert numbers(history) == numbers(undisturbed[1])
    assert len(history.seconds) == 7
    assert list(tmp_path.iterdir()) == []  # a training that is over leaves no checkpoint


@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_a_generator_whose_state_holds_arrays_goes_on_as_well(kind, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "rng", lambda seed=0: np.random.Generator(kind(seed)))
    killed_at(4, monkeypatch, tmp_path / "training.npz")
    model, history = train(7, tmp_path / "training.npz")
    undisturbed, expected = train(7)
    assert same(model, undisturbed)
    assert numbers(history) == numbers(expected)


def test_killed_twice(tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    killed_at(3, monkeypatch, path)
    killed_at(3, monkeypatch, path)  # that is in epoch 5
    model, history = train(7, path)
    assert same(model, train(7)[0])
    assert len(history.loss) == 7


def test_the_checkpoint_appears_whole(tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    killed_at(4, monkeypatch, path)
    kept = path.read_bytes()

    def die(file, **arrays):
        file.write(b"half")
        raise Killed

    monkeypatch.setattr(np, "savez", die)
    with pytest.raises(Killed):
        train(7, path)
    assert path.read_bytes() == kept
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "options",
    [
        {"rate": 0.04},
        {"momentum": 0.5},
        {"batch_size": 6},
        {"data": toy(seed=9)},
        {"data": SimpleNamespace(images=toy().images, labels=toy().labels[::-1])},
        {"model": network(5)},
        {"seed": 4},
    ],
    ids=lambda options: next(iter(options)),
)
def test_another_trainings_checkpoint_is_refused(options, tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    killed_at(3, monkeypatch, path)
    kept = path.read_bytes()
    with pytest.raises(ValueError, match=r"training.npz belongs to another training \(settings, .* differ\): delete"):
        train(7, path, **options)
    assert path.read_bytes() == kept


def test_a_checkpoint_of_other_code_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    killed_at(3, monkeypatch, path)
    monkeypatch.setattr(store, "code_digest", lambda *made_by: "another")
    with pytest.raises(ValueError, match=r"belongs to another training \(.* code differ\)"):
        train(7, path)


def test_a_checkpoint_that_is_further_than_asked_for_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    killed_at(5, monkeypatch, path)
    with pytest.raises(ValueError, match=r"training.npz holds 4 epochs, but 3 are asked for: delete it"):
        train(3, path)
    assert path.exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 0.5, -1])
def test_a_truncated_checkpoint_is_refused_by_name(kept, tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    killed_at(3, monkeypatch, path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(kept * len(raw)) if kept == 0.5 else kept])
    with pytest.raises(ValueError, match=r"training.npz is damaged \(.+\): delete it to start afresh"):
        train(7, path)


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), tail=st.booleans())
def test_a_flipped_bit_is_refused_by_name_or_changes_nothing(flipped, where, bit, tail):
    """Anywhere in the file, and as often in its last part, which says where the arrays lie."""
    path, raw, expected = flipped
    damaged = bytearray(raw)
    start = raw.find(b"PK\1\2") if tail else 0
    damaged[start + int(where * (len(raw) - start))] ^= 1 << bit
    path.write_bytes(damaged)
    model, message = None, ""
    try:
        model, _ = train(4, path, momentum=0.9)
    except ValueError as error:
        message = str(error)
    if model:
        assert same(model, expected)
    else:
        assert "training.npz is damaged" in message
        assert "delete it to start afresh" in message


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    path = tmp_path_factory.mktemp("flipped") / "training.npz"
    with pytest.MonkeyPatch.context() as patch:
        killed_at(3, patch, path, momentum=0.9)
    return path, path.read_bytes(), train(4, momentum=0.9)[0]


def test_another_file_is_no_checkpoint(tmp_path):
    network().save(tmp_path / "weights.npz")
    kept = (tmp_path / "weights.npz").read_bytes()
    with pytest.raises(ValueError, match=r"weights.npz belongs to another training"):
        train(7, tmp_path / "weights.npz")
    assert (tmp_path / "weights.npz").read_bytes() == kept


def test_a_checkpoint_holds_no_pickle(tmp_path, monkeypatch):
    path = tmp_path / "training.npz"
    killed_at(3, monkeypatch, path, momentum=0.9)
    with np.load(path, allow_pickle=False) as file:
        assert {file[name].dtype.kind for name in file.files} == {"f", "U"}
        assert json.loads(str(file["training"]))["history"].keys() == dataclasses.asdict(History()).keys()
    with zipfile.ZipFile(path) as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())


def test_a_loss_that_is_no_number_names_the_learning_rate():
    model = network()
    model.layers[0].params["w"][0, 0, 0, 0] = np.nan
    with pytest.raises(FloatingPointError, match=r"became nan in epoch 1, batch 1, with the learning rate 0.05: try"):
        train(2, model=model)


@pytest.mark.parametrize("fast", [True, False])
def test_a_training_that_diverges_ends_with_one_sentence_and_without_numpys_warnings(fast):
    model = report_cnn(24, 3, rng=rng(), fast=fast)
    images, labels = rng().integers(0, 256, (20, 24, 24, 3), dtype=np.uint8), np.arange(20) % 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FloatingPointError, match=r"became (nan|inf) in .*, with the learning rate 1000000"):
            fit(model, (images, labels), (images, labels), optimizer=SGD(1e6), epochs=3, batch_size=5, rng=rng())


@pytest.mark.parametrize("labels", [np.full(9, 3), np.zeros(8, int), np.zeros(0, int)])
def test_validation_labels_are_checked_before_anything_is_trained(labels):
    model = network()
    with pytest.raises(ValueError, match="abels"):
        fit(model, toy(), (toy(9).images, labels), optimizer=SGD(0.1), epochs=1, batch_size=5, rng=rng())
    assert same(model, network())
