"""Golden vectors: the file is what the oracles say, and the library meets it.

`tests/losses/test_laws.py` has each loss meet its vectors with programs it has anyway;
here are the values of half precision and of volumes, for which each loss compiles.
"""

import functools
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxseg import links, metrics
from jaxseg.losses import CATALOG
from tests.readme import ROOT
from tests.vectors import losses
from tests.vectors import metrics as made_metrics
from tests.vectors.document import VECTORS, of_input, of_pair
from tests.vectors.inputs import inputs

DOCUMENT = json.loads(VECTORS.read_text())
GIVEN = inputs()
HALVES = ("float16", "bfloat16")


def again(value):
    """As it is once written and read."""
    return json.loads(json.dumps(value))


def test_inputs_and_metrics_are_what_the_generator_makes():
    assert DOCUMENT["inputs"] == again({k: of_input(v) for k, v in GIVEN.items()})
    pairs = made_metrics.pairs()
    assert DOCUMENT["masks"] == again({k: of_pair(v) for k, v in pairs.items()})
    made = list(made_metrics.cases(pairs, losses.rounded))
    assert DOCUMENT["metrics"] == again(made)


def test_every_loss_is_there_with_every_input():
    told = [(c["loss"], c["input"], c["settings"]) for c in DOCUMENT["losses"]]
    made = [(c["loss"], c["input"], c["settings"]) for c in losses.cases(GIVEN)]
    without = [case for case in made if case not in told]
    assert {case[1] for case in without} == {"right"}  # those that are infinite there
    assert [case for case in made if case in told] == told
    assert {c["loss"] for c in DOCUMENT["losses"]} == set(CATALOG)


def test_values_are_those_of_the_oracles():
    for case in DOCUMENT["losses"]:
        data = GIVEN[case["input"]]
        if not data.common:
            found = losses.value_of(case, data)
            assert found == pytest.approx(case["value"], rel=1e-7, abs=1e-9), case


def test_gradients_are_differences_of_the_oracles():
    """One entry of every fourth case, and all entries of none: that takes minutes."""
    rng = np.random.default_rng(3)
    for case in DOCUMENT["losses"][::4]:
        data = GIVEN[case["input"]]
        if case["gradient"] is None:
            continue
        place = tuple(int(rng.integers(n)) for n in data.scores.shape)
        loss = losses.with_constant_weight(case, data)
        told = np.reshape(case["gradient"], data.scores.shape)[place]
        slope = losses.slope_at(loss, data, place)
        assert slope == pytest.approx(told, rel=1e-6, abs=1e-8), (case["loss"], place)


def test_scores_are_the_same_in_every_float_type():
    for key, data in GIVEN.items():
        for dtype in HALVES:
            narrow = np.asarray(jnp.asarray(data.scores, dtype), float)
            np.testing.assert_array_equal(narrow, data.scores, err_msg=key)


@functools.cache
def program(name, link, settings):
    loss = CATALOG[name].build(**dict(settings))(0.5)
    link = getattr(links, link)

    def call(scores, labels, where, weights):
        return loss(scores, labels, where=where, class_weights=weights, link=link)

    return jax.jit(jax.value_and_grad(call))


def meets(case, dtype="float32"):
    data = GIVEN[case["input"]]
    settings = tuple(case["settings"].items())
    soft = data.labels.dtype.kind == "f"
    where = np.ones(data.scores.shape[:-1], bool) if data.where is None else data.where
    weights = data.class_weights
    value, slopes = program(case["loss"], data.link, settings)(
        jnp.asarray(data.scores, dtype),
        jnp.asarray(data.labels, dtype if soft else jnp.int32),
        jnp.asarray(where),
        jnp.ones(data.scores.shape[-1]) if weights is None else jnp.asarray(weights),
    )
    rtol = {"float16": 4e-3, "bfloat16": 2e-2}.get(dtype, 3e-4)
    what = f"{case['loss']} of {case['input']} in {dtype}"
    np.testing.assert_allclose(value, case["value"], 1e-4, 3e-6, err_msg=what)
    slopes = np.asarray(slopes, float)
    if case["gradient"] is None:
        assert np.isfinite(slopes).all(), what
        return
    told = np.reshape(case["gradient"], slopes.shape)
    least = 1e-5 + rtol * np.abs(told).max()
    np.testing.assert_allclose(slopes, told, rtol, least, err_msg=what)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("name", ["cross_entropy", "dice"])
def test_half_precision_meets_the_vectors(name, dtype):
    for case in DOCUMENT["losses"]:
        if (case["loss"], case["input"]) in [(name, "large"), (name, "plane-void")]:
            meets(case, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOG)
def test_volumes_and_half_precision_meet_the_vectors(name):
    """What the laws leave out; three programs for each loss."""
    defaults = {k: v for k, v in CATALOG[name].defaults.items() if v is not None}
    asked = {"volume": "float32", "plane-void": "bfloat16", "image-void": "float16"}
    for case in DOCUMENT["losses"]:
        of_it = (case["loss"], case["settings"]) == (name, defaults)
        if of_it and case["input"] in asked:
            meets(case, asked[case["input"]])
    program.cache_clear()
    jax.clear_caches()


def test_metrics_meet_the_vectors():
    for case in DOCUMENT["metrics"]:
        pair = DOCUMENT["masks"][case["input"]]
        pred, true = (
            np.resize(pair[side]["values"], pair[side]["shape"]).astype(bool)
            for side in ("pred", "true")
        )
        settings = dict(case["settings"])
        if case["metric"] in (*made_metrics.DISTANCES, "nsd", "volume_difference"):
            settings["spacing"] = tuple(pair["spacing"])
        found = float(getattr(metrics, case["metric"])(pred, true, **settings))
        told = np.nan if case["value"] is None else case["value"]
        what = f"{case['metric']} of {case['input']}"
        np.testing.assert_allclose(found, told, rtol=1e-6, atol=1e-7, err_msg=what)


def test_the_page_reads_the_file_as_it_says(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "vectors.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    exec(compile(code, "docs/vectors.md", "exec"), {})
    assert capsys.readouterr().out.split() == ["True"] * 7
