"""All claims, by id."""

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from jaxseg.errors import UserError
from theory.beyond.batches import N22
from theory.beyond.compound import N11
from theory.beyond.expected_overlap import N07, N08
from theory.beyond.gradients import N04
from theory.beyond.jensen_gap import N17
from theory.beyond.kappa import N18
from theory.beyond.marginal_bounds import N12, N13
from theory.beyond.means import N19
from theory.beyond.prevalence import N27
from theory.beyond.rates import N14, N20
from theory.beyond.rejection import N26
from theory.beyond.relaxations import N03
from theory.beyond.saturation import N25
from theory.beyond.smoothing import N23, N24
from theory.beyond.squared_population import N10
from theory.beyond.submodular_tversky import N02
from theory.beyond.thresholds import N05, N06
from theory.beyond.triangle import N16
from theory.beyond.tversky_pairs import N01
from theory.beyond.volumes import N15
from theory.claim import Claim
from theory.eelbode.balance import E06, E07, E08
from theory.eelbode.dice_hamming import E19, E20, E21
from theory.eelbode.dice_jaccard import E17, E18
from theory.eelbode.f_measures import E40
from theory.eelbode.flatness import E34, E35
from theory.eelbode.identity import E05
from theory.eelbode.kappa import E36
from theory.eelbode.lovasz import E15
from theory.eelbode.optimal_tversky import E41
from theory.eelbode.rankings import E38
from theory.eelbode.risk import E01, E16, E25, E26
from theory.eelbode.scale import E37
from theory.eelbode.similarities import E02, E03, E04
from theory.eelbode.small_objects import E23, E24
from theory.eelbode.soft_forms import E09, E10, E11, E12
from theory.eelbode.squared_jaccard import E42
from theory.eelbode.submodularity import E13, E14
from theory.eelbode.tversky import E27
from theory.eelbode.tversky_figure import E31, E32
from theory.eelbode.tversky_proof import E28, E29
from theory.eelbode.tversky_ratio import E30
from theory.eelbode.weighted_ce import E39
from theory.galdran.addition import G15
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
from theory.liu.linear_dice import L25
from theory.liu.matching import L03, L04, L05
from theory.liu.penalty import L09, L21
from theory.liu.regularisers import L26
from theory.liu.small_regions import L10, L17
from theory.liu.temperature import L23, L24
from theory.liu.variants import L11
from theory.ma.boundary import M22, M23, M24, M28
from theory.ma.compound import M31, M33, M35
from theory.ma.cross_entropy import M01, M02
from theory.ma.distance_penalty import M06
from theory.ma.exponential import M32
from theory.ma.focal import M05
from theory.ma.focal_tversky import M14
from theory.ma.generalized import M13
from theory.ma.hausdorff import M26, M29, M30
from theory.ma.lovasz import M10, M11
from theory.ma.overlap import M08, M09, M16, M27
from theory.ma.penalty import M17, M18
from theory.ma.penalty_weights import M19, M20
from theory.ma.scores import M34
from theory.ma.sensitivity import M07, M36
from theory.ma.topk import M03, M04
from theory.ma.tversky import M12, M15, M21

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
    E41,
    E42,
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
    L25,
    L26,
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
    G15,
    N01,
    N02,
    N03,
    N04,
    N05,
    N06,
    N07,
    N08,
    N10,
    N11,
    N12,
    N13,
    N14,
    N15,
    N16,
    N17,
    N18,
    N19,
    N20,
    N22,
    N23,
    N24,
    N25,
    N26,
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
