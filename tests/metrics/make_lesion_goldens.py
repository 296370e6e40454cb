"""Writes goldens/lesions.json: numbers of panoptica and of the BraTS evaluator alone.

Run with a Python that has panoptica 2.1.7, nibabel and, on PYTHONPATH, a checkout of
the evaluator of the BraTS challenge, github.com/rachitsaluja/BraTS-2023-Metrics:
``python tests/metrics/make_lesion_goldens.py``. One row for each pair of
`lesion_pairs`: true and predicted lesions, matches, PQ, SQ, RQ and mean Dice of the
matches of panoptica with its defaults (4 neighbours in 2D, 26 in 3D, IoU >= 1/2); in 3D
then BraTS' lesion-wise Dice and HD95, true positives, false negatives and positives.
"""

import importlib.metadata
import json
import tempfile
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pandas
from lesion_pairs import COUNT, challenge_of, random_pair
from metrics import get_LesionWiseResults
from panoptica import (
    ConnectedComponentsInstanceApproximator,
    InputType,
    NaiveThresholdMatching,
    Panoptica_Evaluator,
)

ENHANCING = 3
# The evaluator was written for an older NumPy, and a pandas that appends, and replaces
# beside arrays.
np.Inf = np.inf
PLAIN_REPLACE = pandas.DataFrame.replace


def replace_numbers(table, *values, **options):
    if options:
        return PLAIN_REPLACE(table, *values, **options)
    numbers = table.select_dtypes("number")
    return table.assign(**PLAIN_REPLACE(numbers, *values))


pandas.DataFrame.append = lambda table, other: pandas.concat([table, other])
pandas.DataFrame.replace = replace_numbers


def evaluator():
    return Panoptica_Evaluator(
        expected_input=InputType.SEMANTIC,
        instance_approximator=ConnectedComponentsInstanceApproximator(),
        instance_matcher=NaiveThresholdMatching(),
    )


def of_panoptica(judge, pred, true):
    masks = (mask.astype(np.uint8) for mask in (pred, true))
    found = judge.evaluate(*masks, verbose=False)["ungrouped"]
    names = ("pq", "sq", "rq", "sq_dsc")
    scores = [getattr(found, name) for name in names]
    return [found.n_ref_instances, found.n_pred_instances, found.tp, *scores]


def of_brats(pred, true, challenge, folder):
    files = []
    for name, mask in (("pred", pred), ("true", true)):
        image = nibabel.Nifti1Image(ENHANCING * mask.astype(np.uint8), np.eye(4))
        files.append(str(folder / f"{name}.nii.gz"))
        nibabel.save(image, files[-1])
    table = get_LesionWiseResults(*files, challenge)
    row = table[table["Labels"] == "ET"].iloc[0]
    names = ("LesionWise_Score_Dice", "LesionWise_Score_HD95", "Num_TP", "Num_FN",
             "Num_FP")  # fmt: skip
    return [row[name] for name in names]


def number(value):
    return None if value is None or np.isnan(value) else round(float(value), 7)


def main():
    warnings.simplefilter("ignore")
    judge, rows = evaluator(), []
    with tempfile.TemporaryDirectory() as folder:
        for index in range(COUNT):
            pred, true = random_pair(index)
            row = of_panoptica(judge, pred, true)
            if true.ndim == 3:
                row += of_brats(pred, true, challenge_of(index), Path(folder))
            rows.append([number(value) for value in row])
    made_with = {
        name: importlib.metadata.version(name)
        for name in ("panoptica", "numpy", "scipy", "connected-components-3d")
    }
    made_with["BraTS-2023-Metrics"] = "43c905242b2eecf421d4ab2da7af8ece9777d322"
    out = Path(__file__).parent / "goldens" / "lesions.json"
    lines = ",\n".join(map(json.dumps, rows))
    out.write_text(
        f'{{"made_with": {json.dumps(made_with)},\n"rows": [\n{lines}\n]}}\n'
    )


if __name__ == "__main__":
    main()
