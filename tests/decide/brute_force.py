"""Expected scores by enumeration: all masks, all truths, in whole numbers."""

from fractions import Fraction

import numpy as np

GRAIN = 16
"""Probabilities are n / 16, so that weights of up to 12 pixels are exact floats."""


def expected_scores(numerators, index, *, empty=Fraction(1)):
    """Fraction of each of the 2^d masks, by the bits of its number.

    Args:
      numerators: of the probabilities, whole numbers from 0 to `GRAIN`.
      index: "dice" or "jaccard".
      empty: what the empty mask scores where the truth is empty.
    """
    d = len(numerators)
    truths = np.arange(2**d)
    weights = np.ones(2**d)
    for bit, n in enumerate(numerators):
        weights *= np.where(truths >> bit & 1, float(n), float(GRAIN - n))
    sizes = np.bitwise_count(truths)
    scores = []
    for mask in range(2**d):
        hits, size = np.bitwise_count(truths & mask), int(mask).bit_count()
        sums = np.bincount(hits * 32 + sizes, weights, minlength=32 * 32)
        total = Fraction(0)
        for place in np.flatnonzero(sums):
            both, true = divmod(int(place), 32)
            whole = size + true if index == "dice" else size + true - both
            share = Fraction(2 * both if index == "dice" else both, whole or 1)
            total += int(sums[place]) * (share if whole else empty)
        scores.append(total / GRAIN**d)
    return scores


def float_scores(numerators, index):
    """The same in float64, whose sums of weights are exact, for many pixels."""
    d = len(numerators)
    truths = np.arange(2**d)
    bits = truths[:, None] >> np.arange(d) & 1
    each = np.where(bits, numerators, GRAIN - np.asarray(numerators)).astype(float)
    weights, sizes = each.prod(-1), np.bitwise_count(truths)
    both, true = np.divmod(np.arange(32 * 32), 32)
    scores = []
    for mask in truths:
        hits, size = np.bitwise_count(truths & mask), int(mask).bit_count()
        sums = np.bincount(hits * 32 + sizes, weights, minlength=32 * 32)
        whole = size + true - (both if index == "jaccard" else 0)
        part = both if index == "jaccard" else 2 * both
        shares = np.where(whole > 0, part / np.maximum(whole, 1), 1)
        scores.append(sums @ shares / GRAIN**d)
    return np.array(scores)


def number_of(mask):
    """The number whose bits are a mask."""
    return sum(1 << int(bit) for bit in np.flatnonzero(mask))
