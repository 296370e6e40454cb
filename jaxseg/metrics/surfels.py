"""Surface elements between pixels: how much boundary passes through each 2x2x2 corner.

Around every corner point of the pixel grid lie 2^rank pixels. Which of them are inside
makes a code; cutting each edge of the cube that they form halfway gives loops, and
triangles that fill the loops have the area of the surface there (marching cubes). The
tables are derived here, from no other list of cases.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array

Point = tuple[float, ...]
MAX_RANK = 3


def neighbour_codes(mask: Array) -> Array:
    """Code of the pixels around each corner point of the grid.

    Args:
      mask: ``[...]`` bool of rank 1 to 3; outside of the image is outside.

    Returns:
      Integers, one longer than the mask along each axis: bit k is the pixel at the k-th
      of ``itertools.product((0, 1), repeat=rank)`` around the point.
    """
    padded = jnp.pad(mask, 1)
    codes = jnp.zeros([n + 1 for n in mask.shape], jnp.int32)
    for bit, corner in enumerate(itertools.product((0, 1), repeat=mask.ndim)):
        window = [slice(c, c + n + 1) for c, n in zip(corner, mask.shape, strict=True)]
        codes += padded[tuple(window)].astype(jnp.int32) << bit
    return codes


def surfel_areas(sizes: Array) -> Array:
    """Area (length in 2D, number in 1D) of the surface for each code.

    Args:
      sizes: ``[rank]`` size of a pixel along each axis; may be traced.

    Returns:
      ``[2 ** 2 ** rank]``, 0 for the codes of all inside and all outside.

    Raises:
      ValueError: rank is not 1, 2 or 3.
    """
    rank = sizes.shape[0]
    if not 1 <= rank <= MAX_RANK:
        raise ValueError(f"surface elements are known in 1 to 3 axes, not in {rank}")
    if rank == 1:
        return jnp.array([0, 1, 1, 0], sizes.dtype)
    normals = jnp.asarray(_normals(rank), sizes.dtype)
    # A line scales with the axis it runs along, an area with the two across its normal.
    scale = sizes if rank == 2 else jnp.prod(sizes) / sizes
    scaled = normals * scale.reshape(1, 1, -1)
    return jnp.sum(jnp.sqrt(jnp.sum(jnp.square(scaled), axis=-1)), axis=-1)


@functools.cache
def _normals(rank: int) -> np.ndarray:
    """``[codes, pieces, rank]``: a line in 2D, half a cross product in 3D, each."""
    corners: list[tuple[int, ...]] = list(itertools.product((0, 1), repeat=rank))
    table = []
    for code in range(2 ** len(corners)):
        inside = {corner: bool(code >> k & 1) for k, corner in enumerate(corners)}
        # Where a face is ambiguous the pixels of the minority are kept apart.
        minority = sum(inside.values()) <= len(corners) / 2
        segments = [
            s for face in _faces(rank) for s in _cut_face(face, inside, minority)
        ]
        if rank == 2:
            table.append([np.subtract(b, a) for a, b in segments])
        else:
            table.append([n for loop in _loops(segments) for n in _fill(loop)])
    pieces = max(len(found) for found in table)
    normals = np.zeros((len(table), pieces, rank))
    for row, found in zip(normals, table, strict=True):
        row[: len(found)] = np.reshape(found, (-1, rank))
    return normals


def _faces(rank: int) -> Iterator[list[Point]]:
    """The corners of each face of the cube, in the order of a walk around it."""
    walk = [(0, 0), (1, 0), (1, 1), (0, 1)]
    if rank == 2:
        yield [tuple(map(float, corner)) for corner in walk]
        return
    for axis, side in itertools.product(range(3), (0, 1)):
        yield [(*uv[:axis], side, *uv[axis:]) for uv in walk]


def _cut_face(
    face: Sequence[Point], inside: dict[tuple[int, ...], bool], minority: bool
) -> list[tuple[Point, Point]]:
    """The lines between middles of edges that divide inside from outside on a face."""
    flags = [inside[tuple(map(int, corner))] for corner in face]
    middles = [
        tuple((np.asarray(face[k]) + np.asarray(face[(k + 1) % 4])) / 2)
        for k in range(4)
    ]
    crossed = [k for k in range(4) if flags[k] != flags[(k + 1) % 4]]
    if len(crossed) == 4:
        return [(middles[k - 1], middles[k]) for k in range(4) if flags[k] == minority]
    return [(middles[crossed[0]], middles[crossed[1]])] if crossed else []


def _loops(segments: list[tuple[Point, Point]]) -> Iterator[list[Point]]:
    """Closed walks along lines, each of which shares its ends with two others."""
    left = list(segments)
    while left:
        loop = list(left.pop())
        while loop[-1] != loop[0]:
            line = next(line for line in left if loop[-1] in line)
            left.remove(line)
            loop.append(line[1] if line[0] == loop[-1] else line[0])
        yield loop[:-1]


def _fill(loop: Sequence[Point]) -> list[np.ndarray]:
    """Half cross products of the triangles that fill a loop, with the largest area.

    A loop that is not flat may be filled in several ways, which differ by 2.5 %; the
    largest is the choice of the usual tables of marching cubes.
    """
    points = np.asarray(loop)

    def best(first: int, last: int) -> list[np.ndarray]:
        ways = [
            best(first, k) + best(k, last) + [_half_cross(points[[first, k, last]])]
            for k in range(first + 1, last)
        ]
        return max(ways, key=_total, default=[])

    return best(0, len(points) - 1)


def _half_cross(triangle: np.ndarray) -> np.ndarray:
    return np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0]) / 2


def _total(normals: Sequence[np.ndarray]) -> float:
    return sum(float(np.linalg.norm(n)) for n in normals)
