"""The distribution: what it brings, and that it works where nothing else is.

A wheel is built and unpacked into an environment that holds exactly what its metadata
ask for, linked from this one: whatever is used and not declared is missing there.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy, so that no build folder is left in the checkout."""
    place = tmp_path_factory.mktemp("wheel")
    tree = place / "tree"
    tree.mkdir()
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.py", "*.json", "*.v",
         "*.md", "*.css", "*.html", "*.js", "pyproject.toml", "LICENSE"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pip", "wheel", str(tree), "--no-deps", "--quiet"]
    command += ["--no-build-isolation", "--no-index", "--wheel-dir", str(place)]
    subprocess.run(command, check=True)
    (built,) = place.glob("*.whl")
    return built


def requirements(name: str, extras: frozenset[str]) -> dict[str, frozenset[str]]:
    """What a distribution of this environment asks for, with the extras of each."""
    found: dict[str, set[str]] = {}
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        wanted = (
            requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            for extra in extras | {""}
        )
        if any(wanted):
            found.setdefault(requirement.name, set()).update(requirement.extras)
    return {name: frozenset(extras) for name, extras in found.items()}


def environment(place: Path, wheel: Path, *extras: str) -> Path:
    """A Python that sees the wheel, and what it asks for, and nothing else."""
    venv.create(place, with_pip=False, symlinks=True)
    (site,) = place.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        (text,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = archive.read(text).decode()
    open_names = {}
    for line in re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE):
        requirement = Requirement(line)
        if requirement.name != "jaxseg" and (
            requirement.marker is None
            or any(requirement.marker.evaluate({"extra": e}) for e in ("", *extras))
        ):
            open_names[requirement.name] = frozenset(requirement.extras)
    done = set()
    while open_names:
        name, its_extras = open_names.popitem()
        if (name.lower(), its_extras) in done:
            continue
        done.add((name.lower(), its_extras))
        for file in importlib.metadata.files(name) or ():
            top = Path(file.parts[0])
            source = Path(str(importlib.metadata.distribution(name).locate_file(top)))
            target = site / top.name
            if top.name not in ("..", "__pycache__") and not target.exists():
                target.symlink_to(source)
        open_names |= requirements(name, its_extras)
    return place / "bin" / "python"


def run(python: Path, *argv: str, cwd: Path) -> subprocess.CompletedProcess:
    settings = {**os.environ, "PYTHONPATH": "", "HOME": str(cwd)}
    return subprocess.run(
        [str(python), *argv], cwd=cwd, env=settings, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def plain(wheel, tmp_path_factory):
    """An environment with the library alone."""
    return environment(tmp_path_factory.mktemp("plain") / "env", wheel)


def test_other_peoples_modules_are_not_hidden(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        names = set(archive.namelist())
    assert tops == {"jaxseg", "jaxseg-0.1.0.dist-info"}
    for part in ("theory/__main__.py", "theory/proofs/Means.v", "figures/style.py",
                 "figures/explorer/page.html", "experiments/registry.py"):  # fmt: skip
        assert f"jaxseg/rooms/{part}" in names
    assert not any("reports" in name for name in names)


def test_the_library_alone_brings_jax_and_numpy(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (text,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        lines = re.findall(
            r"^Requires-Dist: ([\w-]+)[^;\n]*$",
            archive.read(text).decode(),
            re.MULTILINE,
        )
    assert sorted(lines) == ["jax", "jaxlib", "numpy", "scipy"]  # SciPy is JAX's own


def test_the_readmes_lines_run_with_the_library_alone(plain, tmp_path):
    code, expected = re.search(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL
    ).groups()
    done = run(plain, "-W", "error", "-c", code, cwd=tmp_path)
    assert done.stdout == expected, done.stderr


def test_commands_of_the_library_alone(plain, tmp_path):
    done = run(plain, "-m", "jaxseg", "losses", "tversky", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "alpha" in done.stdout
    for command, extra in (
        (["check", "--data", "nowhere"], "train"),
        (["theory"], "theory"),
        (["figures"], "figures"),
        (["study", "odyssey"], "all"),
        (["demo"], "all"),
    ):
        done = run(plain, "-m", "jaxseg", *command, cwd=tmp_path)
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert f"pip install 'jaxseg[{extra}]'" in done.stderr
        assert done.stderr.startswith("jaxseg")
    for name in ("load", "train", "evaluate", "check"):
        done = run(plain, "-c", f"import jaxseg; jaxseg.{name}", cwd=tmp_path)
        assert f"jaxseg.{name}: this needs" in done.stderr
        assert "pip install 'jaxseg[train]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_metrics_distances_and_statistics_need_no_more(plain, tmp_path):
    code = (
        "import sys, numpy as np, jaxseg\n"
        "a = np.zeros((8, 8), bool); a[2:5, 2:5] = True\n"
        "b = np.roll(a, 2, 1)\n"
        "print(jaxseg.metrics.hausdorff(a, b))\n"
        "print(jaxseg.distance.signed_distance(a).shape)\n"
        "jaxseg.statistics.pairwise_tests\n"
        "print([m for m in ('theory', 'figures', 'experiments') if m in sys.modules])\n"
    )
    done = run(plain, "-c", code, cwd=tmp_path)
    assert done.stdout == "2.0\n(8, 8)\n[]\n", done.stderr


def test_theory_and_pictures_from_another_folder(wheel, tmp_path):
    python = environment(tmp_path / "env", wheel, "theory", "figures", "train")
    work = tmp_path / "work"
    work.mkdir()
    done = run(python, "-m", "jaxseg", "theory", "E18", cwd=work)
    assert done.returncode == 0, done.stderr
    assert "E18" in done.stdout
    command = ["figures", "marginals", "--format", "png", "--out", "drawn"]
    done = run(python, "-m", "jaxseg", *command, cwd=work)
    assert done.returncode == 0, done.stderr
    assert (work / "drawn" / "marginals.png").is_file()
    done = run(python, "-m", "jaxseg", "study", "odyssey", "--help", cwd=work)
    assert done.returncode == 0, done.stderr
