"""The examples in the docstrings of losses print what they say."""

import doctest
import importlib
import pkgutil

import pytest

from jaxseg import losses

MODULES = [module.name for module in pkgutil.iter_modules(losses.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name):
    module = importlib.import_module(f"{losses.__name__}.{name}")
    assert doctest.testmod(module).failed == 0
