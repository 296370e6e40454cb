"""Depthwise convolutions as sums of shifted products, which a CPU does fast.

XLA's CPU backend takes 10 to 300 times as long. Every output is the sum over the
kernel's taps of a moved image times the tap's weights, which XLA fuses into one pass;
the gradients are sums of the same kind.
"""

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxseg.models.convolutions.window import Window
from jaxseg.numerics import widen


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def depthwise(x: Array, kernel: Array, window: Window) -> Array:
    """Each channel of ``[B, H, W, C]`` with its own ``[h, w]`` of ``[h, w, C]``.

    Sums are taken in float32 or wider and returned in the images' dtype.
    """
    return forward(x, kernel, window).astype(x.dtype)


def forward(x: Array, kernel: Array, window: Window) -> Array:
    """The same in float32 or wider, without gradients of its own."""
    padded = window.padded(x)
    reach = window.reach(kernel.shape[:2])
    down, across = window.dilation
    size = [
        (n - r) // s + 1
        for n, r, s in zip(padded.shape[1:3], reach, window.strides, strict=True)
    ]
    total = sum(
        widen(_take_every(padded, (i * down, j * across), size, window.strides))
        * widen(_tap(kernel, i, j))
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    )
    return jnp.asarray(total)


def _tap(kernel: Array, i: int, j: int) -> Array:
    """``[1, 1, 1, C]`` of ``[h, w, C]``."""
    return kernel[None, i : i + 1, j : j + 1]


def _take_every(
    x: Array, first: Sequence[int], count: Sequence[int], strides: Sequence[int]
) -> Array:
    """`count` rows and columns of ``[B, H, W, C]`` from `first`, `strides` apart."""
    rows, columns = (
        slice(f, f + s * (n - 1) + 1, s)
        for f, n, s in zip(first, count, strides, strict=True)
    )
    return x[:, rows, columns]


def _forward(x: Array, kernel: Array, window: Window) -> tuple[Array, tuple]:
    return depthwise(x, kernel, window), (x, kernel)


def _backward(window: Window, kept: tuple, slope: Array) -> tuple[Array, Array]:
    x, kernel = kept
    return (
        input_gradient(x.shape, kernel, slope, window).astype(x.dtype),
        kernel_gradient(x, kernel.shape[:2], slope, window).astype(kernel.dtype),
    )


depthwise.defvjp(_forward, _backward)


def input_gradient(
    shape: Sequence[int], kernel: Array, slope: Array, window: Window
) -> Array:
    """Gradient by images of `shape`, from `slope` by the outputs.

    A pixel meets the taps whose distance from it is a multiple of the stride, so that
    pixels fall into as many phases as strides have steps; each is a sum of shifted
    products, and they are interleaved at the end.
    """
    steps = window.strides
    first, size, around = [], [], []
    for n, (padding, _), step, reach, outputs in zip(
        shape[1:3],
        window.padding,
        steps,
        window.reach(kernel.shape[:2]),
        slope.shape[1:3],
        strict=True,
    ):
        start, past = padding // step, -(-(padding + n) // step)  # of each phase
        before = max(0, (reach - 1) // step - start)
        first.append(start + before)
        size.append(past - start)
        around.append((before, max(0, past - outputs)))
    wide = jnp.pad(slope, ((0, 0), *around, (0, 0)))

    def taps(axis: int, phase: int) -> list[tuple[int, int]]:
        """Taps that meet a phase, and where their outputs begin."""
        places = [k * window.dilation[axis] for k in range(kernel.shape[axis])]
        return [
            (k, first[axis] - place // steps[axis])
            for k, place in enumerate(places)
            if place % steps[axis] == phase
        ]

    def phase(a: int, b: int) -> Array:
        total = sum(
            widen(_take_every(wide, (row, column), size, (1, 1)))
            * widen(_tap(kernel, i, j))
            for i, row in taps(0, a)
            for j, column in taps(1, b)
        )
        return jnp.broadcast_to(total, (shape[0], *size, shape[3]))

    phases = [[phase(a, b) for b in range(steps[1])] for a in range(steps[0])]
    if steps == (1, 1):
        whole = phases[0][0]
    else:
        whole = jnp.stack([jnp.stack(row, axis=3) for row in phases], axis=2)
        whole = whole.reshape(
            shape[0], size[0] * steps[0], size[1] * steps[1], shape[3]
        )
    margin = [p[0] % s for p, s in zip(window.padding, steps, strict=True)]
    return _take_every(whole, margin, shape[1:3], (1, 1))


def kernel_gradient(
    x: Array, taps: Sequence[int], slope: Array, window: Window
) -> Array:
    """Gradient by the kernel of so many `taps` ``[h, w, C]``, in float32 or wider.

    Some rows of outputs a turn, what is added up being ``[h, w, W, C]``: it stays in
    the cache, and the sum over columns comes last.
    """
    batch, rows, columns, channels = slope.shape
    images = window.padded(x)
    stride, apart = window.strides, window.dilation
    together = 2 if rows % 2 == 0 else 1
    seen_rows = window.reach(taps)[0] + (together - 1) * stride[0]
    turns = rows // together

    def add(turn: Array, total: Array) -> Array:
        image, row = turn // turns, (turn % turns) * together
        slopes = widen(
            lax.dynamic_slice(
                slope, (image, row, 0, 0), (1, together, columns, channels)
            )[0]
        )
        seen = lax.dynamic_slice(
            images,
            (image, row * stride[0], 0, 0),
            (1, seen_rows, images.shape[2], channels),
        )[0]

        def tap(i: int, j: int) -> Array:
            first = j * apart[1]
            last = first + stride[1] * (columns - 1) + 1
            products = [
                widen(seen[i * apart[0] + q * stride[0], first : last : stride[1]])
                * slopes[q]
                for q in range(together)
            ]
            return sum(products[1:], products[0])

        parts = [[tap(i, j) for j in range(taps[1])] for i in range(taps[0])]
        return total + jnp.stack([jnp.stack(row) for row in parts])

    zeros = jnp.zeros((*taps, columns, channels), widen(slope).dtype)
    return lax.fori_loop(0, batch * turns, add, zeros).sum(axis=2)
