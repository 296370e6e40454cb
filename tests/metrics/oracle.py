"""Metrics again in float64 NumPy, from masks rather than counts, by other algebra."""

import itertools

import numpy as np


def overlap(predicted, actual):
    """Scores of two boolean masks, of which neither is empty or full."""
    precision = actual[predicted].mean()
    recall = predicted[actual].mean()
    specificity = (~predicted)[~actual].mean()
    agreement = (predicted == actual).mean()
    sides = predicted.mean(), actual.mean()
    chance = sides[0] * sides[1] + (1 - sides[0]) * (1 - sides[1])
    return {
        "dice": 2 / (1 / precision + 1 / recall) if precision else 0,
        "jaccard": (predicted & actual).sum() / (predicted | actual).sum(),
        "f_half": f_score(precision, recall, 0.5),
        "f_two": f_score(precision, recall, 2),
        "sensitivity": recall,
        "precision": precision,
        "specificity": specificity,
        "hamming": 1 - np.logical_xor(predicted, actual).mean(),
        "balanced_accuracy": (recall + specificity) / 2,
        "kappa": (agreement - chance) / (1 - chance),
        "matthews": np.corrcoef(predicted.ravel(), actual.ravel())[0, 1],
        "volume_difference": abs(int(predicted.sum()) - int(actual.sum())),
    }


def f_score(precision, recall, beta):
    """Weighted harmonic mean of precision and recall."""
    share = 1 / (1 + beta**2)
    return 1 / (share / precision + (1 - share) / recall) if precision else 0


def calibration_error(confidence, right, bins):
    """Loops over bins and weighs the gap of each by its share of the predictions."""
    edges = np.linspace(0, 1, bins + 1)
    error = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if low == 0:
            inside |= confidence == 0
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            error += inside.mean() * gap
    return error


def brier(probs, ids):
    """Sum over classes, mean over pixels, one pixel at a time."""
    scores = []
    for p, label in zip(probs, ids, strict=True):
        target = np.zeros(len(p))
        target[label] = 1
        scores.append(np.sum((p - target) ** 2))
    return np.mean(scores)
