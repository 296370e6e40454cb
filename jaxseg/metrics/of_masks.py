"""Scores of two masks of one image, each by the name it has in the field.

All take ``pred`` and ``true``, bool masks ``[*size]`` of one shape (or known numbers 0
and 1), NumPy's or JAX's, and return a scalar. All work under `jax.jit`, and under
`jax.vmap` for a batch. What a score is where a mask is empty is said by `empty` and
`missed`, one vocabulary for all, see `jaxseg.metrics.empty`: unless told otherwise, two
empty masks agree perfectly, and an object that is missed has overlap 0, none of its
surface within the tolerance, and the diagonal of the image as its distance.

Distances are in the units of `spacing`, the size of a pixel along each axis. What a
surface is and how two directions make one number differs between libraries, and is said
by `definition`, one of `jaxseg.metrics.surface.DEFINITIONS`.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from jaxseg.counts import SoftCounts, indices
from jaxseg.distance import Spacing, sizes_of
from jaxseg.metrics.empty import EMPTY_VALUES, EmptyRule, MissedRule, check_rules
from jaxseg.metrics.masks import as_masks, counts_of_masks
from jaxseg.metrics.surface import DEFINITIONS, Definition, scores_of_pair
from jaxseg.numerics import is_numpy, known_numbers, widen


def _counts(pred: Any, true: Any, empty: EmptyRule) -> tuple[SoftCounts, float]:
    check_rules(empty)
    return counts_of_masks(*as_masks(pred, true)), EMPTY_VALUES[empty]


def dice(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """Dice coefficient 2 TP / (2 TP + FP + FN), in [0, 1].

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> float(dice(pred, true)), float(iou(pred, true)), float(dice(~pred, pred))
      (0.8, 0.6666666666666666, 0.0)
      >>> nothing = np.zeros((2, 3), bool)
      >>> float(dice(nothing, nothing)), float(dice(nothing, nothing, empty="nan"))
      (1.0, nan)
    """
    counts, value = _counts(pred, true, empty)
    return indices.dice_index(counts, empty=value)


def iou(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """Jaccard index TP / (TP + FP + FN), intersection over union, in [0, 1].

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{iou(pred, true):.4f}")
      0.6667
    """
    counts, value = _counts(pred, true, empty)
    return indices.jaccard_index(counts, empty=value)


def f_beta(pred: Any, true: Any, beta: Any, *, empty: EmptyRule = "one") -> Any:
    """F-beta score, in [0, 1]: a missed pixel weighs beta^2 times a false one.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{f_beta(pred, true, 1):.4f}")
      0.8000
      >>> print(f"{f_beta(pred, true, 2):.4f}")
      0.9091
    """
    counts, value = _counts(pred, true, empty)
    return indices.f_beta_index(counts, beta=beta, empty=value)


def sensitivity(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """TP / (TP + FN), the recall, in [0, 1]; 0/0 where nothing is true.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{sensitivity(pred, true):.4f}")
      1.0000
    """
    counts, value = _counts(pred, true, empty)
    return indices.sensitivity_index(counts, empty=value)


def specificity(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """TN / (TN + FP), in [0, 1]; 0/0 where all is true.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{specificity(pred, true):.4f}")
      0.7500
    """
    counts, value = _counts(pred, true, empty)
    return indices.specificity_index(counts, empty=value)


def precision(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """TP / (TP + FP), in [0, 1]; 0/0 where nothing is predicted.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{precision(pred, true):.4f}")
      0.6667
    """
    counts, value = _counts(pred, true, empty)
    return indices.precision_index(counts, empty=value)


def accuracy(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """(TP + TN) / pixels, in [0, 1]; 0/0 without a pixel.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{accuracy(pred, true):.4f}")
      0.8333
    """
    counts, value = _counts(pred, true, empty)
    return indices.hamming_index(counts, empty=value)


def balanced_accuracy(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """Mean of sensitivity and specificity, in [0, 1]; one without its pixels is 1.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{balanced_accuracy(pred, true):.4f}")
      0.8750
    """
    counts, value = _counts(pred, true, empty)
    return indices.weighted_hamming_index(counts, gamma=0.5, empty=value)


def kappa(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """Cohen's kappa, in [-1, 1]: agreement beyond chance over what chance leaves.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{kappa(pred, true):.4f}")
      0.6667
    """
    counts, value = _counts(pred, true, empty)
    return indices.kappa_index(counts, empty=value)


def matthews(pred: Any, true: Any, *, empty: EmptyRule = "one") -> Any:
    """Matthews' correlation coefficient of the two masks, in [-1, 1].

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> print(f"{matthews(pred, true):.4f}")
      0.7071
    """
    counts, value = _counts(pred, true, empty)
    return indices.matthews_index(counts, empty=value)


def volume_difference(pred: Any, true: Any, spacing: Spacing | None = None) -> Any:
    """abs(predicted - true) volume: pixels, or units of `spacing` to the rank.

    Example:
      >>> pred = np.array([[0, 1, 1], [0, 0, 1]], bool)
      >>> true = np.array([[0, 1, 1], [0, 0, 0]], bool)
      >>> float(volume_difference(pred, true))
      1.0
      >>> float(volume_difference(pred, true, spacing=(0.5, 4)))
      2.0
    """
    pred, true = as_masks(pred, true)
    counts = counts_of_masks(pred, true)
    sizes = sizes_of(spacing, pred.ndim, jnp.result_type(float))
    pixel = float(sizes.prod()) if isinstance(sizes, np.ndarray) else jnp.prod(sizes)
    difference = abs(counts.predicted - counts.actual)
    return difference * pixel if is_numpy(difference) else widen(difference) * pixel


def hausdorff(
    pred: Any,
    true: Any,
    spacing: Spacing | None = None,
    *,
    percentile: ArrayLike = 100.0,
    empty: EmptyRule = "one",
    missed: MissedRule = "diagonal",
    definition: str | Definition = "monai",
) -> Any:
    """Hausdorff distance, the longest from either surface to the other.

    Example:
      >>> pred, true = np.zeros((2, 8, 8), bool)
      >>> pred[2:6, 2:6] = true[2:6, 3:7] = True
      >>> print(f"{hausdorff(pred, true):.4f}")
      1.0000
      >>> print(f"{hausdorff(pred, true, spacing=(1.0, 0.5)):.4f}")
      0.5000

    Args:
      pred: ``[*size]`` bool.
      true: ``[*size]`` bool.
      spacing: size of a pixel along each axis, or one number; None is 1.
      percentile: of the distances, in [0, 100], in the place of the longest.
      empty: where both masks are empty, "one" is distance 0.
      missed: the distance where one of both is empty.
      definition: of surface and percentile, by the name of the library that has it.

    Raises:
      ValueError: no masks of one shape, no such rule or definition, or a number out of
        its range.
    """
    known = known_numbers(percentile)
    if known is not None and not 0 <= known <= 100:
        raise ValueError(f"a percentile is in [0, 100], not {percentile}")
    options = {"percentile": percentile, "empty": empty, "missed": missed}
    name = "hausdorff" if known == 100 else "hausdorff_percentile"
    return _surface(name, pred, true, spacing, definition, **options)


def hd95(
    pred: Any,
    true: Any,
    spacing: Spacing | None = None,
    *,
    empty: EmptyRule = "one",
    missed: MissedRule = "diagonal",
    definition: str | Definition = "monai",
) -> Any:
    """`hausdorff` at the 95th percentile of the distances, with its arguments.

    Example:
      >>> true = jnp.zeros((32, 32), bool).at[8:16, 8:16].set(True)
      >>> float(hd95(jnp.roll(true, 5, axis=0), true, spacing=(2.0, 1.0)))
      10.0
      >>> float(hd95(jnp.zeros_like(true), true, missed="infinite"))
      inf
    """
    rules = {"empty": empty, "missed": missed}
    return _surface("hd95", pred, true, spacing, definition, **rules)


def assd(
    pred: Any,
    true: Any,
    spacing: Spacing | None = None,
    *,
    empty: EmptyRule = "one",
    missed: MissedRule = "diagonal",
    definition: str | Definition = "monai",
) -> Any:
    """Average symmetric surface distance, of both surfaces pooled.

    Arguments as of `hausdorff`.

    Example:
      >>> pred, true = np.zeros((2, 8, 8), bool)
      >>> pred[2:6, 2:6] = true[2:6, 3:7] = True
      >>> print(f"{assd(pred, true):.4f}")
      0.5000
      >>> print(f"{assd(pred, true, spacing=(1.0, 0.5)):.4f}")
      0.2500
    """
    rules = {"empty": empty, "missed": missed}
    return _surface("assd", pred, true, spacing, definition, **rules)


def nsd(
    pred: Any,
    true: Any,
    tolerance: ArrayLike,
    spacing: Spacing | None = None,
    *,
    empty: EmptyRule = "one",
    definition: str | Definition = "monai",
) -> Any:
    """Normalised surface distance, in [0, 1]: share of both surfaces that is near.

    Example:
      >>> pred, true = np.zeros((2, 8, 8), bool)
      >>> pred[2:6, 2:6] = true[2:6, 3:7] = True
      >>> print(f"{nsd(pred, true, tolerance=0.5):.4f}")
      0.5000
      >>> print(f"{nsd(pred, true, tolerance=1):.4f}")
      1.0000

    Args:
      pred: ``[*size]`` bool.
      true: ``[*size]`` bool.
      tolerance: so near is a piece of surface to the other that it counts as right, in
        units of `spacing`, >= 0.
      spacing: size of a pixel along each axis, or one number; None is 1.
      empty: where both masks are empty; where one of both is, the share is 0.
      definition: of surface, by the name of the library that has it.

    Raises:
      ValueError: as `hausdorff`.

    Source: Nikolov 2018, the surface Dice at a tolerance.
    """
    options = {"tolerance": tolerance, "empty": empty}
    return _surface("nsd", pred, true, spacing, definition, **options)


def _surface(
    name: str,
    pred: Any,
    true: Any,
    spacing: Spacing | None,
    definition: str | Definition,
    **options: Any,
) -> Any:
    if isinstance(definition, str):
        if definition not in DEFINITIONS:
            raise ValueError(
                f"definition is one of {', '.join(DEFINITIONS)}, not {definition!r}"
            )
        definition = DEFINITIONS[definition]
    options = {"spacing": spacing, "definition": definition, **options}
    return scores_of_pair(pred, true, names=(name,), **options)[name]
