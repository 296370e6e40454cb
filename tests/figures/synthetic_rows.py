"""Made-up rows of studies, to draw and test pictures with; they are no results."""

import base64
import io

import numpy as np
from PIL import Image

LOSSES = {"dice": 0.75, "cross_entropy": 0.6, "lovasz": 0.7}


def cases(count=200, seed=0):
    """One row a loss, data set and case; larger objects score higher."""
    numbers = np.random.default_rng(seed)
    rows = []
    for dataset in ("made-up A", "made-up B"):
        shares = np.exp(numbers.uniform(np.log(1e-3), np.log(0.3), count))
        for loss, level in LOSSES.items():
            noise = numbers.normal(0, 0.08, count)
            scores = np.clip(level + 0.08 * np.log10(shares / 0.01) + noise, 0, 1)
            for case, (share, score) in enumerate(zip(shares, scores, strict=True)):
                rows.append(
                    {
                        "loss": loss,
                        "dataset": dataset,
                        "case": f"case {case}",
                        "foreground_share": float(share),
                        "dice": float(score),
                    }
                )
    return rows


def rank_rows():
    """Scores of four losses in three schemes."""
    scores = {
        "DSC+NSD": {"dice_ce": 12.0, "dice": 10.0, "lovasz": 7.0, "focal": 1.5},
        "DSC": {"dice_ce": 11.0, "dice": 11.5, "lovasz": 6.0, "focal": 1.0},
        "HD95": {"dice_ce": 9.0, "dice": 3.0, "lovasz": 3.0, "focal": 5.0},
    }
    return [
        {"loss": loss, "scheme": scheme, "score": s, "low": s - 1, "high": s + 0.5}
        for scheme, group in scores.items()
        for loss, s in group.items()
    ]


def sweep_rows():
    """Tversky weights with three seeds, and weights of two compounds."""
    weights = [(k / 10, 1 - k / 10) for k in range(1, 10)] + [(0.75, 0.75), (1.0, 1.0)]
    rows = []
    for seed in range(3):
        for alpha, beta in weights:
            score = 0.8 - abs(alpha - 0.5) / 2 + 0.01 * seed
            rows.append({"alpha": alpha, "beta": beta, "seed": seed, "dice": score})
        for weight in (0.01, 0.1, 1.0, 10.0):
            for loss, best in (("ce_l1", 0), ("ce_kl", -1)):
                score = 0.6 - 0.05 * abs(np.log10(weight) - best) + 0.01 * seed
                row = {"loss": loss, "weight": weight, "seed": seed, "dice": score}
                rows.append(row)
    return rows


def region_rows():
    """Gains of two losses on four classes, larger on rarer ones."""
    shares = {"road": 0.4, "car": 0.05, "sign": 0.012, "pole": 0.01}
    return [
        {"loss": loss, "class": name, "share": share, "gain": most * (1 - share)}
        for loss, most in (("ce_l1", 0.1), ("dice", -0.05))
        for name, share in shares.items()
    ]


def share_rows(count=30):
    """Predicted shares: right, half as large, and none of the smallest."""
    true = np.geomspace(1e-3, 0.3, count)
    sizes = {"ce_l1": true, "dice": true / 2, "cross_entropy": true * (true > 3e-3)}
    return [
        {"loss": loss, "share": float(share), "predicted_share": float(found)}
        for loss, predicted in sizes.items()
        for share, found in zip(true, predicted, strict=True)
    ]


def metrics(seed):
    """Rows of a made-up run."""
    return [
        row
        for step in (10, 20, 30)
        for row in (
            {"step": step, "loss": 1 / step},
            {"step": step, "validation_dice": 0.5 + step / 100 + 0.1 * seed},
        )
    ]


def samples(names, offset=0):
    """Arrays of a ``samples.npz``: squares, the prediction shifted by `offset`."""
    arrays = {}
    for k, name in enumerate(names):
        labels = np.zeros((16, 24), np.uint8)
        labels[4:10, 5 : 11 + k] = 1
        image = np.full((16, 24, 1), 60, np.uint8)
        image[labels == 1] = 160
        arrays[f"image_{k}"], arrays[f"labels_{k}"] = image, labels
        arrays[f"predicted_{k}"] = np.roll(labels, offset, axis=1)
        arrays[f"name_{k}"] = np.array(name)
    return arrays


def lesion_rows():
    """Two losses on two cases with a lesion and two without, with pictures."""
    rows = []
    for loss, dice, areas in (("ce", (0.5, 0.7), (0, 4)), ("dice", (0.6, 0.8), (8, 8))):
        for case, (score, area) in enumerate(zip(dice, areas, strict=True)):
            common = {"loss": loss, "pixels": 16}
            rows.append(
                {**common, "case": f"sick {case}", "lesion_free": False,
                 "dice": [0.9, score], "predicted_pixels": [10, 6]}
            )  # fmt: skip
            mask = np.zeros(16, np.uint8)
            mask[:area] = 1
            rows.append(
                {**common, "case": f"free {case}", "lesion_free": True,
                 "dice": [1.0, float(area == 0)],
                 "predicted_pixels": [16 - area, area],
                 "mask": encoded(mask.reshape(4, 4))}
            )  # fmt: skip
    for row in rows:
        if row["lesion_free"] and row["loss"] == "ce":
            row["image"] = encoded(np.full((4, 4), 100, np.uint8))
    return rows


def finding_rows():
    """A finding of each verdict: beyond the picture, without an end, of no effect."""
    names = ("effect", "low", "high", "verdict")
    values = [
        (40.0, 2.0, 80.0, "replicated"),
        (None, None, None, "undecided"),
        (-2.0, None, None, "undecided: a trial"),
        (0.1, -0.2, 0.4, "not replicated"),
    ]
    claim = "beats all the others on most of the images"
    return [
        {"claim": f"Loss {k} {claim}", **dict(zip(names, line, strict=True))}
        for k, line in enumerate(values)
    ]


def encoded(pixels):
    """A PNG in base64."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
