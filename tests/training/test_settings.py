"""A setting is declared once: flags, stored JSON and the document agree with it."""

import argparse
import contextlib
import json
import math

import pytest

from jaxseg.cli import settings as page
from jaxseg.cli.options import Parser
from jaxseg.cli.train_flags import add_flags
from jaxseg.errors import UserError
from jaxseg.training.config import SETTINGS, RunConfig
from tests.conftest import ROOT
from tests.training.small import small_config


def stored() -> dict:
    return json.loads(json.dumps(small_config().to_json()))


def test_every_setting_with_a_group_has_a_flag_and_no_other():
    parser = Parser()
    add_flags(parser)
    flags = {f"--{about.flag}" for about in SETTINGS.values() if about.group}
    known = set(parser._option_string_actions)
    assert flags < known
    found = {f"--{about.flag}" for about in SETTINGS.values() if not about.group}
    # A switch, and pairs from which a map is made: both of their own kind.
    assert found & known == {"--plan", "--labels"}
    given = vars(parser.parse_args(["--out", "x"]))
    assert all(given[name] is None for name, a in SETTINGS.items() if a.group)


def test_the_document_is_what_the_settings_say():
    text = (ROOT / "docs" / "settings.md").read_text()
    assert text == page.document(), "python -m jaxseg.cli.settings > docs/settings.md"


WRONG = [
    ("steps", 0), ("steps", "4"), ("steps", 4.5), ("steps", True), ("steps", None),
    ("steps", 2**40), ("loss", "dise"), ("loss", 3), ("hyper", {"smooth": None}),
    ("hyper", [1]), ("size", "16"), ("size", [16, "16"]), ("size", [0, 16]),
    ("spacing", [1, 1]), ("spacing", [1, 1, math.nan]), ("windows", [3]),
    ("class_weights", [1, -1]), ("class_weights", [1, math.inf]),
    ("learning_rate", math.nan), ("learning_rate", 0), ("clip", "10"),
    ("model", "lenet"), ("norm", None), ("parallel", "ddp"), ("optimizer", "adma"),
    ("seed", -1), ("num_classes", 0), ("dropout", 1), ("strides", [[2, 2], 2]),
    ("average", 1), ("data", None), ("synthetic", {"lesion_free": "0"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_stored_setting_of_another_kind_is_named(name, value):
    with pytest.raises(UserError, match=rf"here\.json.*{name}"):
        RunConfig.from_json({**stored(), name: value}, "here.json")


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_no_value_of_a_stored_setting_is_a_traceback(name):
    for value in (None, "x", -1, 1.5, math.nan, [], {}, [[]], True, 2**70):
        with contextlib.suppress(UserError):
            RunConfig.from_json({**stored(), name: value}, "here.json")
    renamed = {f"{k}x" if k == name else k: v for k, v in stored().items()}
    with pytest.raises(UserError, match=r"here\.json has unknown settings"):
        RunConfig.from_json(renamed, "here.json")


def test_what_is_read_is_what_was_stored():
    config = small_config(
        hyper={"dice": 1, "classes": "all"}, strides=((2, 2), (2, 1)), clip=None,
        spacing=(1.0, 2.0, 0.5), class_weights=(0.0, 1.0), folds="f.json",
        windows=({"low": 0.0, "high": 1.0, "mean": 0.5, "deviation": 1.0}, None),
    )  # fmt: skip
    again = RunConfig.from_json(json.loads(json.dumps(config.to_json())), "x.json")
    assert again == config
    assert isinstance(again.hyper["dice"], int)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--steps", "3000000000"], "3000000000 is more than 2147483646"),
        (["--accumulate", "10000000"], "more than 1048576"),
        (["--depth", "200"], "200 is more than 15"),
        (["--width", "1000000"], "more than 32768"),
        (["--learning-rate", "nan"], "nan is not strictly between 0 and 1e+31"),
        (["--dropout", "1"], "1 is not from 0 to 0.99"),
        (["--norm", "bach"], "did you mean batch?"),
    ],
)
def test_a_flag_has_the_range_of_its_setting(argv, said):
    parser = Parser(formatter_class=argparse.HelpFormatter)
    add_flags(parser)
    with pytest.raises(UserError) as caught:
        parser.parse_args(["--out", "x", *argv])
    assert said in str(caught.value)
