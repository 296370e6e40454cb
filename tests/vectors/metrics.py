"""Cases of metrics of two masks, from sets of pixels and by trying all pairs."""

from collections.abc import Callable, Iterator

import numpy as np

TOLERANCE = 1.0
BETA = 2.0


def pairs() -> dict[str, dict]:
    """Two masks each, with the size of their pixels."""
    rng = np.random.default_rng(7)

    def blobs(*shape):
        true = np.zeros(shape, bool)
        true[tuple(slice(1, -1) for _ in shape)] = True
        true &= rng.random(shape) > 0.15
        return np.roll(true, 1, axis=-1) ^ (rng.random(shape) > 0.95), true

    flat, solid = blobs(6, 7), blobs(4, 5, 5)
    nothing = np.zeros_like(flat[0])
    return {
        "masks": _pair("two masks", *flat),
        "masks-spacing": _pair("two masks of oblong pixels", *flat, spacing=(2.0, 0.5)),
        "masks-same": _pair("twice the same mask", flat[1], flat[1]),
        "masks-both-empty": _pair("both masks are empty", nothing, nothing),
        "masks-missed": _pair("the prediction is empty", nothing, flat[1]),
        "masks-invented": _pair("the truth is empty", flat[0], nothing),
        "masks-full": _pair("both masks are full", ~nothing, ~nothing),
        "masks-volume": _pair("two volumes", *solid, spacing=(2.5, 1.0, 1.0)),
    }


def _pair(about: str, pred, true, spacing=None) -> dict:
    spacing = (1.0,) * pred.ndim if spacing is None else spacing
    return {"about": about, "pred": pred, "true": true, "spacing": spacing}


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom else np.nan


def _overlaps(pred, true) -> dict[str, float]:
    """nan where 0/0."""
    tp, fp = (pred & true).sum(), (pred & ~true).sum()
    fn, tn = (~pred & true).sum(), (~pred & ~true).sum()
    agree, pixels = (tp + tn) / pred.size, float(pred.size)
    chance = pred.sum() / pixels * true.sum() / pixels
    chance += (~pred).sum() / pixels * (~true).sum() / pixels
    sides = [_ratio(tp, tp + fn), _ratio(tn, tn + fp)]
    squares = BETA**2
    corners = float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn)
    matthews = _ratio(tp * tn - fp * fn, np.sqrt(corners))
    one_sided = fp + fn > 0  # a disagreement is no agreement by rule
    return {
        "dice": _ratio(2 * tp, 2 * tp + fp + fn),
        "iou": _ratio(tp, tp + fp + fn),
        "f_beta": _ratio((1 + squares) * tp, (1 + squares) * tp + squares * fn + fp),
        "sensitivity": sides[0],
        "specificity": sides[1],
        "precision": _ratio(tp, tp + fp),
        "accuracy": agree,
        "balanced_accuracy": float(np.mean([1 if np.isnan(s) else s for s in sides])),
        "kappa": _ratio(agree - chance, 1 - chance),
        "matthews": 0.0 if np.isnan(matthews) and one_sided else matthews,
    }


def _surface(mask) -> np.ndarray:
    """``[N, rank]`` pixels with a face to a pixel outside of the mask."""
    found = []
    for place in zip(*np.nonzero(mask), strict=True):
        for axis in range(mask.ndim):
            for step in (-1, 1):
                near = list(place)
                near[axis] += step
                inside = 0 <= near[axis] < mask.shape[axis]
                if not (inside and mask[tuple(near)]):
                    found.append(place)
    return np.unique(np.array(found), axis=0)


def _distances(pred, true, spacing) -> dict[str, float]:
    """Those of MONAI's definition: surfaces are pixels, directions are not pooled."""
    if not pred.any() and not true.any():
        return {"hausdorff": np.nan, "hd95": np.nan, "assd": np.nan, "nsd": np.nan}
    if not pred.any() or not true.any():
        far = float(np.sqrt(np.sum((np.array(pred.shape) * spacing) ** 2)))
        return {"hausdorff": far, "hd95": far, "assd": far, "nsd": 0.0}
    a, b = (_surface(mask) * np.array(spacing) for mask in (pred, true))
    apart = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    ways = apart.min(1), apart.min(0)
    both = np.concatenate(ways)
    return {
        "hausdorff": float(both.max()),
        "hd95": float(max(np.percentile(way, 95) for way in ways)),
        "assd": float(both.mean()),
        "nsd": float((both <= TOLERANCE).mean()),
    }


DISTANCES = ("hausdorff", "hd95", "assd")
SETTINGS = {"f_beta": {"beta": BETA}, "nsd": {"tolerance": TOLERANCE}}


def _values(pair: dict) -> dict[str, float]:
    pred, true, spacing = pair["pred"], pair["true"], pair["spacing"]
    apart = abs(int(pred.sum()) - int(true.sum())) * float(np.prod(spacing))
    return {
        **_overlaps(pred, true),
        "volume_difference": apart,
        **_distances(pred, true, spacing),
    }


def cases(of: dict[str, dict], rounded: Callable[[float], float]) -> Iterator[dict]:
    """Every metric of every pair, under both rules where the rule matters."""
    for key, pair in of.items():
        for name, value in _values(pair).items():
            settings = dict(SETTINGS.get(name, {}))
            if name == "volume_difference":
                yield _case(name, key, settings, rounded(value))
                continue
            by_rule = 0.0 if name in DISTANCES else 1.0
            if not np.isnan(value):
                yield _case(name, key, settings, rounded(value))
                continue
            yield _case(name, key, {**settings, "empty": "one"}, by_rule)
            yield _case(name, key, {**settings, "empty": "nan"}, None)


def _case(name: str, key: str, settings: dict, value: float | None) -> dict:
    return {"metric": name, "input": key, "settings": settings, "value": value}
