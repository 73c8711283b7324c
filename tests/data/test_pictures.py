"""Picture files: read, resized, kept in order; damaged and unusual ones are in test_bad_input.py."""

import struct
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.data import pictures
from helpers.data.pictures import SUFFIXES, in_threads, read_picture, read_pictures

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
    exact = {".webp": {"lossless": True}, **{name: {"quality": 95} for name in (".jpg", ".jpeg", ".jpe", ".jfif")}}
    path = saved(tmp_path / f"a{suffix.upper()}", gradient(), **exact.get(suffix, {}))
    image = read_picture(path, 32)
    assert image.shape == (32, 32, 3)
    assert image.dtype == np.uint8
    tolerance = 6 if suffix.startswith(".j") else 0
    assert np.abs(image.astype(int) - resized(gradient(), 32)).max() <= tolerance


def test_the_resize_is_opencvs_bilinear_and_enlarges_too(tmp_path):
    path = saved(tmp_path / "a.png", gradient(5, 7))
    assert np.array_equal(read_picture(path, 64), resized(gradient(5, 7), 64))


def test_gray_and_black_and_white(tmp_path):
    gray = gradient()[..., 0]
    image = read_picture(saved(tmp_path / "gray.png", gray), 32)
    assert np.array_equal(image, np.repeat(resized(gray, 32)[..., None], 3, axis=2))
    bits = Image.fromarray(gray).point(lambda v: 255 * (v > 127)).convert("1")
    image = read_picture(saved(tmp_path / "bits.png", bits), 40)
    assert (image[0].max(), image[-1].min()) == (0, 255)


def test_16_bit_gray_is_rounded_and_turned(tmp_path):
    stored = np.array([[128, 129], [65535 - 128, 65535 - 129]], np.uint16)  # half a level is 128.5
    exif = Image.Exif()
    exif[0x0112] = 4  # upside down
    image = read_picture(saved(tmp_path / "a.png", stored.repeat(8, 0).repeat(8, 1), exif=exif), 16)
    assert image[[0, 0, -1, -1], [0, -1, 0, -1], 0].tolist() == [255, 254, 0, 1]


@pytest.mark.parametrize(("most", "expected"), [(4095, [0, 125, 255]), (4096, [0, 8, 16]), (1000, [0, 125, 62])])
def test_12_bits_in_a_16_bit_file_are_seen(tmp_path, most, expected):
    stored = np.array([[0, 2000, most]], np.uint16).repeat(16, 0)
    image = read_picture(saved(tmp_path / "a.png", stored.repeat(8, 1)), 24)
    assert image[0, [0, 12, -1], 0].tolist() == expected


def deep(path, rgb):
    """Write 16-bit colours, which Pillow cannot."""
    path.write_bytes(cv2.imencode(path.suffix, np.asarray(rgb, np.uint16)[..., [2, 1, 0, 3][: rgb.shape[2]]])[1])
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(("most", "expected"), [(4095, [255, 125, 0]), (8191, [31, 7, 0]), (0, [0, 0, 0])])
def test_12_bits_of_colour_in_a_16_bit_file_are_seen(tmp_path, suffix, most, expected):
    rgb = np.minimum([[[most, 2000, 0]]], most).repeat(16, 0).repeat(20, 1)
    image = read_picture(deep(tmp_path / f"a{suffix}", rgb), 24)
    assert image[3, 3].tolist() == expected


def test_12_bits_of_colour_are_turned_by_their_exif(tmp_path):
    rgb = np.zeros((16, 20, 3))
    rgb[:8] = 4095, 2000, 0
    raw = deep(tmp_path / "a.png", rgb).read_bytes()
    exif = Image.Exif()
    exif[0x0112] = 6  # the upper half is to the right
    body = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    (tmp_path / "a.png").write_bytes(raw[:33] + chunk + raw[33:])
    image = read_picture(tmp_path / "a.png", 16)
    assert image[8, [2, -3]].tolist() == [[0, 0, 0], [255, 125, 0]]


def test_12_bits_of_colour_with_alpha_are_refused_in_a_sentence(tmp_path):
    path = deep(tmp_path / "a.png", np.full((16, 20, 4), 4095))
    with pytest.raises(ValueError, match=r"of 16 bits it uses the lower 12, .*: save it with 8 bits"):
        read_picture(path)


def by_hand(path, pixels, kind, transparent=()):
    """Write a 16-bit PNG (H, W, channels) as no library does, the kind 0 gray, 2 RGB, 4 gray and alpha, 6 RGBA."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    trns = chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)) if transparent else b""
    body = chunk(b"IHDR", header) + trns + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize(("kind", "channels"), [(4, 2), (6, 4)])
def test_a_black_silhouette_of_16_bits_is_read(tmp_path, kind, channels):
    pixels = np.zeros((16, 16, channels))
    pixels[:, :8, -1] = 65535
    image = read_picture(by_hand(tmp_path / "a.png", pixels, kind), 16)
    assert image[3, [2, -3]].tolist() == [[0] * 3, [255] * 3]


@pytest.mark.parametrize(("kind", "channels"), [(0, 1), (2, 3)])
def test_one_value_of_16_bits_is_transparent(tmp_path, kind, channels):
    pixels = np.full((16, 16, channels), 30000)
    pixels[:, 8:] = 30001  # the same in 8 bits
    image = read_picture(by_hand(tmp_path / "a.png", pixels, kind, [30000] * channels), 16)
    assert image[3, [2, -3]].tolist() == [[255] * 3, [117] * 3]


def test_the_zero_of_a_tiff_may_be_white(tmp_path):
    stored = np.array([[0, 65535]], np.uint16).repeat(16, 0).repeat(8, 1)
    image = read_picture(saved(tmp_path / "a.tif", stored, tiffinfo={262: 0}), 16)
    assert image[3, [2, -3], 0].tolist() == [255, 0]


def test_a_dark_bitmap_of_16_bits_a_pixel_is_read(tmp_path):
    header = struct.pack("<IiiHHIIiiIIIII", 40, 16, 16, 1, 16, 3, 512, 0, 0, 0, 0, 0xF800, 0x7E0, 0x1F)
    pixels = np.full(256, 1 << 11, "<u2").tobytes()  # the first level of red
    (tmp_path / "a.bmp").write_bytes(b"BM" + struct.pack("<IHHI", 578, 0, 0, 66) + header + pixels)
    assert read_picture(tmp_path / "a.bmp", 16)[3, 3].tolist() == [8, 0, 0]


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="there is no such file"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("size", [0, -1, 15, 1025, 224.0, "224", None, True])
def test_a_wrong_size_is_a_sentence(tmp_path, size):
    path = saved(tmp_path / "a.png", gradient())
    with pytest.raises(ValueError, match="an integer from 16 to 1024"):
        read_picture(path, size)


def test_order_is_kept(tmp_path):
    paths = [saved(tmp_path / f"{i}.png", np.full((20, 20, 3), i, np.uint8)) for i in range(120)]
    images = list(read_pictures(paths, 16))
    assert {image.shape for image in images} == {(1, 16, 16, 3)}
    assert [int(image[0, 5, 5, 1]) for image in images] == list(range(120))


def test_few_pictures_wait_for_whoever_takes_them(tmp_path, monkeypatch):
    """Memory does not grow with the number of files."""
    read, path = [], saved(tmp_path / "a.png", gradient())
    monkeypatch.setattr(pictures, "read_picture", lambda path, size: read.append(path) or np.zeros((size, size, 3)))
    taken = read_pictures([path] * 1000, 16)
    next(taken)
    time.sleep(0.1)
    assert 1 <= len(read) <= pictures.AT_ONCE


def test_threads_pass_errors_on_and_drop_what_has_not_begun():
    begun = []

    def work(i):
        begun.append(i)
        if i == 0:
            raise KeyError(i)
        time.sleep(0.001)

    with pytest.raises(KeyError):
        list(in_threads(work, range(10_000), ""))
    assert len(begun) < 10_000
