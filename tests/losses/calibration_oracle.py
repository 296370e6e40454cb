"""Average calibration errors again, in float64, class by class and bin by bin."""

import numpy as np

from tests.losses.oracle import pixels


def _average_gap(share, least, logits, labels, link, weights, where, bins):
    p, t, _ = pixels(logits, labels, link, where)
    by_class = []
    for c in range(p.shape[1]):
        gaps = []
        for b in range(bins):
            part = np.array([share(x, b, bins) for x in p[:, c]])
            if part.sum() > least:
                gaps.append(abs(np.sum(part * (p[:, c] - t[:, c]))) / part.sum())
        by_class.append(np.mean(gaps) if gaps else 0.0)
    weights = np.ones(len(by_class)) if weights is None else np.asarray(weights)
    total = weights.sum()
    return np.sum(weights * by_class) / total if total else 0.0


def _hard(p, b, bins):
    """Bins are open below and closed above; the first holds 0 too."""
    return float(b / bins < p <= (b + 1) / bins or (b == 0 and p == 0))


def _soft(p, b, bins):
    """By linear interpolation between the middles of bins."""
    middles = (np.arange(bins) + 0.5) / bins
    return np.interp(p, middles, np.arange(bins) == b)


def hard_ace(logits, labels, link="softmax", weights=None, where=None, bins=20):
    return _average_gap(_hard, 0, logits, labels, link, weights, where, bins)


def soft_ace(logits, labels, link="softmax", weights=None, where=None, bins=20):
    return _average_gap(_soft, 0.01, logits, labels, link, weights, where, bins)
