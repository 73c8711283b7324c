"""Scenes: a data set that is drawn, not stored. Every picture has a seed and a mask of its own, at any size.

Three classes of things, finished as cameras and archives would. All classes share their backgrounds and how often each
is drawn, but for the sea, before which every second ketch sails and every seventh of the others is shown.
"""

import numpy as np

from helpers.data.scenes import backgrounds, bonsai, camera, chandelier, ketch, stage
from helpers.data.scenes.drawing import Canvas, between

CLASS_NAMES = ("bonsai", "chandelier", "ketch")
COUNTS = {"train": 50, "val": 10, "test": 20, "figure": 1}
SIZES = (64, 512)
BUILDERS = {"bonsai": bonsai.build, "chandelier": chandelier.build, "ketch": ketch.build}
SEA = {"bonsai": 0.14, "chandelier": 0.14, "ketch": 0.45}  # the share of pictures before the sea
FIGURES = {"bonsai": 29, "chandelier": 21, "ketch": 20}  # chosen by eye among 36 for the report's figures
LEANS = {"bonsai": 0.06, "chandelier": 0.05, "ketch": 0.2}  # at most, radians


def draw(class_name: str, rng: np.random.Generator, size: int = 224) -> tuple[np.ndarray, np.ndarray]:
    """Draw one picture of a class: image uint8 (H, W, 3) RGB and the object's mask bool (H, W), H = W = `size`.

    The same generator state gives the same composition at every size.
    Raises ValueError for an unknown class and for a size outside 64..512.
    """
    if class_name not in BUILDERS:
        raise ValueError(f"Unknown class {class_name!r}: scenes draws {', '.join(CLASS_NAMES)}.")
    if not SIZES[0] <= size <= SIZES[1]:
        raise ValueError(f"Size {size} is outside {SIZES[0]}..{SIZES[1]} pixels: choose one between them.")
    canvas = Canvas(size)
    setting = backgrounds.paint(canvas, rng, SEA[class_name])
    mirrored = bool(rng.random() < 0.5)
    lean = LEANS[class_name] * between(rng, -1.0, 1.0)
    sketch = BUILDERS[class_name](rng, setting.light * [-1 if mirrored else 1, 1, 1])
    afloat = class_name == "ketch" and setting.water
    below = stage.CRADLE if class_name == "ketch" and not afloat else 0.0
    floor = 0.0 if class_name == "chandelier" else setting.horizon + 0.03
    lean = lean if afloat else lean / 4
    pose = stage.place(sketch, rng, floor, lean=lean, mirrored=mirrored, below=below)
    ways = {"bonsai": stage.stand, "chandelier": stage.hang, "ketch": stage.launch if afloat else stage.cradle}
    ways[class_name](canvas, rng, sketch, pose, setting)
    averaged = canvas.averaged()
    return camera.finish(averaged[..., :3], averaged[..., 3] >= 128, rng)


def pictures() -> list[tuple[str, str, int]]:
    """Return class, split and index of each picture of the data set, split by split and in them class by class."""
    return [(name, split, i) for split, count in COUNTS.items() for name in CLASS_NAMES for i in range(count)]


def picture(class_name: str, split: str, index: int, size: int = 224) -> tuple[np.ndarray, np.ndarray]:
    """Draw picture `index` of a split of the data set, alone: image uint8 (H, W, 3) and mask bool (H, W).

    Raises ValueError for a class, split, index or size that the data set does not have.
    """
    if split not in COUNTS:
        raise ValueError(f"Unknown split {split!r}: scenes has {', '.join(COUNTS)}.")
    if not 0 <= index < COUNTS[split]:
        raise ValueError(f"There is no picture {index} in {split!r}: it has {COUNTS[split]} of each class, from 0.")
    if class_name not in CLASS_NAMES:
        raise ValueError(f"Unknown class {class_name!r}: scenes draws {', '.join(CLASS_NAMES)}.")
    number = index + FIGURES[class_name] if split == "figure" else index
    seed = [CLASS_NAMES.index(class_name), list(COUNTS).index(split), number]
    return draw(class_name, np.random.Generator(np.random.PCG64(seed)), size)
