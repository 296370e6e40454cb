import json
import subprocess
import sys
from fractions import Fraction

import pytest

from jaxseg import counts
from jaxseg.cli.pipes import READER_LEFT
from theory.__main__ import main
from theory.cards import invariance
from theory.registry import CLAIMS

QUICK = "E17"


def test_table_and_json(capsys, tmp_path):
    path = tmp_path / "claims.json"
    assert main([QUICK, "--json", str(path)]) == 0
    out, err = capsys.readouterr()
    head, row, last, proved = out.splitlines()
    assert head.split()[:3] == ["id", "source", "verdict"]
    assert row.split()[:4] == ["E17", "Eelbode", "2020", "holds"]
    assert row.endswith("ok")
    assert last == "1 claims: 1 holds; all evidence agrees"
    assert proved.startswith("1 proved for all sizes in Coq")
    assert "1/1" in err
    assert "claim/s" in err or "s/claim" in err
    assert "\x1b" not in out
    assert [entry["id"] for entry in json.loads(path.read_text())] == ["E17"]
    assert list(tmp_path.iterdir()) == [path]


def test_json_without_a_file_takes_the_place_of_the_table(capsys):
    assert main([QUICK, "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["id"] == "E17"
    assert entry["evidence"][0]["holds"]


def test_colours_are_for_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert main([QUICK]) == 0
    assert "\x1b[32mholds\x1b[0m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    assert main([QUICK]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_report(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("theory.__main__.CLAIMS", {QUICK: CLAIMS[QUICK]})
    path = tmp_path / "report.md"
    assert main(["report", "--out", str(path)]) == 0
    text = path.read_text()
    assert text.index("## Errata") < text.index("## All statements")
    assert "#### E17" in text
    assert main(["report", "--out", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_card_of_no_loss_is_one_sentence(capsys):
    assert main(["card", "dicee"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "dicee" in line
    assert "dice" in line
    assert main(["card", "dice", "--write"]) == 2
    assert "--write takes no NAME" in capsys.readouterr().err


def test_a_card(capsys, monkeypatch):
    monkeypatch.setattr("theory.cards.card.PROPERTIES", {"scale": invariance.scale})
    assert main(["card", "dice"]) == 0
    assert "scale  yes (samples, 256 cases)" in capsys.readouterr().out


def test_ids_are_settled_once_and_in_the_given_order(capsys):
    assert main(["E30", QUICK, "E30"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:-2]
    assert [row.split()[0] for row in rows] == ["E30", "E17"]


def test_a_contradiction_is_exit_status_1(capsys, monkeypatch):
    original = counts.dice_index
    monkeypatch.setattr(
        counts, "dice_index", lambda c, **kw: original(c, **kw) * Fraction(9, 10)
    )
    assert main([QUICK]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[1].endswith("CONTRADICTED")
    assert out.splitlines()[-2].endswith("evidence contradicts 1")
    assert "E17 CONTRADICTED" in err
    assert main(["show", QUICK]) == 1


def test_show(capsys):
    assert main(["show", QUICK]) == 0
    out = capsys.readouterr().out
    assert "Prop. II.1" in out
    values = dict(line.split() for line in out.splitlines() if "largest_ratio" in line)
    assert values["largest_ratio_at_100_pixels"].startswith("1.980198")


def test_twins(capsys):
    assert main(["twins", QUICK]) == 0
    out = capsys.readouterr().out
    assert out.startswith("E17: 3 of 3 refuted")
    assert "NOT" not in out


def test_a_twin_that_survives_is_exit_status_1(capsys, monkeypatch):
    # with J = D any error suffices, also "less by 1e-6"
    monkeypatch.setattr(counts, "jaccard_index", counts.dice_index)
    assert main(["twins", QUICK]) == 1
    assert "NOT REFUTED" in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv", [["E81"], ["show", "E81"], ["twins", "E81"], ["E17", "E81"]]
)
def test_an_unknown_id_is_one_sentence(capsys, argv):
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert "'E81'" in line
    assert "the nearest are E" in line


def test_lower_case_is_pointed_to_its_id(capsys):
    assert main(["e18"]) == 2
    assert "nearest are E18" in capsys.readouterr().err


def test_a_missing_folder_is_refused_before_any_work(capsys, tmp_path):
    folder = tmp_path / "missing"
    assert main([QUICK, "--json", str(folder / "claims.json")]) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert str(folder) in line
    assert main([QUICK, "--json", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_failed_write_is_one_sentence(capsys, tmp_path, monkeypatch):
    def fail(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jaxseg.files.os.fsync", fail)
    assert main([QUICK, "--json", str(tmp_path / "claims.json")]) == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith("No space left on device")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        *([name, "--help"] for name in ("show", "twins", "card", "report")),
    ],
)
def test_help_has_examples(capsys, argv):
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "examples:\n  jaxseg theory" in out


def test_a_reader_that_leaves_early_is_no_error():
    command = [sys.executable, "-m", "theory", "show", "E18"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == READER_LEFT
