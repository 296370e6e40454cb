"""All claims, by id."""

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from jaxseg.errors import UserError
from theory.beyond.compound import N11
from theory.beyond.expected_overlap import N07, N08
from theory.beyond.marginal_bounds import N12, N13
from theory.beyond.rejection import N26
from theory.beyond.saturation import N25
from theory.beyond.thresholds import N05, N06
from theory.claim import Claim
from theory.eelbode.dice_jaccard import E17, E18
from theory.eelbode.identity import E05
from theory.eelbode.tversky import E27
from theory.eelbode.tversky_ratio import E30
from theory.galdran.degenerate import G07, G08, G09
from theory.galdran.equivalence import G01, G02, G03
from theory.galdran.overlap import G04, G05, G06, G13
from theory.galdran.schedules import G11, G12
from theory.galdran.structure import G10, G14
from theory.liu.bias import L06
from theory.liu.binary import L18, L19
from theory.liu.concavity import L07, L08
from theory.liu.curves import L20, L22
from theory.liu.decomposition import L01
from theory.liu.entropy import L12
from theory.liu.features import L15, L16
from theory.liu.matching import L03, L04, L05
from theory.liu.penalty import L09, L21
from theory.liu.small_regions import L10, L17
from theory.liu.temperature import L23, L24
from theory.liu.variants import L11

_ALL = (
    E05,
    E17,
    E18,
    E27,
    E30,
    L01,
    L03,
    L04,
    L05,
    L06,
    L07,
    L08,
    L09,
    L10,
    L11,
    L12,
    L15,
    L16,
    L17,
    L18,
    L19,
    L20,
    L21,
    L22,
    L23,
    L24,
    G01,
    G02,
    G03,
    G04,
    G05,
    G06,
    G07,
    G08,
    G09,
    G10,
    G11,
    G12,
    G13,
    G14,
    N05,
    N06,
    N07,
    N08,
    N11,
    N12,
    N13,
    N25,
    N26,
)

CLAIMS: Mapping[str, Claim] = MappingProxyType({claim.id: claim for claim in _ALL})
"""Every claim by id, in the order of the papers."""


def _unknown(name: str) -> UserError:
    near = difflib.get_close_matches(name.upper(), CLAIMS, n=3, cutoff=0.3)
    names = ", ".join(near or CLAIMS)
    return UserError(f"there is no claim {name!r}; the nearest are {names}")


def find(ids: Sequence[str]) -> list[Claim]:
    """The claims with these ids, each once, in the given order; all for no id.

    Raises:
      UserError: no claim has one of the ids.
    """
    unknown = [name for name in ids if name not in CLAIMS]
    if unknown:
        raise _unknown(unknown[0])
    return [CLAIMS[name] for name in dict.fromkeys(ids)] or list(CLAIMS.values())
