"""Packages of the distribution; all else about it stands in pyproject.toml.

The checkout's packages of the theory, the studies and the pictures are installed inside
the library, as `jaxseg.rooms`, so that nobody else's modules of these names are hidden.
"""

from setuptools import find_packages, setup

ROOMS = find_packages(include=["theory*", "experiments*", "figures*"])

setup(
    packages=[
        *find_packages(include=["jaxseg*"]),
        *(f"jaxseg.rooms.{name}" for name in ROOMS),
    ],
    package_dir={f"jaxseg.rooms.{name}": name.replace(".", "/") for name in ROOMS},
)
