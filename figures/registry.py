"""The pictures there are, and the module that draws each."""

import argparse
import dataclasses
import importlib
from collections.abc import Mapping
from pathlib import Path

from figures import flags
from jaxseg.cli import options


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture by name.

    Its module has ``add_flags(parser)`` and ``draw(arguments) -> list[Path]``; it is
    imported when the picture is drawn, not before.

    Attributes:
      module: in this package.
      summary: one line for ``--help``.
      example: a command line after the picture's name.
      needs: what it is drawn from, such as ``ROWS``; empty where it needs nothing.
      out: folder of the output where ``--out`` is not given, None: next to its input.
    """

    module: str
    summary: str
    example: str = ""
    needs: str = ""
    out: str | None = "pictures"

    def draw(self, arguments: argparse.Namespace) -> list[Path]:
        """Draws it and says which files were written."""
        return importlib.import_module(self.module).draw(arguments)

    def parser(self, name: str) -> options.Parser:
        """The command line of this picture."""
        prog = f"jaxseg figures {name}"
        module = importlib.import_module(self.module)
        parsed = options.Parser(
            prog=prog,
            description=module.__doc__,
            epilog=f"example:\n  {prog} {self.example}".rstrip(),
        )
        module.add_flags(parsed)
        flags.add_output(parsed, self.out or "beside its input")
        return parsed


PICTURES: Mapping[str, Picture] = {
    "surface": Picture(
        "figures.surface",
        "a loss over two pixels with its gradient field, in probabilities and scores",
        "--loss tversky --hyper alpha=0.3 --hyper beta=0.7",
    ),
    "curvature": Picture(
        "figures.curvature",
        "eigenvalues of a loss's Hessian over the scores of two pixels",
        "--loss focal --hyper gamma=2 --loss tversky --truth 1 1",
    ),
    "eelbode_fig2": Picture(
        "figures.eelbode_surfaces",
        "plain and squared soft Dice over two pixels (Eelbode 2020, Fig. 2)",
        "--loss lovasz",
    ),
    "simplex": Picture(
        "figures.simplex",
        "label-marginal terms of three classes (Liu 2022, Proposition 1)",
        "--shares 0.4 0.4 0.2",
    ),
    "pull": Picture(
        "figures.pull",
        "slope in one score, by its probability and the size of the object",
        "--loss dice --loss jaccard --sizes 1 16 256",
    ),
    "descent": Picture(
        "figures.descent",
        "gradient descent on a small image from many starts, and where each ends",
        "--loss focal --loss dice --starts 40",
    ),
    "marginals": Picture(
        "figures.marginals",
        "label-marginal penalties over the predicted share (Liu 2022, Fig. 2)",
        "--share 0.05 --format svg",
    ),
    "temperature": Picture(
        "figures.temperature",
        "sharpened softmax (Liu 2022, Fig. 5) and the proportions it estimates",
    ),
    "eelbode_fig1": Picture(
        "figures.tversky_errors",
        "errors of Tversky indices against Dice (Eelbode 2020, Fig. 1)",
        "--pixels 30",
    ),
    "hamming": Picture(
        "figures.prevalence",
        "how well weighted Hamming can follow Dice, by the share of foreground",
    ),
    "finite_images": Picture(
        "figures.finite_images",
        "approximation errors on images of d pixels and their limits",
    ),
    "lovasz_gap": Picture(
        "figures.lovasz_gap",
        "the Lovász extension against the soft Jaccard loss",
        "--seed 1",
    ),
    "thresholds": Picture(
        "figures.thresholds",
        "loss of a mask over the threshold, with the best one",
        "--mean -1 --spread 1",
    ),
    "explorer": Picture(
        "figures.explorer",
        "a page of sliders: surface, gradient field and penalties of a loss (HTML)",
    ),
    "taxonomy": Picture(
        "figures.taxonomy",
        "the catalog of losses by family, with special cases (Ma 2021, Fig. 1)",
    ),
    "distributions": Picture(
        "figures.results.distributions",
        "violins or boxes of a score per loss (Ma 2021, Figs 2 to 8)",
        "study/rows.jsonl --metric dice --kind box",
        needs="ROWS",
    ),
    "sizes": Picture(
        "figures.results.sizes",
        "a score by the size of the object (Eelbode 2020, Fig. 4)",
        "dice=runs/a/evaluate-test/cases.jsonl ce=runs/b/evaluate-test/cases.jsonl",
        needs="ROWS",
    ),
    "ranks": Picture(
        "figures.results.ranks",
        "rank scores of losses and their stability (Ma 2021, Figs 10 and 11)",
        "study/ranks.jsonl",
        needs="ROWS",
    ),
    "sweep": Picture(
        "figures.results.sweeps",
        "a score over Tversky weights or over the weight of a term (Liu 2022, Fig. 3)",
        "study/rows.jsonl --metric jaccard",
        needs="ROWS",
    ),
    "regions": Picture(
        "figures.results.regions",
        "a score of each class over its share of the pixels (Liu 2022, Table 4)",
        "study/classes.jsonl --metric gain --level 0",
        needs="ROWS",
    ),
    "proportions": Picture(
        "figures.results.proportions",
        "predicted against true shares of regions (Liu 2022, section 2)",
        "study/shares.jsonl",
        needs="ROWS",
    ),
    "curves": Picture(
        "figures.results.curves",
        "a score over the steps of training, with its spread over runs",
        "dice=runs/a/metrics.jsonl dice=runs/b/metrics.jsonl ce=runs/c/metrics.jsonl",
        needs="ROWS",
    ),
    "findings": Picture(
        "figures.results.findings",
        "effects of a study with their intervals, by verdict",
        "study/findings.jsonl",
        needs="ROWS",
    ),
    "sheet": Picture(
        "figures.results.sheet",
        "cases with outlines, several runs side by side (Liu 2022, Fig. 4)",
        "dice=runs/a ce=runs/b",
        needs="RUNS",
    ),
    "tradeoff": Picture(
        "figures.results.tradeoff",
        "false positives without a lesion against Dice with one (Galdran 2022)",
        "study/rows.jsonl",
        needs="ROWS",
    ),
    "predictions": Picture(
        "figures.results.predictions",
        "what each loss outlines on the same cases, from pictures kept in rows",
        "study/rows.jsonl --cases 8",
        needs="ROWS",
    ),
    "landscape": Picture(
        "figures.landscape",
        "loss around a trained network, or on the line between two (Li 2018)",
        "--run runs/a --to runs/b --points 31",
        needs="--run DIR",
        out=None,
    ),
    "run": Picture(
        "figures.run",
        "curves and samples of a training run, put into its folder",
        "runs/polyps",
        needs="DIR",
        out=None,
    ),
    "speed": Picture(
        "figures.speed",
        "times of a speed study, put into its folder",
        "runs/speed",
        needs="DIR",
        out=None,
    ),
}
