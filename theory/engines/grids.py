"""Tiny grids: all masks of a shape and their distances, by brute force."""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

Pixel = tuple[int, ...]
Mask = frozenset[Pixel]


def pixels(*shape: int) -> list[Pixel]:
    """All pixels of a grid."""
    return list(itertools.product(*map(range, shape)))


def masks(*shape: int) -> Iterator[Mask]:
    """All subsets of the grid, smaller ones first."""
    grid = pixels(*shape)
    for size in range(len(grid) + 1):
        yield from map(frozenset, itertools.combinations(grid, size))


def squared(first: Pixel, second: Pixel) -> int:
    """Squared Euclidean distance of two pixels."""
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True))


def boundary_squares(mask: Mask, grid: list[Pixel]) -> dict[Pixel, int]:
    """Squared distance of each pixel to the nearest one on the other side of `mask`.

    Empty where all pixels are on one side: then there is no boundary.
    """
    outside = [p for p in grid if p not in mask]
    if not mask or not outside:
        return {}
    return {
        p: min(squared(p, q) for q in (outside if p in mask else mask)) for p in grid
    }


def boundary_distances(mask: Mask, grid: list[Pixel]) -> dict[Pixel, Fraction]:
    """Roots of `boundary_squares`: exact on a line, else the nearest floats."""
    return {p: root(d) for p, d in boundary_squares(mask, grid).items()}


def root(square: int) -> Fraction:
    """Square root, exact where it is whole."""
    whole = math.isqrt(square)
    return Fraction(whole if whole**2 == square else math.sqrt(square))


def sketch(mask: Mask, grid: list[Pixel]) -> str:
    """The mask as a row of # and . in the order of `grid`."""
    return "".join("#" if p in mask else "." for p in grid)


def sketch_witness(grid: list[Pixel], **shown: Mask) -> dict[str, Any]:
    """A witness: each mask as a sketch."""
    return {name: sketch(mask, grid) for name, mask in shown.items()}
