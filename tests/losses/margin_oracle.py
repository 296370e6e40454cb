"""Margin-based losses again, in float64, pixel by pixel."""

import numpy as np

from tests.losses.oracle import cross_entropy, one_hot


def _weights(weights, classes):
    return np.ones(classes) if weights is None else np.asarray(weights, np.float64)


def mbls(logits, labels, link="softmax", weights=None, where=None, margin=10, lam=0.1):
    z = np.asarray(logits, np.float64)
    w = _weights(weights, z.shape[-1])
    z = z.reshape(-1, len(w)) if where is None else z[where]
    penalty = 0.0
    for scores in z:
        if link == "softmax":
            over = [max(0, max(scores) - score - margin) for score in scores]
            penalty += np.dot(w, over) / len(scores)
            continue
        for factor, score in zip(w, scores, strict=True):
            pair = (0, score)
            penalty += factor * sum(max(0, max(pair) - s - margin) for s in pair) / 2
    loss = cross_entropy(logits, labels, link, weights, where)
    return loss + lam * penalty / len(z) if len(z) else 0.0


def nacl(logits, labels, link="softmax", weights=None, where=None, lam=0.1):
    """Of one image."""
    z = np.asarray(logits, np.float64)
    t = one_hot(labels, z.shape[-1])
    where = np.ones(z.shape[:-1], bool) if where is None else where
    w = _weights(weights, z.shape[-1])
    penalty = 0.0
    for i in zip(*np.nonzero(where), strict=True):
        box = tuple(slice(max(a - 1, 0), a + 2) for a in i)
        tau = t[box][where[box]].mean(axis=0)
        far = np.dot(w, np.abs(tau - z[i]))
        penalty += far / len(w) if link == "softmax" else far
    loss = cross_entropy(logits, labels, link, weights, where)
    return loss + lam * penalty / where.sum() if where.any() else 0.0
