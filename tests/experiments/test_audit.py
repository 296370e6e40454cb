"""The audit names the one case in which a library is wrong, and no other."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import audit, audit_report
from experiments.__main__ import main
from experiments.peer_calls import LIBRARIES, Call, Library
from experiments.peer_lines import run_line
from tests.readme import ROOT

VECTORS = audit.read_vectors()
FEW = {"absent", "void", "image-void", "plane-soft", "masks", "masks-both-empty"}
SMALL = {  # a few inputs, to ask little
    **VECTORS,
    "losses": [case for case in VECTORS["losses"] if case["input"] in FEW],
    "metrics": [case for case in VECTORS["metrics"] if case["input"] in FEW],
}
TOY = """
import jax, jax.numpy as jnp

def entropy(z, y, hide=None):
    seen = jnp.ones(y.shape) if hide is None else (y != hide)
    logs = jax.nn.log_softmax(z.astype(jnp.float32))
    each = -jnp.take_along_axis(logs, jnp.where(seen, y, 0)[..., None], -1)[..., 0]
    return (each * seen).sum() / y.size  # void pixels in the divisor

def dice(p, t):
    return 2 * (p & t).sum() / (p.sum() + t.sum()) if (p | t).any() else 0.0
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A library whose mean counts void pixels, and whose empty masks disagree."""
    (tmp_path / "toy_losses.py").write_text(TOY)
    folder = tmp_path / "toy_losses-1.5.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: toy_losses\nVersion: 1.5\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    hide = Call(ids="m.entropy(z, y)", void="m.entropy(z, y, 255)")
    about = {"module": "toy_losses", "package": "toy_losses"}
    imports = "import numpy as np, jax, jax.numpy as jnp, toy_losses as m"
    return (
        Library(name="toy", framework="jax", imports=imports, **about,
                losses={"cross_entropy": hide},
                metrics={"dice": "float(m.dice(p, t))"}),
        Library(name="absent", module="no_such_module", package="no", imports="",
                losses={"dice": hide}),
    )  # fmt: skip


def test_the_audit_names_what_is_wrong_and_nothing_else(toy):
    rows, versions = audit.audit(SMALL, [audit.own_python()], toy)
    assert versions == {"toy": "1.5", "absent": ""}
    assert {row["version"] for row in rows} == {"1.5"}
    wrong = {(row["name"], row["input"]) for row in rows if not row["agrees"]}
    assert wrong == {
        ("cross_entropy", "void"),
        ("cross_entropy", "image-void"),
        ("dice", "masks-both-empty"),
    }
    assert {row["input"] for row in rows if row["agrees"]} == {"absent", "masks"}
    (void,) = [row for row in rows if row["input"] == "void"]
    # Four of six pixels count, and all six are in the divisor.
    assert void["theirs"] == pytest.approx(void["ours"][0] * 4 / 6, rel=1e-5)
    again = subprocess.run(
        ["sh", "-c", void["line"].replace("python", sys.executable, 1)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(again.stdout)[0] == pytest.approx(void["theirs"])
    text = audit_report.report(rows, versions)
    said = f"expected {void['ours'][0]:.4g}, it says {void['theirs']:.4g}"
    assert said in text
    assert void["line"] in text
    assert "Asked: toy 1.5. Not installed: absent." in text
    assert text.count("```sh") == 2  # one of all void pixels, one of empty masks
    assert "Likewise an image all void: " in text
    brief = audit_report.summary(rows, versions)
    assert "void pixels: " in brief
    assert brief.splitlines()[-1].split() == ["absent", "not", "installed"]


def test_values_and_gradients_are_held_to_what_is_expected():
    library = Library(name="any", module="any", package="any", imports="")
    question = audit.Question(
        peer=library, name="dice", input="void", what="as ours", dtype="float32",
        call="", line="print()", expected=(0.5,), gradient=[0.1, -0.2],
    )  # fmt: skip

    def told(value, slopes, error=None):
        answer = {"value": value, "gradient": slopes, "error": error}
        return audit.judged(question, answer, "1")["differs"]

    assert told(0.5, [0.1, -0.2]) == ""
    assert told(0.51, [0.1, -0.2]) == "value"
    assert told(math.nan, [0.1, -0.2]) == "value"
    assert told(0.5, [0.1, -0.201]) == "gradient"
    assert told(0.5, [0.1, math.nan]) == "gradient is not finite"
    assert told(0.5, [0.1]) == "gradient"
    assert told(None, None, "TypeError: no") == "TypeError: no"


def test_a_line_that_fails_is_an_answer():
    assert (
        run_line("print([1.5, [nan]])".replace("nan", "float('nan')"))["value"] == 1.5
    )
    assert run_line("import no_such_module")["error"].startswith("ModuleNotFoundError")
    assert run_line("print(1)")["error"]


def test_expressions_are_python():
    """Each as it stands in its line, whether or not its library is here."""
    asked = audit.questions(VECTORS)
    assert {q.peer.name for q in asked} == {library.name for library in LIBRARIES}
    for question in asked:
        compile(question.line, question.call, "exec")
        assert "\n" not in question.line


def test_optax_by_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(audit, "read_vectors", lambda: SMALL)
    argv = ["audit", "--only", "optax", "--out", str(tmp_path)]
    assert main(argv) == 0
    rows = [json.loads(x) for x in (tmp_path / "rows.jsonl").read_text().splitlines()]
    found = {(r["name"], r["input"]): r for r in rows if r["what"] == "as ours"}
    assert found["cross_entropy", "absent"]["agrees"]
    assert found["dice", "absent"]["agrees"]
    # Soft targets: 2 sum p t is no overlap of them.
    assert found["dice", "plane-soft"]["differs"] == "value"
    printed = capsys.readouterr().out
    assert "differs: " in printed
    assert (tmp_path / "report.md").read_text().startswith("# What other libraries say")


@pytest.mark.slow
def test_monai_where_make_peers_has_put_it():
    python = ROOT / ".venv-peers" / "bin" / "python"
    if not python.is_file():
        pytest.skip("`make peers` has not been run")
    monai = [library for library in LIBRARIES if library.name == "MONAI"]
    rows, versions = audit.audit(SMALL, [python], monai)
    assert versions["MONAI"]
    found = {(row["name"], row["input"]): row for row in rows}
    assert found["dice", "absent"]["agrees"]
    # Its mean over pixels that are not void is the number of classes times too large.
    void = found["focal", "void"]
    assert void["theirs"] == pytest.approx(3 * void["ours"][0], rel=1e-4)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--only", "optaks"], "did you mean optax"),
        (["--peers", "no/such/python", "--only", "optax"], "cannot be run"),
    ],
)
def test_mistakes_are_answered_with_one_sentence(more, part, tmp_path, capsys):
    assert main(["audit", "--out", str(tmp_path), *more]) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


def test_a_library_that_is_not_there_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(audit, "own_python", lambda: Path(sys.executable))
    monkeypatch.setattr(audit, "audit", lambda *_: ([], {"MedPy": ""}))
    assert main(["audit", "--only", "MedPy", "--out", str(tmp_path)]) == 2
    assert "not installed: MedPy; --peers PYTHON" in capsys.readouterr().err


def test_the_published_report_follows_from_its_rows():
    folder = Path(audit_report.__file__).parent / "reports" / "audit"
    kept = [json.loads(x) for x in (folder / "rows.jsonl").read_text().splitlines()]
    versions = json.loads((folder / "versions.json").read_text())
    assert (folder / "report.md").read_text() == audit_report.report(kept, versions)
    lines = {audit.command_of(question) for question in audit.questions(VECTORS)}
    assert len(kept) > 300
    assert {row["line"] for row in kept if not row["agrees"]} <= lines
    for library in LIBRARIES:
        calls = {row["call"] for row in kept if row["library"] == library.name}
        assert bool(calls) == bool(versions[library.name])
