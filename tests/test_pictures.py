"""Picture files of every kind, whole and damaged."""

import os
import struct
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.pictures import SUFFIXES, in_threads, read_picture, read_pictures

GRAY16 = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)  # every one of the 256 levels, times 257


def gradient(height=40, width=60):
    """A smooth picture in which top, left and the channels differ, so that any exchange shows."""
    y, x = np.mgrid[:height, :width]
    return np.stack([255 * y / height, 255 * x / width, 60 + 0 * x], axis=2).astype(np.uint8)


def saved(path, picture, **options):
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(path, **options)
    return path


def resized(rgb, size):
    return cv2.resize(rgb, (size, size), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("suffix", sorted(SUFFIXES - {".gif"}))
def test_each_kind_of_file_gives_the_same_picture(tmp_path, suffix):
    exact = {".webp": {"lossless": True}, ".jpg": {"quality": 95}, ".jpeg": {"quality": 95}}
    path = saved(tmp_path / f"a{suffix.upper()}", gradient(), **exact.get(suffix, {}))
    image = read_picture(path, 32)
    assert image.shape == (32, 32, 3)
    assert image.dtype == np.uint8
    tolerance = 6 if "jp" in suffix else 0
    assert np.abs(image.astype(int) - resized(gradient(), 32)).max() <= tolerance


def test_the_content_decides_not_the_suffix(tmp_path):
    path = saved(tmp_path / "really_a_png.jpg", gradient(), format="PNG")
    assert np.array_equal(read_picture(path, 32), resized(gradient(), 32))


def test_the_resize_is_opencvs_bilinear_and_enlarges_too(tmp_path):
    path = saved(tmp_path / "a.png", gradient(5, 7))
    assert np.array_equal(read_picture(path, 64), resized(gradient(5, 7), 64))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(tmp_path, orientation):
    stored = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.swapaxes(0, 1),
        6: np.rot90,  # stored a quarter turn to the left, so that the reader turns right
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[orientation](gradient())
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", np.ascontiguousarray(stored), exif=exif)
    assert np.array_equal(read_picture(path, 32), resized(gradient(), 32))


def test_gray_and_black_and_white(tmp_path):
    gray = gradient()[..., 0]
    image = read_picture(saved(tmp_path / "gray.png", gray), 32)
    assert np.array_equal(image, np.repeat(resized(gray, 32)[..., None], 3, axis=2))
    bits = Image.fromarray(gray).point(lambda v: 255 * (v > 127)).convert("1")
    image = read_picture(saved(tmp_path / "bits.png", bits), 40)
    assert (image[0].max(), image[-1].min()) == (0, 255)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_gray_is_scaled_not_cut(tmp_path, suffix):
    image = read_picture(saved(tmp_path / f"a.{suffix}", GRAY16), 16)
    assert np.array_equal(image, np.repeat((GRAY16 // 257).astype(np.uint8)[..., None], 3, axis=2))


def test_16_bit_gray_is_rounded_and_turned(tmp_path):
    stored = np.array([[128, 129], [65535 - 128, 65535 - 129]], np.uint16)  # half a level is 128.5
    exif = Image.Exif()
    exif[0x0112] = 4  # upside down
    image = read_picture(saved(tmp_path / "a.png", stored.repeat(8, 0).repeat(8, 1), exif=exif), 16)
    assert image[[0, 0, -1, -1], [0, -1, 0, -1], 0].tolist() == [255, 254, 0, 1]


def test_16_bit_colour(tmp_path):
    colour = np.dstack([GRAY16, GRAY16[::-1], GRAY16.T])
    assert cv2.imwrite(str(tmp_path / "a.png"), colour[..., ::-1])
    assert np.array_equal(read_picture(tmp_path / "a.png", 16), (colour // 257).astype(np.uint8))


def test_cmyk(tmp_path):
    colours = {(255, 0, 0): "red", (0, 0, 255): "blue", (255, 255, 255): "white"}
    for rgb, name in colours.items():
        picture = Image.new("RGB", (20, 20), rgb).convert("CMYK")
        for suffix in ("jpg", "tif"):
            image = read_picture(saved(tmp_path / f"{name}.{suffix}", picture), 16)
            assert np.abs(image.astype(int) - rgb).max() <= 3, (name, suffix)


def test_transparency_lies_on_white(tmp_path):
    for alpha, expected in ((0, (255, 255, 255)), (255, (200, 0, 0)), (51, (244, 204, 204))):
        picture = Image.new("RGBA", (20, 20), (200, 0, 0, alpha))
        for suffix in ("png", "webp", "tif"):
            path = saved(tmp_path / f"{alpha}.{suffix}", picture, **({"lossless": True} if suffix == "webp" else {}))
            image = read_picture(path, 16)
            if suffix != "webp" or alpha:  # WebP forgets the colour under nothing, which must not matter
                assert np.abs(image.astype(int) - expected).max() <= 1, (alpha, suffix)
            else:
                assert (image == 255).all()
    gray = Image.new("LA", (20, 20), (10, 0))
    assert (read_picture(saved(tmp_path / "la.png", gray), 16) == 255).all()


def test_palettes_with_and_without_transparency(tmp_path):
    picture = Image.new("P", (20, 20), 1)
    picture.putpalette([0, 0, 0, 10, 200, 30])
    assert (read_picture(saved(tmp_path / "p.png", picture), 16) == (10, 200, 30)).all()
    assert (read_picture(saved(tmp_path / "t.png", picture, transparency=1), 16) == 255).all()


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_the_first_frame_of_several(tmp_path, suffix):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", frames[0], save_all=True, append_images=frames[1:], **options)
    assert (read_picture(path, 16) == (255, 0, 0)).all()


def test_a_picture_of_one_pixel(tmp_path):
    assert (read_picture(saved(tmp_path / "a.png", np.full((1, 1, 3), 77, np.uint8)), 16) == 77).all()


def png_header(width, height):
    """A PNG of a few bytes that claims to be width x height pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def damaged_files(folder):
    """Write one file of each kind of damage and return what is said of it, by name."""
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "words.jpg").write_text("not a picture")
    (folder / "vector.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (folder / "huge.png").write_bytes(png_header(20_000, 20_000))
    (folder / "lost.jpg").symlink_to(folder / "nowhere")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "folder.jpg").mkdir()
    saved(folder / "float.tif", np.ones((9, 9), np.float32))
    for suffix in ("jpg", "png", "gif", "bmp", "tif", "webp"):
        noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
        cut(saved(folder / f"half.{suffix}", noise), 0.5)
    saved(folder / "head.jpg", gradient())
    cut(folder / "head.jpg", 0.05)
    damaged = {f"half.{suffix}": "damaged" for suffix in ("jpg", "png", "gif", "bmp", "tif", "webp")}
    damaged |= {"half.webp": "damaged|header", "head.jpg": "damaged|header"}
    return damaged | {
        "empty.jpg": "it is empty",
        "words.jpg": "it is not a picture",
        "vector.png": "it is not a picture",
        "huge.png": "178,956,970 pixels",
        "lost.jpg": "link that leads nowhere",
        "loop.jpg": "link that leads nowhere",
        "folder.jpg": "not a regular file",
        "float.tif": "32-bit pixels",
    }


def test_every_unreadable_file_is_named_with_its_reason(tmp_path):
    reasons = damaged_files(tmp_path)
    good = saved(tmp_path / "good.png", gradient())
    with pytest.raises(ValueError, match=f"^{len(reasons)} of {len(reasons) + 1} pictures cannot be read") as caught:
        read_pictures([good, *(tmp_path / name for name in reasons)], 32)
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == len(reasons)
    for line, (name, reason) in zip(lines, reasons.items(), strict=True):
        assert f"{tmp_path.name}/{name}'" in line
        assert any(part in line for part in reason.split("|")), line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ValueError, match="not a regular file"):
        read_picture(tmp_path / "pipe.jpg")


def test_no_permission(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", gradient())

    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Image, "open", refuse)  # a superuser's tests may read everything
    with pytest.raises(ValueError, match="no permission to read it"):
        read_picture(path)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="there is no such file"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("size", [0, -1, 15, 1025, 224.0, "224", None, True])
def test_a_wrong_size_is_a_sentence(tmp_path, size):
    path = saved(tmp_path / "a.png", gradient())
    with pytest.raises(ValueError, match="an integer from 16 to 1024"):
        read_picture(path, size)


def test_order_is_kept_and_numpys_integers_are_sizes(tmp_path):
    paths = [saved(tmp_path / f"{i}.png", np.full((20, 20, 3), i, np.uint8)) for i in range(120)]
    images = read_pictures(paths, np.int64(16))
    assert images.shape == (120, 16, 16, 3)
    assert images[:, 5, 5, 1].tolist() == list(range(120))


def test_names_of_any_kind(tmp_path):
    names = [
        "two words.png",
        'it\'s "quoted".png',
        "<script>alert(1)<script>.png",
        "line\nbreak.png",
        "🌳.png",
    ]
    paths = [saved(tmp_path / name, gradient()) for name in names]
    assert read_pictures(paths, 16).shape == (5, 16, 16, 3)
    for path in paths:
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="5 of 5") as caught:
        read_pictures(paths, 16)
    assert len(str(caught.value).splitlines()) == 6  # a line break in a name breaks no line


def test_threads_pass_errors_on_and_drop_what_has_not_begun():
    begun = []

    def work(i):
        begun.append(i)
        if i == 0:
            raise KeyError(i)
        time.sleep(0.001)

    with pytest.raises(KeyError):
        in_threads(work, 10_000, "")
    assert len(begun) < 10_000
