"""Weights and an image by rule, in NumPy alone, so that none need be stored."""

import hashlib
import math

import numpy as np


def noise(shape, seed: int) -> np.ndarray:
    """Numbers in [-1/2, 1/2) that look random; float64."""
    k = np.arange(1, math.prod(shape) + 1, dtype=np.float64)
    return (np.sin(12.9898 * k + seed) * 43758.5453 % 1 - 0.5).reshape(shape)


def weight(name: str, shape) -> np.ndarray:
    """The tensor of a name in torchvision; convolutions keep their input's size."""
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:4], 16)
    values = noise(shape, seed)
    if len(shape) > 1:
        return values * math.sqrt(24 / math.prod(shape[1:]))
    if name.endswith("running_var"):
        return 1 + values
    return 0.2 * values + (0.6 if name.endswith("weight") else 0)


def image(size: int) -> np.ndarray:
    """``[1, size, size, 3]``, as large as a standardised photograph."""
    return 4 * noise((1, size, size, 3), 0)


def digest(shapes: dict) -> str:
    """Of all names and shapes of a network's tensors."""
    lines = (f"{name} {list(shape)}\n" for name, shape in sorted(shapes.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def described(feature: np.ndarray) -> dict:
    """What is stored of a feature ``[1, h, w, c]``."""
    flat = np.asarray(feature, np.float64).ravel()
    return {
        "shape": list(feature.shape),
        "mean": float(flat.mean()),
        "spread": float(flat.std()),
        "some": flat[:: max(flat.size // 12, 1)][:12].tolist(),
    }
