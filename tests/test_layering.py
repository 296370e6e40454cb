"""Imports go down only: the floors of the house."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = [  # from the bottom; a file may import from its own floor and from below
    ["jaxseg.errors"],
    ["jaxseg.automatic", "jaxseg.rooms", "jaxseg.files", "jaxseg.fused",
     "jaxseg.numerics"],
    ["jaxseg.links"],
    ["jaxseg.targets"],
    ["jaxseg.counts", "jaxseg.distance"],
    ["jaxseg.components", "jaxseg.persistence"],
    ["jaxseg.losses", "jaxseg.metrics", "jaxseg.models", "jaxseg.data",
     "jaxseg.statistics", "jaxseg.decide"],
    ["jaxseg.training"],
    ["jaxseg.cli", "jaxseg.__main__"],
    ["jaxseg.api"],
    ["theory"],
    ["experiments"],
    ["figures"],
]  # fmt: skip
APART = {  # rooms that know nothing of some neighbours or outside libraries
    "jaxseg.losses": {"flax", "optax", "grain", "jaxseg.data", "jaxseg.models"},
    "jaxseg.models": {"jaxseg.losses", "jaxseg.data", "optax"},
    "jaxseg.metrics": {"flax", "optax", "jaxseg.models", "jaxseg.data"},
    "jaxseg.data": {"flax", "optax", "jaxseg.losses", "jaxseg.models"},
    "figures": {"experiments"},
}
FILES = sorted(
    path
    for package in ("jaxseg", "theory", "experiments", "figures")
    for path in (ROOT / package).rglob("*.py")
)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> tuple[str, int] | None:
    for level, rooms in enumerate(FLOORS):
        for room in rooms:
            if module == room or module.startswith(room + "."):
                return room, level
    return None


def imports_of(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the floor"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def violations(module: str, imported: set[str]) -> list[str]:
    here = room_of(module)
    if here is None:
        return []
    room, level = here
    broken = []
    for name in imported:
        there = room_of(name)
        if there is not None and there[1] > level:
            broken.append(f"{module} imports {name} from a higher floor")
        for apart in APART.get(room, ()):
            if name == apart or name.startswith(apart + "."):
                broken.append(f"{module} imports {name}, which {room} must not know")
    return broken


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_go_down_only(path):
    module = module_of(path)
    if module not in ("jaxseg",):
        assert room_of(module) is not None, f"{module} stands on no floor"
    assert not violations(module, imports_of(path.read_text()))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("jaxseg.losses.pixel", "import optax"),
        ("jaxseg.losses.pixel", "from jaxseg.training.step import train_step"),
        ("jaxseg.counts", "from jaxseg import losses"),
        ("jaxseg.cli.main", "import theory.claim"),
        ("theory.liu", "from figures import style"),
        ("figures.style", "from experiments import speed"),
    ],
)
def test_an_upward_import_is_seen(module, source):
    assert violations(module, imports_of(source))
