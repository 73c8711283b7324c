"""What camera, darkroom and archive do to a picture: exposure, tint, blur, grain, JPEG, borders and captions."""

import cv2
import numpy as np

from helpers.data.scenes.drawing import between, hsv

WEIGHTS = np.array([77, 150, 29])  # of red, green and blue in gray, 256 together


def finish(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return image (H, W, 3) uint8 and mask (H, W) bool as an archive would hold them; each step by chance."""
    chance = rng.random(8)
    if chance[0] < 0.4:
        image = _expose(image, rng)
    if chance[1] < 0.08:
        image = _gray(image, rng)
    elif chance[1] < 0.18:
        image = _tint(image, rng)
    if chance[2] < 0.08:
        reach = 2 * max(1, round(len(image) * between(rng, 0.002, 0.0038))) + 1
        image = cv2.blur(image, (reach, reach))
    if chance[3] < 0.2:
        image = _vignette(image, rng)
    if chance[4] < 0.16:
        image, mask = _border(image, mask, rng)
    if chance[5] < 0.07:
        image, mask = _caption(image, mask, rng)
    quality = int(rng.integers(25, 80))
    depth = int(rng.integers(3, 9))
    if chance[6] < 0.18:
        grain = rng.integers(-depth, depth + 1, (*image.shape[:2], 1 if rng.random() < 0.5 else 3))
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    if chance[7] < 0.35:
        image = _jpeg(image, quality)
    return np.ascontiguousarray(image), mask


def _expose(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stretch or flatten the tones about a gray level, and shift them."""
    gain, shift = between(rng, 0.9, 1.3), between(rng, -18, 18)
    levels = np.clip(np.rint((np.arange(256) - 128) * gain + 128 + shift), 0, 255).astype(np.uint8)
    return levels[image]


def _gray(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn to grays, sometimes toned."""
    gray = (image.astype(np.int32) @ WEIGHTS) >> 8
    tone = hsv(between(rng, 0.05, 0.12), between(rng, 0.0, 0.5) * (rng.random() < 0.5), 1.0)
    tone = np.rint(tone * 256 / max(tone @ WEIGHTS / 256, 1)).astype(np.int32)
    return np.clip((gray[..., None] * tone) >> 8, 0, 255).astype(np.uint8)


def _tint(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cast the whole picture in one colour, as old film and wrong white balance do."""
    tone = np.rint(hsv(rng.random(), between(rng, 0.05, 0.18), 1.0)).astype(np.int32)
    return ((image * tone) // 255).astype(np.uint8)


def _vignette(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Let the corners fall off to dark, or into white paper."""
    line = np.linspace(-1, 1, len(image)) ** 2
    far = (line[None, :] + line[:, None]) / 2
    faded = rng.random() < 0.25
    share = np.clip((far - 0.42) * 1.8, 0, 1) if faded else far * between(rng, 0.3, 0.8)
    share = np.rint(share * 256).astype(np.int32)[..., None]
    return (image + ((((250 if faded else 0) - image.astype(np.int32)) * share) >> 8)).astype(np.uint8)


def _border(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Lay a frame of one or two lines over the edges."""
    image, mask = image.copy(), mask.copy()
    for width, plain in ((between(rng, 0.015, 0.06), True), (between(rng, 0.004, 0.012), False)):
        edge = max(1, round(width * len(image)))
        hue, saturation = rng.random(), between(rng, 0.0, 0.4) * (rng.random() < 0.4)
        tone = np.rint(hsv(hue, saturation, round(rng.random()) if plain else rng.random()))
        for strip in (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:]):
            image[strip], mask[strip] = tone, False
    return image, mask


def _caption(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Print a strip with a plate number along the lower or the upper edge."""
    image, mask, size = image.copy(), mask.copy(), len(image)
    tall = max(6, round(size * between(rng, 0.06, 0.1)))
    start = 0 if rng.random() < 0.3 else size - tall
    paper = 245 if rng.random() < 0.5 else 12
    image[start : start + tall], mask[start : start + tall] = paper, False
    words = ("plate", "No.", "fig.", "cat.")[rng.integers(4)] + f" {rng.integers(10, 1000)}"
    place = (round(size * between(rng, 0.03, 0.5)), start + tall - max(2, tall // 4))
    cv2.putText(image, words, place, cv2.FONT_HERSHEY_SIMPLEX, tall / 36, (255 - paper,) * 3, 1, cv2.LINE_AA)
    return image, mask


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Compress and decompress; the colours' order does not matter as it is the same both ways."""
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("OpenCV could not write a JPEG: its build lacks libjpeg.")
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
