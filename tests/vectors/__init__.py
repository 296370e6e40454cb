"""Golden vectors: what losses and metrics are on small inputs, in docs/vectors.json.

Made by `python -m tests.vectors` from the tests' own oracles, not from the library.
"""
