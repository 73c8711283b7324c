"""Holds the project's mathematics against other people's: cases, how many agree, and the worst difference of each peer.

The peers are packages that nothing else here needs. `--yes` installs them (peers.txt) into .venv-peers, which sees the
packages of this environment too, and compares; `--installed` compares with those that are there already.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import sysconfig
import types
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np

from helpers.convolution import conv2d_backward, conv2d_forward
from helpers.explain import class_map, energy_inside, guided_backprop, pointing_game
from helpers.explain.randomisation import ssim
from helpers.metrics import classification_report, confusion_matrix, mcnemar, mean_interval, wilson_interval
from helpers.network import SGD, Conv2D, Dense, Flatten, MaxPool2D, ReLU, Sequential, softmax, softmax_cross_entropy
from helpers.pooling import max_pool2d_backward, max_pool2d_forward

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-peers"
PINS = Path(__file__).with_name("peers.txt")
COST = """make peers compares with packages that nothing else here needs, in an environment of their own, .venv-peers.
To install them downloads PyTorch, which is gigabytes on Linux, and about 40 MB of others:

    make peers PEERS=--yes         installs them and compares
    make peers PEERS=--installed   compares with those that are there already"""
TOLERANCE = {"float64": 1e-11, "float32": 2e-6}  # of the largest number of a result
Pairs = Iterator[tuple[str, object, object]]  # what is compared, ours, theirs


def drawn(rng, *shape):
    return rng.normal(size=shape)


# ONNX: the cases that every implementation of its operators is tested by ----------------------------------------------


def onnx_cases() -> Pairs:
    from onnx.backend.test.case.node import collect_testcases
    from onnx.helper import get_attribute_value

    for case in collect_testcases(None):
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in ONNX:
            given = {attribute.name: get_attribute_value(attribute) for attribute in nodes[0].attribute}
            for inputs, outputs in case.data_sets:
                ours = ONNX[nodes[0].op_type](given, *inputs)
                if ours is not None:  # None: the case asks for what the project does not have, such as dilation
                    yield case.name, ours, outputs[0]


def _margins(given: dict, sizes: tuple, kernel: tuple) -> list | None:
    """Return the padding of rows and columns that a node asks for, or None where it is not for two equal directions."""
    strides = given.get("strides", [1, 1])
    if len(sizes) != 2 or len(set(strides)) > 1 or set(given.get("dilations", [1])) != {1} or given.get("ceil_mode"):
        return None
    kind, pads = given.get("auto_pad", b"NOTSET").decode(), given.get("pads", [0, 0, 0, 0])
    if kind.startswith("SAME"):
        needed = [max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(sizes, strides, kernel, strict=True)]
        less = [n // 2 if kind == "SAME_UPPER" else n - n // 2 for n in needed]
        return [(a, n - a) for a, n in zip(less, needed, strict=True)]
    return [(pads[0], pads[2]), (pads[1], pads[3])]


def _onnx_conv(given, x, w, b=None):
    margins, strides = _margins(given, x.shape[2:], w.shape[2:]), given.get("strides", [1])
    if margins is None or given.get("group", 1) != 1:
        return None
    x = np.pad(x.transpose(0, 2, 3, 1), [(0, 0), *margins, (0, 0)])
    out, _ = conv2d_forward(x, w.transpose(2, 3, 1, 0), np.zeros(len(w), w.dtype) if b is None else b, strides[0])
    return out.transpose(0, 3, 1, 2)


def _onnx_max_pool(given, x):
    kernel = given["kernel_shape"]
    margins = _margins(given, x.shape[2:], kernel)
    if margins is None or len(set(kernel)) > 1 or given.get("storage_order") or x.dtype.kind != "f":
        return None
    x = np.pad(x.transpose(0, 2, 3, 1), [(0, 0), *margins, (0, 0)], constant_values=np.finfo(x.dtype).min)
    return max_pool2d_forward(x, kernel[0], given.get("strides", [1])[0])[0].transpose(0, 3, 1, 2)


def _onnx_softmax(given, x):
    axis = given.get("axis", -1)
    return np.moveaxis(softmax(np.moveaxis(x, axis, -1)), -1, axis)


def _onnx_gemm(given, a, b, c=0.0):
    a, b = a.T if given.get("transA") else a, b.T if given.get("transB") else b
    bias = np.broadcast_to(given.get("beta", 1.0) * np.asarray(c), (len(a), b.shape[1]))
    if (bias != bias[0]).any():
        return None
    dense = Dense(*b.shape, rng=None, dtype=np.float32)
    dense.params = {"w": np.float32(given.get("alpha", 1.0)) * b, "b": bias[0].astype(np.float32)}
    return dense.forward(np.ascontiguousarray(a))


def _onnx_loss(given, logits, labels, weights=None):
    if given.get("reduction", b"mean") != b"mean" or weights is not None or (labels == given.get("ignore_index")).any():
        return None
    return softmax_cross_entropy(np.moveaxis(logits, 1, -1).reshape(-1, logits.shape[1]), labels.reshape(-1))[0]


ONNX = {
    "Conv": _onnx_conv,
    "MaxPool": _onnx_max_pool,
    "GlobalMaxPool": lambda given, x: _onnx_max_pool({"kernel_shape": x.shape[2:]}, x),
    "Softmax": _onnx_softmax,
    "Gemm": _onnx_gemm,
    "Relu": lambda given, x: ReLU().forward(x),
    "SoftmaxCrossEntropyLoss": _onnx_loss,
}


# PyTorch: forward and every gradient, over drawn shapes ---------------------------------------------------------------


def torch_cases() -> Pairs:
    yield from _torch_convolutions()
    yield from _torch_pools()
    yield from _torch_dense()
    yield from _torch_training()


def _images(array):
    import torch

    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2))).requires_grad_()


def _last(tensor):
    return tensor.detach().numpy().transpose(0, 2, 3, 1)


def _torch_convolutions() -> Pairs:
    import torch

    rng = np.random.default_rng(0)
    for case in range(300):
        (n, h, w, c, f), (kh, kw) = rng.integers(1, [5, 12, 12, 5, 6]), rng.integers(1, 5, 2)
        stride, pad = (int(v) for v in rng.integers([1, 0], [4, 3]))
        if h + 2 * pad >= kh and w + 2 * pad >= kw:
            x, kernel, b = drawn(rng, n, h, w, c), drawn(rng, kh, kw, c, f), drawn(rng, f)
            out, cache = conv2d_forward(x, kernel, b, stride, pad)
            dout = drawn(rng, *out.shape)
            tx, tb = _images(x), torch.from_numpy(b).requires_grad_()
            tw = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))).requires_grad_()
            theirs = torch.nn.functional.conv2d(tx, tw, tb, stride, pad)
            theirs.backward(_images(dout))
            expected = _last(theirs), _last(tx.grad), tw.grad.numpy().transpose(2, 3, 1, 0), tb.grad.numpy()
            yield f"convolution {case}", [out, *conv2d_backward(dout, cache)], list(expected)


def _torch_pools() -> Pairs:
    import torch

    rng = np.random.default_rng(1)
    for case in range(200):
        (n, h, w, c), size, stride = rng.integers(1, [4, 12, 12, 5]), *(int(v) for v in rng.integers(1, [5, 4]))
        if min(h, w) >= size:
            x = drawn(rng, n, h, w, c) if case % 2 else rng.integers(0, 3, (n, h, w, c)).astype(float)  # with ties
            out, cache = max_pool2d_forward(x, size, stride)
            dout = drawn(rng, *out.shape)
            tx = _images(x)
            theirs = torch.nn.functional.max_pool2d(tx, size, stride)
            theirs.backward(_images(dout))
            yield f"pooling {case}", [out, max_pool2d_backward(dout, cache)], [_last(theirs), _last(tx.grad)]


def _torch_dense() -> Pairs:
    import torch

    rng = np.random.default_rng(2)
    for case in range(100):
        n, inputs, outputs = rng.integers(1, [9, 200, 20])
        x, dout, dense = drawn(rng, n, inputs), drawn(rng, n, outputs), Dense(inputs, outputs, rng=rng, dtype=float)
        dense.params["b"][:] = drawn(rng, outputs)
        tx, w, b = (torch.from_numpy(a.copy()).requires_grad_() for a in (x, dense.params["w"], dense.params["b"]))
        theirs = torch.nn.functional.linear(tx, w.T, b)
        theirs.backward(torch.from_numpy(dout))
        ours = [dense.forward(x), dense.backward(dout), dense.grads["w"], dense.grads["b"]]
        yield f"dense {case}", ours, [each.detach().numpy() for each in (theirs, tx.grad, w.grad, b.grad)]


def _network(rng, classes=3):
    """Return a small network with every kind of layer, and its copy in PyTorch; images are 12 x 11."""
    import torch
    from torch import nn

    ours = Sequential([
        Conv2D(3, 5, 3, rng=rng, dtype=float), ReLU(), MaxPool2D(2, 1), Conv2D(5, 6, 3, 2, 1, rng=rng, dtype=float),
        ReLU(), Flatten(), Dense(120, 7, rng=rng, dtype=float), ReLU(), Dense(7, classes, rng=rng, dtype=float),
    ])  # fmt: skip
    theirs = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2, 1), nn.Conv2d(5, 6, 3, 2, 1),
        nn.ReLU(), nn.Flatten(), nn.Linear(120, 7), nn.ReLU(), nn.Linear(7, classes),
    ).double()  # fmt: skip
    for k, layer in enumerate(ours.layers):
        if layer.params:
            layer.params["b"][:] = 0.1 * drawn(rng, *layer.params["b"].shape)
            w = layer.params["w"]
            if k == 6:  # PyTorch flattens channels first
                w = w.reshape(5, 4, 6, 7).transpose(2, 0, 1, 3).reshape(120, 7)
            w = w.transpose(3, 2, 0, 1) if w.ndim == 4 else w.T
            with torch.no_grad():
                theirs[k].weight.copy_(torch.from_numpy(w.copy()))
                theirs[k].bias.copy_(torch.from_numpy(layer.params["b"]))
    return ours, theirs


def _torch_training() -> Pairs:
    """Yield the losses of 20 steps of training, for several batch sizes and momenta."""
    import torch

    for case, (batch, momentum) in enumerate([(1, 0.0), (2, 0.9), (7, 0.5), (10, 0.0), (30, 0.9)]):
        rng = np.random.default_rng(case)
        (ours, theirs), optimizer = _network(rng), SGD(0.01, momentum)
        other, losses = torch.optim.SGD(theirs.parameters(), 0.01, momentum), []
        for _ in range(20):
            x, labels = rng.random((batch, 12, 11, 3)), rng.integers(0, 3, batch)
            loss, dlogits = softmax_cross_entropy(ours.forward(x), labels)
            ours.backward(dlogits)
            optimizer.step(ours)
            other.zero_grad()
            expected = torch.nn.functional.cross_entropy(theirs(_images(x)), torch.from_numpy(labels))
            expected.backward()
            other.step()
            losses.append((loss, expected.item()))
        yield f"training {case}", *np.array(losses).T


# Explanations ---------------------------------------------------------------------------------------------------------


def captum_cases() -> Pairs:
    from captum.attr import Deconvolution, GuidedBackprop, LayerGradCam, Saliency

    methods = {"guided": GuidedBackprop, "deconvnet": Deconvolution, "gradient": Saliency}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        (ours, theirs), image = _network(rng), rng.random((12, 11, 3))
        for rule, method in methods.items():
            options = {"abs": False} if rule == "gradient" else {}
            expected = _last(method(theirs).attribute(_images(image[None]), target=1, **options))[0]
            yield f"{rule} {seed}", guided_backprop(ours, image, len(ours.layers) - 1, 1, rule), expected
        cam = LayerGradCam(theirs, theirs[4]).attribute(_images(image[None]), target=2, relu_attributions=True)
        yield f"Grad-CAM {seed}", class_map(ours, image, 2, 4), _last(cam)[0, :, :, 0]


def grad_cam_cases() -> Pairs:
    if not importlib.util.find_spec("torchvision"):  # it is imported for what is not asked of it here
        for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional"):
            sys.modules[name] = types.ModuleType(name)
        for name in ("Compose", "Normalize", "ToTensor", "resize"):
            setattr(sys.modules["torchvision.transforms"], name, None)
            setattr(sys.modules["torchvision.transforms.functional"], name, None)
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    for seed in range(20):
        rng = np.random.default_rng(seed)
        (ours, theirs), image = _network(rng), rng.random((12, 11, 3))
        x, targets = _images(image[None]), [ClassifierOutputTarget(0)]
        with GradCAM(theirs, [theirs[4]]) as method:
            method(x, targets)
            kept = method.activations_and_grads
            arrays = [each.detach().numpy() for each in (kept.activations[0], kept.gradients[0])]
            expected = np.maximum(method.get_cam_image(x, theirs[4], targets, *arrays)[0], 0)  # before it is stretched
        yield f"Grad-CAM {seed}", class_map(ours, image, 0, 4), expected


def quantus_cases() -> Pairs:
    from quantus import PointingGame, RelevanceMassAccuracy

    rng = np.random.default_rng(3)
    maps, masks = rng.random((60, 12, 11)), rng.random((60, 12, 11)) < 0.4
    images, options = np.zeros((60, 1, 12, 11)), {"disable_warnings": True, "display_progressbar": False}
    for name, metric, own in (
        ("pointing", PointingGame(abs=False, normalise=False, **options), pointing_game),
        ("energy", RelevanceMassAccuracy(abs=False, normalise=False, **options), energy_inside),
    ):
        given = {"x_batch": images, "y_batch": np.zeros(60, int), "a_batch": maps[:, None], "s_batch": masks[:, None]}
        theirs = metric(model=None, **given)
        for k in range(60):
            yield f"{name} {k}", np.float64(own(maps[k], masks[k])), np.float64(theirs[k])


def skimage_cases() -> Pairs:
    from skimage.metrics import structural_similarity

    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    for seed in range(50):
        rng = np.random.default_rng(seed)
        a = rng.random(rng.integers(11, 60, 2))
        b = a + rng.normal(0, 0.2, a.shape)
        _, each = structural_similarity(a, b, full=True, **options)
        yield f"SSIM {seed}", ssim(a, b), each[5:-5, 5:-5].mean()  # where the window lies inside


# Measures -------------------------------------------------------------------------------------------------------------


def sklearn_cases() -> Pairs:
    from sklearn import metrics

    for seed in range(50):
        rng = np.random.default_rng(seed)
        classes, n = int(rng.integers(2, 9)), int(rng.integers(1, 200))
        actual, predicted, logits = *rng.integers(0, classes, (2, n)), 5 * drawn(rng, n, classes)
        matrix = confusion_matrix(actual, predicted, classes)
        yield f"matrix {seed}", matrix, metrics.confusion_matrix(actual, predicted, labels=range(classes))
        own, there = classification_report(matrix), (matrix.sum(axis=0) > 0) & (matrix.sum(axis=1) > 0)
        scores = metrics.precision_recall_fscore_support(actual, predicted, labels=range(classes), zero_division=np.nan)
        for name, theirs in zip(("precision", "recall", "f1", "support"), scores, strict=True):
            yield f"{name} {seed}", own[name][there], theirs[there]
        loss = metrics.log_loss(actual, softmax(logits), labels=range(classes))
        yield f"loss {seed}", softmax_cross_entropy(logits, actual)[0], loss


def statsmodels_cases() -> Pairs:
    from statsmodels.stats.api import DescrStatsW, proportion_confint
    from statsmodels.stats.contingency_tables import mcnemar as theirs_mcnemar

    for trials in (1, 2, 7, 60, 1000):
        for successes in sorted({0, 1, trials // 3, trials - 1, trials}):
            for confidence in (0.5, 0.95, 0.999):
                theirs = proportion_confint(successes, trials, 1 - confidence, "wilson")
                yield f"Wilson {successes}/{trials}", wilson_interval(successes, trials, confidence), theirs
    for seed in range(50):
        rng = np.random.default_rng(seed)
        values = drawn(rng, rng.integers(2, 30))
        yield f"mean {seed}", mean_interval(values)[1:], DescrStatsW(values).tconfint_mean(0.05)
        actual, first, second = rng.integers(0, 3, (3, 60))
        table = confusion_matrix((first == actual).astype(int), (second == actual).astype(int), 2)
        yield f"McNemar {seed}", mcnemar(actual, first, second)[2], theirs_mcnemar(table, exact=True).pvalue


# The table ------------------------------------------------------------------------------------------------------------


PEERS = {  # the name of the package: the module to look for, and the cases
    "onnx": ("onnx", onnx_cases),
    "torch": ("torch", torch_cases),
    "captum": ("captum", captum_cases),
    "grad-cam": ("pytorch_grad_cam", grad_cam_cases),
    "quantus": ("quantus", quantus_cases),
    "scikit-image": ("skimage", skimage_cases),
    "scikit-learn": ("sklearn", sklearn_cases),
    "statsmodels": ("statsmodels", statsmodels_cases),
}


def compare(name: str, cases) -> bool:
    """Print a peer's row; return whether all cases agree."""
    count, wrong, worst = 0, [], 0.0
    for case, ours, theirs in cases():
        ours, theirs = (
            [np.asarray(a) for a in (pair if isinstance(pair, list) else [pair])] for pair in (ours, theirs)
        )
        apart = [difference(a, b) for a, b in zip(ours, theirs, strict=True)]
        count, worst = count + 1, max(worst, *(d for d, _ in apart))
        wrong += [case] if any(d > most for d, most in apart) else []
    version = metadata.version(name)
    print(f"{name:14}{version:>10}{count:>8}{count - len(wrong):>8}{worst:>12.1e}  {', '.join(wrong[:5])}", flush=True)
    return not wrong


def difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return the largest difference as a share of the largest number, and what it may be in this precision."""
    if a.shape != b.shape:
        return float("inf"), 0.0
    single = np.float32 in (a.dtype, b.dtype)
    apart = np.abs(a.astype(float) - b.astype(float)).max(initial=0) / (np.abs(b.astype(float)).max(initial=0) or 1)
    return float(apart), TOLERANCE["float32" if single else "float64"]


def install() -> None:
    """Make .venv-peers, which sees this environment's packages, and install what peers.txt pins."""
    subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    pip = [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    site = subprocess.run([python(), "-c", SITE], capture_output=True, text=True, check=True).stdout.strip()
    Path(site, "project.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    torch = next(line for line in PINS.read_text(encoding="utf-8").splitlines() if line.startswith("torch=="))
    subprocess.run([*pip, torch], check=True)
    subprocess.run([*pip, "--no-deps", "--requirement", PINS], check=True)


SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


def python() -> Path:
    return ENVIRONMENT / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def main() -> int:
    """Say what an installation costs, install, or compare; return 1 if a case does not agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--yes", action="store_true", help="install the peers, then compare")
    parser.add_argument("--installed", action="store_true", help="compare with those that are there already")
    given = parser.parse_args()
    if not given.yes and not given.installed:
        print(COST)
        return 0
    if given.yes:
        install()
    if python().exists() and Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        again = [python(), __file__, "--installed", *given.only]
        return subprocess.run(
            again, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
        ).returncode
    print(f"{'peer':14}{'version':>10}{'cases':>8}{'passed':>8}{'worst':>12}")
    agreed = []
    for name, (module, cases) in PEERS.items():
        if given.only and name not in given.only:
            continue
        if importlib.util.find_spec(module):
            agreed.append(compare(name, cases))
        else:
            print(f"{name:14}  not installed", flush=True)
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the peers' own
    sys.exit(main())
