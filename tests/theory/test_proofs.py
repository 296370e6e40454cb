"""Theorems in Coq: what is stated, and that the checker can say no."""

import json
import re
import shutil

import pytest

from jaxseg.errors import UserError
from theory.__main__ import main
from theory.claim import settle
from theory.explain import explanation
from theory.proofs import assistant, sources, standing
from theory.proofs.report import lines_of
from theory.registry import CLAIMS
from theory.report import record, table

needs_coq = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="Coq is not installed: see `make proofs`"
)
THEOREMS = sources.theorems()

EVEN = """\
Theorem X01 : forall n : nat, n + n = 2 * n.
Proof. intros n. simpl. now rewrite <- plus_n_O. Qed.

Theorem X01_twin : ~ (forall n : nat, n + n = 3 * n).
Proof. intros wrong. specialize (wrong 1). discriminate. Qed.
"""


def folder_of(path, **modules):
    for name, text in modules.items():
        (path / f"{name}.v").write_text(text)
    return path


def outcome(path, text):
    (found,) = assistant.check(folder=folder_of(path, Small=text))
    return found


def test_theorems_are_those_of_claims():
    assert set(THEOREMS) <= set(CLAIMS)
    asked = (
        "E05 E17 E18 E25 E26 E27 E29 E30 L03 L04 L06 L07 L23 M09 M18 G05 G08 N19 N24"
    )
    assert set(asked.split()) <= set(THEOREMS)


def test_a_twin_is_another_statement():
    for theorem in THEOREMS.values():
        assert theorem.twin.split() != theorem.statement.split(), theorem.claim


def test_nothing_is_left_open():
    for module in sources.modules().values():
        left = re.findall(
            r"\b(Admitted|admit|Axiom|Parameter|Conjecture)\b", module.text
        )
        assert left == [], module.name


def test_modules_come_after_what_they_need():
    seen = set()
    for module in sources.modules().values():
        assert set(module.needs) <= seen
        seen.add(module.name)


def test_the_parts_of_a_theorem(tmp_path):
    text = f"From Coq Require Import Arith.\n(* Theorem X02 : no. *)\n{EVEN}"
    folder = folder_of(tmp_path, Small=text)
    (theorem,) = sources.theorems(folder).values()
    assert (theorem.claim, theorem.module) == ("X01", "Small")
    assert theorem.statement == "forall n : nat, n + n = 2 * n"
    assert theorem.twin == "forall n : nat, n + n = 3 * n"
    assert theorem.script == "intros n. simpl. now rewrite <- plus_n_O."
    assert sources.modules(folder)["Small"].header == "From Coq Require Import Arith."


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (EVEN.split("\n\n")[0], "X01 has no false twin"),
        (EVEN.replace("~ (forall n : nat, n + n = 3 * n)", "1 = 1"), "not of the form"),
        (EVEN + "\n" + EVEN, "X01 is proved twice"),
    ],
)
def test_sources_that_are_refused(tmp_path, text, wrong):
    with pytest.raises(ValueError, match=wrong):
        sources.theorems(folder_of(tmp_path, Small=text))


def test_a_circle_is_refused(tmp_path):
    folder = folder_of(
        tmp_path,
        A="From Proofs Require Import B.",
        B="From Proofs Require Import A.",
    )
    with pytest.raises(ValueError, match="in a circle"):
        sources.modules(folder)


def test_answers_of_coq_are_told_apart():
    said = (
        "Closed under the global context\nAxioms:\nA.first : nat\nB.long\n"
        "  : forall x,\n    x = x\nClosed under the global context\n"
    )
    found = assistant.split_answers(said, 3)
    assert [assistant._AXIOM.findall(part) for part in found] == [
        [],
        ["A.first", "B.long"],
        [],
    ]
    assert assistant.split_answers(said, 2) == []


@needs_coq
def test_a_proof_is_accepted(tmp_path):
    found = outcome(tmp_path, EVEN)
    assert found.proved, found.error
    assert found.axioms == frozenset()


@needs_coq
@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("now rewrite <- plus_n_O. Qed", "admit. Qed", "File"),
        ("n = 2 * n", "n = 4 * n", "File"),
        ("now rewrite <- plus_n_O.", "apply open.", "it rests on open"),
        ("n + n = 3 * n", "n + m = 3 * n", "File"),
        ("specialize (wrong 1). discriminate.", "exact (void wrong).", "rests on void"),
    ],
    ids=["unfinished", "false", "axiom", "twin without sense", "twin by axiom"],
)
def test_what_is_no_proof_is_refused(tmp_path, old, new, wrong):
    axioms = (
        "Axiom open : forall n, n + (n + 0) = n + n -> False.\n"
        if "void" not in new
        else "Axiom void : (forall n : nat, n + n = 3 * n) -> False.\n"
    )
    if "open" in new:
        axioms = "Axiom open : forall n, n + n = n + (n + 0).\n"
    found = outcome(tmp_path, axioms + EVEN.replace(old, new))
    assert not found.proved
    assert wrong in found.error


@needs_coq
def test_a_proof_that_also_proves_the_twin_is_seen(tmp_path):
    """A contradiction proves both, and then the twin's own proof says nothing."""
    text = "Axiom both : False.\n" + EVEN.replace(
        "intros n. simpl. now rewrite <- plus_n_O.", "destruct both."
    )
    (theorem,) = sources.theorems(folder_of(tmp_path, Small=text)).values()
    module = sources.modules(tmp_path)["Small"]
    compiled = assistant.concurrent.futures.Future()
    compiled.set_result(assistant._compile(module, [], tmp_path))
    assert "accepted for the false twin" in assistant._refusal(
        theorem, module, compiled, tmp_path
    )


@needs_coq
def test_a_replay_of_the_theorem_itself_is_accepted(tmp_path):
    """So that a refusal is one of the statement, not of how it is asked."""
    (theorem,) = sources.theorems(folder_of(tmp_path, Small=EVEN)).values()
    module = sources.modules(tmp_path)["Small"]
    assert assistant._compile(module, [], tmp_path) == ""
    text, statement_ends = assistant.replay(theorem, module, theorem.statement)
    assert assistant._run("Again", text, tmp_path)[1] == ""
    assert text.splitlines()[statement_ends] == "Proof."


@needs_coq
def test_modules_that_need_a_broken_one_are_refused(tmp_path):
    folder = folder_of(
        tmp_path,
        Broken="Definition x := y.",
        Small=f"From Proofs Require Import Broken.\n{EVEN}",
    )
    (found,) = assistant.check(folder=folder)
    assert "y was not found" in found.error


@needs_coq
def test_e05_is_proved_for_all_sizes():
    (found,) = assistant.check(["E05"])
    assert found.proved, found.error
    assert found.axioms <= assistant.REALS
    text = lines_of(CLAIMS["E05"], found)
    assert "Jaccard i = Dice i / (2 - Dice i)" in text
    assert "DiceJaccard.v" in text


@needs_coq
@pytest.mark.slow
def test_all_theorems_are_proved():
    found = assistant.check()
    assert [o.theorem.claim for o in found] == list(THEOREMS)
    assert {o.theorem.claim: o.error for o in found if not o.proved} == {}


def test_without_coq_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(assistant.shutil, "which", lambda name: None)
    assert main(["proofs"]) == 2
    assert "apt-get install" in capsys.readouterr().err
    with pytest.raises(UserError, match="libcoq-coquelicot"):
        assistant.need_coq()


def test_a_claim_without_a_theorem_is_refused(capsys):
    assert main(["proofs", "E31"]) == 2
    assert "claim E31 has no theorem; these have: E05" in capsys.readouterr().err


def stand(monkeypatch, version, checked=()):
    found = standing.Standing(THEOREMS, version, frozenset(checked))
    monkeypatch.setattr(standing, "here", lambda: found)


def test_where_the_assistant_is_absent_the_table_says_so(monkeypatch):
    results = [settle(CLAIMS["G05"]), settle(CLAIMS["G06"])]
    stand(monkeypatch, "8.16.1", ["G05"])
    with_coq = table(results).splitlines()
    said = explanation(results[0])
    assert "proof, enumeration" in with_coq[1]
    assert with_coq[-1] == "1 proved for all sizes in Coq, checked by 8.16.1"
    assert "theorem G05 of theory/proofs/Sums.v, checked by Coq 8.16.1" in said
    assert record(results[0])["proof"]["checked"] is True
    assert "proof" not in record(results[1])

    stand(monkeypatch, None)
    without = table(results).splitlines()
    assert "proof" not in without[1]
    assert "not installed here" in without[-1]
    same = with_coq[1].replace("proof, ", "").split()
    assert without[1].split() == same
    assert without[2].split() == with_coq[2].split()
    assert without[3] == with_coq[3]
    assert "Coq is not installed here" in " ".join(explanation(results[0]).split())
    assert record(results[0])["proof"]["checked"] is False

    stand(monkeypatch, "8.16.1")
    assert (
        table(results)
        .splitlines()[-1]
        .startswith("1 proved for all sizes in Coq, 1 of them not checked here")
    )
    assert len(table([results[1]]).splitlines()) == 3


def test_a_record_of_other_files_counts_as_none(tmp_path, monkeypatch):
    monkeypatch.setattr(assistant, "version", lambda: "8.16.1")
    folder = folder_of(tmp_path, Small=EVEN)
    path = tmp_path / "checked.json"
    assert standing.stand(path, folder).checked == frozenset()
    standing.remember(["X01"], "8.16.1", path=path, folder=folder)
    standing.remember(["X02"], "8.16.1", path=path, folder=folder)
    assert standing.stand(path, folder).checked == {"X01", "X02"}
    monkeypatch.setattr(assistant, "version", lambda: "8.20.0")
    assert standing.stand(path, folder).checked == frozenset()
    monkeypatch.setattr(assistant, "version", lambda: None)
    assert standing.stand(path, folder).checked == frozenset()
    monkeypatch.setattr(assistant, "version", lambda: "8.16.1")
    path.write_text("{")
    assert standing.stand(path, folder).checked == frozenset()
    standing.remember(["X01"], "8.16.1", path=path, folder=folder)
    folder_of(tmp_path, Small=EVEN + "\n")
    assert standing.stand(path, folder).checked == frozenset()
    standing.remember(["X03"], "8.16.1", path=path, folder=folder)
    assert json.loads(path.read_text())["accepted"] == ["X03"]
