(** Dice and Jaccard: E05, E17, E18, E25, E26. *)

From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Rcomplements.
From Proofs Require Import Overlap.
Import ListNotations.
Open Scope R_scope.

(** * E05 *)

Lemma jaccard_from_dice : forall tp fp fn : R, 0 <= tp -> 0 <= fp -> 0 <= fn ->
  jaccard tp fp fn = dice tp fp fn / (2 - dice tp fp fn).
Proof.
  intros tp fp fn a b c. unfold dice, jaccard.
  destruct (empty_or_not tp fp fn) as [[-> [-> ->]]|some]; auto.
  - replace (2 * 0 + 0 + 0) with 0 by ring. replace (0 + 0 + 0) with 0 by ring.
    rewrite !share_empty. lra.
  - rewrite !share_of by lra. field. lra.
Qed.

Lemma dice_between : forall tp fp fn : R, 0 <= tp -> 0 <= fp -> 0 <= fn ->
  0 <= dice tp fp fn <= 1.
Proof.
  intros tp fp fn a b c. unfold dice.
  destruct (empty_or_not tp fp fn) as [[-> [-> ->]]|some]; auto.
  - replace (2 * 0 + 0 + 0) with 0 by ring. rewrite share_empty. lra.
  - rewrite share_of by lra. split.
    + apply Rdiv_le_0_compat; lra.
    + apply Rle_div_l; lra.
Qed.

Lemma Dice_between : forall i, 0 <= Dice i <= 1.
Proof. intros. apply dice_between; auto. Qed.

Theorem E05 : forall i : image,
  Jaccard i = Dice i / (2 - Dice i) /\ Dice i = 2 * Jaccard i / (1 + Jaccard i).
Proof.
  intros i. pose proof (Dice_between i) as between.
  assert (J : Jaccard i = Dice i / (2 - Dice i)) by (apply jaccard_from_dice; auto).
  split; [exact J|]. rewrite J. field. lra.
Qed.

Theorem E05_twin : ~ (forall i : image,
  Jaccard i = Dice i / (3 - Dice i) /\ Dice i = 2 * Jaccard i / (1 + Jaccard i)).
Proof.
  intros wrong. destruct (wrong [(true, true)]) as [J _].
  unfold Jaccard, Dice, jaccard, dice, TP, FP, FN, number in J. simpl in J.
  rewrite !share_of in J; lra.
Qed.

(** J as a function of D, and how far below it is. *)
Lemma Jaccard_of_Dice : forall i, Jaccard i = Dice i / (2 - Dice i).
Proof. intros. apply E05. Qed.

(** * E17 *)

(** One pixel right, and others predicted in vain. *)
Definition one_right (fp : nat) := pixels 1 fp 0 0.

Lemma one_right_counts : forall n,
  TP (one_right n) = 1%nat /\ FP (one_right n) = n /\ FN (one_right n) = 0%nat.
Proof. intros. destruct (counts_of_pixels 1 n 0 0) as (? & ? & ? & ?). auto. Qed.

Theorem E17 : relative_error Dice Jaccard 1.
Proof.
  split.
  - split; [lra|]. intros i. rewrite Jaccard_of_Dice.
    pose proof (Dice_between i) as [low high]. split.
    + apply Rle_trans with (Dice i / (2 - Dice i)).
      * rewrite <- (Rmult_1_r (_ / (2 - _))) at 2. unfold Rdiv at 1.
        apply Rmult_le_compat_l; [apply Rdiv_le_0_compat; lra|lra].
      * apply Rle_div_l; nra.
    + replace (Dice i / (2 - Dice i) * (1 + 1)) with (2 * Dice i / (2 - Dice i))
        by (field; lra).
      apply Rle_div_r; nra.
  - intros e [positive approximates].
    destruct (Rle_lt_dec 1 e) as [|small]; [assumption|exfalso].
    destruct (nfloor_ex (2 / (1 - e))) as [n [_ n_large]].
    { apply Rdiv_le_0_compat; lra. }
    destruct (approximates (one_right (S n))) as [_ bound].
    destruct (one_right_counts (S n)) as (tp & fp & fn).
    unfold Dice, Jaccard, dice, jaccard in bound. rewrite tp, fp, fn in bound.
    assert (large : 2 < (1 - e) * S n).
    { rewrite S_INR, Rmult_comm. apply Rlt_div_l; lra. }
    simpl (INR 0) in bound. simpl (INR 1) in bound.
    pose proof (count_nonneg (S n)) as some.
    rewrite !share_of in bound by lra.
    apply Rmult_le_compat_r with (r := (2 + S n) * (1 + S n)) in bound; [|nra].
    field_simplify in bound; [|lra|lra].
    nra.
Qed.

Theorem E17_twin : ~ relative_error Dice Jaccard (1 - / 1000000).
Proof. intros [approximates _]. apply E17 in approximates. lra. Qed.

(** * E18 *)

Lemma root_2 : sqrt 2 * sqrt 2 = 2 /\ 1.4 < sqrt 2 < 1.5.
Proof.
  assert (square : sqrt 2 * sqrt 2 = 2) by (apply sqrt_sqrt; lra).
  pose proof (sqrt_pos 2). repeat split; nra.
Qed.

(** The gap falls short of 3 - 2 sqrt 2 by a square. *)
Lemma gap_of_jaccard : forall j : R, 0 <= j ->
  2 * j / (1 + j) - j = 3 - 2 * sqrt 2 - (j - (sqrt 2 - 1)) ^ 2 / (1 + j).
Proof.
  intros j positive. destruct root_2 as [square _].
  apply Rmult_eq_reg_r with (1 + j); [|lra]. field_simplify; [|lra|lra]. nra.
Qed.

Lemma Jaccard_between : forall i, 0 <= Jaccard i <= 1.
Proof.
  intros i. rewrite Jaccard_of_Dice. pose proof (Dice_between i). split.
  - apply Rdiv_le_0_compat; lra.
  - apply Rle_div_l; lra.
Qed.

Lemma gap : forall i, Rabs (Dice i - Jaccard i) =
  3 - 2 * sqrt 2 - (Jaccard i - (sqrt 2 - 1)) ^ 2 / (1 + Jaccard i).
Proof.
  intros i. pose proof (Jaccard_between i) as between.
  rewrite <- gap_of_jaccard by apply between.
  replace (Dice i) with (2 * Jaccard i / (1 + Jaccard i)) by (symmetry; apply E05).
  apply Rabs_pos_eq.
  replace (2 * Jaccard i / (1 + Jaccard i) - Jaccard i)
    with (Jaccard i * (1 - Jaccard i) / (1 + Jaccard i)) by (field; lra).
  apply Rdiv_le_0_compat; nra.
Qed.

(** Masks with Jaccard index m / n. *)
Lemma any_jaccard : forall m n : nat, (0 < n)%nat -> (m <= n)%nat ->
  Jaccard (pixels m (n - m) 0 0) = m / n.
Proof.
  intros m n some part. unfold Jaccard, jaccard.
  destruct (counts_of_pixels m (n - m) 0 0) as (-> & -> & -> & _).
  rewrite minus_INR by assumption. simpl (INR 0).
  apply lt_0_INR in some. rewrite share_of by lra. field. lra.
Qed.

(** Hard masks come as near as one likes: J = m / n within 1 / n of sqrt 2 - 1. *)
Lemma gap_approached : forall less, less < 3 - 2 * sqrt 2 ->
  exists i, less < Rabs (Dice i - Jaccard i).
Proof.
  intros less below. destruct root_2 as [square size].
  set (room := 3 - 2 * sqrt 2 - less).
  destruct (nfloor_ex (1 / room)) as [k [_ large]].
  { apply Rdiv_le_0_compat; unfold room; lra. }
  set (n := S k).
  destruct (nfloor_ex ((sqrt 2 - 1) * n)) as [m [low high]].
  { apply Rmult_le_pos; [lra|auto]. }
  assert (n_large : 1 / room < n) by (unfold n; rewrite S_INR; exact large).
  assert (some : 1 <= n).
  { unfold n. rewrite S_INR. pose proof (count_nonneg k). lra. }
  assert (part : (m <= n)%nat) by (apply INR_le; nra).
  exists (pixels m (n - m) 0 0). rewrite gap, any_jaccard by (auto; unfold n; lia).
  apply Rlt_div_l in n_large; [|unfold room; lra].
  set (far := m / n - (sqrt 2 - 1)).
  assert (near : - 1 < far * n <= 0).
  { unfold far. replace ((m / n - (sqrt 2 - 1)) * n) with (m - (sqrt 2 - 1) * n)
      by (field; lra). lra. }
  assert (0 <= m / n) by (apply Rdiv_le_0_compat; [auto|lra]).
  assert (far ^ 2 / (1 + m / n) < room).
  { apply Rlt_div_l; [lra|].
    assert (far ^ 2 < room); [|nra].
    assert (far ^ 2 * (n * n) < room * (n * n)); [|nra].
    replace (far ^ 2 * (n * n)) with ((far * n) * (far * n)) by ring. nra. }
  unfold room in *. lra.
Qed.

(** sqrt 2 is no ratio of natural numbers, by descent. *)
Lemma no_root : forall n m : nat, (m * m = 2 * (n * n))%nat -> n = 0%nat.
Proof.
  induction n as [n descent] using lt_wf_ind. intros m equal.
  destruct (Nat.Even_or_Odd m) as [[half ->]|[half ->]]; [|lia].
  destruct (Nat.Even_or_Odd n) as [[other ->]|[other ->]]; [|lia].
  destruct (Nat.eq_dec other 0) as [->|nonzero]; [reflexivity|].
  exfalso. apply nonzero. apply (descent other) with half; lia.
Qed.

Lemma gap_never_reached : forall i, Rabs (Dice i - Jaccard i) <> 3 - 2 * sqrt 2.
Proof.
  intros i reached. rewrite gap in reached. destruct root_2 as [square size].
  pose proof (Jaccard_between i) as between.
  assert (at_root : Jaccard i = sqrt 2 - 1).
  { assert ((Jaccard i - (sqrt 2 - 1)) ^ 2 = 0); [|nra].
    apply Rmult_eq_reg_r with (/ (1 + Jaccard i)); [|apply Rinv_neq_0_compat; lra].
    unfold Rdiv in reached. lra. }
  unfold Jaccard, jaccard, share in at_root.
  destruct (Req_EM_T (TP i + FP i + FN i) 0) as [|some]; [lra|].
  assert (ratio : sqrt 2 * (TP i + FP i + FN i) = TP i + TP i + FP i + FN i).
  { replace (sqrt 2) with (TP i / (TP i + FP i + FN i) + 1) by lra. field. lra. }
  assert (whole : (TP i + FP i + FN i = 0)%nat).
  { apply no_root with (TP i + TP i + FP i + FN i)%nat. apply INR_eq.
    rewrite !mult_INR, !plus_INR, <- ratio. replace (INR 2) with (sqrt 2 * sqrt 2)
      by (rewrite square; reflexivity). ring. }
  apply some. rewrite <- !plus_INR. now rewrite whole.
Qed.

Lemma gap_bounded : forall i, Rabs (Dice i - Jaccard i) <= 3 - 2 * sqrt 2.
Proof.
  intros i. rewrite gap. pose proof (Jaccard_between i) as between.
  assert (0 <= (Jaccard i - (sqrt 2 - 1)) ^ 2 / (1 + Jaccard i)); [|lra].
  apply Rdiv_le_0_compat; [apply pow2_ge_0|lra].
Qed.

(** Over D in [0, 1] the gap is J's complement to D, largest at 2 - sqrt 2 alone. *)
Lemma gap_of_dice : forall d, 0 <= d <= 1 ->
  Rabs (d - d / (2 - d)) = 3 - 2 * sqrt 2 - (d - (2 - sqrt 2)) ^ 2 / (2 - d).
Proof.
  intros d between. destruct root_2 as [square _].
  replace (d - d / (2 - d)) with (d * (1 - d) / (2 - d)) by (field; lra).
  rewrite Rabs_pos_eq by (apply Rdiv_le_0_compat; nra).
  apply Rmult_eq_reg_r with (2 - d); [|lra]. field_simplify; [|lra|lra]. nra.
Qed.

Theorem E18 :
  absolute_error Dice Jaccard (3 - 2 * sqrt 2) /\
  (forall i, Rabs (Dice i - Jaccard i) <> 3 - 2 * sqrt 2) /\
  (forall d, 0 <= d <= 1 ->
    (Rabs (d - d / (2 - d)) = 3 - 2 * sqrt 2 <-> d = 2 - sqrt 2)).
Proof.
  repeat split.
  - intros x [i ->]. apply gap_bounded.
  - intros bound above. apply Rnot_lt_le. intros below.
    destruct (gap_approached bound below) as [i more].
    apply (Rlt_not_le _ _ more), above. now exists i.
  - apply gap_never_reached.
  - intros reached. rewrite gap_of_dice in reached by assumption.
    assert ((d - (2 - sqrt 2)) ^ 2 = 0); [|nra].
    apply Rmult_eq_reg_r with (/ (2 - d)); [|apply Rinv_neq_0_compat; lra].
    unfold Rdiv in reached. lra.
  - intros ->. destruct root_2 as [_ size]. rewrite gap_of_dice by lra. field. lra.
Qed.

Theorem E18_twin : ~
  (absolute_error Dice Jaccard (3 - 2 * sqrt 2 - / 1000000) /\
  (forall i, Rabs (Dice i - Jaccard i) <> 3 - 2 * sqrt 2) /\
  (forall d, 0 <= d <= 1 ->
    (Rabs (d - d / (2 - d)) = 3 - 2 * sqrt 2 <-> d = 2 - sqrt 2))).
Proof.
  intros [[above _] _].
  destruct (gap_approached (3 - 2 * sqrt 2 - / 1000000)) as [i more]; [lra|].
  apply (Rlt_not_le _ _ more), above. now exists i.
Qed.

(** * E25 *)

Theorem E25 :
  (forall i, 1 - Dice i <= 1 - Jaccard i) /\
  (forall l, is_law l -> E (fun i => 1 - Dice i) l <= E (fun i => 1 - Jaccard i) l).
Proof.
  assert (pointwise : forall i, 1 - Dice i <= 1 - Jaccard i).
  { intros i. pose proof (Dice_between i). rewrite Jaccard_of_Dice.
    assert (Dice i / (2 - Dice i) <= Dice i); [|lra]. apply Rle_div_l; nra. }
  split; [assumption|]. intros l ok. now apply E_monotone.
Qed.

Theorem E25_twin : ~
  ((forall i, 1 - Dice i < 1 - Jaccard i) /\
  (forall l, is_law l -> E (fun i => 1 - Dice i) l <= E (fun i => 1 - Jaccard i) l)).
Proof.
  intros [wrong _]. specialize (wrong []).
  unfold Jaccard, Dice, jaccard, dice, TP, FP, FN, number in wrong. simpl in wrong.
  replace (2 * 0 + 0 + 0) with 0 in wrong by ring.
  replace (0 + 0 + 0) with 0 in wrong by ring. rewrite !share_empty in wrong. lra.
Qed.

(** * E26 *)

Definition phi (x : R) := 2 * x / (1 + x).

Lemma phi_of_dice : forall i, 1 - Jaccard i = phi (1 - Dice i).
Proof.
  intros i. pose proof (Dice_between i). rewrite Jaccard_of_Dice. unfold phi.
  field. lra.
Qed.

Lemma phi_below_tangent : forall m x, 0 <= m -> 0 <= x ->
  phi x <= phi m + 2 / (1 + m) ^ 2 * (x - m).
Proof.
  intros m x a b. unfold phi.
  assert (0 <= 2 * (x - m) ^ 2 / ((1 + x) * (1 + m) ^ 2)) as square.
  { apply Rdiv_le_0_compat.
    - pose proof (pow2_ge_0 (x - m)). lra.
    - apply Rmult_lt_0_compat; [lra|apply pow_lt; lra]. }
  replace (2 * x / (1 + x)) with (2 * m / (1 + m) + 2 / (1 + m) ^ 2 * (x - m)
    - 2 * (x - m) ^ 2 / ((1 + x) * (1 + m) ^ 2)) by (field; lra). lra.
Qed.

Lemma E_of_dice_loss_between : forall l, is_law l ->
  0 <= E (fun i => 1 - Dice i) l <= 1.
Proof.
  intros l ok. apply E_between; [assumption|]. intros i.
  pose proof (Dice_between i). lra.
Qed.

Lemma E_of_phi : forall l, is_law l ->
  E (fun i => phi (1 - Dice i)) l <= phi (E (fun i => 1 - Dice i) l).
Proof.
  intros l ok. pose proof (E_of_dice_loss_between l ok) as between.
  set (m := E (fun i => 1 - Dice i) l) in *. set (slope := 2 / (1 + m) ^ 2).
  apply Rle_trans with (E (fun i => (phi m - slope * m) + slope * (1 - Dice i)) l).
  - apply E_monotone; auto. intros i. pose proof (Dice_between i).
    assert (phi (1 - Dice i) <= phi m + slope * (1 - Dice i - m)); [|lra].
    apply phi_below_tangent; lra.
  - rewrite E_plus, E_constant, E_scale by assumption. fold m. lra.
Qed.

Theorem E26 :
  (forall l, is_law l ->
    E (fun i => 1 - Jaccard i) l = E (fun i => phi (1 - Dice i)) l /\
    E (fun i => phi (1 - Dice i)) l <= phi (E (fun i => 1 - Dice i) l)) /\
  (forall x y, 0 <= x -> x < y -> y <= 1 -> phi x < phi y).
Proof.
  split.
  - intros l ok. split; [apply E_equal, phi_of_dice | now apply E_of_phi].
  - intros x y low less high. unfold phi. apply Rminus_gt_0_lt.
    replace (2 * y / (1 + y) - 2 * x / (1 + x))
      with (2 * (y - x) / ((1 + x) * (1 + y))) by (field; lra).
    apply Rdiv_lt_0_compat; [lra|]. apply Rmult_lt_0_compat; lra.
Qed.

(** Half of the images perfect, half missed. *)
Definition half_missed : law :=
  [(/ 2, pixels 1 0 0 0); (/ 2, pixels 0 0 1 0)].

Lemma perfect : forall n : nat, Dice (pixels (S n) 0 0 0) = 1.
Proof.
  intros n. unfold Dice, dice.
  destruct (counts_of_pixels (S n) 0 0 0) as (-> & -> & -> & _). simpl (INR 0).
  rewrite S_INR. pose proof (count_nonneg n). rewrite share_of by lra. field. lra.
Qed.

Lemma missed : forall n : nat, Dice (pixels 0 0 (S n) 0) = 0.
Proof.
  intros n. unfold Dice, dice.
  destruct (counts_of_pixels 0 0 (S n) 0) as (-> & -> & -> & _). simpl (INR 0).
  rewrite S_INR. pose proof (count_nonneg n). rewrite share_of by lra. field. lra.
Qed.

Theorem E26_twin : ~
  ((forall l, is_law l ->
    E (fun i => 1 - Jaccard i) l = E (fun i => phi (1 - Dice i)) l /\
    E (fun i => phi (1 - Dice i)) l >= phi (E (fun i => 1 - Dice i) l)) /\
  (forall x y, 0 <= x -> x < y -> y <= 1 -> phi x < phi y)).
Proof.
  intros [wrong _]. destruct (wrong half_missed) as [_ above].
  - split; [|simpl; lra]. simpl. intros w i [H|[H|[]]]; inversion H; lra.
  - unfold half_missed, E in above. simpl in above.
    rewrite (perfect 0), (missed 0) in above. unfold phi in above.
    replace (2 * (1 - 1) / (1 + (1 - 1))) with 0 in above by field.
    replace (2 * (1 - 0) / (1 + (1 - 0))) with 1 in above by field.
    replace (2 * (/ 2 * (1 - 1) + (/ 2 * (1 - 0) + 0)) /
      (1 + (/ 2 * (1 - 1) + (/ 2 * (1 - 0) + 0)))) with (2 / 3) in above by field.
    lra.
Qed.

(** * N17 *)

(** Missed with probability sqrt 2 - 1, else perfect. *)
Definition bernoulli : law :=
  [(2 - sqrt 2, pixels 1 0 0 0); (sqrt 2 - 1, pixels 0 0 1 0)].

Lemma bernoulli_is_law : is_law bernoulli.
Proof.
  destruct root_2 as [_ size].
  split; [|simpl; lra]. simpl. intros w i [H|[H|[]]]; inversion H; lra.
Qed.

Lemma phi_gap : forall m, 0 <= m -> phi m - m <= 3 - 2 * sqrt 2.
Proof.
  intros m positive. unfold phi. rewrite gap_of_jaccard by assumption.
  assert (0 <= (m - (sqrt 2 - 1)) ^ 2 / (1 + m)); [|lra].
  apply Rdiv_le_0_compat; [apply pow2_ge_0|lra].
Qed.

Theorem N17 :
  (forall l, is_law l ->
    0 <= phi (E (fun i => 1 - Dice i) l) - E (fun i => 1 - Jaccard i) l
      <= 3 - 2 * sqrt 2) /\
  (is_law bernoulli /\
    phi (E (fun i => 1 - Dice i) bernoulli) - E (fun i => 1 - Jaccard i) bernoulli
      = 3 - 2 * sqrt 2).
Proof.
  split; [intros l ok; split|split].
  - rewrite (E_equal _ _ l phi_of_dice). pose proof (E_of_phi l ok). lra.
  - pose proof (E_of_dice_loss_between l ok) as [low _].
    pose proof (phi_gap _ low). destruct E25 as [_ order]. specialize (order l ok). lra.
  - apply bernoulli_is_law.
  - rewrite (E_equal _ _ bernoulli phi_of_dice). destruct root_2 as [square size].
    unfold bernoulli, E, phi. simpl. rewrite (perfect 0), (missed 0).
    field_simplify; [|lra]. apply Rmult_eq_reg_r with (sqrt 2); [|lra].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. nra.
Qed.

Theorem N17_twin : ~
  ((forall l, is_law l ->
    0 <= phi (E (fun i => 1 - Dice i) l) - E (fun i => 1 - Jaccard i) l
      <= 3 - 2 * sqrt 2 - / 1000000) /\
  (is_law bernoulli /\
    phi (E (fun i => 1 - Dice i) bernoulli) - E (fun i => 1 - Jaccard i) bernoulli
      = 3 - 2 * sqrt 2)).
Proof.
  intros [bound [ok reached]]. specialize (bound bernoulli ok). lra.
Qed.
