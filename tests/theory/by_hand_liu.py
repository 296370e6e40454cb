"""Reference values of Liu 2022, Galdran 2022 and beyond the papers, each once more."""

import math

LOG2 = math.log(2)

BY_HAND = {
    "L03": {
        "df_two_pixels_at_half": LOG2 + LOG2,
        # p = 1/2 and 1/4: mean 3/8, geometric mean 1 / sqrt 8
        "gap_at_1/2_1/4": math.log(3 / 8 * math.sqrt(8)),
    },
    "L04": {"slope_of_df_at_1/2_1/4": -4 / 3, "slope_of_ce_at_1/4_of_2": -2},
    "L05": {
        "ce_minimiser_on_curve": 3**-0.5,
        "df_with_one_error_of_100": math.log(100 / 99),
    },
    "L07": {"curvature_at_1/2_1/2": -1, "printed_at_1/2_1/2": -4},
    "L08": {
        "jensen_gap_at_p=y=1/2": math.log(4 / 3),
        "(9)_for_3/4_1/4": math.log(1 + 4) - math.log(1 + 4 / 3),
    },
    "L09": {
        "db_at_t": math.log(1.6 * 0.4),
        "db_at_other_vertex": math.log(0.6 * 1.4),
        "slope_at_t": 2.5 - 0.625,
    },
    "L10": {
        "db_all_foreground_of_9/10": math.log(1.9 * 0.1),
        "db_all_background_of_9/10": math.log(0.9 * 1.1),
        "dice_of_all_at_2/5": 0.8 / 1.4,
        # the root of 8 c^2 + 3.8 c - 1.9
        "constant_share_of_class_of_1/10": (math.sqrt(3.8**2 + 60.8) - 3.8) / 16,
    },
    "L11": {"gap_at_1/2": LOG2 - 0.5, "ratio_at_1/2": LOG2 / 0.5},
    "L15": {
        "infimum_of_estimate": 2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3),
        "entropy_of_unit_normal": 0.5 + 0.5 * math.log(2 * math.pi),
    },
    "L16": {
        "estimate_of_trivial": 0,
        "infimum_of_estimate": 2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3),
    },
    "L17": {"part_of_large_region_learned": 1 / (1 + math.log(1e-3, 0.999) / 99)},
    "L18": {"constant_at_y_1_of_1/10": math.log(5)},
    "L19": {
        "db1_empty_at_y_1_of_1/4": -2 * LOG2,
        "db1_right_at_y_1_of_1/4": -LOG2,
        "db1_full_at_y_1_of_1/4": math.log(1.25),
    },
    "L20": {
        "slope_of_kl_at_0.01": 10 / 11 - 10,
        "curvature_of_kl_at_0.01": 1000 + 0.9 / 0.9801,
        "score_slope_of_kl_at_p_0.01": -0.09,
        "score_slope_of_l1_at_p_0.01": -0.0198,
    },
    "L21": {"kl_at_s_1/4": LOG2 - math.log(3) / 2, "l1_at_s_1/4": 1 / 2},
    "L22": {
        "DB_at_0.1": math.log(0.2 * 1.8),
        "DB_at_0.9": 0,
        "DB1_at_0.5": math.log(0.6),
        "KL_at_0.5": 0.1 * math.log(0.2) + 0.9 * math.log(1.8),
        "L1_at_0.9": 1.6,
    },
    "L23": {
        "confidence_at_gap_1_tau_1": math.e / (1 + math.e),
        "confidence_at_tie": 0.5,
    },
    "L24": {
        # sigmoid(x) = (1 + tanh(x / 2)) / 2
        "error_at_tau_1": (math.tanh(1) - math.tanh(0.5)) / 4,
    },
    "G01": {"loss_of_foreground_at_score_1": -math.log(math.e / (1 + math.e))},
    "G02": {"at_difference_log_3": 3 / 4},
    "G03": {"sigmoid_at_1e-9_less_1/2": 1e-9 / 4},
    "G04": {"two_common_of_12": 4 / 12, "one_common_of_3": 2 / 3},
    "G05": {"union_of_one_common_pixel": 1, "printed_of_one_common_pixel": 2},
    "G06": {"tp_1_fp_1_fn_1": 2 / 4, "tp_3_fp_1_fn_1": 6 / 8},
    "G07": {
        # 1 - 2 * 1/2 / (1 + 1/2) and 1 - 2 * 1/2 / (1 + 1/4)
        "loss_at_(1,0)_(1/2,1/2)": 1 - 1 / 1.5,
        "loss_at_(1,0)_(1/2,0)": 1 - 1 / 1.25,
    },
    "G08": {"loss": 1, "slope": 0, "loss_at_p=0_by_rule": 0},
    "G09": {"value_eps_1_at_S_50": 1 - 1 / 51, "slope_in_S_eps_1e-5_at_S_0": 1e5},
    "G10": {"dice_coupling_of_two_false_pixels": 1 / 2 - 1 / 3 - 1 / 3},
    "G11": {"bce_weight_in_last_of_40_epochs_from_0": 1 - 39 / 40},
    "G12": {
        "dice_epochs_of_40_from_0": len([36, 37, 38, 39]),
        "dice_epochs_of_9_from_0": 0,
    },
    "G13": {"five_images": (1 + 2 / 4 + 0 + 0 + 1) / 5},
    "G14": {"dice_of_eta_3/10_at_p_1": 6 / 13},
    "N05": {
        # eta = 1/2 alone: 1 / (3/4 + 1); both: 3/2 / (3/4 + 2) is less
        "best_dice_at_1/2_1/4": 4 / 7,
        "threshold_at_1/2_1/4": 2 / 7,
        "best_jaccard_at_1/2_1/4": 2 / 5,
    },
    "N06": {"regret_at_2/5": 4 / 7, "regret_at_49/100": 98 / 149},
    "N07": {
        "best_fraction": (4 - 3 * math.sqrt(5 / 3)) / (math.sqrt(5 / 3) - 1),
        # (9 + x) / (4 + x) + x / (3 + x), at the fraction above
        "best_soft": (2 + 8 - 6 * math.sqrt(5 / 3)) / 3,
    },
    "N08": {
        "dice_of_three_independent": 76 / 135,
        "jaccard_of_first_of_three": 38 / 81,
    },
    "N11": {
        "slope_at_boundary_example": 1 + 2 / 4,
        "pull_at_eta_1/2_dice_2/3": 1 - 2 / 3,
    },
    "N12": {"kl_at_s_1/4": LOG2 - math.log(3) / 2, "half_l1_squared_at_s_1/4": 0.125},
    "N13": {"bias_alpha_1/10": math.log(0.64 * 0.36)},
    "N25": {
        "ce_slope_at_p_1/2": 1 / 2 - 1,
        "dice_slope_at_p_1/2": -2 / 9,
    },
    "N26": {"threshold_at_dice_0.8": 0.8 / 1.8, "threshold_at_dice_2/3": 2 / 5},
}
