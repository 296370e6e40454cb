"""Reference values of Ma 2021 and beyond the papers, by arithmetic of their own."""

import math

LOG2 = math.log(2)

BY_HAND = {
    "M01": {
        "least_cross_entropy_at_1/2": LOG2,
        # log 4 - 3/4 log 3
        "least_cross_entropy_at_1/4": 2 * LOG2 - 0.75 * math.log(3),
    },
    # odds (1/2) / (1/100) to (1/2) / (99/100): 99 to 1
    "M02": {"minimiser_at_posterior_1/2_frequency_1/100": 99 / 100},
    "M03": {
        "mean_bits_before_crossing": (2 + 1.5) / 2,
        "mean_bits_after_crossing": 2,
    },
    "M04": {
        "bits_3_2_1_0_at_25%": 3 / 4,
        "bits_3_2_1_0_at_50%": 5 / 4,
        "bits_3_2_1_0_at_100%": 6 / 4,
    },
    # slopes 0.81 (1 + 2 (0.1 / 0.9) log 10) over those of cross-entropy
    "M05": {"slope_ratio_at_s_0.1_gamma_2": 0.81 + 0.18 * math.log(10)},
    "M06": {
        "weight_at_distance_4": 1 + 1 / 4,
        "printed_cost_of_one_of_six": (6 + 1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5 + 1 / 6)
        / 7,
        "corrected_cost_at_distance_6": (1 + 1 / 6) / 7,
    },
    "M07": {
        "missed_1_of_100_foreground_w_1/20": 0.05 * 1 + 0.95 * 0,
        "missed_1_of_100_both_classes": 1 / 100,
        "missed_1_of_100_mean_of_classes": (0.05 + 0.95) / 2,
    },
    "M08": {
        "mean_dice_loss_of_a_missed_tenth": (1 + (1 - 18 / 19)) / 2,
        "printed_dice_loss_of_a_missed_tenth": 1 - 18 / 20,
        "printed_iou_loss_of_a_missed_tenth": 1 - 9 / 11,
    },
    "M09": {
        "square_dice_loss_of_object_at_1/2": 1 / 5,
        "dice_loss_of_object_at_1/2": 1 / 3,
    },
    "M10": {
        "gain_of_a_missed_pixel_of_4": 1 / 4,
        "gain_of_a_false_pixel_beside_4": 1 / 5,
    },
    "M11": {
        "error_1/2_inside_1/4_outside": 1 / 2 * 1 + 1 / 4 * 0,
        "error_1/4_inside_1/2_outside": 1 / 2 * 1 / 2 + 1 / 4 * 1 / 2,
    },
    "M12": {
        "one_missed_of_2_at_0.3_0.7": 1 - 1 / 1.7,
        "one_false_beside_2_at_0.3_0.7": 1 - 2 / 2.3,
    },
    "M13": {
        "share_of_1_beside_99": 1 / (1 + 1 / 99),
        # 2 (1 + 98/9801) / (3 + 197/9801)
        "score_at_one_false_of_the_small": 2 * 9899 / (3 * 9801 + 197),
    },
    "M14": {
        "slope_at_loss_0.01_gamma_2": 1 / (2 * 0.1),
        "slope_at_loss_0.81_gamma_2": 1 / (2 * 0.9),
        "crossing_at_gamma_4/3": 81 / 256,
    },
    "M15": {"alpha_at_b_1.5": 4 / 13, "beta_at_b_1.5": 9 / 13},
    "M16": {"dice_at_1/4_and_3/4": 2 / (4 + 4 / 3)},
    "M17": {
        "pgd_at_gd_1/2_k_2.5": 2 / 9,
        "pgd_at_gd_0.9_k_2.5": 0.72,
        "slope_at_gd_0_k_2.5": 2 / 7,
    },
    "M18": {"lines_1_2_4": 4 / (5 + 5), "line_3_as_printed": 4 / (5 + 1)},
    "M19": {"first_sum_at_g_0_s_1": 1, "second_sum_at_g_0_s_1": 0},
    "M20": {
        "gradient_scale_at_gd_0_k_2.5": 2 / 7,
        "gradient_scale_at_gd_1/2_k_2.5": 56 / 81,
    },
    "M21": {
        "slope_ratio_at_dice_1/2": 1.5 / 0.5,
        "loss_one_missed_of_2": 1 - 2 / 3,
        "loss_one_false_beside_2": 1 - 4 / 5,
    },
    "M22": {
        # (2 pi h^2 + 4/3 pi h^3) / (2 pi h^2) at h = 1/10
        "ratio_of_disc_grown_by_a_tenth": 1 + 2 / 3 / 10,
        # (h^2 + 4/3 h^3 + h^4 / 2) / h^2
        "ratio_of_ball_grown_by_a_tenth": 1 + 4 / 3 / 10 + 1 / 200,
        "far_component_region_side": 2 * (9 + 10) / 2,
    },
    "M23": {"one_pixel_of_line_at_distance_3": 3},
    "M24": {"least_value_at_three_of_five_on_a_line": -(1 + 2 + 1)},
    "M26": {"one_missed_of_two_printed": -(1 + 1) / 6},
    "M27": {"one_pixel_missed_of_two": 1 / (2 + 1), "one_pixel_more_than_two": 1 / 5},
    "M28": {"loss_at_truth_three_of_five": -(1 + 2 + 1)},
    "M29": {
        "one_far_pixel_with_squares": (25 + 1) / 6,
        "one_far_pixel_without": (5 + 1) / 6,
    },
    "M30": {
        "loss_before_repair": (17 + 2 + 2 + 8) / 6,
        "loss_after_repair": (17 + 17 + 29) / 6,
    },
    "M31": {"at_truth": 0},
    "M32": {
        "least_slope_at_dice_gamma_0.3": math.exp(0.3 - 1),
        "slope_at_dice_1/2_gamma_1": 1 / 0.5,
        "slope_at_dice_1/2_gamma_1/2": LOG2**-0.5,
    },
    "M33": {
        "batch_dice_large_found_small_missed": 2 * 100 / (100 + 100 + 1),
        "batch_dice_large_missed_small_found": 2 / (100 + 1 + 1),
    },
    "M34": {"dsc_of_shifted_line": 2 * 2 / (3 + 3)},
    "M35": {"alpha_at_epoch_50": 0.5, "alpha_at_epoch_99": 0.01},
    "M36": {
        "all_wrong_without_foreground_w_1/20": 0 + 0.95,
        "largest_of_3_classes_w_1/5": 0.6,
    },
    "N03": {
        # equal errors 1/3: soft 2/3, Lovász 1/3
        "largest_gap_at_4_pixels_1_of_class": 2 / 3 - 1 / 3,
        "largest_gap_at_100_pixels_1_of_class": 9 / 11,
        "largest_gap_at_2_pixels_1_of_class": 3 - 2 * math.sqrt(2),
    },
    "N04": {
        "missed_to_false_at_dice_1/2": 1.5 / 0.5,
        "missed_to_false_at_dice_1/10": 1.9 / 0.1,
    },
    "N10": {
        "scale_at_1/4": 2,  # root of 4
        "best_index_at_1/4": 2 * 0.5 * 0.25 / (0.25 + 0.25),
        "scale_at_1/2_1/4": math.sqrt(12 / 5),
    },
    "N18": {
        # of 4 pixels one of each kind: D = 1/2, kappa = 0
        "gap_at_1_1_1_of_4_pixels": 1 / 2 - 0,
        # agreement 0.8, by chance 0.04 + 0.64
        "gap_at_1_1_1_of_10_pixels": 1 / 2 - (0.8 - 0.68) / (1 - 0.68),
    },
    "N19": {
        "largest_distance": 0.1715728752538099,
        "least_mean_jaccard_at_mean_dice_0.8": 2 / 3,
        "safe_mean_dice_over_0.6": 3 / 4,
    },
    "N22": {
        "expected_at_1_of_3": (0 + 1 + 1 / 3) / 3,
        "expected_at_2_of_3": (2 / 3 + 2 / 7 + 4 / 8) / 3,
        "expected_at_3_of_3": 4 / (0 + 1 + 2 + 0 + 2 + 4),
    },
    "N23": {
        "one_pixel_missed_eps_1": 1 / 2,
        # TP 1, two mistakes: 3/5 - 1/2
        "bias_at_dice_1/2_volume_4_eps_1": 3 / 5 - 1 / 2,
    },
    "N24": {
        "largest_error_of_one_constant": 0.1715728752538099,
        # J = 1/2, D = 1/2
        "error_at_one_missed_pixel_eps_1": 1 / 2 - (1 / 2) / (3 / 2),
    },
}
