"""Other libraries' surface distances of a thousand pairs and of all test volumes.

First, with a Python that has MONAI, MedPy, surface-distance and edt,
``python tests/metrics/compare_surfaces.py peers FILE`` writes their numbers, and some
of them to goldens/surface_pairs.json. Then, with a Python that has jaxseg,
``python -m tests.metrics.compare_surfaces ours FILE`` prints how far ours are from
theirs. ``--data DIR`` is the folder of real data.
"""

import argparse
import json
from pathlib import Path

import numpy as np

SCORES = ("hausdorff", "hd95", "assd", "nsd")
TOLERANCE = 2.0
LIBRARIES = ("monai", "medpy", "surface_distance")
WIDE = "monai in float64"  # MONAI's percentile of its own distances, not in float32
GOLDENS = Path(__file__).with_name("goldens") / "surface_pairs.json"


def every_pair(pairs, data):
    yield from (pairs.random_pair(index) for index in range(pairs.COUNT))
    yield from (pairs.volume_pair(data, name) for name in pairs.volume_names(data))


def peers(pairs, data):
    """{library: {pair: scores of each class}}, nan for a score it does not have."""
    import warnings

    import surface_distance
    import torch
    from medpy.metric import binary
    from monai.metrics import (
        compute_average_surface_distance,
        compute_hausdorff_distance,
        compute_surface_dice,
    )
    from monai.metrics.utils import get_edge_surface_distance

    warnings.simplefilter("ignore")

    def monai(predicted, actual, spacing):
        a, b = (torch.from_numpy(m)[None, None].float() for m in (predicted, actual))
        options = {"include_background": True, "spacing": spacing}
        return (
            compute_hausdorff_distance(a, b, **options),
            compute_hausdorff_distance(a, b, percentile=95, **options),
            compute_average_surface_distance(a, b, symmetric=True, **options),
            compute_surface_dice(a, b, [TOLERANCE], **options),
        )

    def wide_monai(predicted, actual, spacing):
        a, b = (torch.from_numpy(m) for m in (predicted, actual))
        distances = get_edge_surface_distance(a, b, spacing=spacing, symmetric=True)[1]
        wide = [np.percentile(d.double().numpy(), 95) for d in distances]
        return np.nan, max(wide), np.nan, np.nan

    def medpy(predicted, actual, spacing):
        of = (predicted, actual, spacing)
        return binary.hd(*of), binary.hd95(*of), binary.assd(*of), np.nan

    def deepmind(predicted, actual, spacing):
        found = surface_distance.compute_surface_distances(actual, predicted, spacing)
        areas = [found[f"surfel_areas_{side}"] for side in ("gt", "pred")]
        means = surface_distance.compute_average_surface_distance(found)
        pooled = np.dot(means, [area.sum() for area in areas]) / sum(map(np.sum, areas))
        return (
            surface_distance.compute_robust_hausdorff(found, 100),
            surface_distance.compute_robust_hausdorff(found, 95),
            pooled,
            surface_distance.compute_surface_dice_at_tolerance(found, TOLERANCE),
        )

    of = dict(zip(LIBRARIES, (monai, medpy, deepmind), strict=True))
    of[WIDE] = wide_monai
    found = {library: {} for library in of}
    for pair in every_pair(pairs, data):
        for library, scores in of.items():
            found[library][pair.name] = [
                [
                    float(score)
                    for score in scores(
                        pair.predicted == c, pair.actual == c, pair.spacing
                    )
                ]
                for c in range(1, pair.num_classes)
            ]
    return found


def ours(pair, library):
    from jaxseg.metrics.case_surfaces import SurfaceOptions, case_surfaces

    options = SurfaceOptions(definition=library, tolerance=TOLERANCE)
    found = case_surfaces(
        pair.predicted,
        pair.actual,
        pair.num_classes,
        options=options,
        spacing_mm=pair.spacing,
    )
    return np.stack([getattr(found, name)[1:] for name in SCORES], axis=1)


def compare(pairs, data, theirs):
    """Prints the largest difference, relative to the larger of 1 and the number."""
    worst = {}
    for pair in every_pair(pairs, data):
        group = pair.name.split("/")[0] if "/" in pair.name else "random"
        scores = {library: ours(pair, library) for library in LIBRARIES}
        scores[WIDE] = scores["monai"]
        for library, found in scores.items():
            expected = np.array(theirs[library][pair.name])
            apart = np.abs(found - expected) / np.maximum(expected, 1)
            worst.setdefault((group, library), []).append(apart.max(0))
    for (group, library), apart in worst.items():
        apart = np.array(apart)
        named = zip(SCORES, apart.max(0), (apart > 1e-6).sum(0), strict=True)
        line = "  ".join(f"{name} {most:.1e} ({over})" for name, most, over in named)
        print(f"{group:<14}{library:<18}{len(apart):>5} pairs  {line}")
    print("in brackets: pairs with a difference above 1e-6")


def freeze(pairs, data, found):
    """Stores the scores of some random pairs and of all volumes."""
    kept = [pairs.random_pair(index).name for index in range(0, pairs.COUNT, 7)]
    kept += pairs.volume_names(data)
    rows = {
        name: {
            library: [[_rounded(x) for x in row] for row in found[library][name]]
            for library in LIBRARIES
        }
        for name in kept
    }
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items())
    GOLDENS.write_text(f"{{\n{lines}\n}}\n")


def _rounded(score):
    return None if np.isnan(score) else float(f"{score:.10g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=["peers", "ours"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    if arguments.who == "peers":
        import surface_pairs as pairs

        found = peers(pairs, arguments.data)
        arguments.file.write_text(json.dumps(found))
        freeze(pairs, arguments.data, found)
    else:
        from tests.metrics import surface_pairs as pairs

        compare(pairs, arguments.data, json.loads(arguments.file.read_text()))


if __name__ == "__main__":
    main()
