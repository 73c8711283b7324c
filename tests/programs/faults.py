"""Tests the tests: plants one deliberate fault at a time in a copy of the project, and sees whether its tests fail.

`python tests/programs/faults.py` prints a line a fault and the number of survivors,
and exits with 1 when there is one, or when the text that a fault replaces does not stand exactly once where it should:
then this table has to follow the code. `--check` looks at that alone, in a second.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOT_NEEDED = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "caltech101", "scenes.npz")


@dataclass
class Fault:
    """`old` becomes `new` in helpers/`file`, and a pair `also` likewise; `tests` must fail.

    They are named as in "vgg19/backbone -k cache": those of tests/vgg19/test_backbone.py with cache in their name.
    """

    what: str
    file: str
    old: str
    new: str
    tests: str
    also: tuple[str, str] | tuple[()] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(self.old, self.new), *([self.also] if self.also else [])]

    @property
    def test_files(self) -> list[str]:
        paths = [Path("tests", name) for name in self.tests.partition(" -k ")[0].split()]
        return [path.with_name(f"test_{path.name}.py").as_posix() for path in paths]

    @property
    def expression(self) -> str:
        return self.tests.partition(" -k ")[2]


FAULTS = [
    # Mathematics
    Fault(
        "the kernel is not turned",
        "convolution.py",
        "kernel.shape[:2], kernel[::-1, ::-1]",
        "kernel.shape[:2], kernel",
        "convolution",
    ),
    Fault("the backward kernel is not turned", "convolution.py", "turned = w[::-1, ::-1]", "turned = w", "convolution"),
    Fault(
        "the padding is dropped",
        "convolution.py",
        "    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))\n    windows",
        "    windows",
        "convolution",
    ),
    Fault(
        "the fan-in is the fan-out",
        "convolution.py",
        "fan_in = np.prod(shape[:-1])",
        "fan_in = np.prod(shape[:-2]) * shape[-1]",
        "convolution",
    ),
    Fault(
        "the spread is 2/n, not its root", "convolution.py", "np.sqrt(gain / fan_in)", "(gain / fan_in)", "convolution"
    ),
    Fault(
        "the bias gradient is of one image only",
        "convolution.py",
        "db = dout.sum(axis=(0, 1, 2))",
        "db = dout[0].sum(axis=(0, 1))",
        "convolution",
    ),
    Fault(
        "the last maximum wins a tie",
        "pooling.py",
        "winner = windows.argmax(axis=3)",
        "winner = size * size - 1 - windows[:, :, :, ::-1].argmax(axis=3)",
        "pooling",
    ),
    Fault(
        "a tie is shared",
        "pooling.py",
        "pixels += dout * (winner == u * size + v)",
        "pixels += dout / size**2",
        "pooling",
    ),
    Fault(
        "overlapping windows overwrite each other",
        "pooling.py",
        "pixels += dout * (winner == u * size + v)",
        "pixels[:] = dout * (winner == u * size + v)",
        "pooling",
    ),
    Fault("ReLU'(0) is 1", "layers.py", "self.cache = x > 0", "self.cache = x >= 0", "layers"),
    Fault(
        "the dense bias gradient is summed over the wrong axis",
        "layers.py",
        'self.grads = {"w": x.T @ dout, "b": dout.sum(axis=0)}',
        'self.grads = {"w": x.T @ dout, "b": np.resize(dout.sum(axis=1), dout.shape[1])}',
        "layers",
    ),
    Fault(
        "flattening puts channels first",
        "layers.py",
        "return x.reshape(len(x), -1)",
        "return np.moveaxis(x, -1, 1).reshape(len(x), -1)",
        "layers",
    ),
    Fault(
        "softmax is not shifted",
        "training.py",
        "np.exp(logits - logits.max(axis=-1, keepdims=True))",
        "np.exp(logits)",
        "training",
    ),
    Fault(
        "the loss is not shifted",
        "training.py",
        "shifted = logits - logits.max(axis=1, keepdims=True)",
        "shifted = logits",
        "training",
    ),
    Fault("the loss's gradient is a sum", "training.py", "dlogits / len(labels)", "dlogits", "training"),
    Fault(
        "momentum has the wrong sign",
        "training.py",
        "velocity *= self.momentum",
        "velocity *= -self.momentum",
        "training",
    ),
    Fault(
        "pictures come in the same order each epoch",
        "training.py",
        "order = rng.permutation(count)",
        "order = np.arange(count)",
        "training",
    ),
    Fault("no bias in the stage", "engine/winograd.py", "products[:, 1] += bias", "pass", "engine/fused"),
    Fault(
        "the bias is added to one row of four",
        "engine/winograd.py",
        "products[:, 1] += bias",
        "products[:, 0] += bias",
        "engine/fused",
    ),
    Fault("no ReLU in the stage", "engine/fused.py", "np.maximum(new, 0, out=new)", "pass", "engine/fused"),
    Fault(
        "both rows of a window get its gradient",
        "engine/fused.py",
        "upper ^= lower",
        "pass",
        "engine/fused",
    ),
    Fault(
        "a piece's last rows count twice",
        "engine/fused.py",
        "min(bottom, top + len(into), len(right))",
        "min(top + len(into), len(right))",
        "engine/fused",
    ),
    Fault(
        "only the first image's gradients count",
        "engine/images.py",
        '{"w": sum(of[k][0] for of in grads), "b": sum(of[k][1] for of in grads)}',
        '{"w": grads[0][k][0], "b": grads[0][k][1]}',
        "engine/specification",
    ),
    Fault(
        "gradients hang on the caller's array",
        "engine/dense.py",
        "self._pulled = x, np.array(dout)",
        "self._pulled = x, dout",
        "engine/dense -k made_of",
    ),
    Fault(
        "two networks share their weights",
        "layers.py",
        ".astype(param.dtype, copy=copy)",
        ".astype(param.dtype, copy=False)",
        "network -k copy",
    ),
    Fault(
        "the half files of living writers are removed",
        "store/files.py",
        "and not psutil.pid_exists(int(writer))",
        "",
        "store/files -k killed",
    ),
    Fault(
        "an image is taken for another where dL/dx goes in pieces",
        "engine/dense.py",
        "np.ascontiguousarray(dout.T)",
        "np.ascontiguousarray(dout[::-1].T)",
        "engine/dense -k pieces",
    ),
    Fault(
        "the weights climb",
        "training.py",
        "param -= self.learning_rate * grad",
        "param += self.learning_rate * grad",
        "training",
    ),
    Fault(
        "the last piece of a block is left out of the sum",
        "engine/dense.py",
        "out=products).sum(axis=0, out=",
        "out=products)[:-1].sum(axis=0, out=",
        "engine/dense -k pieces",
    ),
    Fault(
        "the last maximum of a row wins in the stage",
        "engine/fused.py",
        "np.greater(conv[:, 1:], conv[:, :-1], out=right",
        "np.greater_equal(conv[:, 1:], conv[:, :-1], out=right",
        "promises/correctness -k first_maximum",
    ),
    Fault("a sign is wrong in Winograd's identity", "engine/winograd.py", "[1, -2, 4]", "[1, -2, -4]", "engine/fused"),
    Fault(
        "kernel height and width change places in dL/dx",
        "convolution.py",
        "kh - 1 :: stride, kw - 1 :: stride",
        "kw - 1 :: stride, kh - 1 :: stride",
        "convolution -k adjoint",
    ),
    Fault(
        "by loops the bias gradient is the last one only",
        "convolution.py",
        "db[f] += dout[n, i, j, f]",
        "db[f] = dout[n, i, j, f]",
        "convolution -k loops",
    ),
    Fault(
        "rows and columns of a window change places in its gradient",
        "pooling.py",
        "winner == u * size + v",
        "winner == v * size + u",
        "pooling -k hand",
    ),
    Fault(
        "by loops overlapping windows overwrite each other",
        "pooling.py",
        "stride + v, c] += dout",
        "stride + v, c] = dout",
        "pooling -k hand",
    ),
    Fault("the ReLU changes its input", "layers.py", "np.maximum(x, 0)", "np.maximum(x, 0, out=x)", "layers -k relu"),
    Fault(
        "a network that is asked remembers",
        "layers.py",
        "copy.copy(self).forward(x)",
        "self.forward(x)",
        "network -k remembers",
    ),
    Fault(
        "dense weights are drawn as for a ReLU", "layers.py", "rng, dtype, gain=1)", "rng, dtype)", "layers -k fan_ins"
    ),
    Fault(
        "the loss changes the logits",
        "training.py",
        "shifted = logits - logits.max(axis=1, keepdims=True)",
        "logits -= logits.max(axis=1, keepdims=True)\n        shifted = logits",
        "training -k entropy",
    ),
    Fault(
        "the last batch counts as a whole one",
        "training.py",
        "total += loss * len(batch)",
        "total += loss * len(batches[0])",
        "training -k history",
    ),
    Fault(
        "the velocity takes the gradient without the rate",
        "training.py",
        "velocity -= self.learning_rate * grad",
        "velocity -= grad",
        "training -k momentum",
    ),
    Fault("a number that was moved stays moved", "gradients.py", "        x[index] = kept\n", "", "gradients"),
    Fault(
        "each block takes the first block's velocity",
        "engine/dense.py",
        'velocity["w"][rows]',
        'velocity["w"][: rows.stop - rows.start]',
        "engine/dense -k blocks",
    ),
    Fault(
        "the rows between two strips are lost",
        "engine/fused.py",
        "                dconv[:2] = dconv[-2:]\n",
        "",
        "engine/fused -k one_go",
    ),
    Fault(
        "memory is given out in another type",
        "engine/memory.py",
        " or array.dtype != dtype",
        "",
        "engine/memory -k used_again",
    ),
    Fault(
        "threads write into each other's buffers",
        "engine/memory.py",
        "(threading.local, Workspace)",
        "(Workspace)",
        "engine/memory -k thread",
    ),
    Fault(
        "new memory begins within a line of the cache",
        "engine/memory.py",
        "start = -raw.ctypes.data % LINE",
        "start = 4",
        "engine/memory -k line",
    ),
    Fault(
        "what the caller says of overflow does not hold in the threads",
        "engine/threads.py",
        "submit(copy_context().run, work, share)",
        "submit(work, share)",
        "engine/threads -k overflow",
    ),
    Fault(
        "NumPy tells of a divergence, too",
        "training.py",
        '@np.errstate(over="ignore", invalid="ignore")',
        "@np.errstate()",
        "training -k diverges",
    ),
    # Measures
    Fault(
        "the confusion matrix is transposed",
        "metrics.py",
        "np.add.at(matrix, tuple(pairs), 1)",
        "np.add.at(matrix, (predicted, actual), 1)",
        "metrics",
    ),
    Fault(
        "recall is divided by what was predicted",
        "metrics.py",
        "right / predicted, right / support",
        "right / predicted, right / predicted",
        "metrics",
    ),
    Fault(
        "Wilson's interval has no correction terms",
        "metrics.py",
        "return float(interval.low), float(interval.high)",
        "p = successes / trials\n    half = 1.96 * (p * (1 - p) / trials) ** 0.5\n    return p - half, p + half",
        "metrics",
    ),
    Fault(
        "McNemar's test is one-sided",
        "metrics.py",
        "binomtest(only_first, differ)",
        'binomtest(only_first, differ, alternative="greater")',
        "metrics",
    ),
    # VGG19 and explanations
    Fault(
        "RGB is not turned to BGR",
        "vgg19/backbone.py",
        "images[..., ::-1].astype",
        "images.astype",
        "vgg19/backbone -k preprocess",
    ),
    Fault(
        "preprocessing works in place",
        "vgg19/backbone.py",
        "images[..., ::-1].astype(np.float32)",
        "images[..., ::-1].astype(np.float32, copy=False)",
        "vgg19/backbone -k preprocess",
    ),
    Fault("ImageNet's mean stays", "vgg19/backbone.py", "out -= MEAN_BGR", "out -= 0", "vgg19/backbone -k preprocess"),
    Fault(
        "a receptive field is one too large",
        "explain/receptive.py",
        "r + (k - 1) * j",
        "r + k * j",
        "explain/receptive",
    ),
    Fault("a receptive field forgets the padding", "explain/receptive.py", "p + pad * j", "p", "explain/receptive"),
    Fault(
        "Grad-CAM takes its ReLU after scaling",
        "explain/cam.py",
        "    return heat / heat.max() if heat.max() > 0 else heat",
        "    return np.maximum(heat / np.abs(heat).max(), 0)",
        "explain/backprop -k scaling",
        also=(
            'np.maximum(np.einsum("nhwc,nc->nhw", a, alpha), 0)',
            'np.einsum("nhwc,nc->nhw", a, alpha)',
        ),
    ),
    Fault(
        "Grad-CAM has no ReLU",
        "explain/cam.py",
        'np.maximum(np.einsum("nhwc,nc->nhw", a, alpha), 0)',
        'np.einsum("nhwc,nc->nhw", a, alpha)',
        "explain/backprop",
    ),
    Fault(
        "Grad-CAM differentiates the probabilities",
        "explain/keras_network.py",
        "    *steps, last = layers(model)\n",
        "    *steps, last = layers(model)\n    return [*steps, last]\n",
        "explain/backprop",
    ),
    Fault(
        "guided backprop passes negative gradients",
        "explain/backprop.py",
        "return positive(z) * positive(delta) * delta",
        "return positive(z) * delta",
        "promises/correctness -k rule",
    ),
    Fault(
        "guided backprop passes through silent neurons",
        "explain/backprop.py",
        "return positive(z) * positive(delta) * delta",
        "return positive(delta) * delta",
        "promises/correctness -k rule",
    ),
    Fault(
        "the rules of the NumPy network look at the gradient only",
        "explain/numpy_network.py",
        "self.rule(self.z, dout",
        "self.rule(dout, dout",
        "promises/correctness -k rule",
    ),
    Fault(
        "the rules in Keras look at the gradient only",
        "explain/keras_network.py",
        "self.rule(y, dout",
        "self.rule(dout, dout",
        "promises/correctness -k rule",
    ),
    Fault(
        "of equally strong channels the last comes first",
        "explain/backprop.py",
        "np.lexsort((np.arange(channels), where,",
        "np.lexsort((-np.arange(channels), where,",
        "explain/backprop -k top_neurons or equal",
    ),
    Fault(
        "mosaics are asked for another class than is there",
        "explain/comparison.py",
        "np.full(len(wide), c)",
        "np.full(len(wide), number)",
        "explain/comparison -k mosaics",
    ),
    Fault(
        "an image is faded in another image's order",
        "explain/comparison.py",
        "maps.swapaxes(0, 1), classes",
        "maps.swapaxes(0, 1)[::-1], classes",
        "explain/comparison -k curves",
    ),
    Fault(
        "what is taken out becomes the mean colour with red and blue exchanged",
        "explain/comparison.py",
        'MEAN_BGR[::-1], "batch',
        'MEAN_BGR, "batch',
        "explain/comparison -k curves_begin",
    ),
    Fault(
        "the image is blurred by a third of what is asked",
        "explain/deletion.py",
        "(0, 0), blur)",
        "(0, 0), blur / 3)",
        "explain/deletion",
    ),
    Fault(
        "the tolerance is measured along the sides",
        "explain/pointing.py",
        "np.hypot(rows - row, cols - col).min()",
        "np.maximum(abs(rows - row), abs(cols - col)).min()",
        "explain/pointing",
    ),
    Fault(
        "an object is taken out without its soft edge",
        "explain/perturbation.py",
        "2 * RIM + 1, 2 * RIM + 1",
        "1, 1",
        "explain/perturbation",
    ),
    Fault(
        "an object's new background may be of its own class",
        "explain/perturbation.py",
        "labels != label",
        "labels >= 0",
        "explain/perturbation",
    ),
    Fault(
        "a map is scaled by the largest of all maps",
        "explain/randomisation.py",
        "sizes.max(axis=(-2, -1), keepdims=True)",
        "sizes.max()",
        "explain/randomisation -k scaled_is",
    ),
    Fault(
        "each stage is compared with the one before",
        "explain/randomisation.py",
        "compared.append(_similarity(original, np.asarray(method(clone))))",
        "compared.append(_similarity(original, original := np.asarray(method(clone))))",
        "explain/randomisation -k every_stage",
    ),
    Fault(
        "padding behind counts as padding in front",
        "explain/receptive.py",
        "for (k, stride, before, _), n in zip(reversed",
        "for (k, stride, _, before), n in zip(reversed",
        "explain/receptive",
    ),
    Fault(
        "the head's training scores are those of other labels",
        "vgg19/head.py",
        "labels[order])",
        "labels)",
        "vgg19/head -k training_the_head",
    ),
    Fault(
        "tuning may end worse than it began",
        "vgg19/head.py",
        "if keep_start else np.inf",
        "if False else np.inf",
        "vgg19/head -k does_not_help",
    ),
    Fault(
        "both dense layers of the head are drawn from one seed",
        "vgg19/head.py",
        "kernel_initializer=glorot(logits)",
        "kernel_initializer=glorot(hidden)",
        "vgg19/head -k drawn_apart",
    ),
    Fault(
        "a step follows the sum of the losses",
        "vgg19/head.py",
        "tf.reduce_mean(losses)",
        "tf.reduce_sum(losses)",
        "vgg19/head -k mean_loss",
    ),
    Fault(
        "the mean's interval has one degree of freedom too many",
        "metrics.py",
        "len(values) - 1)",
        "len(values))",
        "metrics",
    ),
    Fault(
        "the shares of the pixels are rounded down",
        "explain/deletion.py",
        "[round(k *",
        "[int(k *",
        "explain/deletion",
    ),
    # Data
    Fault(
        "the split is not by class",
        "data/datasets.py",
        "    rows.sort(key=lambda row: SPLITS.index(row.split))  # stable: class by class within each split\n",
        "    dealt = rng.permutation([row.split for row in rows])\n"
        "    rows = [row._replace(split=str(which)) for row, which in zip(rows, dealt)]\n"
        "    rows.sort(key=lambda row: SPLITS.index(row.split))\n",
        "data/datasets data/folders",
    ),
    Fault("each load splits anew", "data/datasets.py", "default_rng(SPLIT_SEED)", "default_rng()", "data/datasets"),
    Fault(
        "a split's last picture is lost",
        "data/datasets.py",
        "slice(at[0], at[-1] + 1)",
        "slice(at[0], at[-1])",
        "data/datasets",
    ),
    Fault(
        "figures show test pictures",
        "data/datasets.py",
        'indices[0] if split == "train"',
        'indices[0] if split == "test"',
        "data/datasets",
    ),
    Fault(
        "figures are in no order",
        "data/datasets.py",
        "key=lambda i: rows[i].label)",
        "key=lambda i: -rows[i].label)",
        "data/datasets",
    ),
    Fault(
        "masks are another split's",
        "data/datasets.py",
        "None if masks is None else masks[cut]",
        "None if masks is None else masks[: len(labels)]",
        "data/datasets",
    ),
    Fault(
        "a changed file is not noticed",
        "data/datasets.py",
        "for path in paths if cache",
        "for path in paths[1:] if cache",
        "data/datasets",
    ),
    Fault(
        "val and test are swapped",
        "data/folders.py",
        "[count - val - test, count - test]",
        "[count - val - test, count - val]",
        "data/folders",
    ),
    Fault(
        "a small class has no val picture",
        "data/folders.py",
        "max(1, (15 * count + 50) // 100)",
        "(15 * count + 50) // 100",
        "data/folders",
    ),
    Fault(
        "classes are in no order",
        "data/folders.py",
        "key=lambda entry: entry.name)",
        "key=lambda entry: entry.name[::-1])",
        "data/folders",
    ),
    Fault(
        "two pictures are enough",
        "data/folders.py",
        "MIN_PICTURES = 3",
        "MIN_PICTURES = 2",
        "promises/bad_input -k two",
    ),
    Fault(
        "red is blue",
        "data/pictures.py",
        'picture.mode.startswith("I;16") else picture))',
        'picture.mode.startswith("I;16") else picture))[..., ::-1]',
        "data/pictures",
    ),
    Fault(
        "red of 12 bits is blue",
        "data/pictures.py",
        "_eight_bits(stored[..., 2::-1])",
        "_eight_bits(stored[..., :3])",
        "data/pictures",
    ),
    Fault("4095 is not of 12 bits", "data/pictures.py", "pixels.max() <= 4095", "pixels.max() < 4095", "data/pictures"),
    Fault(
        "16 bits are cut, not rounded",
        "data/pictures.py",
        "pixels.astype(np.uint32) * 255 + white // 2",
        "pixels.astype(np.uint32) * 255",
        "data/pictures",
    ),
    Fault(
        "only the first bad picture is named",
        "data/pictures.py",
        "problems.append(found)",
        "problems[:] = [found]",
        "promises/bad_input -k several",
    ),
    Fault(
        "mirror images are not looked for",
        "data/duplicates.py",
        "_windows(small[:, :, ::-1])",
        "_windows(small)",
        "data/duplicates",
    ),
    Fault(
        "crops of later splits alone are found",
        "data/duplicates.py",
        "(mine, small[i]) if around else (small[i], mine)",
        "(small[i], mine)",
        "data/duplicates",
    ),
    Fault("a covered part is enough", "data/duplicates.py", "covered.mean() < COVERED or ", "", "data/duplicates"),
    Fault(
        "any shear is allowed",
        "data/duplicates.py",
        " or max(abs(found[0, 1]), abs(found[1, 0])) > UPRIGHT",
        "",
        "data/duplicates",
    ),
    Fault(
        "what is alike is the same",
        "data/duplicates.py",
        "self.is_alike and self.agreement >= SAME",
        "self.is_alike",
        "data/duplicates",
    ),
    Fault(
        "the last twin is named",
        "data/duplicates.py",
        "reversed(list(enumerate(digests[0])))",
        "enumerate(digests[0])",
        "data/duplicates",
    ),
    Fault(
        "colours are not compared",
        "data/duplicates.py",
        "x, y = (picture - picture[covered].mean() for picture in (x, y))",
        "x, y = (picture - picture[covered].mean(axis=0) for picture in (x, y))",
        "data/duplicates",
    ),
    Fault(
        "the penalty is chosen on train",
        "../tests/programs/difficulty.py",
        "np.concatenate([x, x_val]), np.concatenate([y, y_val])",
        "np.concatenate([x, x[:len(y_val)]]), np.concatenate([y, y[:len(y_val)]])",
        "data/difficulty",
    ),
    Fault(
        "the best is fitted to val",
        "../tests/programs/difficulty.py",
        ".fit(x, y)",
        ".fit(x_val, y_val)",
        "data/difficulty",
    ),
    Fault(
        "the object is seen",
        "../tests/programs/difficulty.py",
        "cv2.inpaint(seen, of_one, 1, cv2.INPAINT_NS)",
        "seen",
        "data/difficulty",
    ),
    Fault(
        "EXIF's orientation is ignored",
        "data/pictures.py",
        "ImageOps.exif_transpose(picture, in_place=True)",
        "pass",
        "data/pictures",
    ),
    Fault(
        "what is transparent becomes black",
        "data/pictures.py",
        'picture.size, "white"',
        'picture.size, "black"',
        "promises/bad_input -k alpha",
    ),
    Fault(
        "links in an archive are followed",
        "data/caltech101.py",
        "member.isreg() and member.name",
        "member.name",
        "promises/security -k members",
    ),
    Fault(
        "an archive's hash is not looked at",
        "data/caltech101.py",
        'f"sha256:{known_hash}"',
        "None",
        "promises/bad_input -k byte",
    ),
    # Files and runs
    Fault(
        "a file is not replaced in one step",
        "store/files.py",
        "temporary.replace(path)",
        "path.write_bytes(temporary.read_bytes())",
        "store/files",
    ),
    Fault("half a file stays", "store/files.py", "temporary.unlink(missing_ok=True)", "pass", "store/files"),
    Fault(
        "arrays' check sums are not compared",
        "store/files.py",
        "damaged := archive.testzip()",
        "damaged := None",
        "store/files",
    ),
    Fault(
        "a lost array is not missed",
        "store/files.py",
        "!= len(archive.namelist())",
        "< 0",
        "promises/survival -k zip",
    ),
    Fault(
        "JSON's check sum is not compared",
        "store/files.py",
        'kept.get("sha256") != digest(kept.get("value"))',
        '"value" not in kept',
        "promises/survival -k json",
    ),
    Fault(
        "a cache's key is not compared",
        "store/cache.py",
        '_kept(path, f"{key[:16]}.npz"',
        '_kept(path, "a.npz"',
        "store/cache",
    ),
    Fault(
        "the key of rows is not compared",
        "store/cache.py",
        '_kept(path, f"{key[:16]}.rows"',
        '_kept(path, "a.rows"',
        "store/cache",
    ),
    Fault("rows' check sum is not compared", "store/cache.py", "if check != WHOLE:", "if not check:", "store/cache"),
    Fault(
        "a key has no versions",
        "store/cache.py",
        "code_digest(made_by), versions()",
        "code_digest(made_by)",
        "store/cache",
    ),
    Fault(
        "a digest forgets the type", "store/cache.py", 'f"{part.dtype} {part.shape}"', 'f"{part.shape}"', "store/cache"
    ),
    Fault("code is that of one file", "store/code.py", "waiting |= _imported(", "len(", "store/cache"),
    Fault("old results pile up", "store/cache.py", "old.unlink()", "pass", "store/cache"),
    Fault(
        "a whole file may be shorter",
        "store/checkpoint.py",
        'if training.get("key") != self.key:',
        "if False:",
        "training -k another",
    ),
    Fault("another seed's run is the report's own", "store/run.py", " and self.seed == 0", "", "store/run"),
    Fault("a run may lie in the pictures", "store/run.py", " or folder.is_relative_to(pictures)", "", "store/run"),
    Fault(
        "a checkpoint forgets the generator",
        "store/checkpoint.py",
        'self.rng.bit_generator.state = training["random_state"]',
        "pass",
        "training -k killed",
    ),
    Fault(
        "a checkpoint forgets the velocity",
        "store/checkpoint.py",
        "self.optimizer.velocity = {name",
        "_ = {name",
        "training -k killed",
    ),
    Fault(
        "the lock is missing",
        "report/chain.py",
        'FileLock(run_dir / ".lock").acquire(timeout=0)',
        'open(run_dir / ".lock", "a")',
        "promises/survival -k second",
    ),
    Fault(
        "other parameters are no reason to run again",
        "report/chain.py",
        'given = [record["parameters"], inputs,',
        "given = [inputs,",
        "report/command -k inputs",
    ),
    Fault(
        "another notebook takes up what was left",
        "report/chain.py",
        'if last and last["key"] != key:',
        "if False:",
        "report/command -k interrupted",
    ),
    Fault(
        "half files are not swept",
        "report/chain.py",
        "        part.unlink()\n",
        "        pass\n",
        "report/command -k swept",
    ),
    Fault(
        "a failed notebook's copy is lost",
        "report/execution.py",
        "            failed = error\n",
        "            raise ChainError(_failure(notebook, copy, error)) from error\n",
        "report/command -k traceback",
    ),
    Fault(
        "Ctrl-C looks like a kernel's death",
        "report/execution.py",
        "on_cell_start=lambda **_: signal.signal(signal.SIGINT, signal.default_int_handler),",
        "",
        "report/command -k ctrl_c",
    ),
    Fault(
        "a kernel outlives its parent",
        "report/launcher.py",
        "    _end_with_parent()\n    runpy",
        "    runpy",
        "promises/survival -k kernel",
    ),
    Fault(
        "a resumed training says so in the report",
        "store/checkpoint.py",
        'from {self.path.name}", file=sys.stderr)',
        'from {self.path.name}")',
        "promises/survival -k chains",
    ),
    # Work shared out, and what the report claims
    Fault(
        "every core does everything",
        "engine/threads.py",
        "run, work, share)",
        "run, work, iter(items))",
        "engine/threads",
    ),
    Fault(
        "cores take their share before they begin",
        "engine/threads.py",
        "run, work, share) for _ in range(count)]",
        "run, work, iter(items[k::count])) for k in range(count)]",
        "engine/threads",
    ),
    Fault(
        "mosaics keep their order",
        "explain/pointing.py",
        "np.roll(group, turn)",
        "np.roll(group, 0)",
        "explain/pointing",
    ),
    Fault("mosaics stand in one order", "explain/pointing.py", "range(len(by_class))", "range(1)", "explain/pointing"),
    Fault(
        "another picture's answer is counted",
        "explain/comparison.py",
        "found[name][..., number] = pointing_game(maps, here)",
        "found[name][..., -1 - number] = pointing_game(maps, here)",
        "explain/comparison",
    ),
    Fault(
        "a worker trains on what it finds first",
        "study/cluster.py",
        ".held[training.dataset, training.network]",
        ".held[min(get_worker().plugins[place].held)]",
        "study/run",
    ),
    Fault(
        "a search stops at the first setting that diverges",
        "study/trainings.py",
        "        if training.is_reports:\n            raise",
        "        raise",
        "study/run",
    ),
    Fault("what diverged is the best", "study/statistics.py", "np.inf if row", "-np.inf if row", "study/statistics"),
    # The report
    Fault(
        "outputs may bring HTML of their own",
        "report/assets/report.lua",
        "read(block.text, of_html and HTML or OUTPUT):walk(harmless)",
        "read(block.text, of_html and 'html' or 'markdown')",
        "report/rendering",
    ),
    Fault(
        "a figure's data may end their script",
        "report/document.py",
        '.replace("<", "\\\\u003c")',
        "",
        "report/rendering",
    ),
]


def main() -> int:
    """Plant the faults one at a time; return 1 if one survives or cannot be planted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="plant only faults whose description or file holds one of these words")
    parser.add_argument("--check", action="store_true", help="only see whether each could be planted")
    given = parser.parse_args()
    chosen = [
        fault for fault in FAULTS if not given.only or any(word in fault.what + fault.file for word in given.only)
    ]
    if given.check:
        wrong = [f"{fault.file}: {fault.what}: {why}" for fault in chosen for why in check(fault)]
        print("\n".join([*wrong, f"{len(chosen)} faults, {len(wrong)} that do not fit the code"]))
        return 1 if wrong else 0
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "project")
        shutil.copytree(ROOT, copy, ignore=NOT_NEEDED)
        outcomes = [_plant(copy, fault) for fault in chosen]
    caught, survived = outcomes.count("caught"), outcomes.count("SURVIVED")
    print(f"{len(chosen)} faults, {caught} caught, {survived} survivors, {len(chosen) - caught - survived} not planted")
    return 0 if caught == len(chosen) else 1


def check(fault: Fault, root: Path = ROOT) -> list[str]:
    """Return why a fault cannot be planted: its file, its texts or its tests are not there."""
    path, tests = root / "helpers" / fault.file, [root / name for name in fault.test_files]
    if missing := [str(each.relative_to(root)) for each in (path, *tests) if not each.exists()]:
        return [f"{name} is not there" for name in missing]
    text, asked = path.read_text(encoding="utf-8"), re.findall(r"\w+", fault.expression)
    told = "".join(each.read_text(encoding="utf-8") for each in tests).lower()
    wrong = [f"{old!r} stands there {text.count(old)} times" for old, _ in fault.pairs if text.count(old) != 1]
    return wrong + [f"{fault.test_files[0]} has no {word}" for word in asked if word.lower() not in told]


def _plant(copy: Path, fault: Fault) -> str:
    path, start = copy / "helpers" / fault.file, time.monotonic()
    if wrong := check(fault, copy):
        outcome = f"NOT PLANTED, since {wrong[0]}:"
    elif (without := _passes(copy, fault)) != "passed":
        outcome = f"NOT PLANTED, since {fault.tests} does not pass without it ({without}):"
    else:
        text = faulty = path.read_text(encoding="utf-8")
        for old, new in fault.pairs:
            faulty = faulty.replace(old, new)
        path.write_text(faulty, encoding="utf-8")
        outcome = {"failed": "caught", "passed": "SURVIVED"}.get(result := _run(copy, fault), result)
        path.write_text(text, encoding="utf-8")
    print(f"{outcome:8} {time.monotonic() - start:4.0f} s  {fault.file:18} {fault.what}", flush=True)
    return outcome


PASSED: dict[str, str] = {}


def _passes(copy: Path, fault: Fault) -> str:
    """Return what `_run` does without a fault: each selection of tests is run only once."""
    if fault.tests not in PASSED:
        PASSED[fault.tests] = _run(copy, fault)
    return PASSED[fault.tests]


def _run(copy: Path, fault: Fault) -> str:
    """Return "passed", "failed", or how pytest ended otherwise, for a fault's tests."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *fault.test_files]
    command += ["-k", fault.expression] if fault.expression else []
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    return {0: "passed", 1: "failed"}.get(done.returncode, f"pytest ended with {done.returncode}")


if __name__ == "__main__":
    sys.exit(main())
