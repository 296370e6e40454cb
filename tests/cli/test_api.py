"""What the commands do, from Python."""

import numpy as np
import pytest
from PIL import Image

import jaxseg
from jaxseg.cli import pictures
from jaxseg.cli.main import main
from jaxseg.errors import UserError
from jaxseg.files import read_json, read_rows
from tests.cli.sentences import SMALL


def test_modules_are_reached_from_the_package():
    assert jaxseg.losses.dice_loss is not None
    assert jaxseg.metrics.dice(np.ones(3, bool), np.ones(3, bool)) == 1
    assert {"load", "evaluate", "losses"} <= set(dir(jaxseg))
    with pytest.raises(AttributeError, match="no attribute 'loses'"):
        jaxseg.loses  # noqa: B018


def test_a_loaded_run_predicts_what_the_command_writes(run, folder, tmp_path):
    out = tmp_path / "masks"
    images = folder / "test" / "images"
    argv = ["predict", "--run", run, "--images", images, "--out", out, "--mirror"]
    assert main([str(word) for word in [*argv, "--probabilities"]]) == 0
    model = jaxseg.load(run)
    for path in sorted(images.iterdir()):
        image = np.asarray(Image.open(path))
        mask = np.asarray(Image.open(out / path.name))
        np.testing.assert_array_equal(model.predict(image, mirror=True), mask)
        probs = np.load(out / "probabilities" / f"{path.stem}.npy")
        np.testing.assert_array_equal(model.probabilities(image, mirror=True), probs)


def test_evaluation_has_the_rows_and_means_of_the_command(run, folder, monkeypatch):
    monkeypatch.setattr(pictures, "draw_run", lambda _: [])
    argv = ["evaluate", "--run", run, "--split", "test", "--surfaces", "none"]
    assert main([str(word) for word in argv]) == 0
    place = run / "evaluate-test"
    found = jaxseg.evaluate(run, split="test", surfaces="none")
    assert found.rows == read_rows(place / "cases.jsonl")
    stored = read_json(place / "summary.json")
    assert found.summary().dice == stored["dice"]


def test_training_takes_the_flags_as_keywords(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "draw_run", lambda _: [])
    small = dict(zip((f[2:] for f in SMALL[::2]), SMALL[1::2], strict=True))
    model = jaxseg.train(
        folder,
        "tversky",
        tmp_path / "run",
        **{**small, "hyper": {"alpha": 0.3, "beta": 0.7}, "size": (16, 16)},
    )
    config = model.members[0].config
    assert (config.loss, config.hyper) == ("tversky", {"alpha": 0.3, "beta": 0.7})
    assert (config.size, model.names) == ((16, 16), ("background", "class 1"))
    assert jaxseg.check(folder).sound


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.zeros((3, 20, 24), np.uint8), "channels last"),
        (np.zeros((20, 24, 3), np.float32), "8 bits"),
        (np.zeros((0, 24, 3), np.uint8), "is empty"),
    ],
)
def test_images_of_another_kind_are_refused(run, image, says):
    with pytest.raises(UserError, match=says):
        jaxseg.load(run).predict(image)


def test_options_out_of_range_are_refused(run):
    image, model = np.zeros((20, 24, 3), np.uint8), jaxseg.load(run)
    for options in ({"window": (8,)}, {"window": (0, 8)}, {"overlap": 1.0}):
        with pytest.raises(UserError, match=next(iter(options))):
            model.probabilities(image, **options)
    with pytest.raises(UserError, match="best='iou': expected 'dice'"):
        jaxseg.load(run, best="iou")  # pyright: ignore[reportArgumentType]


def test_a_mistake_is_an_exception_with_the_commands_sentence(run, tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        jaxseg.load(tmp_path)
    with pytest.raises(UserError, match="there is no flag --splitt"):
        jaxseg.evaluate(run, splitt="test")
