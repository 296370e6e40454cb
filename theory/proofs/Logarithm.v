(** The natural logarithm as the inverse of exp.

    The standard library's ln is the same function (log_is_ln), but its construction
        goes
    through the mean value theorem, which brings the law of excluded middle as a further
    axiom. Here the series of exp and the intermediate value theorem are enough. *)

From Coq Require Import Reals Lra Lia Psatz.
From Coquelicot Require Import Rcomplements Hierarchy Derive.
From Proofs Require Import Slopes.
Open Scope R_scope.

(** * exp lies above its tangents *)

Definition term (x : R) (i : nat) := / INR (fact i) * x ^ i.

Lemma exp_is_the_series : forall x, infinite_sum (term x) (exp x).
Proof. intros x. exact (proj2_sig (exist_exp x)). Qed.

Lemma series_at_least : forall x low, (forall n, low <= sum_f_R0 (term x) (S n)) ->
  low <= exp x.
Proof.
  intros x low partial. apply Rnot_lt_le. intros below.
  destruct (exp_is_the_series x (low - exp x)) as [N near]; [lra|].
  assert (close : Rabs (sum_f_R0 (term x) (S N) - exp x) < low - exp x)
    by (apply near; lia).
  specialize (partial N). apply Rabs_def2 in close. lra.
Qed.

Lemma series_at_most : forall x high, (forall n, sum_f_R0 (term x) n <= high) ->
  exp x <= high.
Proof.
  intros x high partial. apply Rnot_lt_le. intros above.
  destruct (exp_is_the_series x (exp x - high)) as [N near]; [lra|].
  assert (close : Rabs (sum_f_R0 (term x) N - exp x) < exp x - high)
    by (apply near; lia).
  specialize (partial N). apply Rabs_def2 in close. lra.
Qed.

Lemma term_nonneg : forall x i, 0 <= x -> 0 <= term x i.
Proof.
  intros x i positive. apply Rmult_le_pos; [|now apply pow_le].
  left. apply Rinv_0_lt_compat, INR_fact_lt_0.
Qed.

Lemma above_at_positive : forall x, 0 <= x -> 1 + x <= exp x.
Proof.
  intros x positive. apply series_at_least. induction n as [|n IH].
  - simpl. unfold term. simpl. lra.
  - rewrite tech5. pose proof (term_nonneg x (S (S n)) positive). lra.
Qed.

(** By the geometric series, term by term. *)
Lemma below_geometric : forall h, 0 <= h < 1 -> exp h <= 1 / (1 - h).
Proof.
  intros h [low high]. apply series_at_most. intros n. apply Rle_div_r; [lra|].
  assert (sum_f_R0 (term h) n * (1 - h) <= 1 - h ^ (S n)).
  - induction n as [|n IH].
    + simpl. unfold term. simpl. lra.
    + rewrite tech5.
      assert (term h (S n) <= h ^ S n).
      { unfold term. rewrite <- (Rmult_1_l (h ^ S n)) at 2.
        apply Rmult_le_compat_r; [now apply pow_le|].
        rewrite <- Rinv_1. apply Rinv_le_contravar; [lra|].
        apply (le_INR 1), lt_O_fact. }
      assert (term h (S n) * (1 - h) <= h ^ S n * (1 - h))
        by (apply Rmult_le_compat_r; lra).
      replace (h ^ S (S n)) with (h ^ S n * h) by (simpl; ring). lra.
  - pose proof (pow_le h (S n) low). lra.
Qed.

Lemma exp_above_tangent : forall x, 1 + x <= exp x.
Proof.
  intros x. destruct (Rle_lt_dec 0 x) as [|negative]; [now apply above_at_positive|].
  destruct (Rle_lt_dec (1 + x) 0) as [trivial|some].
  - pose proof (exp_pos x). lra.
  - assert (exp (- x) <= 1 / (1 - - x)) as below by (apply below_geometric; lra).
    apply Rle_div_r in below; [|lra]. pose proof (exp_pos x).
    assert (exp (- x) * exp x = 1) by (rewrite <- exp_plus, Rplus_opp_l; apply exp_0).
    nra.
Qed.

Lemma exp_strictly_above : forall x, x <> 0 -> 1 + x < exp x.
Proof.
  intros x nonzero. pose proof (exp_pos x).
  destruct (Rle_lt_dec (1 + x / 2) 0); [lra|].
  pose proof (exp_above_tangent (x / 2)).
  assert (exp x = exp (x / 2) * exp (x / 2)) by (rewrite <- exp_plus; f_equal; field).
  assert (0 < x * x) by nra. nra.
Qed.

Lemma exp_rises : forall x y, x < y -> exp x < exp y.
Proof.
  intros x y less. replace y with (x + (y - x)) by ring. rewrite exp_plus.
  pose proof (exp_pos x). pose proof (exp_above_tangent (y - x)). nra.
Qed.

Lemma exp_monotone : forall x y, x <= y -> exp x <= exp y.
Proof.
  intros x y [less|equal]; [left; now apply exp_rises|rewrite equal; lra].
Qed.

Lemma exp_injective : forall x y, exp x = exp y -> x = y.
Proof.
  intros x y equal. destruct (Rtotal_order x y) as [less|[same|more]]; [|assumption|].
  - apply exp_rises in less. lra.
  - apply exp_rises in more. lra.
Qed.

(** * The logarithm *)

Lemma exp_reaches : forall y, 0 < y -> {x : R | exp x = y}.
Proof.
  intros y positive.
  assert (continuous : continuity (fun x => exp x - y)).
  { apply continuity_minus; [apply derivable_continuous, derivable_exp|].
    apply continuity_const. now intros a b. }
  assert (low : exp (- / y) - y < 0).
  { pose proof (exp_strictly_above (/ y)) as above. pose proof (exp_pos (- / y)).
    assert (0 < / y) by now apply Rinv_0_lt_compat.
    assert (exp (/ y) * exp (- / y) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply
        exp_0).
    assert (y * / y = 1) by (apply Rinv_r; lra).
    assert (1 + / y < exp (/ y)) by (apply above; lra).
    assert (/ y * exp (- / y) < 1) by nra.
    assert (y * (/ y * exp (- / y)) < y * 1) by (apply Rmult_lt_compat_l; assumption).
    replace (y * (/ y * exp (- / y))) with (y * / y * exp (- / y)) in * by ring. nra. }
  assert (high : 0 < exp y - y) by (pose proof (exp_above_tangent y); lra).
  destruct (IVT (fun x => exp x - y) (- / y) y continuous) as [x [_ root]]; try
      assumption.
  - pose proof (Rinv_0_lt_compat y positive). lra.
  - exists x. simpl in root. lra.
Qed.

Definition log (y : R) : R :=
  match Rlt_dec 0 y with
  | left positive => proj1_sig (exp_reaches y positive)
  | right _ => 0
  end.

Lemma exp_log : forall y, 0 < y -> exp (log y) = y.
Proof.
  intros y positive. unfold log. destruct (Rlt_dec 0 y) as [some|]; [|contradiction].
  exact (proj2_sig (exp_reaches y some)).
Qed.

Lemma log_exp : forall x, log (exp x) = x.
Proof. intros x. apply exp_injective, exp_log, exp_pos. Qed.

Lemma log_is_ln : forall y, 0 < y -> log y = ln y.
Proof. intros y positive. apply exp_injective. now rewrite exp_log, exp_ln. Qed.

Lemma log_1 : log 1 = 0.
Proof. rewrite <- exp_0. apply log_exp. Qed.

Lemma log_mult : forall x y, 0 < x -> 0 < y -> log (x * y) = log x + log y.
Proof.
  intros x y px py. apply exp_injective. rewrite exp_plus, !exp_log; auto.
  now apply Rmult_lt_0_compat.
Qed.

Lemma log_inverse : forall x, 0 < x -> log (/ x) = - log x.
Proof.
  intros x positive. pose proof (Rinv_0_lt_compat x positive) as inverse.
  pose proof (log_mult x (/ x) positive inverse) as whole.
  rewrite Rinv_r, log_1 in whole; lra.
Qed.

Lemma log_increasing : forall x y, 0 < x -> x < y -> log x < log y.
Proof.
  intros x y positive less. apply Rnot_le_lt. intros more.
  apply exp_monotone in more. rewrite !exp_log in more; lra.
Qed.

Lemma log_monotone : forall x y, 0 < x -> x <= y -> log x <= log y.
Proof.
  intros x y positive [less|equal]; [left; now apply log_increasing|rewrite equal; lra].
Qed.

Lemma log_injective : forall x y, 0 < x -> 0 < y -> log x = log y -> x = y.
Proof.
  intros x y px py equal. rewrite <- (exp_log x), <- (exp_log y) by assumption.
  now rewrite equal.
Qed.

Lemma log_above_0 : forall x, 1 < x -> 0 < log x.
Proof. intros x above. rewrite <- log_1. apply log_increasing; lra. Qed.

(** Below its tangents, strictly but at the point itself. *)
Lemma log_at_1 : forall x, 0 < x -> log x <= x - 1.
Proof.
  intros x positive. pose proof (exp_above_tangent (log x)) as above.
  rewrite exp_log in above; lra.
Qed.

Lemma log_below_tangent : forall m p, 0 < m -> 0 < p -> log p <= log m + (p - m) / m.
Proof.
  intros m p pm pp. assert (ratio : 0 < p / m) by now apply Rdiv_lt_0_compat.
  replace p with (m * (p / m)) at 1 by (field; lra). rewrite log_mult by assumption.
  pose proof (log_at_1 _ ratio). replace ((p - m) / m) with (p / m - 1) by (field; lra).
  lra.
Qed.

Lemma log_strictly_below : forall m p, 0 < m -> 0 < p -> p <> m ->
  log p < log m + (p - m) / m.
Proof.
  intros m p pm pp differ. assert (ratio : 0 < p / m) by now apply Rdiv_lt_0_compat.
  replace p with (m * (p / m)) at 1 by (field; lra). rewrite log_mult by assumption.
  replace ((p - m) / m) with (p / m - 1) by (field; lra).
  assert (log (p / m) <> 0).
  { intros zero. apply differ. apply Rmult_eq_reg_r with (/ m).
    - rewrite Rinv_r by lra. fold (p / m). rewrite <- (exp_log (p / m)), zero by
        assumption.
      apply exp_0.
    - apply Rinv_neq_0_compat. lra. }
  pose proof (exp_strictly_above _ H) as above. rewrite exp_log in above; lra.
Qed.

Lemma slope_of_log : forall x, 0 < x -> is_derive log x (1 / x).
Proof.
  intros x positive. apply is_derive_Reals. intros eps some.
  assert (size : 0 < Rmin (x / 2) (eps * (x * x) / 2)).
  { apply Rmin_glb_lt; [lra|]. apply Rdiv_lt_0_compat; [|lra].
    apply Rmult_lt_0_compat; [assumption|nra]. }
  exists (mkposreal _ size). intros h nonzero near. simpl in near.
  pose proof (Rmin_l (x / 2) (eps * (x * x) / 2)).
  pose proof (Rmin_r (x / 2) (eps * (x * x) / 2)).
  assert (close : Rabs h < x / 2) by lra. pose proof (Rabs_def2 _ _ close) as [h1 h2].
  pose proof (log_below_tangent x (x + h)) as high.
  pose proof (log_below_tangent (x + h) x) as low.
  replace ((x + h - x) / x) with (h / x) in high by (field; lra).
  replace ((x - (x + h)) / (x + h)) with (- (h / (x + h))) in low by (field; lra).
  set (rise := log (x + h) - log x).
  assert (between : 0 <= h / x - rise <= h * h / (x * (x + h))).
  { split; [unfold rise; lra|].
    replace (h * h / (x * (x + h))) with (h / x - h / (x + h)) by (field; lra).
    unfold rise. lra. }
  replace (rise / h - 1 / x) with (- ((h / x - rise) / h)) by (field; lra).
  rewrite Rabs_Ropp. unfold Rdiv at 1. rewrite Rabs_mult, Rabs_inv.
  rewrite (Rabs_pos_eq (h / x - rise)) by lra.
  apply Rmult_lt_reg_r with (Rabs h); [now apply Rabs_pos_lt|].
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by now apply Rabs_no_R0.
  apply Rle_lt_trans with (h * h / (x * (x + h))); [lra|].
  assert (whole : x * x / 2 < x * (x + h)) by nra.
  apply Rlt_div_l; [nra|].
  assert (h * h = Rabs h * Rabs h) as -> by (unfold Rabs; destruct (Rcase_abs h); ring).
  assert (Rabs h < eps * (x * (x + h))).
  { apply Rlt_trans with (eps * (x * x / 2)); [lra|].
    now apply Rmult_lt_compat_l. }
  pose proof (Rabs_pos_lt h nonzero). nra.
Qed.

Lemma slope_of_shifted_log : forall c y x : R, 0 < x + y ->
  is_derive (fun t => c + log (t + y)) x (1 / (x + y)).
Proof.
  intros c y x positive.
  replace (1 / (x + y)) with (0 + scal 1 (1 / (x + y)))
    by (unfold scal; simpl; unfold mult; simpl; ring).
  apply slope_of_sum; [apply slope_of_constant|].
  apply (is_derive_comp log (fun t => t + y)); [now apply slope_of_log|].
  apply is_derive_ext with (fun t => y + 1 * t); [|apply slope_of_affine].
  intros t. simpl. ring.
Qed.
