"""Docstrings of losses explain every argument; the source says shared ones once."""

import inspect
import re

import pytest

from jaxseg import losses
from jaxseg.losses import as_released
from jaxseg.losses.shared_arguments import entries, parameters, with_arguments

LOSSES = {
    f"{module.__name__.removeprefix('jaxseg.')}.{name}": function
    for module in (losses, as_released.galdran, as_released.liu, as_released.ma)
    for name, function in vars(module).items()
    if name.endswith("_loss") and inspect.isfunction(function)
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_all_arguments_are_explained_in_order(loss):
    assert [name for name, _ in entries(loss.__doc__, "Args")] == parameters(loss)


@pytest.mark.parametrize("loss", [losses.dice_loss, losses.topk_loss])
def test_what_all_losses_raise_is_said(loss):
    assert "an id is no class" in " ".join(loss.__doc__.split())


def test_the_source_does_not_repeat_what_all_losses_share():
    shared = re.escape("``[...]`` bool, True where a pixel counts; None counts all.")
    assert not re.search(shared, inspect.getsource(losses.region))
    assert re.search(shared, losses.dice_loss.__doc__)


def test_what_a_loss_says_of_a_shared_argument_wins():
    text = """A loss.

    Args:
      where: ``[...]`` bool,
        as nowhere else.

    Source: hand.
    """
    completed = with_arguments(text, ["logits", "where", "axis_name"])
    assert [name for name, _ in entries(completed, "Args")] == [
        "logits",
        "where",
        "axis_name",
    ]
    assert "as nowhere else" in completed
    assert completed.endswith("Source: hand.")


def test_a_loss_with_no_arguments_of_its_own_gets_its_section_before_what_it_returns():
    completed = with_arguments("A loss.\n\nReturns:\n  Scalar.", ["logits"])
    assert completed.index("Args:") < completed.index("logits:")
    assert completed.index("logits:") < completed.index("Returns:")
