"""`jaxseg calibrate`: what it leaves in a run, who uses it, and what it refuses."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import jaxseg
from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.errors import UserError
from jaxseg.files import read_json
from jaxseg.training.scaling import Scaling
from tests.cli.sentences import sentence


@pytest.fixture(scope="module")
def scaled(run, tmp_path_factory):
    """A copy of the run, calibrated by the command."""
    copy = tmp_path_factory.mktemp("calibrated") / "run"
    shutil.copytree(run, copy)
    assert main(["calibrate", "--run", str(copy), "--method", "vector"]) == 0
    return copy


def test_predictions_are_those_of_the_scaling(run, scaled, folder, capsys):
    stored = read_json(scaled / "calibration.json")
    scaling = Scaling.from_json(stored)
    assert (stored["cases"], stored["split"]) == (2, "validation")
    assert stored["report"]["before"]["pixels"] == stored["pixels"] == 2 * 20 * 24
    image = np.asarray(Image.open(folder / "test/images/disc0.png"))
    raw = jaxseg.load(run).probabilities(image)
    found = jaxseg.load(scaled).probabilities(image)
    np.testing.assert_allclose(found, scaling(raw), atol=1e-6)
    assert np.abs(found - raw).max() > 1e-3
    without = jaxseg.load(scaled, calibrated=False).probabilities(image)
    np.testing.assert_array_equal(without, raw)
    both = jaxseg.load(run, scaled).probabilities(image)
    np.testing.assert_allclose(both, (raw + found) / 2, atol=1e-6)


def test_scores_are_of_the_calibrated_run(
    scaled, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(pictures, "draw_run", lambda _: [])
    scores = {}
    for name, flags in (("with", ()), ("without", ("--uncalibrated",))):
        out = tmp_path / name
        argv = ["evaluate", "--run", scaled, "--data", folder, "--split", "validation"]
        argv += ["--surfaces", "none", "--out", out, *flags]
        assert main([str(a) for a in argv]) == 0
        told = "note: calibrated by" in capsys.readouterr().out
        assert told == (name == "with")
        scores[name] = read_json(out / "summary.json")
    assert scores["with"]["scaling"] == ["vector"]
    assert scores["without"]["scaling"] == [None]
    first, second = (scores[k]["calibration"] for k in ("with", "without"))
    assert first["brier"] < second["brier"]  # the cases that it was fitted to


def test_what_does_not_fit_is_refused(run, scaled, tmp_path, capsys):
    sentence(capsys, ["calibrate", "--run", run, scaled], "takes one --run")
    sentence(capsys, ["calibrate", "--run", run, "--method", "platt"], "'platt' is not")
    assert not (run / "calibration.json").exists()
    stored = read_json(scaled / "calibration.json")
    for change, part in (
        ({"step": 10**6}, "run jaxseg calibrate again"),
        ({"weights": [[1]], "shift": [0]}, "is of 1 classes, but the run has 2"),
        ({"method": "platt"}, "is not what jaxseg calibrate writes"),
    ):
        other = tmp_path / "run"
        shutil.rmtree(other, ignore_errors=True)
        shutil.copytree(scaled, other)
        (other / "calibration.json").write_text(json.dumps({**stored, **change}))
        with pytest.raises(UserError, match=part):
            jaxseg.load(other)
        assert jaxseg.load(other, calibrated=False).members
