"""Every hyper-parameter of the catalog has a range, and is refused out of it."""

import math
import numbers
import re

import jax
import numpy as np
import pytest

from jaxseg import losses
from jaxseg.losses import CATALOG
from jaxseg.losses.ranges import OF_LOSS, RANGES, range_of

NUMBERS = [
    (entry.name, name, value)
    for entry in CATALOG.values()
    for name, value in entry.defaults.items()
    if isinstance(value, numbers.Real) and not isinstance(value, bool)
]


def own(loss):
    """The function of a catalog name, None if it is one of other hyper-parameters."""
    return getattr(losses, f"{loss}_loss", None)


@pytest.mark.parametrize(("loss", "name", "default"), NUMBERS)
def test_a_number_out_of_range_is_refused_by_name(loss, name, default):
    legal = range_of(loss, name)
    assert legal is not None, f"{name} of {loss} has no range"
    assert default in legal
    for wrong in (math.nan, math.inf, -math.inf, -1, -1e30):
        said = re.escape(f"{name} of {loss} is {legal}, not {wrong}")
        with pytest.raises(ValueError, match=said):
            CATALOG[loss].build(**{name: wrong})
    CATALOG[loss].build(**{name: default})


@pytest.mark.parametrize(
    ("loss", "name"), [(loss, name) for loss, name, _ in NUMBERS if own(loss)]
)
def test_a_direct_call_refuses_the_same(loss, name):
    said = re.escape(f"{name} of {loss} is {range_of(loss, name)}, not nan")
    with pytest.raises(ValueError, match=said):
        own(loss)(np.zeros((2, 3)), np.zeros(2, int), **{name: math.nan})


def test_ranges_name_only_what_there_is():
    names = {name for _, name, _ in NUMBERS}
    assert set(RANGES) == names
    assert set(OF_LOSS) <= {(loss, name) for loss, name, _ in NUMBERS}


def test_ends_of_ranges():
    assert 0.0 in range_of("dice", "smooth")
    assert 1.0 in range_of("topk", "fraction")
    assert 0.0 not in range_of("topk", "fraction")
    assert 1.01 not in range_of("unified_focal", "gamma")
    assert 2.0 in range_of("focal", "gamma")
    assert str(range_of("topk", "fraction")) == "more than 0 and at most 1"


def test_what_is_traced_is_not_looked_at():
    jax.jit(lambda g: CATALOG["focal"].build(gamma=g)(0.5) and 0.0)(2.0)
