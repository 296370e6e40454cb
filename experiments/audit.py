"""What other libraries say to the golden vectors: `jaxseg study audit`.

Each library that is installed is asked for each loss and metric it shares with ours, in
the settings that make the two formulas one, on the inputs of docs/vectors.json. What it
is asked is a line of Python that anybody can run, and the report keeps the line of each
disagreement beside both numbers.
"""

import dataclasses
import json
import math
import shlex
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peer_calls import LIBRARIES, Call, Library
from experiments.peers import rows_of_peers
from jaxseg.errors import UserError
from jaxseg.losses import CATALOG

VECTORS = Path(__file__).parents[1] / "docs" / "vectors.json"
KINDS = {
    "plane": "ids", "absent": "ids", "background": "ids", "far": "ids", "right": "ids",
    "volume": "ids", "large": "ids", "plane-void": "void", "void": "void",
    "all-void": "void", "image-void": "void", "plane-soft": "soft",
    "plane-foreground": "foreground", "binary": "binary", "binary-empty": "binary",
    "binary-void": "binary_void",
}  # fmt: skip
"""Which expression of a `Call` an input is for; other inputs are asked of nobody."""

HALVES = ("float16", "bfloat16")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """One line for one library.

    Attributes:
      peer: whom.
      name: loss or metric.
      input: of the vectors.
      what: "as ours", or "as written by default".
      dtype: of the scores.
      call: the expression.
      line: what is run.
      expected: the values that agree.
      gradient: of the scores, None where any finite one agrees, () where none is asked.
    """

    peer: Library
    name: str
    input: str
    what: str
    dtype: str
    call: str
    line: str
    expected: tuple[float | None, ...]
    gradient: Sequence[float] | None


def read_vectors(path: Path = VECTORS) -> dict[str, Any]:
    """The golden vectors.

    Raises:
      UserError: there is no such file.
    """
    if not path.is_file():
        raise UserError(f"{path} is not there: the audit runs in a checkout of jaxseg")
    return json.loads(path.read_text())


def questions(
    vectors: Mapping[str, Any], libraries: Iterable[Library] = LIBRARIES
) -> list[Question]:
    """All that is asked, smallest inputs first."""
    sizes = {
        key: math.prod(given["scores"]["shape"])
        for key, given in vectors["inputs"].items()
    }
    cases = sorted(vectors["losses"], key=lambda case: sizes[case["input"]])
    found = []
    for library in libraries:
        for name, call in library.losses.items():
            for case in cases:
                if case["loss"] == name and _is_of(case, call):
                    found += _of_loss(vectors, library, name, call, case)
        for name, expression in library.metrics.items():
            found += _of_metric(vectors, library, name, expression)
    return found


def _is_of(case: Mapping[str, Any], call: Call) -> bool:
    """Whether the settings of a case are those of the call."""
    defaults = CATALOG[case["loss"]].defaults
    ours = {k: v for k, v in defaults.items() if v is not None}
    return case["settings"] == {**ours, **call.settings}


def _of_loss(
    vectors: Mapping[str, Any], library: Library, name: str, call: Call, case: Mapping
) -> Iterable[Question]:
    key = case["input"]
    given = vectors["inputs"][key]
    asked = {"as ours": getattr(call, KINDS[key])} if key in KINDS else {}
    if key == "plane":
        asked["as written by default"] = call.plain
    for what, expression in asked.items():
        if expression is None:
            continue
        for dtype in HALVES if key == "large" else ("float32",):
            yield Question(
                peer=library, name=name, input=key, what=what, dtype=dtype,
                call=expression, line=line_of(library, given, expression, dtype),
                expected=(case["value"],), gradient=case["gradient"],
            )  # fmt: skip


def _of_metric(
    vectors: Mapping[str, Any], library: Library, name: str, expression: str
) -> Iterable[Question]:
    expected: dict[str, list[float | None]] = {}
    for case in vectors["metrics"]:
        if case["metric"] == name:
            expected.setdefault(case["input"], []).append(case["value"])
    for key, values in expected.items():
        pair = vectors["masks"][key]
        arrays = "; ".join(
            f"{letter} = {_array('np', pair[side], 'bool')}"
            for letter, side in (("p", "pred"), ("t", "true"))
        )
        line = (
            f"{library.imports}; {arrays}; s = {tuple(pair['spacing'])}; "
            f"print([{expression}, []])"
        )
        yield Question(
            peer=library, name=name, input=key, what="as ours", dtype="bool",
            call=expression, line=line, expected=tuple(values), gradient=(),
        )  # fmt: skip


def _array(of: str, array: Mapping[str, Any], dtype: str = "") -> str:
    """The expression of an array of `of`: torch, jnp or np."""
    shape, values = tuple(array["shape"]), array["values"]
    kind = f", dtype={dtype}" if dtype else ""
    if len(values) < math.prod(shape):
        return f"{of}.full({shape}, {values[0]:g}{kind})"
    make = "tensor" if of == "torch" else "array"
    numbers = ", ".join(f"{value:g}" for value in values)
    return f"{of}.{make}([{numbers}]{kind}).reshape{shape}"


def line_of(
    library: Library, given: Mapping[str, Any], expression: str, dtype: str
) -> str:
    """A line of Python that prints a loss and its gradient, ``[..., C]`` in C order."""
    scores, labels = given["scores"], given["labels"]
    soft = labels["shape"] == scores["shape"] and scores["shape"][-1] > 1
    classes = scores["shape"][-1]
    if library.framework == "torch":
        truth = _array("torch", labels)
        truth = f"t = {truth}.movedim(-1, 1)" if soft else f"y = {truth}"
        z = _array("torch", scores, f"torch.{dtype}")
        return (
            f"{library.imports}; z = {z}.requires_grad_(); x = z.movedim(-1, 1); "
            f"{truth}; v = {expression}; v.backward(); "
            "print([v.item(), z.grad.flatten().tolist()])"
        )
    truth = _array("jnp", labels)
    if soft:
        truth = f"t = {truth}"
    elif classes == 1:
        truth = f"y = {truth}; t = y[..., None].astype(z.dtype)"
    else:
        truth = f"y = {truth}; t = jax.nn.one_hot(y, {classes}, dtype=z.dtype)"
    return (
        f"{library.imports}; z = {_array('jnp', scores, f'jnp.{dtype}')}; {truth}; "
        f"v, g = jax.value_and_grad(lambda z: {expression})(z); "
        "print([float(v), g.ravel().tolist()])"
    )


def ask(
    asked: Sequence[Question], python: Path
) -> tuple[dict[str, str], dict[int, dict[str, Any]]]:
    """Versions of the libraries that a Python has, and its answers by place in `asked`.

    Raises:
      UserError: that Python cannot be run.
    """
    packages = {q.peer.module: q.peer.package for q in asked}
    lines = [
        {"id": place, "module": q.peer.module, "line": q.line}
        for place, q in enumerate(asked)
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.json"
        file.write_text(json.dumps({"packages": packages, "lines": lines}))
        first, *rows = rows_of_peers(python, "peer_lines.py", str(file))
    return first["versions"], {row["id"]: row for row in rows}


def is_close(found: float | None, expected: float | None, dtype: str) -> bool:
    """Whether two values are one but for rounding; None is nan."""
    number = math.nan if found is None else float(found)
    if expected is None or math.isnan(number):
        return expected is None and math.isnan(number)
    rtol = 2e-2 if dtype in HALVES else 1e-4
    return abs(number - expected) <= 1e-5 + rtol * abs(expected)


def gradients_agree(
    found: Sequence[float], expected: Sequence[float] | None, dtype: str
) -> bool:
    """Likewise for gradients, to a thousandth of the largest."""
    slopes = np.asarray(found, float)
    if expected is None:
        return bool(np.isfinite(slopes).all())
    wanted = np.asarray(expected, float)
    if wanted.shape != slopes.shape:
        return False
    rtol = 2e-2 if dtype in HALVES else 1e-3
    most = np.abs(wanted).max(initial=0)
    return bool((np.abs(slopes - wanted) <= 1e-6 + rtol * most).all())


def judged(question: Question, answer: Mapping[str, Any], version: str) -> dict:
    """One row of the audit."""
    value, slopes = answer["value"], answer["gradient"]
    if answer["error"]:
        differs = answer["error"]
    elif not any(is_close(value, e, question.dtype) for e in question.expected):
        differs = "value"
    elif len(question.gradient or ()) == 0 and question.dtype == "bool":
        differs = ""
    elif not gradients_agree(slopes, question.gradient, question.dtype):
        finite = np.isfinite(np.asarray(slopes, float)).all()
        differs = "gradient" if finite else "gradient is not finite"
    else:
        differs = ""
    return {
        "library": question.peer.name,
        "version": version,
        "name": question.name,
        "input": question.input,
        "dtype": question.dtype,
        "what": question.what,
        "asked": KINDS.get(question.input, "masks"),
        "call": question.call,
        "agrees": not differs,
        "differs": differs,
        "theirs": _plain(value),
        "ours": [_plain(e) for e in question.expected],
        "their_gradient": _size(slopes),
        "our_gradient": _size(question.gradient),
        "line": command_of(question) if differs else None,
    }


def command_of(question: Question) -> str:
    """What one types to ask again."""
    return f"python -c {shlex.quote(question.line)}"


def _plain(value: float | None) -> float | str | None:
    """A number of JSON, which has no nan."""
    if value is None or math.isfinite(value):
        return value
    return str(float(value))


def _size(slopes: Sequence[float] | None) -> float | str | None:
    """Sum of the magnitudes of a gradient."""
    return None if slopes is None else _plain(float(np.abs(slopes).sum()))


def audit(
    vectors: Mapping[str, Any],
    pythons: Sequence[Path],
    libraries: Sequence[Library] = LIBRARIES,
) -> tuple[list[dict], dict[str, str]]:
    """Rows, and the version of each library, "" of one that no Python has."""
    asked = questions(vectors, libraries)
    rows, found = {}, {library.name: "" for library in libraries}
    for python in pythons:
        versions, answers = ask(asked, python)
        for library in libraries:
            found[library.name] = found[library.name] or versions.get(
                library.module, ""
            )
        for place, answer in answers.items():
            version = versions[asked[place].peer.module]
            rows.setdefault(place, judged(asked[place], answer, version))
    return [rows[place] for place in sorted(rows)], found


def own_python() -> Path:
    """The Python that runs this."""
    return Path(sys.executable)
