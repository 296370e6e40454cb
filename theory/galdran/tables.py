"""G16-G19: what the text says of Tables 1, 2 and 4, by the numbers in them."""

from collections.abc import Sequence

from theory.claim import Claim, Evidence, Verdict
from theory.galdran import SOURCE
from theory.printed.galdran import ENCODERS, INSIDE, MIXED
from theory.printed.orders import columns_of, lead, others

TABLE_1 = columns_of(INSIDE["foot ulcers"], ENCODERS)
TABLE_2 = columns_of(MIXED["foot ulcers"], ENCODERS)
TABLE_4 = columns_of(MIXED["polyps"], ENCODERS)
LARGEST = ("ResNeXt101", "ResNet152")
"""By the number of their weights, as the text names them."""
ASSUMES = "Scores are compared as printed, in hundredths of a per cent."


G16 = Claim(
    id="G16",
    source=SOURCE,
    where="section 3.1, on Table 1",
    statement="Any combination of the two base losses improves the Dice of foot "
    "ulcers, compared with either alone.",
    assumes=ASSUMES,
    verdict=Verdict.CORRECTED,
    correction="Their sum and the soft schedule do, for all eight encoders; the hard "
    "fine-tuning does not.",
    counterexample="MobileNet: hard 75.93, Dice 77.45.",
    proof="Read off the table: the sum and the soft schedule lead the better base loss "
    "by 0.40 points at the closest.",
    values={"hard_MobileNet": 75.93, "dice_MobileNet": 77.45},
)


@G16.check("sum and soft schedule")
@G16.twin("all three", combinations=("hard", "soft", "CE+Dice"))
def combinations_lead(*, combinations: Sequence[str] = ("soft", "CE+Dice")) -> Evidence:
    """Table 1: these are above cross-entropy and Dice for every encoder."""
    return lead(TABLE_1, combinations, ("CE", "Dice"))


G17 = Claim(
    id="G17",
    source=SOURCE,
    where="section 3.1, on Table 1",
    statement="Cross-entropy leads to the worst Dice of foot ulcers in almost all "
    "cases, unless for the largest encoders ResNet152 and ResNeXt101.",
    assumes=ASSUMES,
    verdict=Verdict.HOLDS,
    proof="Read off the table: for the six other encoders all losses are above it.",
    values={"ce_ResNet152": 77.07, "dice_ResNet152": 76.73},
)


@G17.check("six encoders")
@G17.twin("all encoders", largest=())
def ce_is_last(*, largest: Sequence[str] = LARGEST) -> Evidence:
    """Table 1: cross-entropy is below all others but for the largest encoders."""
    smaller = {name: row for name, row in TABLE_1.items() if name not in largest}
    return lead(smaller, others(smaller, "CE"), ("CE",))


G18 = Claim(
    id="G18",
    source=SOURCE,
    where="section 3.1, on Table 2",
    statement="With images without an ulcer, Dice alone remains the worst of all "
    "approaches, irrespective of the size of the architecture.",
    assumes=ASSUMES,
    verdict=Verdict.CORRECTED,
    correction="It is the worst for seven of the eight encoders.",
    counterexample="ResNet50: CE+Dice 64.99, Dice 65.21.",
    proof="Read off the table.",
    values={"sum_ResNet50": 64.99, "dice_ResNet50": 65.21},
)


@G18.check("seven encoders")
@G18.twin("all encoders", without=())
def dice_is_last(*, without: Sequence[str] = ("ResNet50",)) -> Evidence:
    """Table 2: Dice alone is below all others."""
    some = {name: row for name, row in TABLE_2.items() if name not in without}
    return lead(some, others(some, "Dice"), ("Dice",))


G19 = Claim(
    id="G19",
    source=SOURCE,
    where="section 3.1, on Table 4",
    statement="With images without a polyp, Dice alone leads to the worst results "
    "across the board.",
    assumes=ASSUMES,
    verdict=Verdict.HOLDS,
    proof="Read off the table: it is last for all eight encoders.",
    values={"dice_MobileNet": 81.10, "sum_MobileNet": 83.91},
)


@G19.check("all encoders")
@G19.twin("CE+Dice", name="CE+Dice")
def last_on_polyps(*, name: str = "Dice") -> Evidence:
    """Table 4: a strategy is below all others for every encoder."""
    return lead(TABLE_4, others(TABLE_4, name), (name,))
