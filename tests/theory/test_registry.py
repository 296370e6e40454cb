"""Claims are found where they are stated, and one is loaded without the others."""

import json
import subprocess
import sys

import pytest

from theory import registry
from theory.registry import CLAIMS, find, places

LOADED = """
import json, sys
from theory.registry import CLAIMS
CLAIMS["E18"]
papers = ("eelbode", "liu", "ma", "galdran", "beyond")
names = [n for n in sys.modules if n.startswith(tuple(f"theory.{p}." for p in papers))]
print(json.dumps(names))
"""


def test_all_claims_in_the_order_of_the_papers():
    assert list(CLAIMS)[:3] == ["E01", "E02", "E03"]
    letters = [name[0] for name in CLAIMS]
    assert "".join(dict.fromkeys(letters)) == "ELMGN"
    for letter in "ELMGN":
        own = [name for name in CLAIMS if name[0] == letter]
        assert own == sorted(own)
    assert len(CLAIMS) == len(set(CLAIMS))
    assert "E22" not in CLAIMS
    with pytest.raises(KeyError):
        CLAIMS["E22"]


def test_every_claim_is_found_under_its_own_id():
    assert [claim.id for claim in find([])] == list(CLAIMS)
    assert [claim.id for claim in find(["L06", "E18", "L06"])] == ["L06", "E18"]


def test_a_claim_loads_alone():
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == ["theory.eelbode.dice_jaccard"]


def folder_of(path, **files):
    for package in registry.PAPERS.values():
        (path / package).mkdir()
    for name, text in files.items():
        package, module = name.split("__")
        (path / package / f"{module}.py").write_text(text)
    return path


def test_a_new_file_is_found(tmp_path):
    folder = folder_of(
        tmp_path,
        liu__new="L99 = Claim(\n)\nnot_one = L98 = 3\n",
        eelbode__a="E50 = Claim(",
    )
    assert places(folder) == {"E50": "theory.eelbode.a", "L99": "theory.liu.new"}


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        (
            {"liu__a": "L01 = Claim(", "liu__b": "L01 = Claim("},
            "liu.a and theory.liu.b",
        ),
        ({"liu__a": "E01 = Claim("}, "theory.liu.a states E01, of another paper"),
    ],
)
def test_claims_out_of_place_are_refused(tmp_path, files, wrong):
    with pytest.raises(ValueError, match=wrong):
        places(folder_of(tmp_path, **files))


def test_a_claim_under_another_name_is_refused(monkeypatch):
    claims = registry._Claims()
    monkeypatch.setattr(registry, "places", lambda: {"E17": "theory.registry_of_one"})
    module = type(sys)("theory.registry_of_one")
    module.E17 = CLAIMS["E18"]
    monkeypatch.setitem(sys.modules, "theory.registry_of_one", module)
    with pytest.raises(ValueError, match="claim E18 is stated as E17"):
        claims["E17"]
