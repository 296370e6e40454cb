"""Losses again, in float64 NumPy, pixel by pixel and straight from their definitions.

Shares no code and no algebra with jaxseg: sets are looped over, the Lovász extension is
a difference of Jaccard losses, marginals are plain means.
"""

import numpy as np
from scipy import ndimage


def probabilities(logits, link):
    z = np.asarray(logits, np.float64)
    if link == "sigmoid":
        return np.where(z >= 0, 1 / (1 + np.exp(-np.abs(z))), 0) + np.where(
            z < 0, np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))), 0
        )
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def one_hot(labels, classes):
    labels = np.asarray(labels)
    if np.issubdtype(labels.dtype, np.floating):
        return labels.astype(np.float64)
    if classes == 1:
        return (labels == 1).astype(np.float64)[..., None]
    return np.stack([labels == c for c in range(classes)], -1).astype(np.float64)


def pixels(logits, labels, link="softmax", where=None):
    """Flat [N, C] probabilities, log-probabilities and targets of the kept pixels."""
    z = np.asarray(logits, np.float64)
    t = one_hot(labels, z.shape[-1])
    keep = np.ones(z.shape[:-1], bool) if where is None else np.asarray(where)
    return probabilities(z[keep], link), t[keep], z[keep]


def _weights(weights, classes):
    return np.ones(classes) if weights is None else np.asarray(weights, np.float64)


def _log(p):
    with np.errstate(divide="ignore"):
        return np.log(p)


def _xlogy(x, y):
    return np.where(x > 0, x * np.where(x > 0, _log(y), 0), 0)


def cross_entropy(logits, labels, link="softmax", weights=None, where=None):
    p, t, _ = pixels(logits, labels, link, where)
    if not len(p):
        return 0.0
    w = _weights(weights, p.shape[1])
    total = 0.0
    for pi, ti in zip(p, t, strict=True):
        for c in range(p.shape[1]):
            total -= w[c] * _xlogy(ti[c], pi[c])
            if link == "sigmoid":
                total -= w[c] * _xlogy(1 - ti[c], 1 - pi[c])
    return total / len(p)


def _class_mean(values, weights):
    w = _weights(weights, len(values))
    return float(np.sum(w * values) / np.sum(w)) if np.sum(w) else 0.0


def overlap(logits, labels, index, link="softmax", weights=None, where=None):
    p, t, _ = pixels(logits, labels, link, where)
    values = [1 - index(p[:, c], t[:, c]) for c in range(p.shape[1])]
    return _class_mean(np.array(values), weights)


def dice(p, t, smooth=0.0):
    top, bottom = 2 * np.minimum(p, t).sum() + smooth, p.sum() + t.sum() + smooth
    return top / bottom if bottom else 1.0


def dice_squared(p, t, smooth=0.0):
    top, bottom = 2 * (p * t).sum() + smooth, (p**2).sum() + (t**2).sum() + smooth
    return top / bottom if bottom else 1.0


def jaccard(p, t, smooth=0.0):
    top, bottom = np.minimum(p, t).sum() + smooth, np.maximum(p, t).sum() + smooth
    return top / bottom if bottom else 1.0


def jaccard_squared(p, t, smooth=0.0):
    top = (p * t).sum() + smooth
    bottom = (p**2).sum() + (t**2).sum() - (p * t).sum() + smooth
    return top / bottom if bottom else 1.0


def tversky(p, t, alpha=0.5, beta=0.5, smooth=0.0):
    tp = np.minimum(p, t).sum()
    fp, fn = np.maximum(p - t, 0).sum(), np.maximum(t - p, 0).sum()
    bottom = tp + alpha * fp + beta * fn + smooth
    return (tp + smooth) / bottom if bottom else 1.0


def log_dice(logits, labels, smooth=0.0, link="softmax", weights=None, where=None):
    p, t, _ = pixels(logits, labels, link, where)
    values = []
    for c in range(p.shape[1]):
        if (t[:, c].sum() == 0 and smooth == 0) or len(p) == 0:
            values.append(0.0)
        else:
            values.append(-np.log(dice(p[:, c], t[:, c], smooth)))
    return _class_mean(np.array(values), weights)


def lovasz(logits, labels, classes="present", link="softmax", weights=None, where=None):
    p, t, _ = pixels(logits, labels, link, where)
    w = _weights(weights, p.shape[1]).copy()
    values = np.zeros(p.shape[1])
    for c in range(p.shape[1]):
        target = t[:, c]
        if classes == "present" and target.sum() == 0:
            w[c] = 0
            continue
        errors = np.abs(target - p[:, c])
        order = np.argsort(-errors, kind="stable")
        previous, taken_target, taken_rest = 0.0, 0.0, 0.0
        for i in order:
            taken_target += target[i]
            taken_rest += 1 - target[i]
            missed = 1 - (target.sum() - taken_target) / (target.sum() + taken_rest)
            values[c] += errors[i] * (missed - previous)
            previous = missed
    return _class_mean(values, w) if w.sum() else 0.0


def marginals(logits, labels, temperature, link="softmax", where=None):
    z = np.asarray(logits, np.float64) * temperature
    p, t, _ = pixels(z, labels, link, where)
    return (p.mean(0), t.mean(0)) if len(p) else (None, None)


def marginal_l1(logits, labels, temperature=10.0, link="softmax", weights=None,
                where=None, target=None):  # fmt: skip
    p, y = marginals(logits, labels, temperature, link, where)
    if p is None:
        return 0.0
    y = y if target is None else np.asarray(target, np.float64)
    return float((_weights(weights, len(p)) * np.abs(y - p)).sum())


def marginal_kl(logits, labels, temperature=10.0, link="softmax", weights=None,
                where=None, target=None):  # fmt: skip
    p, y = marginals(logits, labels, temperature, link, where)
    if p is None:
        return 0.0
    y = y if target is None else np.asarray(target, np.float64)
    terms = _xlogy(y, y) - _xlogy(y, p)
    if link == "sigmoid":
        terms += _xlogy(1 - y, 1 - y) - _xlogy(1 - y, 1 - p)
    return float((_weights(weights, len(p)) * terms).sum())


def dice_bias(
    logits, labels, temperature=1.0, link="softmax", weights=None, where=None
):
    p, y = marginals(logits, labels, temperature, link, where)
    if p is None:
        return 0.0
    return float((_weights(weights, len(p)) * np.log(p + y)).sum())


def mean_over_images(loss, logits, labels, where=None, **options):
    values = []
    for i in range(len(logits)):
        mask = None if where is None else where[i]
        if mask is not None and not mask.any():
            continue
        values.append(loss(logits[i], labels[i], where=mask, **options))
    return float(np.mean(values)) if values else 0.0


def _pixel_mean(logits, labels, penalty, link, weights, where, chosen=None):
    """Mean over kept pixels of sum_c w_c t penalty(p) (both outcomes for sigmoid)."""
    p, t, _ = pixels(logits, labels, link, where)
    if not len(p):
        return 0.0, np.zeros(0)
    w = _weights(weights, p.shape[1])
    each = np.zeros(len(p))
    for i in range(len(p)):
        for c in range(p.shape[1]):
            if t[i, c] > 0:
                each[i] += w[c] * t[i, c] * penalty(p[i, c])
            if link == "sigmoid" and t[i, c] < 1:
                each[i] += w[c] * (1 - t[i, c]) * penalty(1 - p[i, c])
    return each.mean(), each


def focal(logits, labels, gamma=2.0, link="softmax", weights=None, where=None):
    def penalty(p):
        return -((1 - p) ** gamma) * np.log(p)

    return _pixel_mean(logits, labels, penalty, link, weights, where)[0]


def topk(logits, labels, fraction=0.1, link="softmax", weights=None, where=None):
    _, each = _pixel_mean(logits, labels, lambda p: -np.log(p), link, weights, where)
    if not len(each):
        return 0.0
    room, total = fraction * len(each), 0.0
    for value in sorted(each, reverse=True):
        total += min(room, 1.0) * value
        room -= min(room, 1.0)
    return total / len(each)


def topk_threshold(
    logits, labels, threshold=0.5, link="softmax", weights=None, where=None
):
    def chosen(p):
        return -np.log(p) if p < threshold else 0.0

    total, _ = _pixel_mean(logits, labels, chosen, link, weights, where)
    count, _ = _pixel_mean(
        logits, labels, lambda p: float(p < threshold), link, None, where
    )
    return total / count if count else 0.0


def region_cross_entropy(logits, labels, link="softmax", weights=None, where=None):
    p, t, _ = pixels(logits, labels, link, where)
    w = _weights(weights, p.shape[1])
    total = 0.0
    for c in range(p.shape[1]):
        if t[:, c].sum():
            total -= w[c] * _xlogy(t[:, c], p[:, c]).sum() / t[:, c].sum()
        if link == "sigmoid" and (1 - t[:, c]).sum():
            rest = 1 - t[:, c]
            total -= w[c] * _xlogy(rest, 1 - p[:, c]).sum() / rest.sum()
    return total


def focal_tversky(
    logits, labels, gamma=4 / 3, alpha=0.3, beta=0.7, link="softmax", weights=None,
    where=None,
):  # fmt: skip
    p, t, _ = pixels(logits, labels, link, where)
    values = [
        max(1 - tversky(p[:, c], t[:, c], alpha, beta), 0) ** (1 / gamma)
        for c in range(p.shape[1])
    ]
    return _class_mean(np.array(values), weights)


def f_beta(p, t, beta=1.5):
    tp = np.minimum(p, t).sum()
    fp, fn = np.maximum(p - t, 0).sum(), np.maximum(t - p, 0).sum()
    bottom = (1 + beta**2) * tp + beta**2 * fn + fp
    return (1 + beta**2) * tp / bottom if bottom else 1.0


def _generalized_dice(logits, labels, link, weights, where):
    p, t, _ = pixels(logits, labels, link, where)
    sizes = t.sum(0)
    present = sizes[sizes > 0]
    largest = 1 / present.min() ** 2 if len(present) else 1.0
    w = np.array([1 / s**2 if s > 0 else largest for s in sizes])
    w = w * _weights(weights, len(w))
    bottom = (w * (p.sum(0) + sizes)).sum()
    return 2 * (w * np.minimum(p, t).sum(0)).sum() / bottom if bottom else 1.0


def generalized_dice(logits, labels, link="softmax", weights=None, where=None):
    return 1 - _generalized_dice(logits, labels, link, weights, where)


def penalized_generalized_dice(
    logits, labels, k=2.5, link="softmax", weights=None, where=None
):
    score = _generalized_dice(logits, labels, link, weights, where)
    return 1 - score / (1 + k * (1 - score))


def sensitivity_specificity(
    logits, labels, w=0.1, link="softmax", weights=None, where=None
):
    p, t, _ = pixels(logits, labels, link, where)
    values = []
    for c in range(p.shape[1]):
        errors, value = (t[:, c] - p[:, c]) ** 2, 0.0
        if t[:, c].sum():
            value += w * (errors * t[:, c]).sum() / t[:, c].sum()
        if (1 - t[:, c]).sum():
            value += (1 - w) * (errors * (1 - t[:, c])).sum() / (1 - t[:, c]).sum()
        values.append(value)
    return _class_mean(np.array(values), weights)


def exponential_logarithmic(
    logits, labels, dice_weight=0.8, ce_weight=0.2, gamma=0.3, smooth=1.0,
    link="softmax", weights=None, where=None,
):  # fmt: skip
    p, t, _ = pixels(logits, labels, link, where)
    values = [
        (-np.log(dice(p[:, c], t[:, c], smooth))) ** gamma for c in range(p.shape[1])
    ]
    mean, _ = _pixel_mean(
        logits, labels, lambda p: (-np.log(p)) ** gamma, link, weights, where
    )
    return dice_weight * _class_mean(np.array(values), weights) + ce_weight * mean


def log_cosh_dice(logits, labels, **options):
    return float(np.log(np.cosh(overlap(logits, labels, dice, **options))))


def dice_semimetric(p, t):
    top = 2 * (p * t).sum()
    bottom = top + np.abs(p - t).sum()
    return top / bottom if bottom else 1.0


def jaccard_metric(p, t):
    bottom = (p * t).sum() + np.abs(p - t).sum()
    return (p * t).sum() / bottom if bottom else 1.0


def matthews(p, t):
    tp, tn = np.minimum(p, t).sum(), np.minimum(1 - p, 1 - t).sum()
    fp, fn = np.maximum(p - t, 0).sum(), np.maximum(t - p, 0).sum()
    bottom = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    if bottom:
        return (tp * tn - fp * fn) / bottom
    return 1.0 if fp + fn == 0 else 0.0


def lovasz_hinge(logits, labels, link="softmax", weights=None, where=None):
    p, t, z = pixels(logits, labels, link, where)
    w = _weights(weights, p.shape[1]).copy()
    values = np.zeros(p.shape[1])
    for c in range(p.shape[1]):
        margin = z[:, c]
        if link == "softmax":
            rest = np.delete(z, c, axis=1)
            peak = rest.max(1)
            margin = margin - peak - np.log(np.exp(rest - peak[:, None]).sum(1))
        target = t[:, c]
        if not target.sum():
            w[c] = 0
            continue
        errors = target * np.maximum(0, 1 - margin)
        errors += (1 - target) * np.maximum(0, 1 + margin)
        taken_target = taken_rest = previous = 0.0
        for i in np.argsort(-errors, kind="stable"):
            taken_target += target[i]
            taken_rest += 1 - target[i]
            missed = 1 - (target.sum() - taken_target) / (target.sum() + taken_rest)
            values[c] += errors[i] * (missed - previous)
            previous = missed
    return _class_mean(values, w)


def _outcomes(logits, labels, link, weights, where):
    """Exclusive outcomes with their weights; the first (half) of them is common."""
    p, t, _ = pixels(logits, labels, link, where)
    w = _weights(weights, p.shape[1])
    if link == "softmax":
        return p, t, w, [c > 0 for c in range(p.shape[1])]
    rare = [False] * p.shape[1] + [True] * p.shape[1]
    return np.hstack([1 - p, p]), np.hstack([1 - t, t]), np.hstack([w, w]), rare


def unified_focal(
    logits, labels, symmetric=True, weight=0.5, delta=0.6, gamma=0.5, link="softmax",
    weights=None, where=None,
):  # fmt: skip
    p, t, w, rare = _outcomes(logits, labels, link, weights, where)
    if not len(p):
        return 0.0
    pixel, region = 0.0, []
    for c in range(p.shape[1]):
        if symmetric:
            pixel_power, region_power = 1 - gamma, gamma
        else:
            pixel_power, region_power = (0, 1 - gamma) if rare[c] else (gamma, 1)
        focus = (1 - p[:, c]) ** pixel_power
        emphasis = delta if rare[c] else 1 - delta
        pixel -= w[c] * emphasis * (focus * _xlogy(t[:, c], p[:, c])).mean()
        score = tversky(p[:, c], t[:, c], alpha=1 - delta, beta=delta)
        region.append(max(1 - score, 0) ** region_power)
    return weight * pixel + (1 - weight) * _class_mean(np.array(region), w)


def asymmetric_unified_focal(*args, **options):
    return unified_focal(*args, symmetric=False, **options)


def wasserstein_dice(
    logits, labels, distances=None, link="softmax", weights=None, where=None
):
    p, t, w, _ = _outcomes(logits, labels, link, weights, where)
    count = p.shape[1]
    matrix = 1 - np.eye(count) if distances is None else distances
    hits = errors = 0.0
    for i in range(len(p)):
        work = importance = foreground = 0.0
        for a in range(count):
            importance += w[a] * t[i, a]
            foreground += matrix[a][0] * t[i, a]
            for b in range(count):
                work += t[i, a] * matrix[a][b] * p[i, b]
        hits += importance * foreground * (1 - work)
        errors += importance * work
    return 1 - 2 * hits / (2 * hits + errors) if hits or errors else 0.0


def _eroded(x, inside):
    cross = ndimage.generate_binary_structure(x.ndim, 1)
    x = np.where(inside, x, 1.0)
    return ndimage.minimum_filter(x, footprint=cross, mode="constant", cval=1.0)


def _dilated(x, inside):
    x = np.where(inside, x, 0.0)
    return ndimage.maximum_filter(x, size=3, mode="constant", cval=0.0)


def _skeleton(x, inside, iterations=3):
    skeleton = np.maximum(x - _dilated(_eroded(x, inside), inside), 0)
    for _ in range(iterations):
        x = _eroded(x, inside)
        ridge = np.maximum(x - _dilated(_eroded(x, inside), inside), 0)
        skeleton = skeleton + np.maximum(ridge - skeleton * ridge, 0)
    return skeleton[inside]


def cldice(logits, labels, link="softmax", weights=None, where=None):
    z = np.asarray(logits, np.float64)
    inside = np.ones(z.shape[:-1], bool) if where is None else where
    p, t = probabilities(z, link), one_hot(labels, z.shape[-1])
    values = []
    for c in range(z.shape[-1]):
        pc, tc = p[..., c], t[..., c]
        of_p, of_t = _skeleton(pc, inside), _skeleton(tc, inside)
        top_p = np.minimum(of_p, tc[inside]).sum()
        top_t = np.minimum(of_t, pc[inside]).sum()
        precision = top_p / of_p.sum() if of_p.sum() else 1.0
        sensitivity = top_t / of_t.sum() if of_t.sum() else 1.0
        both = precision + sensitivity
        values.append(1 - (2 * precision * sensitivity / both if both else 0.0))
    return _class_mean(np.array(values), weights)
