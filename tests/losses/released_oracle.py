"""Released losses again, in float64 NumPy, class by class and pixel by pixel."""

import numpy as np

from tests.losses.oracle import one_hot, probabilities


def images(logits, labels, where, link="softmax", temperature=1.0):
    """For each image: probabilities, targets ``[N, C]`` of the pixels that count."""
    z = np.asarray(logits, np.float64) * temperature
    p, t = probabilities(z, link), one_hot(labels, z.shape[-1])
    return [(p[b][where[b]], t[b][where[b]]) for b in range(len(z))]


def batch(logits, labels, where, link="softmax"):
    parts = images(logits, labels, where, link)
    return tuple(np.concatenate(x) for x in zip(*parts, strict=True))


def cross_entropy(logits, labels, where, weights=None):
    p, t = batch(logits, labels, where)
    own = t.argmax(1)
    w = np.ones(len(p)) if weights is None else np.array(weights)[own]
    return (-w * np.log(p[np.arange(len(p)), own])).sum() / w.sum()


def binary_cross_entropy(logits, labels, where):
    p, t = batch(logits, labels, where, "sigmoid")
    return -np.where(t == 1, np.log(p), np.log(1 - p)).mean()


def proportions(p, t):
    return [
        [(x[:, c].sum() + 1e-10) / (len(x) + 1e-10) for c in range(x.shape[1])]
        for x in (p, t)
    ]


def liu_marginal_l1(logits, labels, where, temperature=10.0):
    gaps = []
    for p, t in images(logits, labels, where, temperature=temperature):
        gaps += [abs(a - b) for a, b in zip(*proportions(p, t), strict=True)]
    return np.mean(gaps)


def liu_marginal_kl(logits, labels, where, temperature=10.0):
    totals = []
    for p, t in images(logits, labels, where, temperature=temperature):
        pairs = zip(*proportions(p, t), strict=True)
        totals.append(sum(y * np.log(y / q) for q, y in pairs))
    return np.mean(totals)


def liu_marginal_kl_binary(logits, labels, where, temperature=10.0):
    totals = []
    for p, t in images(logits, labels, where, "sigmoid", temperature):
        (q,), (y,) = proportions(p, t)
        totals.append(y * np.log(y / q) + (1 - y) * np.log((1 - y) / (1 - q)))
    return np.mean(totals)


def liu_dice_bias(logits, labels, where):
    logs = []
    for p, t in images(logits, labels, where):
        logs += [np.log(q + y + 1e-10) for q, y in zip(*proportions(p, t), strict=True)]
    return np.mean(logs)


def liu_ce_l1(logits, labels, where):
    return cross_entropy(logits, labels, where) + liu_marginal_l1(logits, labels, where)


def liu_ce_kl(logits, labels, where):
    kl = liu_marginal_kl(logits, labels, where)
    return cross_entropy(logits, labels, where) + 0.1 * kl


def _liu_dice(logits, labels, where, of_score):
    p, t = batch(logits, labels, where)
    losses = []
    for c in range(p.shape[1]):
        dice = 2 * p[t[:, c] == 1, c].sum() / (p[:, c].sum() + t[:, c].sum())
        losses.append(of_score(dice) if t[:, c].any() else 0.0)
    return np.mean(losses)


def liu_dice(logits, labels, where):
    return _liu_dice(logits, labels, where, lambda dice: 1 - dice)


def liu_log_dice(logits, labels, where):
    return _liu_dice(logits, labels, where, lambda dice: -np.log(dice))


def liu_generalized_dice(logits, labels, where):
    p, t = batch(logits, labels, where, "sigmoid")
    top = bottom = 0.0
    for c in range(p.shape[1]):
        w = 1 / max(t[:, c].sum() ** 2, 1e-7)
        top += w * p[t[:, c] == 1, c].sum()
        bottom += w * (p[:, c].sum() + t[:, c].sum())
    return 1 - 2 * top / bottom


def liu_focal_log_dice(logits, labels, where):
    p, t = batch(logits, labels, where, "sigmoid")
    q = np.where(t == 1, p, 1 - p)
    focal = (-((1 - q) ** 2) * np.log(q)).sum() / len(p)
    return focal + liu_dice(logits, labels, where)


def galdran_dice(logits, labels, where):
    losses = []
    for p, t in images(logits, labels, where, "sigmoid"):
        losses.append(1 - 2 * p[t == 1].sum() / (p.sum() + t.sum()))
    return np.mean(losses)


def galdran_bce_dice(logits, labels, where):
    bce = binary_cross_entropy(logits, labels, where)
    return (bce + galdran_dice(logits, labels, where)) / 2


def ma_weighted_cross_entropy(logits, labels, where):
    return cross_entropy(logits, labels, where, weights=(0.2, 0.8, 0.8))


def ma_topk_threshold(logits, labels, where):
    p, t = batch(logits, labels, where)
    losses = [-np.log(pi[ti == 1][0]) for pi, ti in zip(p, t, strict=True)
              if max(pi) < 0.5]  # fmt: skip
    return np.mean(losses)


def ma_topk(logits, labels, where):
    p, t = batch(logits, labels, where)
    k = int(where.size * 10 / 100)
    return np.mean(sorted(-np.log(p[t == 1]), reverse=True)[:k])


def ma_focal(logits, labels, where):
    p, t = batch(logits, labels, where)
    q = 1e-5 + (p * np.where(t == 1, 1 - 1e-5, 1e-5 / (p.shape[1] - 1))).sum(1)
    return (-0.5 * (1 - q) ** 2 * np.log(q)).mean()


def ma_distance_penalized_cross_entropy(logits, labels, where):
    return cross_entropy(logits, labels, where)


def ma_sensitivity_specificity(logits, labels, where):
    p, t = batch(logits, labels, where)
    values = []
    for c in range(1, p.shape[1]):
        own = t[:, c] == 1
        inside = ((1 - p[own, c]) ** 2).sum() / (own.sum() + 1e-5)
        outside = (p[~own, c] ** 2).sum() / ((~own).sum() + 1e-5)
        values.append(0.1 * inside + 0.9 * outside)
    return np.mean(values)


def _ma_scores(logits, labels, where, score):
    """`score` of the true positives', false positives' and false negatives' masses."""
    p, t = batch(logits, labels, where)
    values = []
    for c in range(1, p.shape[1]):
        own = t[:, c] == 1
        values.append(score(p[own, c], p[~own, c], 1 - p[own, c]))
    return np.mean(values)


def ma_squared_dice(logits, labels, where):
    def score(hits, false, missed):
        tp, fp, fn = (hits**2).sum(), (false**2).sum(), (missed**2).sum()
        return (2 * tp + 1e-5) / (2 * tp + fp + fn + 1e-5)

    return -_ma_scores(logits, labels, where, score)


def _tversky(a, b):
    def score(hits, false, missed):
        top = hits.sum() + 1e-5
        return top / (top + a * false.sum() + b * missed.sum())

    return score


def ma_dice(logits, labels, where):
    def score(hits, false, missed):
        top = 2 * hits.sum() + 1e-5
        return top / (top + false.sum() + missed.sum())

    return -_ma_scores(logits, labels, where, score)


def ma_jaccard(logits, labels, where):
    return -_ma_scores(logits, labels, where, _tversky(1, 1))


def ma_tversky(logits, labels, where):
    return -_ma_scores(logits, labels, where, _tversky(0.3, 0.7))


def ma_asymmetric(logits, labels, where):
    return -_ma_scores(logits, labels, where, _tversky(1 / 3.25, 2.25 / 3.25))


def ma_focal_tversky(logits, labels, where):
    return (1 - _ma_scores(logits, labels, where, _tversky(0.3, 0.7))) ** 0.75


def ma_exponential_logarithmic(logits, labels, where):
    dice = -ma_dice(logits, labels, where)
    return 0.8 * (-np.log(dice)) ** 0.3 + 0.2 * cross_entropy(logits, labels, where)


def ma_lovasz(logits, labels, where):
    """A difference of Jaccard losses at each step, as pixels join by error."""
    z, ids = np.asarray(logits, np.float64)[where], np.asarray(labels)[where]
    values = []
    for c in np.unique(ids):
        own = ids == c
        errors = np.abs(own - z[:, c])
        value, before, wrong = 0.0, 0.0, np.zeros(len(ids), bool)
        for i in np.argsort(-errors):
            wrong[i] = True
            missed = 1 - (own & ~wrong).sum() / (own | wrong).sum()
            value += errors[i] * (missed - before)
            before = missed
        values.append(value)
    return np.mean(values)


def _ratio(p, t, weight, smooth, least):
    top = bottom = 0.0
    for c in range(p.shape[1]):
        w = weight(t[:, c].sum())
        top += w * p[t[:, c] == 1, c].sum()
        bottom += w * (p[:, c].sum() + t[:, c].sum())
    return 1 - 2 * (top + smooth) / max(bottom + smooth, least)


def ma_generalized_dice(logits, labels, where):
    p, t = batch(logits, labels, where)
    return _ratio(p, t, lambda size: 1 / max(size**2, 1e-5), 0, 1e-5)


def ma_generalized_dice_v1(logits, labels, where):
    parts = images(logits, labels, where)
    return np.mean(
        [_ratio(p, t, lambda size: 1 / (size + 1e-10) ** 2, 1e-5, 0) for p, t in parts]
    )


def ma_penalized_generalized_dice(logits, labels, where):
    loss = ma_generalized_dice_v1(logits, labels, where)
    return loss / (1 + 2.5 * (1 - loss))


def ma_boundary(logits, labels, where, signed_distance):
    p = probabilities(logits, "softmax")
    return (p * signed_distance)[where][:, 1:].mean()


def ma_hausdorff(logits, labels, where, actual_distance, predicted_distance):
    p = probabilities(logits, "softmax")
    error = (p - one_hot(labels, p.shape[-1])) ** 2
    terms = error * (actual_distance**2 + predicted_distance**2)
    return terms[where][:, 1:].mean()


def ma_dice_boundary(logits, labels, where, signed_distance):
    dice = 1 + ma_dice(logits, labels, where)
    boundary = ma_boundary(logits, labels, where, signed_distance)
    return 0.01 * dice + 0.99 * boundary


def kervadec_boundary(logits, labels, where, inside, outside):
    phi = np.where(inside > 0, 1 - inside, outside)
    return ma_boundary(logits, labels, where, phi)


def galdran_ce_to_dice_linear(logits, labels, where):
    """At 0.95 of 12 epochs: the last, epoch 11, all Dice."""
    return galdran_dice(logits, labels, where)


def galdran_ce_to_dice_hard(logits, labels, where):
    """At 0.91 of 12 epochs: epoch 10 <= 10.8, all cross-entropy."""
    return binary_cross_entropy(logits, labels, where)
