"""All claims, by id."""

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from jaxseg.errors import UserError
from theory.beyond.batches import N22
from theory.beyond.gradients import N04
from theory.beyond.kappa import N18
from theory.beyond.means import N19
from theory.beyond.relaxations import N03
from theory.beyond.smoothing import N23, N24
from theory.beyond.squared_population import N10
from theory.claim import Claim
from theory.eelbode.dice_jaccard import E17, E18
from theory.eelbode.identity import E05
from theory.eelbode.tversky import E27
from theory.eelbode.tversky_ratio import E30
from theory.liu.bias import L06
from theory.liu.decomposition import L01
from theory.liu.entropy import L12
from theory.ma.boundary import M22, M23, M24, M28
from theory.ma.compound import M31, M33, M35
from theory.ma.cross_entropy import M01, M02
from theory.ma.distance_penalty import M06
from theory.ma.focus import M05, M14, M32
from theory.ma.generalized import M13, M17, M18, M19, M20
from theory.ma.hausdorff import M26, M29, M30
from theory.ma.lovasz import M10, M11
from theory.ma.overlap import M08, M09, M16, M27
from theory.ma.scores import M34
from theory.ma.sensitivity import M07, M36
from theory.ma.topk import M03, M04
from theory.ma.tversky import M12, M15, M21

_ALL = (
    E05,
    E17,
    E18,
    E27,
    E30,
    L01,
    L06,
    L12,
    M01,
    M02,
    M03,
    M04,
    M05,
    M06,
    M07,
    M08,
    M09,
    M10,
    M11,
    M12,
    M13,
    M14,
    M15,
    M16,
    M17,
    M18,
    M19,
    M20,
    M21,
    M22,
    M23,
    M24,
    M26,
    M27,
    M28,
    M29,
    M30,
    M31,
    M32,
    M33,
    M34,
    M35,
    M36,
    N03,
    N04,
    N10,
    N18,
    N19,
    N22,
    N23,
    N24,
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
