"""All claims, by id."""

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from jaxseg.errors import UserError
from theory.beyond.jensen_gap import N17
from theory.beyond.prevalence import N27
from theory.beyond.rates import N14, N20
from theory.beyond.submodular_tversky import N02
from theory.beyond.triangle import N16
from theory.beyond.tversky_pairs import N01
from theory.claim import Claim
from theory.eelbode.balance import E06, E07, E08
from theory.eelbode.dice_hamming import E19, E20, E21, E23, E24
from theory.eelbode.dice_jaccard import E17, E18
from theory.eelbode.f_measures import E40
from theory.eelbode.flatness import E34, E35
from theory.eelbode.identity import E05
from theory.eelbode.kappa import E36
from theory.eelbode.lovasz import E15
from theory.eelbode.rankings import E38
from theory.eelbode.risk import E01, E16, E25, E26
from theory.eelbode.scale import E37
from theory.eelbode.similarities import E02, E03, E04
from theory.eelbode.soft_forms import E09, E10, E11, E12
from theory.eelbode.submodularity import E13, E14
from theory.eelbode.tversky import E27
from theory.eelbode.tversky_figure import E31, E32
from theory.eelbode.tversky_proof import E28, E29
from theory.eelbode.tversky_ratio import E30
from theory.eelbode.weighted_ce import E39
from theory.liu.bias import L06
from theory.liu.decomposition import L01
from theory.liu.entropy import L12

_ALL = (
    E01,
    E02,
    E03,
    E04,
    E05,
    E06,
    E07,
    E08,
    E09,
    E10,
    E11,
    E12,
    E13,
    E14,
    E15,
    E16,
    E17,
    E18,
    E19,
    E20,
    E21,
    E23,
    E24,
    E25,
    E26,
    E27,
    E28,
    E29,
    E30,
    E31,
    E32,
    E34,
    E35,
    E36,
    E37,
    E38,
    E39,
    E40,
    L01,
    L06,
    L12,
    N01,
    N02,
    N14,
    N16,
    N17,
    N20,
    N27,
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
