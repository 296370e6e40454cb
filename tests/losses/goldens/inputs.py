"""The tiny batch that all goldens share, in NumPy alone: any environment has it."""

import numpy as np

SEED = 2021
SHAPE = (2, 4, 4)


def batch(classes: int) -> dict[str, np.ndarray]:
    """Scores and soft targets ``[..., C]``, ids and a mask ``[...]``; float64.

    Every class occurs in every image, among the pixels that the mask keeps.
    """
    rng = np.random.default_rng(SEED)
    logits = 1.5 * rng.standard_normal((*SHAPE, classes))
    ids = rng.integers(0, max(classes, 2), SHAPE)
    mask = rng.random(SHAPE) > 0.25
    soft = rng.dirichlet(np.ones(max(classes, 2)), SHAPE)[..., :classes]
    ids[:, 0] = np.arange(SHAPE[-1]) % max(classes, 2)
    mask[:, 0] = True
    return {"logits": logits, "ids": ids, "mask": mask, "soft": soft}
