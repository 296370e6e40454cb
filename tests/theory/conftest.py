"""Each claim is settled once for all tests."""

import pytest

from theory.claim import settle
from theory.registry import CLAIMS


@pytest.fixture(scope="session")
def settled():
    """Claim id to the settled claim; settles on first use."""
    results = {}

    def get(name):
        if name not in results:
            results[name] = settle(CLAIMS[name])
        return results[name]

    return get
