"""A Decathlon folder small enough for tests: bright boxes in noise."""

import json
from pathlib import Path

import nibabel
import numpy as np

SHAPE = (12, 10, 8)
SPACING = (1.0, 1.5, 3.0)


def save(path: Path, array: np.ndarray, spacing=SPACING) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*spacing, 1.0])
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def write_folder(
    root: Path, *, training=4, validation=2, test=2, channels=1, modality="MRI"
) -> Path:
    """Cases whose class 1 is bright and class 2 is dark; the last test has neither."""
    rng = np.random.default_rng(0)
    lists: dict[str, list] = {}
    for split, count in (
        ("training", training), ("validation", validation), ("test", test),
    ):  # fmt: skip
        lists[split] = []
        for index in range(count):
            name = f"{split}{index}.nii.gz"
            ids = np.zeros(SHAPE, np.uint8)
            if (split, index) != ("test", test - 1):
                x, y = rng.integers(0, 5, 2)
                ids[x : x + 5, y : y + 4, 1:4] = 1
                ids[x : x + 3, y : y + 4, 5:7] = 2
            image = rng.normal(100, 10, (*SHAPE, channels)).astype(np.float32)
            image += (60 * (ids == 1) - 60 * (ids == 2))[..., None]
            save(root / "images" / name, image[..., 0] if channels == 1 else image)
            save(root / "labels" / name, ids)
            lists[split].append(
                {"image": f"./images/{name}", "label": f"./labels/{name}"}
            )
    index = {
        "modality": {str(c): modality for c in range(channels)},
        "labels": {"0": "background", "1": "bright", "2": "dark"},
        **lists,
    }
    (root / "dataset.json").write_text(json.dumps(index))
    return root
