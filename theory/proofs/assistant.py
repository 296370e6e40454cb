"""Asks Coq whether the theorems are proved, on what axioms, and what it refuses.

Of each theorem four things are asked: its file compiles, and in it the negation of its
false twin; theorem and negation rest on no axiom but those of the reals; and the
theorem's own proof is refused as a proof of the twin.
"""

import concurrent.futures
import dataclasses
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from jaxseg.errors import UserError
from theory.proofs import sources
from theory.proofs.sources import LIBRARY, Module, Theorem

INSTALL = "apt-get install --no-install-recommends coq libcoq-coquelicot"
REALS = frozenset(
    {
        "ClassicalDedekindReals.sig_not_dec",
        "ClassicalDedekindReals.sig_forall_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
    }
)
"""The axioms on which Coq's real numbers are built."""

LIMIT_S = 600  # of a file
HURRY = "Set Default Timeout 10."  # of a step, where a proof is expected to fail
_COQC = ("coqc", "-q", "-w", "none", "-Q", ".", LIBRARY)
_ANSWER = re.compile(r"^(?:Axioms:|Closed under the global context)$", re.MULTILINE)
_AXIOM = re.compile(r"^([\w.']+)\s*(?::|$)", re.MULTILINE)
_PLACE = re.compile(r'^File "[^"]*", line (\d+)', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What Coq says about a theorem.

    Attributes:
      theorem: which one.
      axioms: what it and the negation of its twin rest on.
      error: why it is not accepted; empty where it is.
    """

    theorem: Theorem
    axioms: frozenset[str]
    error: str

    @property
    def proved(self) -> bool:
        """Whether nothing is wrong."""
        return not self.error


def version() -> str | None:
    """Coq's version, or None where it is not installed."""
    if not shutil.which("coqc"):
        return None
    done = subprocess.run(
        ["coqc", "--print-version"], capture_output=True, text=True, check=False
    )
    return done.stdout.split()[0] if done.returncode == 0 and done.stdout else None


def need_coq() -> str:
    """Coq's version.

    Raises:
      UserError: it is not installed; says how it would be.
    """
    found = version()
    if not found:
        raise UserError(f"proofs are checked by Coq, which is not here: {INSTALL}")
    return found


def check(
    claims: Collection[str] = (),
    *,
    folder: Path = sources.FOLDER,
    processes: int = 2,
    done: Callable[[Outcome], object] = id,
) -> list[Outcome]:
    """Checks theorems in a temporary folder, which starts without any results.

    Args:
      claims: whose theorems; of all for none.
      folder: of the files ``*.v``.
      processes: how many to use, at most.
      done: told of each theorem as soon as it is known.

    Returns:
      One outcome per theorem, in the order of the files.
    """
    modules, theorems = sources.modules(folder), sources.theorems(folder)
    asked = [t for name, t in theorems.items() if not claims or name in claims]
    needed = _closure({theorem.module for theorem in asked}, modules)
    with (
        tempfile.TemporaryDirectory() as place,
        concurrent.futures.ThreadPoolExecutor(processes) as pool,
    ):
        work = Path(place)
        compiled: dict[str, concurrent.futures.Future[str]] = {}
        for (
            name
        ) in needed:  # each after those that it needs, so that none waits in vain
            before = [compiled[other] for other in modules[name].needs]
            compiled[name] = pool.submit(_compile, modules[name], before, work)
        axioms = {
            name: pool.submit(
                _axioms_of,
                [t.claim for t in asked if t.module == name],
                name,
                compiled[name],
                work,
            )
            for name in {theorem.module for theorem in asked}
        }
        refused = {
            t.claim: pool.submit(
                _refusal, t, modules[t.module], compiled[t.module], work
            )
            for t in asked
        }
        outcomes = []
        for theorem in asked:
            found = axioms[theorem.module].result()
            outcome = _outcome(
                theorem,
                compiled[theorem.module].result(),
                found.get(theorem.claim),
                refused[theorem.claim].result(),
            )
            outcomes.append(outcome)
            done(outcome)
    return outcomes


def _closure(names: set[str], modules: dict[str, Module]) -> list[str]:
    """These modules and all that they need, in the order of `modules`."""
    wanted = set(names)
    for name in reversed(list(modules)):
        if name in wanted:
            wanted |= set(modules[name].needs)
    return [name for name in modules if name in wanted]


def _run(name: str, text: str, work: Path) -> tuple[str, str]:
    """Compiles a text; what Coq prints and, unless it accepts it, the error."""
    path = work / f"{name}.v"
    path.write_text(text)
    try:
        found = subprocess.run(
            [*_COQC, path.name],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {LIMIT_S} s"
    error = found.stderr.strip() or f"coqc ends with {found.returncode}"
    return found.stdout, "" if found.returncode == 0 else error


def _compile(
    module: Module, before: Sequence[concurrent.futures.Future[str]], work: Path
) -> str:
    """Why a file is not accepted, or nothing."""
    broken = [error for error in (needed.result() for needed in before) if error]
    return broken[0] if broken else _run(module.name, module.text, work)[1]


def _axioms_of(
    claims: Sequence[str],
    module: str,
    compiled: concurrent.futures.Future[str],
    work: Path,
) -> dict[str, frozenset[str]]:
    """What each theorem and the negation of its twin rest on."""
    if compiled.result():
        return {}
    names = [name for claim in claims for name in (claim, f"{claim}_twin")]
    asked = "\n".join(f"Print Assumptions {name}." for name in names)
    said, error = _run(f"Axioms_of_{module}", f"{_using(module)}\n{asked}\n", work)
    answers = [
        frozenset(_AXIOM.findall(part)) for part in split_answers(said, len(names))
    ]
    if error or len(answers) != len(names):
        return {}
    return {
        claim: answers[2 * i] | answers[2 * i + 1] for i, claim in enumerate(claims)
    }


def split_answers(said: str, number: int) -> list[str]:
    """The lists of axioms in what `number` questions print, empty for a closed one."""
    found = list(_ANSWER.finditer(said))
    ends = [match.start() for match in found[1:]] + [len(said)]
    parts = [said[match.end() : end] for match, end in zip(found, ends, strict=True)]
    return parts if len(parts) == number else []


def _using(module: str) -> str:
    return f"From {LIBRARY} Require Import {module}."


def replay(theorem: Theorem, module: Module, statement: str) -> tuple[str, int]:
    """A text in which the theorem's proof is one of `statement`.

    Returns:
      The text, and in which of its lines the proof has not begun yet.
    """
    lines = (module.header, _using(module.name), "Theorem replayed :", f"{statement}.")
    head = "\n".join((*lines, HURRY, ""))
    return f"{head}Proof.\n{theorem.script}\nQed.\n", head.count("\n")


def _refusal(
    theorem: Theorem,
    module: Module,
    compiled: concurrent.futures.Future[str],
    work: Path,
) -> str:
    """What is wrong with how the false twin fares under the theorem's own proof."""
    if compiled.result():
        return ""
    text, statement_ends = replay(theorem, module, theorem.twin)
    _, error = _run(f"Twin_of_{theorem.claim}", text, work)
    place = _PLACE.search(error)
    if not error:
        return "its proof is accepted for the false twin, too"
    if place and int(place[1]) <= statement_ends:
        return f"the false twin is no statement: {error}"
    return ""


def _outcome(
    theorem: Theorem, broken: str, axioms: frozenset[str] | None, refusal: str
) -> Outcome:
    if broken:
        return Outcome(theorem, frozenset(), broken)
    if axioms is None:
        return Outcome(theorem, frozenset(), "Coq does not say what it rests on")
    more = axioms - REALS
    if more:
        return Outcome(theorem, axioms, f"it rests on {', '.join(sorted(more))}")
    return Outcome(theorem, axioms, refusal)
