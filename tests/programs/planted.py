"""Pictures of which it is known whether they are the same: `python tests/programs/planted.py` prints what is found.

Duplicates are planted in drawn scenes; look-alikes are scans with one outline and a spot in different places, the
handwritten digits of scikit-learn, and the scenes themselves. None of them is used for the report.
"""

import sys

import cv2
import numpy as np

from helpers.data import scenes
from helpers.data.duplicates import closest


def drawn(split, count, size):
    return np.array([scenes.picture(name, split, i, size)[0] for name in scenes.CLASS_NAMES for i in range(count)])


def jpeg(image):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


def resized(image):
    small = image.shape[0] * 2 // 5
    return cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), image.shape[:2])


def cropped(share):
    def crop(image):
        rng = np.random.default_rng(int(image.sum()))  # a place of its own for each picture, and always the same
        side = round(image.shape[0] * share)
        top, left = rng.integers(0, image.shape[0] - side + 1, 2)
        return cv2.resize(image[top : top + side, left : left + side], image.shape[:2])

    return crop


def striped(image):
    image, height = image.copy(), image.shape[0]
    image[round(0.8 * height) : round(0.92 * height)] = 255
    return image


CHANGES = {
    "the same": lambda image: image,
    "resized": resized,
    "compressed": jpeg,
    "darker": lambda image: (image * 0.6).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1],
    "all of these": lambda image: (jpeg(resized(image[:, ::-1])) * 0.6).astype(np.uint8),
    "cropped to 90 %": cropped(0.9),
    "cropped to 80 %": cropped(0.8),
    "cropped to 70 %": cropped(0.7),
    "cropped to 80 %, mirrored, compressed": lambda image: jpeg(cropped(0.8)(image)[:, ::-1]),
    "brighter, whites clipped": lambda image: cv2.convertScaleAbs(image, alpha=1.15, beta=12),
    "a white stripe over it": striped,
}


def scans(count, size=96):
    """One outline that is no mirror image of itself, and in each a spot in another place: none overlaps the next."""
    turn, pictures = np.pi * (3 - 5**0.5), []  # a sunflower's
    for k in range(count):
        picture = np.full((size, size), 20, np.uint8)
        middle, radius = size // 2, 0.28 * size * ((k + 0.5) / count) ** 0.5
        cv2.ellipse(picture, (middle, middle), (size * 5 // 14, size * 3 // 7), 0, 0, 360, 150, -1)
        cv2.ellipse(picture, (middle, middle), (size * 5 // 14, size * 3 // 7), 0, 0, 360, 230, size // 40)
        cv2.ellipse(picture, (size * 2 // 5, middle), (size // 12, size // 5), 10, 0, 360, 90, -1)
        place = middle + round(radius * np.cos(k * turn)), middle + round(radius * np.sin(k * turn))
        cv2.circle(picture, place, size // 24, 220, -1)
        pictures.append(np.repeat(picture[..., None], 3, axis=2))
    return np.array(pictures)


def digits(size=64):
    from sklearn.datasets import load_digits

    gray = [cv2.resize((digit * 15.9).astype(np.uint8), (size, size)) for digit in load_digits().images]
    return np.repeat(np.array(gray)[..., None], 3, axis=3)


def found(train, test, planted=False):
    """Return how many of test's pictures have a twin and how many are alike; where planted, at their own place."""
    pairs = closest({"train": train, "test": test}, count=len(test))
    pairs = [pair for pair in pairs if not planted or len(set(pair.indices)) == 1]
    return sum(pair.is_duplicate for pair in pairs), sum(pair.is_alike for pair in pairs)


def main() -> None:
    """Print both rates."""
    base, strangers = drawn("train", 10, 224), drawn("val", 10, 224)
    print(f"{'planted':<40}{'pictures':>9}{'the same':>9}{'alike':>9}")
    for name, change in CHANGES.items():
        changed = np.array([change(image) for image in base])
        numbers = found(np.concatenate([base, strangers]), changed, planted=True)
        print(f"{name:<40}{len(base):>9}{numbers[0]:>9}{numbers[1]:>9}")
    outlines, handwriting = scans(24, 224), digits()
    others = {
        "look-alike scans": (outlines[::2], outlines[1::2]),
        "handwritten digits": (handwriting[:1200], handwriting[1200:]),
        "scenes": (drawn("train", 50, 224), drawn("test", 20, 224)),
    }
    print(f"\n{'not the same':<40}{'pictures':>9}{'the same':>9}{'alike':>9}")
    for name, (train, test) in others.items():
        numbers = found(train, test)
        print(f"{name:<40}{len(test):>9}{numbers[0]:>9}{numbers[1]:>9}")


if __name__ == "__main__":
    sys.exit(main())
