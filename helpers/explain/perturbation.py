"""Images without a part: a third of them, their object, or its background."""

import cv2
import numpy as np
from tqdm.auto import tqdm

THIRDS = ("top", "middle", "bottom")
RIM = 5  # pixels around a mask that go with the object: its soft edge and its nearest shadow


def altered(images: np.ndarray, labels: np.ndarray, masks: np.ndarray | None, *, rng) -> dict[str, np.ndarray]:
    """Return the images (N, H, W, 3) uint8 without each third and, with bool masks (N, H, W), object or background."""
    out = {f"no {part} third": without_third(images, part) for part in THIRDS}
    if masks is None:
        return out
    if masks.shape != images.shape[:3] or masks.dtype != bool:
        raise ValueError(f"Images (N, H, W, 3) need bool masks (N, H, W): {images.shape}, {masks.shape} do not fit.")
    gone = without_object(images, masks)
    return out | {"no object": gone, "other background": on_other_background(images, masks, labels, gone, rng)}


def without_third(images: np.ndarray, part: str) -> np.ndarray:
    """Return the images with their "top", "middle" or "bottom" third filled with the image's mean colour."""
    height, number = images.shape[1], THIRDS.index(part)
    out = images.copy()
    mean = images.mean(axis=(1, 2), keepdims=True)
    out[:, height * number // 3 : height * (number + 1) // 3] = np.rint(mean)
    return out


def without_object(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the images with the object and its rim painted over from their surroundings. Source: Telea (2004)."""
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1, 2 * RIM + 1))
    pairs = zip(tqdm(images, desc="painting objects over", unit="image", delay=3, leave=False), masks, strict=True)
    return np.stack([cv2.inpaint(x, cv2.dilate(m.astype(np.uint8), shape), 3, cv2.INPAINT_TELEA) for x, m in pairs])


def on_other_background(images: np.ndarray, masks: np.ndarray, labels: np.ndarray, backgrounds: np.ndarray, rng):
    """Return each object, where it was, before the background, of those given, of an image of another class."""
    if np.unique(labels).size < 2:
        raise ValueError("There is no image of another class to take a background from.")
    others = [rng.choice(np.flatnonzero(labels != label)) for label in labels]
    return np.where(masks[..., None], images, backgrounds[others])
