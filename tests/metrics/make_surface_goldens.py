"""Writes goldens/surface.json: other libraries' surface distances, numbers alone.

Run with a Python that has MONAI, MedPy, surface-distance and edt:
``python tests/metrics/make_surface_goldens.py``.
"""

import importlib.metadata
import json
from pathlib import Path

import edt
import numpy as np
import surface_distance
import torch
from medpy.metric import binary
from monai.metrics import (
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from surface_masks import CASES, KINDS, pair

TOLERANCE = 1.0
PERCENTILES = (47, 95)


def of_monai(predicted, actual, spacing):
    a, b = (torch.from_numpy(m)[None, None].float() for m in (predicted, actual))
    options = {"include_background": True, "spacing": spacing}
    found = {
        "hausdorff": compute_hausdorff_distance(a, b, **options),
        "from_predicted": compute_average_surface_distance(a, b, **options),
        "assd": compute_average_surface_distance(a, b, symmetric=True, **options),
        "nsd": compute_surface_dice(a, b, [TOLERANCE], **options),
    }
    for q in PERCENTILES:
        found[f"robust_{q}"] = compute_hausdorff_distance(a, b, percentile=q, **options)
    return {name: float(value) for name, value in found.items()}


def of_medpy(predicted, actual, spacing):
    options = {"voxelspacing": spacing}
    return {
        "hausdorff": float(binary.hd(predicted, actual, **options)),
        "robust_95": float(binary.hd95(predicted, actual, **options)),
        "from_predicted": float(binary.asd(predicted, actual, **options)),
        "assd": float(binary.assd(predicted, actual, **options)),
    }


def of_deepmind(predicted, actual, spacing):
    found = surface_distance.compute_surface_distances(actual, predicted, spacing)
    to_truth = surface_distance.compute_average_surface_distance(found)
    near = surface_distance.compute_surface_dice_at_tolerance(found, TOLERANCE)
    scores = {
        "hausdorff": surface_distance.compute_robust_hausdorff(found, 100),
        "from_actual": to_truth[0],
        "from_predicted": to_truth[1],
        "nsd": near,
        "actual_area": found["surfel_areas_gt"].sum(),
        "predicted_area": found["surfel_areas_pred"].sum(),
    }
    for q in PERCENTILES:
        scores[f"robust_{q}"] = surface_distance.compute_robust_hausdorff(found, q)
    return {name: float(value) for name, value in scores.items()}


def of_edt(predicted, actual, spacing):
    """Sums of the maps of both masks, plain and weighed by place."""
    maps = [edt.edt(mask, anisotropy=spacing) for mask in (actual, ~actual)]
    places = np.arange(actual.size) / actual.size
    return {
        f"{name}_{side}": float(value)
        for side, found in zip(("inside", "outside"), maps, strict=True)
        for name, value in (("sum", found.sum()), ("place", found.ravel() @ places))
    }


def main():
    libraries = {
        "monai": of_monai,
        "MedPy": of_medpy,
        "surface-distance": of_deepmind,
        "edt": of_edt,
    }
    scores = {
        f"{case} {kind}": {
            name: of(*pair(case, kind), CASES[case][1])
            for name, of in libraries.items()
        }
        for case in CASES
        for kind in KINDS
    }
    versions = {name: importlib.metadata.version(name) for name in libraries}
    document = {"versions": versions, "tolerance": TOLERANCE, "scores": scores}
    path = Path(__file__).with_name("goldens") / "surface.json"
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
