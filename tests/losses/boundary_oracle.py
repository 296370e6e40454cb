"""Boundary losses of one image again, in float64 with SciPy's distance transform."""

import numpy as np
from scipy import ndimage

from tests.losses.oracle import one_hot, probabilities


def surfaces(mask, spacing, where):
    """Distances to the nearest counted pixel on the other side; 0 without one."""
    found = np.zeros(mask.shape)
    if (mask & where).any() and (~mask & where).any():
        into = ndimage.distance_transform_edt(~(mask & where), sampling=spacing)
        out = ndimage.distance_transform_edt(~(~mask & where), sampling=spacing)
        found = np.where(mask, out, into)
    return found


def prepared(logits, labels, link, weights, where):
    z = np.asarray(logits, np.float64)
    where = np.ones(z.shape[:-1], bool) if where is None else where
    weights = np.ones(z.shape[-1]) if weights is None else weights
    # What a masked pixel holds is of no account.
    p = probabilities(np.where(where[..., None], z, 0), link)
    return p, one_hot(labels, z.shape[-1]), weights / weights.sum(), where


def boundary(
    logits, labels, link="softmax", weights=None, where=None, spacing=None, **_
):
    p, t, weights, where = prepared(logits, labels, link, weights, where)
    total = 0.0
    for c, weight in enumerate(weights):
        inside = t[..., c] > 0.5
        phi = surfaces(inside, spacing, where) * np.where(inside, -1, 1)
        total += weight * (phi * p[..., c])[where].mean()
    return total


def hausdorff(
    logits, labels, link="softmax", weights=None, where=None, spacing=None, alpha=2.0
):
    p, t, weights, where = prepared(logits, labels, link, weights, where)
    total = 0.0
    for c, weight in enumerate(weights):
        inside = p[..., c] > 0.5, t[..., c] > 0.5
        d_p, d_t = (surfaces(mask, spacing, where) for mask in inside)
        factor = d_p**alpha + d_t**alpha
        if not factor.any() and (inside[0] != inside[1])[where].any():
            extent = np.array(where.shape) * (1 if spacing is None else spacing)
            factor = 2 * np.sqrt(np.sum(extent**2)) ** alpha  # one empty, one full
        error = (p[..., c] - t[..., c]) ** 2 * factor
        total += weight * error[where].mean()
    return total


def distance_ce(
    logits, labels, link="softmax", weights=None, where=None, spacing=None, **_
):
    p, t, _, where = prepared(logits, labels, link, weights, where)
    weights = np.ones(p.shape[-1]) if weights is None else weights
    total = 0.0
    for c, weight in enumerate(weights):
        inside = t[..., c] > 0.5
        d = surfaces(inside, spacing, where)
        for side in (inside, ~inside):
            at = side & where
            if not at.any():
                continue
            deepest = d[at].max()
            factor = 1 + ((deepest - d[at]) / deepest if deepest else 0)
            logs = t[at][:, c] * np.log(p[at][:, c])
            if link == "sigmoid":
                logs += (1 - t[at][:, c]) * np.log(1 - p[at][:, c])
            total -= weight * (factor * logs).sum()
    return total / where.sum()


def erosion(logits, labels, link="softmax", weights=None, where=None, alpha=2.0, **_):
    p, t, weights, where = prepared(logits, labels, link, weights, where)
    rank = p.ndim - 1
    cross = ndimage.generate_binary_structure(rank, 1) / (2 * rank + 1)
    total = 0.0
    for c, weight in enumerate(weights):
        left = np.where(where, (p[..., c] - t[..., c]) ** 2, 0)
        for k in range(1, 11):
            left = ndimage.convolve(left, cross, mode="constant") - 0.5
            left = 2 * np.where(left > 0, left, 0)
            total += weight * k**alpha * left[where].mean()
    return total
