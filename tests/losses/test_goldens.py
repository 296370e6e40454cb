"""Losses against numbers that other libraries' own code gave, in value and gradient."""

import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links
from jaxseg.losses import CATALOG, per_image
from tests.losses.goldens import inputs

GOLDENS = Path(__file__).parent / "goldens" / "goldens.json"
ROWS = json.loads(GOLDENS.read_text())["goldens"]
WHAT = ("loss", "classes", "labels", "mask", "per_image", "hyper", "class_weights")


@functools.cache
def ours(asked: str) -> tuple[np.ndarray, np.ndarray]:
    """Value and logit gradient, in double precision, of what `asked` describes."""
    row = json.loads(asked)
    data = inputs.batch(row.get("classes", 3))
    loss = CATALOG[row["loss"]].build(**row.get("hyper", {}))(0.5)
    if row.get("per_image"):
        loss = per_image(loss)
    options = {"link": links.sigmoid} if row.get("classes") == 1 else {}
    if "class_weights" in row:
        options["class_weights"] = jnp.asarray(row["class_weights"], float)
    if row.get("mask"):
        options["where"] = jnp.asarray(data["mask"])
    with jax.enable_x64():
        labels = jnp.asarray(data[row.get("labels", "ids")])
        both = jax.jit(jax.value_and_grad(functools.partial(loss, **options)))
        value, grad = both(jnp.asarray(data["logits"]), labels)
        return np.asarray(value), np.asarray(grad)


def name_of(row):
    return f"{row['loss']}-{row['peer'].split()[0]}-{row['call']}"


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_value_and_gradient_equal_the_peers(row):
    asked = json.dumps({k: row[k] for k in WHAT if k in row}, sort_keys=True)
    value, grad = ours(asked)
    times = row.get("times", 1.0)
    rtol = row.get("rtol", 1e-6)
    np.testing.assert_allclose(times * value, row["value"], rtol=rtol)
    theirs = np.reshape(row["gradient"], grad.shape)
    assert np.abs(theirs).max() > 1e-4
    np.testing.assert_allclose(times * grad, theirs, rtol=rtol, atol=1e-8)


def test_a_factor_comes_with_its_reason():
    for row in ROWS:
        assert ("times" in row) == ("why" in row)


def test_losses_without_a_golden_have_a_reason():
    absent = json.loads(GOLDENS.read_text())["absent"]
    assert set(absent) <= set(CATALOG)
    assert not set(absent) & {row["loss"] for row in ROWS}


def test_goldens_of_several_libraries_cover_the_catalog():
    libraries = {row["peer"].split()[0] for row in ROWS}
    assert libraries == {
        "torch", "monai", "segmentation_models_pytorch", "exacta", "optax",
    }  # fmt: skip
    assert {row["loss"] for row in ROWS} >= {
        "cross_entropy", "focal", "topk", "dice", "dice_squared", "log_dice", "jaccard",
        "jaccard_squared", "tversky", "focal_tversky", "generalized_dice", "lovasz",
        "dice_ce", "dice_focal", "dice_topk", "asymmetric", "lovasz_hinge", "matthews",
        "wasserstein_dice", "cldice",
    }  # fmt: skip
