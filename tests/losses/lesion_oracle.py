"""Losses of single lesions of one image again, in float64, component by component."""

import numpy as np
from scipy import ndimage

from tests.losses.oracle import cross_entropy, dice, one_hot, probabilities


def _prepared(logits, labels, link, where):
    z = np.asarray(logits, np.float64)
    where = np.ones(z.shape[:-1], bool) if where is None else where
    p = probabilities(np.where(where[..., None], z, 0), link)
    return p, one_hot(labels, z.shape[-1]), where


def _components(mask):
    labels = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, output=labels)
    return [labels == k for k in range(1, labels.max() + 1)]


def _mean(values, weights):
    weights = np.ones(len(values)) if weights is None else weights
    return np.sum(weights * values) / np.sum(weights) if np.sum(weights) else 0.0


def blob(logits, labels, link="softmax", weights=None, where=None, main=2.0, blob=1.0):
    p, t, where = _prepared(logits, labels, link, where)
    values = np.zeros(p.shape[-1])
    for c in range(p.shape[-1]):
        blobs = _components((t[..., c] > 0.5) & where)
        of_blobs = []
        for one in blobs:
            others = sum(other for other in blobs if other is not one) > 0
            keep = where & ~others if len(blobs) > 1 else where
            of_blobs.append(1 - dice(p[keep][:, c], t[keep][:, c]))
        values[c] = main * (1 - dice(p[where][:, c], t[where][:, c]))
        values[c] += blob * np.mean(of_blobs) if of_blobs else 0
    return _mean(values, weights)


def regions(mask, spacing=(1.0,)):
    """Index of the component that holds the nearest pixel, or the first of such."""
    blobs = _components(mask)
    owner = np.sum([k * one for k, one in enumerate(blobs)], axis=0)
    places = np.argwhere(mask)
    found = np.zeros(mask.shape, int)
    for pixel in np.ndindex(mask.shape):
        squares = np.sum(((places - pixel) * np.array(spacing)) ** 2, axis=1)
        found[pixel] = owner[tuple(places[np.argmin(squares)])]
    return found, len(blobs)


def cc_dice_ce(
    logits, labels, link="softmax", weights=None, where=None, spacing=(1.0,)
):
    p, t, where = _prepared(logits, labels, link, where)
    z = np.where(where[..., None], logits, 0)
    values = np.zeros(p.shape[-1])
    for c in range(p.shape[-1]):
        mask = (t[..., c] > 0.5) & where
        found, count = regions(mask, spacing) if mask.any() else (0 * mask, 1)
        of_regions = []
        for k in range(count):
            keep = where & (found == k)
            own = slice(None) if link == "softmax" else slice(c, c + 1)
            ce = cross_entropy(z[..., own], t[..., own], link, where=keep)
            of_regions.append(1 - dice(p[keep][:, c], t[keep][:, c]) + ce)
        values[c] = np.mean(of_regions) if where.any() else 0
    return _mean(values, weights)


def adjacency(logits, labels, link="softmax", weights=None, where=None):
    p, t, where = _prepared(logits, labels, link, where)
    weights = np.ones(p.shape[-1]) if weights is None else weights
    if p.shape[-1] == 1:
        p, t = (np.concatenate([1 - x, x], -1) for x in (p, t))
        weights = np.array([1, *weights])
    classes, rank = p.shape[-1], p.ndim - 1
    touch, weight = np.zeros((2, classes, classes))
    for i in zip(*np.nonzero(where), strict=True):
        box = tuple(slice(max(a - 1, 0), a + 2) for a in i)
        near = where[box]
        for c in range(classes):
            for d in range(classes):
                touch[c, d] += t[i][c] > 0.5 and (t[box][near][:, d] > 0.5).any()
                weight[c, d] += p[i][c] * p[box][near][:, d].sum() / 3**rank
    banned = (touch == 0) & ~np.eye(classes, dtype=bool)
    total = np.sum(banned * np.outer(weights, weights) * weight)
    return total / where.sum() if where.any() else 0.0


def _bars(values, connectivity):
    """How long parts last as a threshold falls, pixel by pixel with a union-find."""
    near = np.argwhere(ndimage.generate_binary_structure(values.ndim, connectivity)) - 1
    parent, birth, bars = {}, {}, []

    def root(pixel):
        while parent[pixel] != pixel:
            pixel = parent[pixel]
        return pixel

    for index in np.argsort(-values, axis=None, kind="stable"):
        pixel = tuple(np.unravel_index(index, values.shape))
        parent[pixel], birth[pixel] = pixel, values[pixel]
        for step in near:
            other = tuple(np.add(pixel, step))
            if other not in parent:
                continue
            ends, stays = sorted((root(pixel), root(other)), key=birth.__getitem__)
            if ends != stays:
                bars.append((birth[ends], values[pixel]))
                parent[ends] = stays
    return bars, max(birth.values(), default=0)


def topological(logits, labels, link="softmax", weights=None, where=None):
    p, t, where = _prepared(logits, labels, link, where)
    rank = p.ndim - 1
    values = np.zeros(p.shape[-1])
    for c in range(p.shape[-1]):
        if not where.any():
            continue
        mask = (t[..., c] > 0.5) & where
        everywhere = np.ones((3,) * rank)
        outside = np.pad(~where, 1, constant_values=True)
        gaps, number = ndimage.label(np.pad(~mask, 1, constant_values=True))
        holes = number - len(set(gaps[outside]))  # what is outside is one with them
        wanted = [ndimage.label(mask, everywhere)[1], holes][:rank]
        seen = np.where(where, p[..., c], 0)
        bars, top = _bars(seen, rank)
        found = [[*(b - d for b, d in bars), top]]
        low = np.pad(np.where(where, -p[..., c], 1), 1, constant_values=1)
        found.append([b - d for b, d in _bars(low, 1)[0] if b < 1])
        for lasting, count in zip(found, wanted, strict=False):
            lasting = np.sort(lasting)[::-1]
            squares = np.zeros(max(len(lasting), count))
            squares[: len(lasting)] = np.square(lasting)
            values[c] += (1 - squares[:count]).sum() + squares[count:].sum()
    return _mean(values, weights)
