"""Right: what the device computes, against the same in float64 on the host.

The reference is the library's own function in float64 on the host's processor, which
the tests hold against definitions written anew in NumPy. Distances are held against
SciPy's. Losses of a family are compiled together, so that all of them take minutes.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.ndimage import distance_transform_edt

from experiments.accelerator.clock import Turn
from experiments.accelerator.measure import chunks
from experiments.accelerator.settings import Settings
from jaxseg import links, metrics
from jaxseg.distance import distance_transform
from jaxseg.losses import CATALOG, lovasz_loss, topk_loss

TOLERANCES: Mapping[str, tuple[float, float]] = {
    "float32": (1e-4, 1e-3),
    "bfloat16": (1e-4, 1e-2),
    "float16": (1e-4, 1e-2),
}
"""Of values, and of gradients, which have the type of the logits."""
FAR = 1e4
"""Scores of a certain network."""
CLASSES = 3
TOGETHER = 12
"""Losses in one program."""
LINKS = {"softmax": links.softmax, "sigmoid": links.sigmoid}
Value = tuple[Any, Any]
"""Of a loss: its value and its gradient by the logits."""


def rows(settings: Settings, turn: Turn) -> Iterator[dict[str, Any]]:
    """Losses by type, link and kind of label; distances; ranks; TF32; repetition."""
    host = _host()
    first, *others = itertools.product(settings.dtypes, LINKS, ("hard", "soft"))
    yield from _of_kind(settings, first, host, turn)
    yield from _distances(settings)
    yield from _tf32(settings)
    yield from _ranks(settings, host)
    yield from _repeated(settings)
    for kind in others:
        yield from _of_kind(settings, kind, host, turn)
    yield from _surfaces(settings, host)


def _of_kind(
    settings: Settings, kind: tuple[str, str, str], host: Any, turn: Turn
) -> Iterator[dict[str, Any]]:
    """All losses for a type of scores, a link and a kind of labels."""
    for names in chunks(settings.losses, TOGETHER):
        if turn.over:
            return
        yield from compared(names, settings.pixels, *kind, host)


def _host() -> Any:
    """The processor of the host.

    Raises:
      RuntimeError: JAX was told to leave it out.
    """
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError as error:
        raise RuntimeError(
            "JAX sees no CPU to compute the reference on: leave JAX_PLATFORMS unset, "
            "or add ',cpu' to it"
        ) from error


def in_float64(host: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function computes on the host in float64, as NumPy arrays."""
    with jax.enable_x64(), jax.default_device(host):
        wide = [_wide(argument) for argument in arguments]
        return jax.tree.map(np.asarray, function(*wide))


def _wide(argument: Any) -> Any:
    array = np.asarray(argument)
    floating = jnp.issubdtype(array.dtype, jnp.floating)
    return jnp.asarray(array.astype(np.float64) if floating else array)


def together(
    names: Sequence[str], link: str
) -> Callable[[Any, Any, Any], dict[str, Value]]:
    """(logits, labels, where) to value and gradient of each loss."""

    def call(logits: Any, labels: Any, where: Any) -> dict[str, Value]:
        def of(name: str) -> Value:
            loss = CATALOG[name].loss
            return jax.value_and_grad(
                lambda z: loss(z, labels, link=LINKS[link], where=where)
            )(logits)

        return {name: of(name) for name in names}

    return call


@functools.lru_cache(maxsize=64)
def _compiled(names: tuple[str, ...], link: str) -> Callable[..., dict[str, Value]]:
    return jax.jit(together(names, link))


def cases(pixels: Sequence[int], kind: str) -> dict[str, tuple[np.ndarray, ...]]:
    """Logits in float64, labels and counted pixels by name of the case."""
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((*pixels, CLASSES))
    labels = rng.integers(0, CLASSES, pixels).astype(np.int32)
    everywhere = np.ones(pixels, bool)
    if kind == "soft":
        odds = np.exp(rng.standard_normal((*pixels, CLASSES)))
        labels = (odds / odds.sum(-1, keepdims=True)).astype(np.float32)
        return {
            "plain": (logits, labels, everywhere),
            "masked": (logits, labels, rng.random(pixels) > 0.3),
        }
    far = FAR * np.where(rng.random((*pixels, CLASSES)) > 0.5, 1.0, -1.0)
    return {
        "plain": (logits, labels, everywhere),
        "masked": (logits, labels, rng.random(pixels) > 0.3),
        "all masked": (logits, labels, ~everywhere),
        "empty": (logits, np.zeros_like(labels), everywhere),
        "full": (logits, np.ones_like(labels), everywhere),
        "far": (far, labels, everywhere),
    }


def compared(
    names: Sequence[str],
    pixels: Sequence[int],
    dtype: str,
    link: str,
    kind: str,
    host: Any,
) -> Iterator[dict[str, Any]]:
    """A row for each loss: its worst case in value and in gradient."""
    taken, refused = [], {}
    made = cases(pixels, kind)
    first = next(iter(made.values()))
    logits = jax.ShapeDtypeStruct(first[0].shape, jnp.dtype(dtype))
    for name in names:
        try:
            jax.eval_shape(together([name], link), logits, *first[1:])
            taken.append(name)
        except ValueError as error:
            refused[name] = str(error).splitlines()[0]
    call = _compiled(tuple(taken), link)
    errors: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in taken}
    for case, (wide, labels, where) in made.items():
        rounded = jnp.asarray(wide, jnp.dtype(dtype))
        ours = jax.tree.map(
            np.asarray, call(rounded, jnp.asarray(labels), jnp.asarray(where))
        )
        theirs = in_float64(host, call, rounded, labels, where)
        for name in taken:
            errors[name][case] = errors_of(ours[name], theirs[name])
    about = {"what": "loss", "dtype": dtype, "link": link, "labels": kind}
    for name, found in errors.items():
        yield {**about, "loss": name, **worst(found, dtype)}
    for name, why in refused.items():
        yield {**about, "loss": name, "refused": why}


def errors_of(ours: Value, theirs: Value) -> tuple[float, float]:
    """Of the value, relative to 1 or more; of the gradient, relative in L2."""
    value, grad = (np.asarray(x, np.float64) for x in ours)
    true, slope = (np.asarray(x, np.float64) for x in theirs)
    if not (np.isfinite(value).all() and np.isfinite(grad).all()):
        return math.inf, math.inf
    size = float(np.linalg.norm(slope))
    gap = float(np.linalg.norm(grad - slope))
    return (
        float(abs(value - true)) / max(1.0, float(abs(true))),
        gap / size if size > 1e-12 else gap,
    )


def worst(found: Mapping[str, tuple[float, float]], dtype: str) -> dict[str, Any]:
    """The largest errors with their cases, and whether they are small enough."""
    columns: dict[str, Any] = {}
    fine = True
    for place, name in enumerate(("value", "gradient")):
        case = max(found, key=lambda case, place=place: found[case][place])
        error = found[case][place]
        columns[f"{name}_error"] = float(f"{error:.3g}")
        columns[f"{name}_case"] = case
        fine = fine and error <= TOLERANCES[dtype][place]
    return {**columns, "right": fine}


def _blobs(shape: Sequence[int], seed: int = 0) -> np.ndarray:
    """A mask of smooth patches, about a third of it True."""
    rng = np.random.default_rng(seed)
    waves = [np.fft.fftfreq(n, 1 / n) for n in shape]
    squares = functools.reduce(np.add.outer, [np.square(w / 6) for w in waves])
    noise = np.fft.ifftn(np.fft.fftn(rng.standard_normal(shape)) * np.exp(-squares))
    return noise.real > 0.4 * noise.real.std()


def _distances(settings: Settings) -> Iterator[dict[str, Any]]:
    """Distance maps against SciPy's, unit and other spacing."""
    for shape in (settings.images[1:], settings.volume):
        mask = _blobs(shape)
        for spacing in (None, tuple(1.0 + 0.5 * k for k in range(len(shape)))):
            ours = np.asarray(distance_transform(jnp.asarray(mask), spacing=spacing))
            theirs = np.asarray(distance_transform_edt(mask, sampling=spacing))
            error = float(np.abs(ours - theirs).max() / max(theirs.max(), 1.0))
            yield {
                "what": "distance",
                "shape": list(shape),
                "spacing": spacing,
                "error": float(f"{error:.3g}"),
                "right": error < 1e-5,
            }


def _surfaces(settings: Settings, host: Any) -> Iterator[dict[str, Any]]:
    """Surface distances of two masks, against float64 on the host."""
    one, two = _blobs(settings.volume, 1), _blobs(settings.volume, 2)
    for name in settings.scores:
        score = jax.jit(getattr(metrics, name))
        ours = float(np.asarray(score(jnp.asarray(one), jnp.asarray(two))))
        theirs = float(in_float64(host, score, one, two))
        error = abs(ours - theirs) / max(abs(theirs), 1.0)
        yield {
            "what": "surface",
            "score": name,
            "value": ours,
            "error": float(f"{error:.3g}"),
            "right": error < 1e-4,
        }


def _of_many(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    logits = (2 * rng.standard_normal((count, CLASSES))).astype(np.float32)
    return logits, rng.integers(0, CLASSES, count).astype(np.int32)


RANKED: Mapping[str, Callable[..., Any]] = {
    "topk": topk_loss,
    "lovasz": lovasz_loss,
    "lovasz by histogram": functools.partial(lovasz_loss, method="histogram"),
}


def _ranks(settings: Settings, host: Any) -> Iterator[dict[str, Any]]:
    """Losses that rank pixels, of a large pool in float32."""
    logits, labels = _of_many(settings.many)
    for name, loss in RANKED.items():
        call = jax.jit(jax.value_and_grad(loss))
        ours = jax.tree.map(np.asarray, call(jnp.asarray(logits), jnp.asarray(labels)))
        theirs = in_float64(host, call, logits, labels)
        found = {f"{settings.many} pixels": errors_of(ours, theirs)}
        yield {"what": "ranks", "loss": name, **worst(found, "float32")}


def _tf32(settings: Settings) -> Iterator[dict[str, Any]]:
    """What short products do to float32: a matrix product and a convolution."""
    rng = np.random.default_rng(4)
    side = settings.matrix
    a, b = (rng.standard_normal((side, side)).astype(np.float32) for _ in range(2))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    image = rng.standard_normal((1, 32, 32, 64)).astype(np.float32)
    kernel = rng.standard_normal((3, 3, 64, 64)).astype(np.float32)
    shifts = itertools.product(range(3), range(3))
    summed = sum(
        image[0, i : i + 30, j : j + 30].astype(np.float64) @ kernel[i, j]
        for i, j in shifts
    )
    layout = ("NHWC", "HWIO", "NHWC")
    for precision in ("default", "highest"):
        product = jnp.matmul(jnp.asarray(a), jnp.asarray(b), precision=precision)
        convolved = jax.lax.conv_general_dilated(
            jnp.asarray(image),
            jnp.asarray(kernel),
            (1, 1),
            "VALID",
            dimension_numbers=layout,
            precision=precision,
        )
        for what, ours, truth in (
            ("matrix product", product, exact),
            ("convolution", convolved[0], summed),
        ):
            gap = np.linalg.norm(np.asarray(ours, np.float64) - truth)
            error = float(gap / np.linalg.norm(truth))
            yield {
                "what": "precision",
                "of": what,
                "precision": precision,
                "error": float(f"{error:.3g}"),
            }


def _repeated(settings: Settings) -> Iterator[dict[str, Any]]:
    """Whether the same call gives the same bits, and how far they are apart."""
    logits, labels = _of_many(settings.many)
    losses = {**RANKED, "dice_ce": CATALOG["dice_ce"].loss}
    for name, loss in losses.items():
        call = jax.jit(jax.value_and_grad(loss))
        arguments = jnp.asarray(logits), jnp.asarray(labels)
        found = [jax.tree.map(np.asarray, call(*arguments)) for _ in range(3)]
        same = all(
            a.tobytes() == b.tobytes()
            for other in found[1:]
            for a, b in zip(found[0], other, strict=True)
        )
        gap = max(float(np.abs(found[0][1] - other[1]).max()) for other in found[1:])
        yield {"what": "repeated", "loss": name, "same_bits": same, "gap": gap}
