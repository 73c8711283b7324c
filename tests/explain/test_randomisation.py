"""The cascading randomisation on small networks, in Keras and in NumPy: what is drawn, what stays, what is compared."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from helpers import explain
from helpers.explain import comparison
from helpers.explain.randomisation import rank_correlation, scaled, ssim
from helpers.network import Conv2D, Dense, Flatten, ReLU, Sequential
from helpers.vgg19.backend import keras

L = keras.layers
SHAPE, MAP = (13, 15, 2), (14, 20)


def rng(seed=0):
    return np.random.default_rng(seed)


def keras_net():
    x = inputs = keras.Input(SHAPE)
    for layer in (L.Conv2D(4, 3, padding="same", activation="relu", name="conv"), L.GlobalAveragePooling2D(name="pool"),
                  L.Dense(5, activation="relu", name="hidden"), L.Dense(3, name="scores")):  # fmt: skip
        x = layer(x)
    model = keras.Model(inputs, x)
    model.set_weights([rng(k).normal(size=w.shape) for k, w in enumerate(model.get_weights())])
    return model


def numpy_net():
    new = {"rng": rng(), "dtype": np.float64}
    return Sequential([Conv2D(2, 4, 3, pad=1, **new), ReLU(), Flatten(), Dense(13 * 15 * 4, 3, **new)])


IMAGE = rng(5).normal(size=SHAPE)


def saliency(model):
    return np.abs(explain.class_gradients(model, IMAGE[None], [1])).max(axis=3)


@pytest.mark.parametrize("build", [keras_net, numpy_net])
def test_nothing_drawn_is_likeness_one(build):
    result = explain.randomisation_test(build(), saliency, rng=rng(), stages={})
    assert result.stages == ("none",)
    assert result.ssim.shape == result.rank.shape == (1, 1)
    np.testing.assert_allclose([result.ssim, result.rank], 1)


@pytest.mark.parametrize("build", [keras_net, numpy_net])
def test_a_map_of_the_image_alone_keeps_one_throughout(build):
    edges = comparison.baseline_maps(rng().integers(0, 256, (1, 13, 15, 3), dtype=np.uint8), rng())["edge"][0]
    result = explain.randomisation_test(build(), lambda model: edges, rng=rng())
    assert len(result.stages) == 1 + sum(bool(w) for w in _layers_with_weights(build()))
    np.testing.assert_allclose([result.ssim, result.rank], 1)


@pytest.mark.parametrize("build", [keras_net, numpy_net])
def test_a_map_of_the_weights_is_lost(build):
    result = explain.randomisation_test(build(), saliency, rng=rng())
    assert result.ssim[0, 0] == pytest.approx(1)
    assert result.rank[-1, 0] < 0.9
    assert result.ssim[-1, 0] < 0.9


def test_the_top_is_drawn_first_and_stays_drawn():
    model = keras_net()
    before = {name: model.get_layer(name).get_weights() for name in ("conv", "hidden", "scores")}
    stages = []

    def look(clone):
        stages.append({n for n in before if not _same(clone.get_layer(n).get_weights(), before[n])})
        return np.zeros((11, 11))

    result = explain.randomisation_test(model, look, rng=rng())
    assert result.stages == ("none", "scores", "hidden", "conv")
    assert stages == [set(), set(), {"scores"}, {"scores", "hidden"}, {"scores", "hidden", "conv"}]
    assert all(_same(model.get_layer(n).get_weights(), before[n]) for n in before)  # the model itself is left alone


def test_a_numpy_network_is_left_alone_too():
    net = numpy_net()
    before = {name: value.copy() for name, value in net.state().items()}
    explain.randomisation_test(net, saliency, rng=rng())
    assert all(np.array_equal(value, before[name]) for name, value in net.state().items())


@pytest.mark.parametrize(("build", "layer"), [(keras_net, "hidden"), (numpy_net, 3)])
def test_kernels_have_kaimings_spread_and_biases_are_zero(build, layer):
    seen = []
    explain.randomisation_test(
        build(), lambda m: seen.append(m) or np.zeros((11, 11)), rng=rng(), stages={"one": [layer]}
    )
    drawn = (
        seen[-1].get_layer(layer).get_weights() if build is keras_net else list(seen[-1].layers[layer].params.values())
    )
    kernel, bias = drawn
    assert kernel.std() == pytest.approx(np.sqrt(2 / kernel.shape[0]), rel=0.5)
    assert not bias.any()


def test_the_same_seed_gives_the_same_and_stages_may_hold_several_layers():
    results = [
        explain.randomisation_test(keras_net(), saliency, rng=rng(seed), stages={"top": ["scores", "hidden"]})
        for seed in (1, 1, 2)
    ]
    assert results[0].stages == ("none", "top")
    assert np.array_equal(results[0].rank, results[1].rank)
    assert not np.array_equal(results[0].rank, results[2].rank)


def test_many_maps_are_compared_one_by_one():
    changing = iter([0.0, 0.0, 1.0])
    ramp = np.arange(143.0).reshape(11, 13)

    def two(model):
        return np.stack([ramp, ramp[::-1] if next(changing) else ramp])[None]

    result = explain.randomisation_test(keras_net(), two, rng=rng(), stages={"top": ["scores"]})
    assert result.rank.shape == (2, 1, 2)
    np.testing.assert_allclose(result.rank[0], 1)
    assert result.rank[1, 0, 0] == pytest.approx(1)
    assert result.rank[1, 0, 1] < -0.9


def test_every_stage_is_compared_with_the_trained_network():
    ramp = np.arange(143.0).reshape(11, 13)
    maps = iter([ramp, ramp, ramp[::-1], ramp[::-1]])
    stages = {"top": ["scores"], "next": ["hidden"]}
    result = explain.randomisation_test(keras_net(), lambda model: next(maps), rng=rng(), stages=stages)
    assert result.rank[1] == result.rank[2] < -0.9


@pytest.mark.parametrize(
    ("build", "ask", "says"),
    [
        (keras_net, {"stages": {"x": ["conv9"]}}, "no layer 'conv9'"),
        (keras_net, {"stages": {"x": ["pool"]}}, "no layer 'pool'"),
        (numpy_net, {"stages": {"x": [1]}}, "no layer 1"),
        (keras_net, {"method": lambda m: np.zeros(11)}, "always as many"),
    ],
)
def test_wrong_questions_get_a_sentence(build, ask, says):
    with pytest.raises(ValueError, match=says):
        explain.randomisation_test(build(), **{"method": saliency, "rng": rng()} | ask)


def test_weights_that_are_no_kernel_are_refused():
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, L.BatchNormalization(name="norm")(inputs))
    with pytest.raises(ValueError, match="no kernel and biases"):
        explain.randomisation_test(model, lambda m: np.zeros((11, 11)), rng=rng())


def _layers_with_weights(model):
    return [layer.params if isinstance(model, Sequential) else layer.weights for layer in model.layers]


def _same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


# --- likeness --------------------------------------------------------------------------------------------------------


def ssim_by_loops(a, b, data_range):
    """Wang et al. (2004) word for word: every window, its weights, its five statistics."""
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2, values = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2, []
    for row in range(a.shape[0] - 10):
        for col in range(a.shape[1] - 10):
            x, y = a[row : row + 11, col : col + 11], b[row : row + 11, col : col + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            values.append((2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))
    return np.mean(values)


@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_ssim_is_the_definition(data_range):
    a, b = rng().random((2, *MAP)) * data_range
    for other in (b, 0.5 * a + 0.5 * b, data_range - a):
        assert ssim(a, other, data_range) == pytest.approx(ssim_by_loops(a, other, data_range), abs=1e-5)


def test_ssim_of_known_pairs():
    a = rng().random(MAP)
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(np.zeros(MAP), np.zeros(MAP)) == pytest.approx(1)
    assert ssim(np.zeros(MAP), np.ones(MAP)) == pytest.approx(1e-4 / (1 + 1e-4), abs=1e-6)  # only C1 / (1 + C1) is left
    assert ssim(a, 1 - a) < 0


@pytest.mark.parametrize("shapes", [(MAP, MAP[::-1]), ((10, 20), (10, 20))])
def test_ssim_refuses_other_shapes(shapes):
    with pytest.raises(ValueError, match="11 x 11"):
        ssim(*map(np.ones, shapes))


def test_rank_correlation_is_spearmans():
    a = rng().random(MAP)
    b = np.round(4 * (a + rng(1).random(MAP)))  # with many ties
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b, axis=None).statistic)
    assert rank_correlation(a, a**3) == pytest.approx(1)
    assert rank_correlation(a, -a) == pytest.approx(-1)


def test_a_map_without_an_order_is_like_no_other():
    a, flat = rng().random(MAP), np.ones(MAP)
    assert rank_correlation(a, flat) == rank_correlation(flat, a) == 0
    assert rank_correlation(flat, 2 * flat) == 1


def test_scaled_is_the_size_relative_to_the_largest():
    heat = np.stack([np.full(MAP, -4.0), np.zeros(MAP), np.full(MAP, 8.0)])
    heat[0, 0, 0] = 2
    result = scaled(heat)
    assert result[0, 0, 0] == 0.5
    assert result[0].max() == result[2].max() == 1
    assert not result[1].any()
