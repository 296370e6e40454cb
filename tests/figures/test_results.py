"""Result figures: what is drawn are the rows' numbers."""

import json

import numpy as np
import pytest

from figures import taxonomy
from figures.__main__ import main
from figures.results import (
    curves,
    distributions,
    findings,
    predictions,
    proportions,
    ranks,
    regions,
    rows,
    sheet,
    sizes,
    sweeps,
    tradeoff,
)
from jaxseg.errors import UserError
from jaxseg.files import digests_of, write_json, write_rows
from jaxseg.losses import CATALOG
from tests.figures import synthetic_rows


def write(path, found):
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return str(path)


def test_distributions_hold_the_scores_in_order_of_their_means():
    scores = distributions.compute_scores(synthetic_rows.cases(50), "dice")
    assert distributions.order(scores) == ["dice", "lovasz", "cross_entropy"]
    for kind in distributions.KINDS:
        figure = distributions.draw_scores(scores, "dice", kind)
        names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert names == ["cross_entropy", "lovasz", "dice"]
        for axes, group in zip(figure.axes, scores.values(), strict=True):
            means = [line for line in axes.lines if line.get_marker() == "D"]
            for line, name in zip(means, names, strict=True):
                assert line.get_xdata()[0] == pytest.approx(group[name].mean())


def test_scores_are_grouped_by_tenths_of_the_sizes():
    """Twenty cases of sizes 1 to 20, score = size / 20: pairs by hand."""
    found = [
        {"loss": "a", "actual_pixels": [0, k], "dice": [1.0, k / 20]}
        for k in range(1, 21)
    ]
    found.append({"loss": "a", "actual_pixels": [9, 0], "dice": [1.0, None]})
    assert sizes.size_column(found) == "actual_pixels"
    one = sizes.compute_by_size(found, "dice", column="actual_pixels")
    np.testing.assert_allclose(one.sizes["a"], np.arange(1.5, 20, 2))
    np.testing.assert_allclose(one.means["a"], np.arange(1.5, 20, 2) / 20)
    np.testing.assert_allclose(one.edges, 1 + 1.9 * np.arange(1, 10))
    panel = sizes.draw_by_size({"": one}, "dice", "pixels").axes[0]
    np.testing.assert_array_equal(panel.lines[0].get_ydata(), one.means["a"])


def test_a_case_without_a_score_counts_in_no_mean():
    found = [
        {"loss": "a", "foreground_share": k / 10, "dice": score}
        for k, score in enumerate((0.1, None, 0.3, 0.5), start=1)
    ]
    one = sizes.compute_by_size(found, "dice", column="foreground_share", groups=2)
    np.testing.assert_allclose(one.means["a"], [0.1, 0.4])
    np.testing.assert_allclose(one.sizes["a"], [0.1, 0.35])


def test_ranks_share_ties_and_order_bars():
    scores = ranks.compute_intervals(synthetic_rows.rank_rows())
    assert ranks.ranks(scores["HD95"]) == {
        "dice_ce": 1,
        "focal": 2,
        "dice": 3.5,
        "lovasz": 3.5,
    }
    families = ranks.families_of(
        [{"loss": "Mine", "family": "region"}, {"loss": "dice_ce"}]
    )
    assert (families["Mine"], families["dice_ce"]) == ("region", "compound")
    axes = ranks.draw_ranks("DSC", scores["DSC"], families).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [11.5, 11, 6, 1]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["dice", "dice_ce", "lovasz", "focal"]
    lines = ranks.draw_stability(scores).axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [
        [1, 2, 1],
        [2, 1, 3.5],
        [3, 3, 3.5],
        [4, 4, 2],
    ]


def test_sweeps_have_means_and_standard_errors():
    found = synthetic_rows.sweep_rows()
    tversky = [row for row in found if "alpha" in row]
    complementary, equal = sweeps.split_tversky(tversky)
    sweep = sweeps.compute_sweep(complementary, "alpha", "dice")
    np.testing.assert_allclose(sweep.places, np.arange(1, 10) / 10)
    np.testing.assert_allclose(sweep.means, 0.81 - abs(sweep.places - 0.5) / 2)
    np.testing.assert_allclose(sweep.errors, 0.01 / 3**0.5)
    places = sweeps.compute_sweep(equal, "alpha", "dice").places
    np.testing.assert_allclose(places, [0.5, 0.75, 1])
    left = sweeps.draw_tversky(tversky, "dice").axes[0]
    np.testing.assert_allclose(left.lines[0].get_ydata(), sweep.means)
    ablation = [row for row in found if "weight" in row]
    drawn = sweeps.draw_ablation(ablation, "dice").axes[0].lines
    np.testing.assert_allclose(drawn[0].get_ydata(), [0.51, 0.56, 0.61, 0.56])


def test_classes_are_drawn_by_their_share_with_their_names():
    found = regions.compute_regions(synthetic_rows.region_rows()[::-1], "gain")
    names, shares, values = found["ce_l1"]
    assert names == ["pole", "sign", "car", "road"]
    np.testing.assert_allclose(shares, [0.01, 0.012, 0.05, 0.4])
    np.testing.assert_allclose(values, [0.099, 0.0988, 0.095, 0.06])
    axes = regions.draw_regions(found, "gain", level=0.0).axes[0]
    drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_allclose(drawn["ce_l1"], values)
    assert [text.get_text() for text in axes.texts] == names
    left = [text.xyann[0] for text in axes.texts]
    assert left == sorted(left)
    assert min(np.diff(left)) > 0.025  # names do not overlap


def test_shares_of_nothing_predicted_lie_on_the_edge():
    found = proportions.compute_shares(synthetic_rows.share_rows())
    panels = proportions.draw_proportions(found).axes
    titles = [axes.get_title() for axes in panels]
    assert titles == [
        "ce_l1\n0 % not predicted",
        "dice\n0 % not predicted",
        "cross_entropy\n20 % not predicted",
    ]
    dots, crosses = panels[2].lines[1:]
    true, predicted = found["cross_entropy"]
    np.testing.assert_allclose(dots.get_ydata(), predicted[predicted > 0])
    np.testing.assert_allclose(crosses.get_xdata(), true[predicted == 0])
    assert set(crosses.get_ydata()) == {panels[2].get_ylim()[0]}


def test_curves_have_the_mean_and_the_ends_of_the_runs():
    found = [*synthetic_rows.metrics(0), *synthetic_rows.metrics(1)]
    one = curves.compute_spread(found, "validation_dice")
    np.testing.assert_allclose(one.steps, [10, 20, 30])
    np.testing.assert_allclose(one.means, [0.65, 0.75, 0.85])
    np.testing.assert_allclose(one.lows, [0.6, 0.7, 0.8])
    np.testing.assert_allclose(one.highs, [0.7, 0.8, 0.9])
    assert one.runs == 2
    axes = curves.draw_spreads({"dice": one}, "validation_dice").axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), one.means)


def test_a_sheet_shows_common_cases_and_their_dice(tmp_path):
    for run, names, offset in (("a", ("x", "y"), 0), ("b", ("y", "z"), 3)):
        (tmp_path / run).mkdir()
        arrays = synthetic_rows.samples(names, offset)
        np.savez(tmp_path / run / "samples.npz", **arrays)
    found = sheet.read_cases([str(tmp_path / "a"), f"other={tmp_path / 'b'}"])
    assert [case.name for case in found] == ["y"]
    (case,) = found
    assert case.dice("a") == 1
    mine, other = case.labels == 1, case.masks["other"] == 1
    by_hand = 2 * (mine & other).sum() / (mine.sum() + other.sum())
    assert case.dice("other") == pytest.approx(by_hand)
    titles = [axes.get_title() for axes in sheet.draw_sheet(found).axes]
    assert titles == ["image", "ground truth", "a", "other"]


def test_a_tradeoff_shows_dice_with_a_lesion_and_area_without():
    found = rows.group_by_loss(synthetic_rows.lesion_rows())
    points = {loss: tradeoff.compute_point(r, "dice") for loss, r in found.items()}
    assert points["ce"].dice.value == pytest.approx(0.6)
    assert points["ce"].area.value == pytest.approx(2 / 16)
    assert (points["ce"].rejected, points["ce"].free) == (1, 2)
    assert points["dice"].area.value == pytest.approx(8 / 16)
    assert points["dice"].rejected == 0
    axes = tradeoff.draw_points({"made up": points}, "dice").axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["ce: 1 of 2 rejected", "dice: 0 of 2 rejected"]
    x, y = axes.containers[1].lines[0].get_data()
    assert (x[0], y[0]) == (pytest.approx(0.7), pytest.approx(50))


def test_predictions_show_each_loss_on_the_cases_with_an_image():
    found = predictions.compute_cases(synthetic_rows.lesion_rows(), 8)
    assert [case.name for case in found] == ["free 0", "free 1"]
    assert found[0].shares == {"ce": 0, "dice": 0.5}
    assert [found[1].masks[loss].sum() for loss in ("ce", "dice")] == [4, 8]
    figure = predictions.draw_cases(found)
    said = [axes.get_xlabel() for axes in figure.axes]
    assert said == ["", "", "rejected", "25.0 %", "50.0 %", "50.0 %"]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["image", "ce", "dice"]
    (first,) = predictions.compute_cases(synthetic_rows.lesion_rows(), 1)
    assert first.name == "free 0"


def test_the_taxonomy_is_the_catalog():
    found = taxonomy.compute_taxonomy()
    members = [name for group in found.members.values() for name in group]
    assert sorted(members) == sorted(CATALOG)
    assert ("tversky", "dice") in found.special
    assert {"dice_topk", "lovasz"} <= found.of_ma
    assert "marginal_kl" not in found.of_ma
    figure = taxonomy.draw_taxonomy(found)
    texts = {text.get_text() for text in figure.axes[0].texts}
    assert set(CATALOG) <= texts
    arrows = [p for p in figure.axes[0].patches if hasattr(p, "get_arrowstyle")]
    assert len(arrows) == len(found.special)


def test_findings_are_drawn_where_they_are_and_end_with_the_picture():
    figure = findings.draw_findings(synthetic_rows.finding_rows())
    (axes,) = figure.axes
    points = [line for line in axes.lines if line.get_marker() == "o"]
    found = [(float(p.get_xdata()[0]), int(p.get_ydata()[0])) for p in points]
    assert found == [(findings.REACH, 0), (-2.0, 2), (0.1, 3)]  # none of the unknown
    spans = [tuple(map(float, line.get_xdata())) for line in axes.lines
             if len(line.get_xdata()) == 2 and line.get_ydata()[0] in range(4)
             and line.get_lw() == 1.5]  # fmt: skip
    whole = (-findings.REACH, findings.REACH)
    assert spans == [(2.0, findings.REACH), whole, whole, (-0.2, 0.4)]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(legend) == ["not replicated", "replicated", "undecided"]


@pytest.mark.parametrize(
    ("name", "made", "files"),
    [
        ("distributions", synthetic_rows.cases(12), ["distributions_dice"]),
        ("sizes", synthetic_rows.cases(12), ["sizes_dice"]),
        ("ranks", synthetic_rows.rank_rows(), ["ranks", "rank_stability"]),
        ("sweep", synthetic_rows.sweep_rows(), ["tversky_sweep_dice", "ablation_dice"]),
        ("proportions", synthetic_rows.share_rows(), ["proportions"]),
        ("findings", synthetic_rows.finding_rows(), ["findings"]),
        ("tradeoff", synthetic_rows.lesion_rows(), ["tradeoff"]),
        ("predictions", synthetic_rows.lesion_rows(), ["predictions"]),
    ],
)
def test_commands_draw_rows(name, made, files, tmp_path, capsys):
    out = ["--out", str(tmp_path), "--format", "svg"]
    assert main([name, write(tmp_path / "rows.jsonl", made), *out]) == 0
    drawn = capsys.readouterr().out.split()
    assert drawn == [str(tmp_path / f"{file}.svg") for file in files]


def test_curves_of_labelled_files(tmp_path, capsys):
    specs = [
        f"dice={write(tmp_path / f'{seed}.jsonl', synthetic_rows.metrics(seed))}"
        for seed in (0, 1)
    ]
    loaded = rows.load(specs)
    assert {row["loss"] for row in loaded} == {"dice"}
    assert main(["curves", *specs, "--out", str(tmp_path), "--format", "png"]) == 0
    assert (tmp_path / "curves_validation_dice.png").is_file()


@pytest.mark.parametrize(
    ("name", "row", "part"),
    [
        ("distributions", {"dice": 1}, "LOSS=FILE"),
        ("distributions", {"loss": "a", "score": 1}, "no column 'dice'"),
        ("distributions", {"loss": "a", "dice": "x"}, "no number"),
        ("distributions", {"loss": "a", "dice": None}, "all its values are null"),
        ("sizes", {"loss": "a", "dice": 1, "foreground_share": 0}, "has an object"),
        ("ranks", {"loss": "a"}, "no column 'score'"),
        ("sweep", {"loss": "a", "dice": 1}, "no sweep"),
        ("curves", {"loss": "a", "step": 1}, "no row has it"),
        ("regions", {"loss": "a", "class": "b", "share": 0, "jaccard": 1}, "above 0"),
        ("proportions", {"loss": "a", "share": 2, "predicted_share": 0}, "0 to 1"),
        ("proportions", {"loss": "a", "share": 0, "predicted_share": 0}, "no region"),
        ("tradeoff", {"loss": "a", "dice": 1}, "both kinds of cases are needed"),
        ("tradeoff", {"loss": "a", "lesion_free": True}, "no rows with dice"),
        ("predictions", {"loss": "a", "case": "x"}, "both columns 'image' and 'mask'"),
        (
            "predictions",
            {"loss": "a", "case": "x", "image": "eA==", "mask": "eA=="},
            "column 'image' holds no picture",
        ),
    ],
)
def test_wrong_rows_are_answered_with_one_sentence(name, row, part, tmp_path, capsys):
    path = write(tmp_path / "rows.jsonl", [row])
    assert main([name, path, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["distributions", "nowhere.jsonl"], "nowhere.jsonl: there is no such file"),
        (["sheet", "nowhere"], "RUN nowhere has no samples.npz"),
        (["ranks"], "ROWS"),
    ],
)
def test_missing_files_are_named(argv, part, tmp_path, capsys):
    assert main([*argv, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert part in error
    assert error.count("\n") == 1


def test_scores_of_cases_are_those_of_the_summary_beside_them(tmp_path):
    cases, summary = tmp_path / "cases.jsonl", tmp_path / "summary.json"
    write_rows(cases, [{"case": "a", "dice": 0.5}, {"case": "b", "dice": 0.25}])
    write_json(summary, {"sha256": digests_of(tmp_path, [cases.name])})
    assert len(rows.load([f"dice={cases}"])) == 2
    write_rows(cases, [{"case": "a", "dice": 0.5}])
    with pytest.raises(UserError, match=f"{cases} is not what summary.json"):
        rows.load([f"dice={cases}"])
