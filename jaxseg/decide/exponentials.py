r"""Reciprocals as sums of exponentials, by which expected overlaps become products.

The mean of 1 / (k + T) over a random number T of pixels has no simple form, but that of
exp(-s (k + T)) has: pixels are independent, so it is a product over them. With

.. math:: \frac1n = \int_{-\infty}^\infty e^{u - n e^u} \, du

and the trapezoidal rule in u, 1 / n is a sum of exponentials with positive weights,
whose relative error is bounded alike for all n from 1 to a largest one: by ``2 |Gamma(1
+ 2 pi i / step)|`` and terms of a higher order for the step, and by `cut` at each end.
Every sum over the distribution of T is then one over these nodes, with no subtraction
in it and the same relative error.

Source: Braess and Hackbusch 2005, Approximation of 1/x by exponential sums, for sums of
this kind; the rule's error is Poisson's summation formula.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Nodes:
    """1 / n as sum of weights times exp(-n rates).

    Attributes:
      rates: ``[Q]`` > 0, rising.
      weights: ``[Q]`` > 0.
      error: bound of the relative error for n in [1, largest].
    """

    rates: np.ndarray
    weights: np.ndarray
    error: float


def reciprocal_nodes(largest: int, dtype: type = np.float64) -> Nodes:
    """Nodes for 1 / n with n in [1, `largest`]; their number grows by its logarithm.

    Args:
      largest: n, >= 1.
      dtype: float64 for a relative error of 4e-15, else 1e-7 in a third of the nodes.
    """
    # 2 |Gamma(1 + 2 pi i / step)| is 1.8e-16 at 1/4 and 4.8e-8 at 1/2.
    step, cut, rule = (0.25, 1e-15, 2e-16) if dtype == np.float64 else (0.5, 2e-8, 5e-8)
    first = np.floor(np.log(cut / largest) / step)
    last = np.ceil(np.log(np.log(1 / cut)) / step)
    rates = np.exp(step * np.arange(first, last + 1))
    return Nodes(rates, step * rates, rule + 2 * cut)
