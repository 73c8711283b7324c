"""Images without a part: a third of them, their object, or its background."""

import cv2
import numpy as np
from tqdm.auto import tqdm

THIRDS = ("top", "middle", "bottom")
RIM = 5  # pixels around a mask that go with the object: its soft edge and its nearest shadow


def without_third(images: np.ndarray, part: str) -> np.ndarray:
    """Return the images (N, H, W, C) with their "top", "middle" or "bottom" third filled with the image's mean colour.

    ValueError for another part.
    """
    if part not in THIRDS:
        raise ValueError(f"A third of an image is one of {', '.join(THIRDS)}, not {part!r}.")
    height, number = images.shape[1], THIRDS.index(part)
    rows = slice(height * number // 3, height * (number + 1) // 3)
    out = images.copy()
    mean = images.mean(axis=(1, 2), keepdims=True)
    out[:, rows] = np.rint(mean) if images.dtype.kind in "iu" else mean
    return out


def without_object(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the images (N, H, W, 3) uint8 with the object, and a rim of 5 pixels, painted over from its surroundings.

    masks: bool (N, H, W), True on the object. ValueError when they do not fit. Source of the painting: Telea (2004).
    """
    _check_masks(images, masks)
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1, 2 * RIM + 1))
    pairs = zip(tqdm(images, desc="painting objects over", unit="image", delay=3, leave=False), masks, strict=True)
    return np.stack([cv2.inpaint(x, cv2.dilate(m.astype(np.uint8), shape), 3, cv2.INPAINT_TELEA) for x, m in pairs])


def on_other_background(
    images: np.ndarray, masks: np.ndarray, labels: np.ndarray, backgrounds: np.ndarray, *, rng: np.random.Generator
) -> np.ndarray:
    """Return the images with each object put, where it was, before the background of an image of another class.

    images: (N, H, W, 3) uint8; masks: bool (N, H, W); labels: (N,); backgrounds: the same images without their objects,
    as `without_object` returns them. ValueError when they do not fit, or when there is just one class.
    """
    _check_masks(images, masks)
    if images.shape != backgrounds.shape or len(labels) != len(images):
        raise ValueError(f"{len(images)} images need as many backgrounds and labels.")
    if np.unique(labels).size < 2:
        raise ValueError("There is no image of another class to take a background from.")
    others = [rng.choice(np.flatnonzero(labels != label)) for label in labels]
    return np.where(masks[..., None], images, backgrounds[others])


def altered(images: np.ndarray, labels: np.ndarray, masks: np.ndarray | None, *, rng) -> dict[str, np.ndarray]:
    """Return the images without each third and, where masks are known, without their object or their background."""
    out = {f"no {part} third": without_third(images, part) for part in THIRDS}
    if masks is not None:
        out["no object"] = without_object(images, masks)
        out["other background"] = on_other_background(images, masks, labels, out["no object"], rng=rng)
    return out


def _check_masks(images: np.ndarray, masks: np.ndarray) -> None:
    if images.ndim != 4 or masks.shape != images.shape[:3] or masks.dtype != bool:
        raise ValueError(f"Images (N, H, W, 3) need bool masks (N, H, W): {images.shape} and {masks.shape} do not fit.")
