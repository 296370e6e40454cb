"""M37-M39: what the text says of Tables 2 to 4, by the numbers in them."""

from collections.abc import Sequence
from fractions import Fraction

from theory.claim import Claim, Evidence, Verdict
from theory.engines import enumeration
from theory.ma import SOURCE
from theory.printed.ma import TABLE_2, TABLE_3, TABLE_4, TASKS
from theory.printed.orders import Columns, exact, lead, others

DSC, NSD = 0, 1
ASSUMES = "Means are compared as printed, to four decimals; best is highest."


def _of(task: str, score: int) -> Columns:
    """One column of Table 2."""
    place = TASKS.index(task)
    return {
        task: {loss: float(row[place][score] or 0) for loss, row in TABLE_2.items()}
    }


M37 = Claim(
    id="M37",
    source=SOURCE,
    where="sections 4.1.1 and 4.4, on Table 2",
    statement="On the liver pGDice obtains the lowest DSC, and TopK the lowest "
    "performance in both DSC and NSD.",
    assumes=ASSUMES,
    verdict=Verdict.CORRECTED,
    correction="pGDice has the lowest DSC and TopK the lowest NSD; two losses cannot "
    "both be last.",
    counterexample="DSC: pGDice 0.6449, TopK 0.6924.",
    proof="Read off the table.",
    values={"pgdice_dsc": 0.6449, "topk_dsc": 0.6924},
)


@M37.check("DSC")
@M37.twin("TopK in DSC", loss="TopK")
def lowest_dsc(*, loss: str = "pGDice") -> Evidence:
    """Table 2: a loss has the lowest DSC of the liver."""
    columns = _of("liver", DSC)
    return lead(columns, others(columns, loss), (loss,))


@M37.check("NSD")
@M37.twin("pGDice in NSD", loss="pGDice")
def lowest_nsd(*, loss: str = "TopK") -> Evidence:
    """Table 2: a loss has the lowest NSD of the liver."""
    columns = _of("liver", NSD)
    return lead(columns, others(columns, loss), (loss,))


def _lead(score: int, losses: Sequence[str]) -> Evidence:
    columns = _of("multi-organ", score)
    return lead(columns, losses, others(columns, *losses))


M38 = Claim(
    id="M38",
    source=SOURCE,
    where="section 4.1.4, on Table 2",
    statement="On several organs DiceFocal, DiceCE and DiceTopK achieve the best DSC, "
    "and DiceFocal, DiceHD and DiceTopK the best NSD.",
    assumes=ASSUMES,
    verdict=Verdict.CORRECTED,
    correction="The three highest DSC are those of DiceFocal, DiceHD and TopK, the "
    "three highest NSD those of DiceFocal, TopK and DiceTopK.",
    counterexample="DSC: DiceHD 0.8531 and TopK 0.8527, DiceCE and DiceTopK 0.8512. "
    "NSD: TopK 0.7323, DiceHD 0.7257.",
    proof="Read off the table.",
    values={"dicehd_dsc": 0.8531, "topk_dsc": 0.8527, "dicetopk_dsc": 0.8512},
)


@M38.check("DSC")
@M38.twin("as printed, DSC", losses=("DiceFocal", "DiceCE", "DiceTopK"))
def first_by_dsc(
    *, losses: Sequence[str] = ("DiceFocal", "DiceHD", "TopK")
) -> Evidence:
    """Table 2: these are above all others on several organs."""
    return _lead(DSC, losses)


@M38.check("NSD")
@M38.twin("as printed, NSD", losses=("DiceFocal", "DiceHD", "DiceTopK"))
def first_by_nsd(
    *, losses: Sequence[str] = ("DiceFocal", "TopK", "DiceTopK")
) -> Evidence:
    """The same of NSD."""
    return _lead(NSD, losses)


WRONG = ("TopK-Threshold (0.1)",)
"""Of whose printed average the DSC is another number."""


M39 = Claim(
    id="M39",
    source=SOURCE,
    where="Tables 3 and 4, last columns",
    statement="The average of TopK-Threshold (0.1) is a DSC of 0.0153.",
    assumes="A training that failed counts as 0, as in all other averages there.",
    verdict=Verdict.CORRECTED,
    correction="It is 0.0117; all other averages of both tables are right.",
    counterexample="(0.0320 + 0.0149) / 4 = 0.0117.",
    proof="Means of the printed numbers, with half a unit of the last place to spare.",
    values={"printed": 0.0153, "mean": 0.011725},
)


@M39.check("27 averages")
@M39.twin("all 28", without=())
def averages_are_means(*, without: Sequence[str] = WRONG) -> Evidence:
    """Tables 3 and 4: a printed average is the mean of four tasks, rounded."""
    rows = {**TABLE_3, **TABLE_4}
    cases = [
        (loss, score)
        for loss in rows
        for score in (DSC, NSD)
        if (loss, score) not in {(name, DSC) for name in without}
    ]

    def mean(loss: str, score: int) -> Fraction:
        return (
            sum((exact(pair[score] or 0) for pair in rows[loss][:4]), Fraction(0)) / 4
        )

    return enumeration.worst_case(
        cases,
        lambda case: (
            Fraction(1, 20_000)
            - abs(mean(*case) - exact(rows[case[0]][4][case[1]] or 0))
        ),
        describe=lambda case: {
            "loss": case[0],
            "score": ("DSC", "NSD")[case[1]],
            "mean": float(mean(*case)),
            "printed": rows[case[0]][4][case[1]],
        },
    )
