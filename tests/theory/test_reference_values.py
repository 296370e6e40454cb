"""Named numbers of the claims against arithmetic that is spelled out."""

import math
from fractions import Fraction

import pytest

from tests.theory import by_hand_liu, by_hand_ma
from theory.eelbode.dice_jaccard import largest_gap
from theory.eelbode.tversky_ratio import largest_by_size
from theory.registry import CLAIMS

LOG2 = math.log(2)

BY_HAND = {
    "E05": {"jaccard_where_dice_is_1/2": (1 / 2) / (3 / 2)},
    "E17": {
        # one common pixel, nine in one mask alone: D = 2/11, J = 1/10
        "largest_ratio_at_10_pixels": (2 / 11) / (1 / 10),
        "largest_ratio_at_1_pixels": 1,
    },
    "E18": {
        "largest_gap": 0.1715728752538099,
        # J = 2/5 has D = 4/7
        "largest_gap_at_5_pixels": 4 / 7 - 2 / 5,
        # J = 5/12 has D = 10/17
        "largest_gap_at_12_pixels": 10 / 17 - 5 / 12,
        # J = 12/29 has D = 24/41
        "largest_gap_at_29_pixels": 24 / 41 - 12 / 29,
    },
    "E27": {
        # sqrt 4 = 2: (2 - 1) / (2 + 1), at TP = FP: D = 2/3, T = 1/3
        "error_at_2_2": 2 / 3 - 1 / 3,
        "error_at_0.125_0.125": 1 / 3,
        # alpha = beta = 1 is Jaccard
        "error_at_1_1": 3 - 2 * math.sqrt(2),
        "tp_share_at_alpha_2": 0.5,
        # FP = 4 TP: D = 2/6, T = 1 / 1.5
        "fp_per_tp_at_alpha_0.125": 4,
    },
    "E30": {
        "relative_error_at_1_1": 1,  # E17
        "relative_error_at_0.1_0.9": 5 - 1,
        "relative_error_at_2_0.125": 4 - 1,
        "relative_error_at_0.5_5": 10 - 1,
        "largest_ratio_at_1_1_with_10_pixels": 20 / 11,  # E17
    },
    "L01": {
        "constant_at_1/2_1/2": 0,
        "constant_at_3/4_1/4": -math.log(3 / 2) - math.log(1 / 2),
    },
    "L06": {
        "bias_at_vertex_1": math.log(1.5 * 0.3 * 0.2),
        "bias_at_vertex_2": math.log(0.5 * 1.3 * 0.2),
        "bias_at_vertex_3": math.log(0.5 * 0.3 * 1.2),
        "bias_at_p=y": math.log(1 * 0.6 * 0.4),
        "tie_at_printed_t": math.log(9 / 4),
        "tie_at_one_vertex": math.log(3 / 2 * 1 / 2),
    },
    "L12": {
        "table_ce_A": LOG2 + LOG2,
        "table_ce_B": LOG2 + 2 * LOG2,
        "table_ce_C": 2 * LOG2 + LOG2,
        "mean_ce_B": (LOG2 + LOG2 + 2 * LOG2) / 3,
        "mean_ce_C": (2 * LOG2 + 2 * LOG2 + LOG2) / 3,
        "label_entropy": -2 / 3 * math.log(2 / 3) - 1 / 3 * math.log(1 / 3),
        "conditional_entropy_distinct_features": math.log(4),
    },
    "E01": {"mean_of_losses_0_0_1": (0 + 0 + 1) / 3, "as_a_set_of_losses_0_1": 0.5},
    "E02": {"least": 0, "largest": 1},
    # D = 0 in both; H = 9/10, TPR = 0 and TNR = 1
    "E03": {"gap_at_gamma_1/2_share_1/10_empty_prediction": -0.4},
    "E04": {"one_pixel_at_1/2_plain": 2 / 3, "one_pixel_at_1/2_squared": 4 / 5},
    "E06": {
        # TPR 1, one of three background pixels right
        "weighted_hamming_of_best_prediction": (1 + 1 / 3) / 2,
        "weighted_hamming_of_no_prediction": (0 + 1) / 2,
        "hamming_of_no_prediction": 3 / 4,
    },
    "E07": {
        "gamma_prime_at_gamma_1/2_share_1/10": 0.1 / (0.1 + 0.9),
        "gamma_prime_at_gamma_9/10_share_1/10": 0.09 / (0.09 + 0.09),
    },
    "E08": {
        "foreground_weight_at_1/100": 1 / 0.02,
        "background_weight_at_1/100": 1 / 1.98,
    },
    "E09": {"one_pixel_at_1/2_plain": 1 - 2 / 3, "one_pixel_at_1/2_squared": 1 - 4 / 5},
    "E10": {
        # c = (1/2)^(1/3), index 2c / (1 + 1/2)
        "best_level_at_p_3": 0.5 ** (1 / 3),
        "index_at_p_3": 2 * 0.5 ** (1 / 3) / 1.5,
        "index_at_p_4": 2 * (1 / 3) ** 0.25 / (4 / 3),
    },
    "E11": {"one_of_two_pixels_right": 1 - 1 / 2, "two_empty_masks": 0},
    "E12": {"one_pixel_at_1/2_at_0.3_0.7": 0.5 / 0.85},
    "E13": {
        # 1/2 + 1/2 - 0 - 1, then 1 + 1/2 - 0 - 1, then 0 + 1 - 1 - 1/2
        "excess_of_two_missed_pixels": 0,
        "excess_of_one_missed_one_false_at_y_1": 0.5,
        "excess_in_predicted_sets_at_y_1": -0.5,
    },
    "E14": {
        "excess_of_two_missed_pixels_at_y_2": 1 / 3 + 1 / 3 - 1,
        "excess_in_predicted_sets_at_y_1": 0 + 1 - 1 - 1 / 3,
    },
    "E15": {
        "at_errors_1/2_1/4_of_two_true_pixels": 3 / 8,
        # J goes from 1 to 1/2
        "slope_of_false_pixel_beside_one_true": 1 - 1 / 2,
    },
    "E16": {"least_relative_error_of_1/2_and_1": 1},
    "E19": {
        "absolute_error": 1,
        # d - 1 = 9 and m = 4: 36 / (6 * 13)
        "best_error_at_10_pixels": 36 / 78,
        # m = 14: 14 * 99 / (16 * 113)
        "best_error_at_100_pixels": 14 * 99 / (16 * 113),
    },
    "E20": {
        # one pixel and ten more of 21: TNR = 1/2, D = 2/12
        "ratio_at_21_pixels": (1 / 2) / (2 / 12),
        "weighted_hamming_where_dice_is_0_at_gamma_1/2": 0.5,
    },
    "E21": {
        "largest_alpha": 0.6180339887498949,
        "gap_at_alpha_1/10": (1 - 0.1 / 0.99) - 0.2 / 1.2,
    },
    "E23": {
        "largest_gap_at_10_pixels": 0.9,
        # TP = 1 and 49 mistakes of 100: H = 0.51, D = 2/51
        "largest_ratio_at_100_pixels": 0.51 / (2 / 51),
        "largest_ratio_at_2_pixels": 1,
    },
    "E24": {
        "least_gap_at_10000_pixels": (1 - 100 / 9999) - 2 / 102,
        "error_at_half_the_image": 1 - 5 / 6,
        "jaccard_gap": 0.1715728752538099,
        "jaccard_ratio": 2,
    },
    "E25": {"dice_loss_at_1/2": 1 - 0.5, "jaccard_loss_there": 1 - 0.5 / 1.5},
    "E26": {
        "bound_at_losses_0_1": 2 * 0.5 / 1.5,
        "jaccard_risk_at_losses_0_1": (0 + 1) / 2,
    },
    "E28": {
        "at_alpha_1": (1 - math.sqrt(2)) / (1 - 2),
        "at_alpha_2": 1 / 2,
        "at_alpha_1/8": (1 / 8 - 1 / 2) / (1 / 8 - 2),
        "at_alpha_8": (8 - 4) / (8 - 2),
    },
    "E29": {
        # D = 2/3; T = 1 / (1 + 2) and 1 / (1 + 1/8)
        "gap_at_a=1/2_b=1/2_for_2_1/8": -1 / 3,
        "gap_at_c=1/2_b=1/2_for_2_1/8": 2 / 9,
    },
    "E31": {
        # TP = 1, FP = 4: D = 1/3, T = 2/3; TP = 3, FP = 4: D = 3/5, T = 2/5
        "absolute_at_1/8_1/8": 2 / 3 - 1 / 3,
        "absolute_at_9/8_9/8": 3 / 5 - 2 / 5,
        "relative_at_1/8_1/8": 4 - 1,
        "relative_at_9/8_9/8": 9 / 4 - 1,
    },
    "E32": {
        "error_at_8/9_2/9": 3 / 5 - 2 / 5,
        # TP = 2, FP = 3: D = 4/7, T = 2 / (2 + 24/9) = 3/7
        "left_at_8/9": 4 / 7 - 3 / 7,
        "right_at_1/2": 1,
    },
    "E34": {
        # one pixel: 1 - 2p / (1 + p) and 1 - 2p / (1 + p^2)
        "plain_loss_at_0.9": 1 - 1.8 / 1.9,
        "squared_loss_at_0.9": 1 - 1.8 / 1.81,
        "plain_slope_at_one_pixel": 2 / 4,
        "squared_curvature_at_one_pixel": 1,
    },
    "E35": {
        "expected_dice_at_1_1_0": 243 / 341,
        "expected_dice_at_1_1_1/2": (243 * 8 / 9 + 98 * 2 / 7) / 341,
        # two pixels at 1/4: c = sqrt(1/2 / (1/8)) = 2
        "l2_level_at_posterior_1/4": 2 * 1 / 4,
    },
    "E36": {
        # agreement 8/10, by chance (4 + 64) / 100
        "kappa_at_1_1_1_of_10": (0.8 - 0.68) / 0.32,
        "dice_at_1_1_1": 2 / 4,
        # (998 / 1000 - c) / (1 - c), c = (2^2 + 998^2) / 1000^2
        "kappa_at_1_1_1_of_1000": (998_000 - 996_008) / (1_000_000 - 996_008),
    },
    "E37": {
        "dice_loss_of_one_missed_of_2": 1 - 2 / 3,
        "dice_loss_of_one_missed_of_100": 1 - 198 / 199,
        "smoothed_dice_at_tp_1_fp_1": (2 + 1) / (3 + 1),
        "smoothed_dice_at_tp_2_fp_2": (4 + 1) / (6 + 1),
    },
    "E38": {
        "mean_dice_A": (1 + 0) / 2,
        "mean_dice_B": 4 / (4 + 3),
        "mean_jaccard_A": (1 + 0) / 2,
        "mean_jaccard_B": 2 / 5,
    },
    "E39": {
        # posterior 1/2 everywhere, 1/10 everywhere: all foreground
        "best_dice_missed_by_ce": 2 * 0.5 / 1.5,
        "best_dice_missed_at_gamma_9/10": 2 * 0.1 / 1.1,
        "ce_of_one_missed_of_1000_unweighted": 2 * LOG2 / 1000,
    },
    "E40": {
        "alpha_of_f0.5": 1 / 1.25,
        "alpha_of_f1": 1 / 2,
        "alpha_of_f1.5": 1 / 3.25,
        "alpha_of_f2": 1 / 5,
    },
    "E41": {
        "dice_lost_at_1/10_9/10": 6 / 7 - 4 / 5,
        "mean_dice_lost_at_1_1": 2 / 3 - 3 / 5,
    },
    "E42": {
        # 1/2 / (1 + 1/4 - 1/2) and 1/2 / (1 + 1/2 - 1/2)
        "one_pixel_at_1/2": 1 - 2 / 3,
        "one_pixel_at_1/2_plain": 1 - 1 / 2,
    },
    "L25": {
        # 2 (1/5) (1/10) / (3/10) and 2 (4/5) (9/10) / (17/10)
        "sum_of_dice_at_1/5": 2 / 15 + 72 / 85,
        "product_at_truth": 0.1 * 0.9,
        # c (c + 0.1) / 0.1 = (1 - c) (1.9 - c) / 0.9: 8 c^2 + 3.8 c = 1.9
        "log_dice_best_share_at_1/10": (-3.8 + math.sqrt(3.8**2 + 4 * 8 * 1.9)) / 16,
    },
    # log(2) / 2 and 1 - 1 / (5/4)
    "G15": {"half_certain_of_one_of_two": math.log(2) / 2 + 1 / 5},
    "N01": {
        "jaccard_dice": 3 - 2 * math.sqrt(2),
        # F_2 and F_1/2: ratio 4, root 2
        "f2_and_f0.5": (2 - 1) / (2 + 1),
        "relative_0.3_0.7_and_0.7_0.3": 4 / 3,
    },
    "N02": {
        "excess_of_dice_at_y_2": 1 / 3 + 1 / 3 - 1,
        "excess_of_jaccard_at_y_2": 1 / 2 + 1 / 2 - 1,
        # f = 2a / (2 + a): 2 * 2/3 - 1
        "excess_of_beta_2_at_y_2": 4 / 3 - 1,
    },
    "N14": {
        "jaccard_at_p_1/2_r_1": 1 / (2 + 1 - 1),
        "dice_at_p_1/2_r_1": 2 / (2 + 1),
    },
    "N15": {
        # one of two pixels found: D = 2/3, J = 1/2, T = 1 / (1 + 0.3)
        "dice_loss_at_twice_the_volume": 1 - 2 / 3,
        "jaccard_at_twice_the_volume": 1 / 2,
        "tversky_0.3_0.7_at_twice_the_volume": 1 / (1 + 0.3),
        # p = 1/2: 1 - 2 (1/2) / (1 + 1/4)
        "squared_dice_loss_at_half_certainty": 1 - 4 / 5,
        # D = 2 / (1 + q) = 9/10
        "volume_ratio_for_dice_0.9": 2 / 0.9 - 1,
    },
    "N16": {
        "constant_of_dice": 1 / (1 / 3 + 1 / 3),
        "constant_of_jaccard": 1 / (1 / 2 + 1 / 2),
        # {1}, {1, 2}: 0.1 / 1.1
        "constant_at_1/10": 1 / (2 * 0.1 / 1.1),
    },
    "N17": {
        "largest_gap": 0.1715728752538099,
        # mean 2/5: 4/7 - 2/5, E18's gap at 5 pixels
        "gap_of_2_missed_in_5": 4 / 7 - 2 / 5,
        "gap_of_1_missed_in_2": 2 / 3 - 1 / 2,
    },
    "N20": {
        "lower_at_10_true_2_wrong": 1 - 20 / 22,
        "upper_at_10_true_2_wrong": 1 - 16 / 18,
    },
    "N27": {
        # sqrt(2r / (1 - r)) = 1
        "error_at_0.3333": 1 / 4,
        "gamma_at_0.3333": 3 / 4,
        "error_at_0.5": 0.5 / 3,
        "error_at_0.7": 1 / 9,
        "limit_at_1": 0.1715728752538099,
    },
    "N28": {
        # a mean slope of 16/123, times x^2 = 1/4, times 1/2 - 1/3
        "largest_loss_at_1/2": 16 / 123 / 24,
        "best_of_five_pixels": (50 / 2.5 + 196 * 2 / 3.5) / 246,
        "rounded_of_five_pixels": 196 * (2 / 3) / 246,
    },
    "N30": {
        "jaccard_of_best_mask": 0.45,
        "jaccard_of_halves_kept": 0.45 / 3 + 0.4 / 3 + 0.15 / 3,
    },
    "N31": {
        # two pixels: (0 + 2/3 + 2/3 + 1) / 4 - 1/4
        "largest_gain_at_2_pixels": 1 / 3,
        # three: (3 * 2/4 + 3 * 4/5 + 1) / 8 - 1/8
        "largest_gain_at_3_pixels": (1.5 + 2.4) / 8,
    },
    "N32": {
        # one pixel: |1/2 - 1| / 1 and / (3/2); 1/4 of 1/2 + 1/2 - 1/4
        "jaccard_loss_of_1/2_and_1": 0.5,
        "dice_loss_of_1/2_and_1": 0.5 / 1.5,
        "product_jaccard_loss_of_1/2_and_1/2": 1 - 0.25 / 0.75,
    },
    **by_hand_ma.BY_HAND,
    **by_hand_liu.BY_HAND,
}


@pytest.mark.parametrize("name", BY_HAND)
def test_reference_values_by_hand(name):
    values = CLAIMS[name].reference_values()
    assert {k: values[k] for k in BY_HAND[name]} == pytest.approx(
        BY_HAND[name], abs=1e-14
    )


def test_exact_maxima_by_hand():
    assert largest_gap(5) == (Fraction(6, 35), Fraction(2, 5))
    assert largest_gap(12) == (Fraction(35, 204), Fraction(5, 12))
    assert largest_gap(29) == (Fraction(204, 1189), Fraction(12, 29))


@pytest.mark.parametrize("pixels", [1, 2, 10, 1000])
def test_rates_of_the_relative_error(pixels):
    two, tenth = Fraction(2), Fraction(1, 10)
    above = 2 * two - largest_by_size((two, two), pixels)
    below = 1 / (2 * tenth) - largest_by_size((tenth, tenth), pixels)
    assert above == (4 * two - 2) / (pixels + 1)
    assert below == (1 - 2 * tenth) / (2 * tenth * (1 + tenth * (pixels - 1)))
