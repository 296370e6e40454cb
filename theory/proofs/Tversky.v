(** Tversky and Dice: E27, E29, E30. *)

From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Rcomplements Hierarchy Derive.
From Proofs Require Import Overlap Slopes DiceJaccard.
Import ListNotations.
Open Scope R_scope.

(** * E27 *)

(** The largest error with one kind of mistake of this weight. *)
Definition edge (w : R) := Rabs (sqrt (2 * w) - 1) / (sqrt (2 * w) + 1).

Lemma root_of : forall w, 0 < w -> 0 < sqrt (2 * w) /\ sqrt (2 * w) ^ 2 = 2 * w.
Proof.
  intros w positive. split; [apply sqrt_lt_R0; lra|]. apply pow2_sqrt. lra.
Qed.

Lemma edge_of_root : forall w, 0 < w ->
  edge w = Rabs ((sqrt (2 * w) - 1) / (sqrt (2 * w) + 1)).
Proof.
  intros w positive. destruct (root_of w positive). unfold edge, Rdiv.
  rewrite Rabs_mult, (Rabs_pos_eq (/ _)); [reflexivity|].
  left. apply Rinv_0_lt_compat. lra.
Qed.

(** With u = (FP + FN) / (2 TP) and mistakes of the weight w the error falls short of
    the
    largest by a square. *)
Lemma error_of : forall w u, 0 < w -> 0 <= u ->
  let root := sqrt (2 * w) in
  1 / (1 + u) - 1 / (1 + 2 * w * u) = (root - 1) / (root + 1)
    * (1 - (root * u - 1) ^ 2 / ((1 + u) * (1 + 2 * w * u))).
Proof.
  intros w u positive some root. destruct (root_of w positive) as [above square].
  fold root in above, square. rewrite <- square. field.
  repeat split; nra.
Qed.

Lemma shortfall_between : forall w u, 0 < w -> 0 <= u ->
  let short := (sqrt (2 * w) * u - 1) ^ 2 / ((1 + u) * (1 + 2 * w * u)) in
  0 <= short <= 1 /\ short <= (sqrt (2 * w) * u - 1) ^ 2.
Proof.
  intros w u positive some short. destruct (root_of w positive) as [above square].
  assert (0 <= w * u) by (apply Rmult_le_pos; lra).
  assert (whole : 1 <= (1 + u) * (1 + 2 * w * u)) by nra.
  pose proof (pow2_ge_0 (sqrt (2 * w) * u - 1)).
  unfold short. repeat split.
  - apply Rdiv_le_0_compat; lra.
  - apply Rle_div_l; nra.
  - apply Rle_div_l; nra.
Qed.

Lemma error_within : forall w u, 0 < w -> 0 <= u ->
  Rabs (1 / (1 + u) - 1 / (1 + 2 * w * u)) <= edge w.
Proof.
  intros w u positive some. rewrite error_of, edge_of_root, Rabs_mult by assumption.
  pose proof (shortfall_between w u positive some).
  rewrite <- Rmult_1_r. apply Rmult_le_compat_l; [apply Rabs_pos|].
  rewrite Rabs_pos_eq; lra.
Qed.

(** The error grows away from 1/2 on either side. *)
Lemma edge_between : forall low w high, 0 < low -> low <= w <= high ->
  edge w <= Rmax (edge low) (edge high).
Proof.
  intros low w high positive [above below]. rewrite !edge_of_root by lra.
  assert (rises : forall v w, 0 < v -> v <= w ->
    (sqrt (2 * v) - 1) / (sqrt (2 * v) + 1) <= (sqrt (2 * w) - 1) / (sqrt (2 * w) + 1)).
  { intros u v a b. destruct (root_of u a) as [c _].
    assert (sqrt (2 * u) <= sqrt (2 * v)) by (apply sqrt_le_1_alt; lra).
    apply Rminus_le_0.
    replace (_ - _) with (2 * (sqrt (2 * v) - sqrt (2 * u))
      / ((sqrt (2 * v) + 1) * (sqrt (2 * u) + 1))) by (field; lra).
    apply Rdiv_le_0_compat; nra. }
  pose proof (rises low w positive above). pose proof (rises w high).
  assert (0 < w) by lra. set (x := (sqrt (2 * w) - 1) / (sqrt (2 * w) + 1)) in *.
  pose proof (Rmax_l (Rabs ((sqrt (2 * low) - 1) / (sqrt (2 * low) + 1)))
    (Rabs ((sqrt (2 * high) - 1) / (sqrt (2 * high) + 1)))).
  pose proof (Rmax_r (Rabs ((sqrt (2 * low) - 1) / (sqrt (2 * low) + 1)))
    (Rabs ((sqrt (2 * high) - 1) / (sqrt (2 * high) + 1)))).
  apply Rabs_le. split.
  - pose proof (Rle_abs (- ((sqrt (2 * low) - 1) / (sqrt (2 * low) + 1)))) as h.
    rewrite Rabs_Ropp in h. lra.
  - pose proof (Rle_abs ((sqrt (2 * high) - 1) / (sqrt (2 * high) + 1))). lra.
Qed.

(** Dice and Tversky of counts with a hit, through the weighted mean of the weights. *)
Lemma error_of_counts : forall alpha beta tp fp fn : R, 0 < alpha -> 0 < beta ->
  0 < tp -> 0 <= fp -> 0 <= fn -> 0 < fp + fn ->
  let w := (alpha * fp + beta * fn) / (fp + fn) in
  let u := (fp + fn) / (2 * tp) in
  dice tp fp fn - tversky alpha beta tp fp fn = 1 / (1 + u) - 1 / (1 + 2 * w * u).
Proof.
  intros alpha beta tp fp fn a b hit false missed some w u.
  unfold dice, tversky, w, u.
  assert (0 <= alpha * fp) by (apply Rmult_le_pos; lra).
  assert (0 <= beta * fn) by (apply Rmult_le_pos; lra).
  rewrite !share_of by lra. field. repeat split; lra.
Qed.

Lemma no_hit : forall alpha beta fp fn : R, 0 < alpha -> 0 < beta ->
  0 <= fp -> 0 <= fn -> dice 0 fp fn = tversky alpha beta 0 fp fn.
Proof.
  intros alpha beta fp fn a b false missed. unfold dice, tversky.
  destruct (Req_dec (fp + fn) 0).
  - replace fp with 0 by lra. replace fn with 0 by lra.
    replace (2 * 0 + 0 + 0) with 0 by ring.
    replace (0 + alpha * 0 + beta * 0) with 0 by ring. now rewrite !share_empty.
  - assert (0 < alpha * fp + beta * fn).
    { destruct (Req_dec fp 0) as [->|].
      - apply Rplus_le_lt_0_compat; [lra|]. apply Rmult_lt_0_compat; lra.
      - apply Rplus_lt_le_0_compat;
          [apply Rmult_lt_0_compat|apply Rmult_le_pos]; lra. }
    rewrite !share_of by lra. unfold Rdiv. ring.
Qed.

Lemma no_mistake : forall alpha beta tp : R, 0 < tp ->
  dice tp 0 0 = 1 /\ tversky alpha beta tp 0 0 = 1.
Proof.
  intros alpha beta tp hit. unfold dice, tversky. rewrite !share_of by lra.
  split; field; lra.
Qed.

Lemma edge_nonneg : forall w, 0 < w -> 0 <= edge w.
Proof. intros. rewrite edge_of_root by assumption. apply Rabs_pos. Qed.

Lemma within_edges : forall alpha beta tp fp fn : R, 0 < alpha -> 0 < beta ->
  0 <= tp -> 0 <= fp -> 0 <= fn ->
  Rabs (dice tp fp fn - tversky alpha beta tp fp fn) <= Rmax (edge alpha) (edge beta).
Proof.
  intros alpha beta tp fp fn a b hit false missed.
  assert (trivial : Rabs 0 <= Rmax (edge alpha) (edge beta)).
  { rewrite Rabs_R0. apply Rle_trans with (edge alpha);
      [now apply edge_nonneg|apply Rmax_l]. }
  destruct (Req_dec tp 0) as [->|].
  { rewrite (no_hit alpha beta), Rminus_eq_0 by assumption. exact trivial. }
  destruct (Req_dec (fp + fn) 0).
  { replace fp with 0 by lra. replace fn with 0 by lra.
    destruct (no_mistake alpha beta tp) as [-> ->]; [lra|].
    rewrite Rminus_eq_0. exact trivial. }
  rewrite error_of_counts by lra. cbv zeta.
  set (w := (alpha * fp + beta * fn) / (fp + fn)).
  assert (Rmin alpha beta <= w <= Rmax alpha beta) as between.
  { unfold w. split; [apply Rle_div_r|apply Rle_div_l]; try lra.
    - pose proof (Rmin_l alpha beta). pose proof (Rmin_r alpha beta). nra.
    - pose proof (Rmax_l alpha beta). pose proof (Rmax_r alpha beta). nra. }
  assert (0 < Rmin alpha beta) by now apply Rmin_glb_lt.
  apply Rle_trans with (edge w).
  - apply error_within; [lra|]. apply Rdiv_le_0_compat; lra.
  - apply Rle_trans with (Rmax (edge (Rmin alpha beta)) (edge (Rmax alpha beta))).
    + now apply edge_between.
    + unfold Rmin, Rmax at 2. destruct (Rle_dec alpha beta); [lra|].
      rewrite Rmax_comm. lra.
Qed.

(** n hits and floor(2 n / sqrt(2 w)) mistakes of one kind come near its largest error.
    *)
Lemma near_an_edge : forall w less, 0 < w -> less < edge w ->
  exists n m : nat, (0 < n)%nat /\
    less < Rabs (1 / (1 + m / (2 * n)) - 1 / (1 + 2 * w * (m / (2 * n)))).
Proof.
  intros w less positive below. destruct (root_of w positive) as [above square].
  set (root := sqrt (2 * w)) in above, square. set (room := edge w - less).
  assert (some_room : 0 < room) by (unfold room; lra).
  destruct (nfloor_ex (root / room + root)) as [k [_ large]].
  { apply Rplus_le_le_0_compat; [apply Rdiv_le_0_compat|]; lra. }
  set (n := S k). exists n.
  assert (n_large : root / room + root < n) by (unfold n; rewrite S_INR; exact large).
  assert (0 <= root / room) by (apply Rdiv_le_0_compat; lra).
  assert (n_some : 0 < n) by lra.
  destruct (nfloor_ex (2 * n / root)) as [m [low high]].
  { apply Rdiv_le_0_compat; lra. }
  exists m. split; [unfold n; lia|].
  assert (u_some : 0 <= m / (2 * n)) by (apply Rdiv_le_0_compat; [auto|lra]).
  set (u := m / (2 * n)) in *.
  rewrite error_of, Rabs_mult by assumption. fold root. unfold room in *.
  pose proof (edge_of_root w positive) as at_edge. fold root in at_edge.
  rewrite <- at_edge. set (top := edge w) in *.
  assert (top_small : 0 <= top <= 1).
  { rewrite at_edge. split; [apply Rabs_pos|]. apply Rabs_le. split.
    - apply Rle_div_r; lra.
    - apply Rle_div_l; lra. }
  destruct (shortfall_between w u positive u_some) as [between short]. fold root in
      between, short.
  set (lost := (root * u - 1) ^ 2 / ((1 + u) * (1 + 2 * w * u))) in *.
  rewrite (Rabs_pos_eq (1 - lost)) by lra.
  assert (lost < top - less); [|nra].
  apply Rle_lt_trans with ((root * u - 1) ^ 2); [assumption|].
  assert (near : - root < (root * u - 1) * (2 * n) <= 0).
  { replace ((root * u - 1) * (2 * n)) with (root * m - 2 * n)
      by (unfold u; field; lra).
    apply Rle_div_r in low; [|lra].
    assert (2 * n < (m + 1) * root) by (apply Rlt_div_l; assumption). lra. }
  assert (root < (top - less) * n).
  { assert (root / (top - less) < n) as big by lra. apply Rlt_div_l in big; lra. }
  assert (root < n) by lra.
  set (far := root * u - 1) in *.
  assert (far ^ 2 * (4 * n * n) < (top - less) * (4 * n * n)); [|nra].
  replace (far ^ 2 * (4 * n * n)) with ((far * (2 * n)) * (far * (2 * n))) by ring.
  nra.
Qed.

Theorem E27 : forall alpha beta, 0 < alpha -> 0 < beta ->
  absolute_error Dice (Tversky alpha beta)
    (Rmax (Rabs (sqrt (2 * alpha) - 1) / (sqrt (2 * alpha) + 1))
          (Rabs (sqrt (2 * beta) - 1) / (sqrt (2 * beta) + 1))).
Proof.
  intros alpha beta a b. fold (edge alpha) (edge beta). split.
  - intros x [i ->]. now apply within_edges.
  - intros bound above. apply Rnot_lt_le. intros below.
    assert (least : forall i, Rabs (Dice i - Tversky alpha beta i) <= bound).
    { intros i. apply above. now exists i. }
    assert (bound < edge alpha \/ bound < edge beta) as [small|small].
    { unfold Rmax in below. destruct (Rle_dec (edge alpha) (edge beta)); auto. }
    + destruct (near_an_edge alpha bound a small) as (n & m & some & more).
      specialize (least (pixels n m 0 0)). apply (Rlt_not_le _ _ more).
      unfold Dice, Tversky in least.
      destruct (counts_of_pixels n m 0 0) as (tp & fp & fn & _).
      rewrite tp, fp, fn in least. simpl (INR 0) in least.
      apply lt_0_INR in some. destruct (Req_dec m 0) as [none|].
      * exfalso. rewrite none in more. unfold Rdiv in more.
        rewrite !Rmult_0_l, Rmult_0_r, !Rplus_0_r, Rminus_eq_0, Rabs_R0 in more.
        pose proof (Rabs_pos (dice n m 0 - tversky alpha beta n m 0)). lra.
      * pose proof (count_nonneg m). rewrite error_of_counts in least by lra.
        cbv zeta in least. rewrite Rmult_0_r, !Rplus_0_r in least.
        replace (alpha * m / m) with alpha in least by (field; assumption). exact least.
    + destruct (near_an_edge beta bound b small) as (n & m & some & more).
      specialize (least (pixels n 0 m 0)). apply (Rlt_not_le _ _ more).
      unfold Dice, Tversky in least.
      destruct (counts_of_pixels n 0 m 0) as (tp & fp & fn & _).
      rewrite tp, fp, fn in least. simpl (INR 0) in least.
      apply lt_0_INR in some. destruct (Req_dec m 0) as [none|].
      * exfalso. rewrite none in more. unfold Rdiv in more.
        rewrite !Rmult_0_l, Rmult_0_r, !Rplus_0_r, Rminus_eq_0, Rabs_R0 in more.
        pose proof (Rabs_pos (dice n 0 m - tversky alpha beta n 0 m)). lra.
      * pose proof (count_nonneg m). rewrite error_of_counts in least by lra.
        cbv zeta in least. rewrite Rmult_0_r, !Rplus_0_l in least.
        replace (beta * m / m) with beta in least by (field; assumption). exact least.
Qed.

Theorem E27_twin : ~ (forall alpha beta, 0 < alpha -> 0 < beta ->
  absolute_error Dice (Tversky alpha beta)
    (Rmin (Rabs (sqrt (2 * alpha) - 1) / (sqrt (2 * alpha) + 1))
          (Rabs (sqrt (2 * beta) - 1) / (sqrt (2 * beta) + 1)))).
Proof.
  intros wrong.
  assert (half : edge (/ 2) = 0).
  { unfold edge. replace (2 * / 2) with 1 by field. rewrite sqrt_1.
    rewrite Rminus_eq_0, Rabs_R0. unfold Rdiv. ring. }
  assert (two : edge 2 = / 3).
  { unfold edge. replace (2 * 2) with (2 ^ 2) by ring.
    rewrite sqrt_pow2, Rabs_pos_eq by lra. field. }
  destruct (E27 (/ 2) 2) as [_ least]; [lra|lra|].
  destruct (wrong (/ 2) 2) as [above _]; [lra|lra|].
  specialize (least _ above). fold (edge (/ 2)) (edge 2) in least.
  rewrite half, two, Rmax_right, Rmin_left in least; lra.
Qed.

(** * E29 *)

Lemma positive_mix : forall alpha beta tp fp fn : R, 0 < alpha -> 0 < beta ->
  0 < tp -> 0 <= fp -> 0 <= fn -> 0 < tp + alpha * fp + beta * fn.
Proof.
  intros. assert (0 <= alpha * fp) by (apply Rmult_le_pos; lra).
  assert (0 <= beta * fn) by (apply Rmult_le_pos; lra). lra.
Qed.

(** T as mass moves from the missed pixels to the false ones. *)
Lemma slope_of_tversky : forall alpha beta a b c : R, 0 < alpha -> 0 < beta ->
  0 <= a -> 0 < b -> 0 <= c ->
  is_derive (fun t => tversky alpha beta b (a + t) (c - t)) 0
    (- ((alpha - beta) * b / (b + alpha * a + beta * c) ^ 2)).
Proof.
  intros alpha beta a b c pa pb na nb nc.
  pose proof (positive_mix alpha beta b a c pa pb nb na nc) as whole.
  apply is_derive_ext_loc with
    (fun t => b / (b + alpha * (a + t) + beta * (c - t))).
  - assert (size : 0 < b / (alpha + beta)) by (apply Rdiv_lt_0_compat; lra).
    exists (mkposreal _ size). intros t near. unfold ball in near. simpl in near.
    unfold AbsRing_ball, abs, minus, plus, opp in near. simpl in near.
    rewrite Ropp_0, Rplus_0_r in near. apply Rlt_div_r in near; [|lra].
    unfold tversky. rewrite share_of; [reflexivity|].
    assert (0 <= alpha * a) by (apply Rmult_le_pos; lra).
    assert (0 <= beta * c) by (apply Rmult_le_pos; lra).
    assert (Rabs (alpha * t - beta * t) < b).
    { replace (alpha * t - beta * t) with ((alpha - beta) * t) by ring.
      rewrite Rabs_mult. apply Rle_lt_trans with (Rabs t * (alpha + beta)); [|lra].
      rewrite Rmult_comm. apply Rmult_le_compat_l; [apply Rabs_pos|].
      apply Rabs_le. lra. }
    apply Rabs_def2 in H1. lra.
  - apply is_derive_ext with
      (fun t => b / ((b + alpha * a + beta * c) + (alpha - beta) * t)).
    { intros t. simpl. f_equal. ring. }
    replace (- ((alpha - beta) * b / (b + alpha * a + beta * c) ^ 2)) with
      (- (b * (alpha - beta) / ((b + alpha * a + beta * c) + (alpha - beta) * 0) ^ 2))
      by (field; lra).
    apply slope_of_inverse. lra.
Qed.

Lemma dice_of_moves : forall tp fp fn t : R,
  dice tp (fp + t) (fn - t) = dice tp fp fn.
Proof.
  intros. unfold dice. now replace (2 * tp + (fp + t) + (fn - t))
    with (2 * tp + fp + fn) by ring.
Qed.

(** A mean of two numbers is no further from a third than the further one. *)
Lemma further_end : forall x y z d, x <= z <= y \/ y <= z <= x ->
  Rabs (z - d) <= Rmax (Rabs (x - d)) (Rabs (y - d)).
Proof.
  intros x y z d between.
  pose proof (Rmax_l (Rabs (x - d)) (Rabs (y - d))).
  pose proof (Rmax_r (Rabs (x - d)) (Rabs (y - d))).
  pose proof (Rle_abs (x - d)). pose proof (Rle_abs (y - d)).
  pose proof (Rle_abs (- (x - d))). pose proof (Rle_abs (- (y - d))).
  rewrite Rabs_Ropp in *. apply Rabs_le. lra.
Qed.

Lemma largest_at_an_end : forall alpha beta tp fp fn : R, 0 < alpha -> 0 < beta ->
  0 <= tp -> 0 <= fp -> 0 <= fn ->
  Rabs (tversky alpha beta tp fp fn - dice tp fp fn) <= Rmax
    (Rabs (tversky alpha beta tp (fp + fn) 0 - dice tp (fp + fn) 0))
    (Rabs (tversky alpha beta tp 0 (fp + fn) - dice tp 0 (fp + fn))).
Proof.
  intros alpha beta tp fp fn pa pb hit false missed.
  destruct (Req_dec tp 0) as [->|].
  { rewrite <- !no_hit by lra. rewrite !Rminus_eq_0, Rmax_left; lra. }
  replace (dice tp (fp + fn) 0) with (dice tp fp fn)
    by (rewrite <- (dice_of_moves tp fp fn fn); f_equal; ring).
  replace (dice tp 0 (fp + fn)) with (dice tp fp fn)
    by (rewrite <- (dice_of_moves tp fp fn (- fp)); f_equal; ring).
  apply further_end. unfold tversky.
  assert (order : forall x y, 0 < x <= y -> tp / y <= tp / x).
  { intros x y [px less]. apply Rmult_le_compat_l; [assumption|].
    apply Rinv_le_contravar; assumption. }
  pose proof (positive_mix alpha beta tp fp fn pa pb ltac:(lra) false missed).
  pose proof (positive_mix alpha beta tp (fp + fn) 0 pa pb ltac:(lra) ltac:(lra)
    ltac:(lra)).
  pose proof (positive_mix alpha beta tp 0 (fp + fn) pa pb ltac:(lra) ltac:(lra)
    ltac:(lra)).
  rewrite !share_of by lra.
  destruct (Rle_dec alpha beta); [right|left]; split; apply order; nra.
Qed.

(** At TP = 1 with mistakes of total 1, alpha = 2, beta = 1/8, the modulus of T - D
    falls
    to 0 at FP = 1/5 and rises again: its own derivative changes sign. *)
Lemma modulus_by_hand :
  Rabs (tversky 2 (/ 8) 1 0 1 - dice 1 0 1) = 2 / 9 /\
  Rabs (tversky 2 (/ 8) 1 (/ 5) (4 / 5) - dice 1 (/ 5) (4 / 5)) = 0 /\
  Rabs (tversky 2 (/ 8) 1 1 0 - dice 1 1 0) = / 3.
Proof.
  unfold tversky, dice. rewrite !share_of by lra. repeat split.
  - replace (_ - _) with (2 / 9) by field. apply Rabs_pos_eq. lra.
  - replace (_ - _) with 0 by field. apply Rabs_R0.
  - replace (_ - _) with (- / 3) by field. rewrite Rabs_Ropp. apply Rabs_pos_eq. lra.
Qed.

(** a, b, c are FP, TP, FN; the direction a - c keeps b and a + c. *)
Theorem E29 : forall alpha beta, 0 < alpha -> 0 < beta -> alpha <> beta ->
  (forall a b c, 0 <= a -> 0 < b -> 0 <= c ->
    is_derive (fun t => tversky alpha beta b (a + t) (c - t) - dice b (a + t) (c - t)) 0
      (- ((alpha - beta) * b / (b + alpha * a + beta * c) ^ 2))) /\
  (forall a b c, 0 <= a -> 0 <= b -> 0 <= c ->
    Rabs (tversky alpha beta b a c - dice b a c) <= Rmax
      (Rabs (tversky alpha beta b (a + c) 0 - dice b (a + c) 0))
      (Rabs (tversky alpha beta b 0 (a + c) - dice b 0 (a + c)))).
Proof.
  intros alpha beta pa pb _. split.
  - intros a b c na nb nc.
    apply is_derive_ext with
      (fun t => tversky alpha beta b (a + t) (c - t) + - dice b a c).
    { intros t. rewrite dice_of_moves. reflexivity. }
    rewrite <- (Rplus_0_r (- ((alpha - beta) * b / _))).
    apply slope_of_sum; [now apply slope_of_tversky|apply slope_of_constant].
  - intros. apply largest_at_an_end; assumption.
Qed.

Theorem E29_twin : ~ (forall alpha beta, 0 < alpha -> 0 < beta -> alpha <> beta ->
  (forall a b c, 0 <= a -> 0 < b -> 0 <= c ->
    is_derive (fun t => tversky alpha beta b (a + t) (c - t) - dice b (a + t) (c - t)) 0
      (- ((alpha - beta) * b / (b + alpha * a + beta * c) ^ 2))) /\
  (forall a b c, 0 <= a -> 0 <= b -> 0 <= c ->
    Rabs (tversky alpha beta b a c - dice b a c) <= Rmin
      (Rabs (tversky alpha beta b (a + c) 0 - dice b (a + c) 0))
      (Rabs (tversky alpha beta b 0 (a + c) - dice b 0 (a + c))))).
Proof.
  intros wrong. destruct modulus_by_hand as (nine & _ & three).
  destruct (wrong 2 (/ 8)) as [_ ends]; try lra.
  specialize (ends 1 1 0). rewrite Rplus_0_r, nine, three, Rmin_right in ends by lra.
  lra.
Qed.

(** * E30 *)

Lemma grows_no_faster : forall x y p q : R,
  (forall n : nat, x + p * n <= y + q * n) -> p <= q.
Proof.
  intros x y p q below. apply Rnot_lt_le. intros faster.
  destruct (Rle_lt_dec 0 (y - x)) as [positive|].
  - destruct (nfloor_ex ((y - x) / (p - q))) as [n [_ large]].
    { apply Rdiv_le_0_compat; lra. }
    specialize (below (S n)). rewrite S_INR in below.
    apply Rlt_div_l in large; nra.
  - specialize (below 0%nat). simpl in below. lra.
Qed.

Lemma inverses_within : forall x y e, 0 < x -> 0 < y -> 0 <= e ->
  1 / y / (1 + e) <= 1 / x <= 1 / y * (1 + e) ->
  x <= (1 + e) * y /\ y <= (1 + e) * x.
Proof.
  intros x y e px py pe [low high].
  assert (0 < x * y) by now apply Rmult_lt_0_compat. split.
  - apply Rmult_le_compat_r with (r := (1 + e) * (x * y)) in low; [|nra].
    replace (1 / y / (1 + e) * ((1 + e) * (x * y))) with x in low by (field; lra).
    replace (1 / x * ((1 + e) * (x * y))) with ((1 + e) * y) in low by (field; lra).
        lra.
  - apply Rmult_le_compat_r with (r := x * y) in high; [|lra].
    replace (1 / x * (x * y)) with y in high by (field; lra).
    replace (1 / y * (1 + e) * (x * y)) with ((1 + e) * x) in high by (field; lra). lra.
Qed.

Definition largest_of_four (a b c d : R) := Rmax (Rmax a b) (Rmax c d).

Lemma largest_bounds : forall a b c d, let M := largest_of_four a b c d in
  a <= M /\ b <= M /\ c <= M /\ d <= M.
Proof.
  intros. unfold M, largest_of_four.
  pose proof (Rmax_l (Rmax a b) (Rmax c d)). pose proof (Rmax_r (Rmax a b) (Rmax c d)).
  pose proof (Rmax_l a b). pose proof (Rmax_r a b).
  pose proof (Rmax_l c d). pose proof (Rmax_r c d). lra.
Qed.

Lemma largest_least : forall a b c d m, a <= m -> b <= m -> c <= m -> d <= m ->
  largest_of_four a b c d <= m.
Proof. intros. unfold largest_of_four. now repeat apply Rmax_lub. Qed.

Theorem E30 : forall alpha beta, 0 < alpha -> 0 < beta ->
  relative_error Dice (Tversky alpha beta)
    (largest_of_four (2 * alpha) (2 * beta) (1 / (2 * alpha)) (1 / (2 * beta)) - 1).
Proof.
  intros alpha beta a b. split.
  - destruct (largest_bounds (2 * alpha) (2 * beta) (1 / (2 * alpha)) (1 / (2 * beta)))
      as (ma & mb & wa & wb).
    set (M := largest_of_four _ _ _ _) in *. clearbody M.
    apply Rle_div_l in wa; [|lra]. apply Rle_div_l in wb; [|lra].
    assert (large : 1 <= M) by nra.
    split; [lra|]. replace (1 + (M - 1)) with M by ring.
    intros i. unfold Dice, Tversky.
    pose proof (count_nonneg (TP i)) as hit. pose proof (count_nonneg (FP i)) as false.
    pose proof (count_nonneg (FN i)) as missed.
    set (tp := INR (TP i)) in *. set (fp := INR (FP i)) in *.
    set (fn := INR (FN i)) in *. clearbody tp fp fn.
    destruct (Req_dec tp 0) as [->|].
    { rewrite <- (no_hit alpha beta) by assumption.
      assert (0 <= dice 0 fp fn) by (apply dice_between; lra).
      split; [apply Rle_div_l|]; nra. }
    pose proof (positive_mix alpha beta tp fp fn a b ltac:(lra) false missed) as whole.
    unfold dice, tversky. rewrite !share_of by lra.
    assert (forth : tp + alpha * fp + beta * fn <= M * (tp + fp / 2 + fn / 2)) by nra.
    assert (back : tp + fp / 2 + fn / 2 <= M * (tp + alpha * fp + beta * fn)) by nra.
    replace (2 * tp / (2 * tp + fp + fn)) with (tp / (tp + fp / 2 + fn / 2))
      by (field; lra).
    split.
    + apply Rle_div_l; [lra|]. unfold Rdiv. rewrite Rmult_assoc.
      apply Rmult_le_compat_l; [assumption|].
      apply Rmult_le_reg_r with ((tp + alpha * fp + beta * fn) * (tp + fp / 2 + fn /
          2)).
      { apply Rmult_lt_0_compat; lra. }
      field_simplify; lra.
    + unfold Rdiv. rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|].
      apply Rmult_le_reg_r with ((tp + alpha * fp + beta * fn) * (tp + fp / 2 + fn /
          2)).
      { apply Rmult_lt_0_compat; lra. }
      field_simplify; lra.
  - intros e [positive within].
    assert (of_false : forall n : nat, (1 + n / 2) <= (1 + e) * (1 + alpha * n) /\
      (1 + alpha * n) <= (1 + e) * (1 + n / 2)).
    { intros n. pose proof (count_nonneg n) as some.
      pose proof (positive_mix alpha beta 1 n 0 a b ltac:(lra) some ltac:(lra)) as
          whole.
      destruct (within (pixels 1 n 0 0)) as [back forth]. unfold Dice, Tversky in *.
      destruct (counts_of_pixels 1 n 0 0) as (tp & fp & fn & _).
      rewrite tp, fp, fn in *. simpl (INR 0) in *. simpl (INR 1) in *.
      unfold dice, tversky in *. rewrite !share_of in * by lra.
      apply inverses_within; [lra|lra|assumption|].
      replace (1 / (1 + n / 2)) with (2 * 1 / (2 * 1 + n + 0)) by (field; lra).
      replace (1 / (1 + alpha * n)) with (1 / (1 + alpha * n + beta * 0))
        by (field; lra).
      now split. }
    assert (of_missed : forall n : nat, (1 + n / 2) <= (1 + e) * (1 + beta * n) /\
      (1 + beta * n) <= (1 + e) * (1 + n / 2)).
    { intros n. pose proof (count_nonneg n) as some.
      pose proof (positive_mix alpha beta 1 0 n a b ltac:(lra) ltac:(lra) some) as
          whole.
      destruct (within (pixels 1 0 n 0)) as [back forth]. unfold Dice, Tversky in *.
      destruct (counts_of_pixels 1 0 n 0) as (tp & fp & fn & _).
      rewrite tp, fp, fn in *. simpl (INR 0) in *. simpl (INR 1) in *.
      unfold dice, tversky in *. rewrite !share_of in * by lra.
      apply inverses_within; [lra|lra|assumption|].
      replace (1 / (1 + n / 2)) with (2 * 1 / (2 * 1 + 0 + n)) by (field; lra).
      replace (1 / (1 + beta * n)) with (1 / (1 + alpha * 0 + beta * n))
        by (field; lra).
      now split. }
    assert (largest_of_four (2 * alpha) (2 * beta) (1 / (2 * alpha)) (1 / (2 * beta))
      <= 1 + e); [|lra].
    apply largest_least.
    + assert (alpha <= (1 + e) / 2); [|lra]. apply grows_no_faster with 1 (1 + e).
      intros n. destruct (of_false n). lra.
    + assert (beta <= (1 + e) / 2); [|lra]. apply grows_no_faster with 1 (1 + e).
      intros n. destruct (of_missed n). lra.
    + apply Rle_div_l; [lra|]. assert (/ 2 <= (1 + e) * alpha); [|lra].
      apply grows_no_faster with 1 (1 + e). intros n. destruct (of_false n). lra.
    + apply Rle_div_l; [lra|]. assert (/ 2 <= (1 + e) * beta); [|lra].
      apply grows_no_faster with 1 (1 + e). intros n. destruct (of_missed n). lra.
Qed.

Theorem E30_twin : ~ (forall alpha beta, 0 < alpha -> 0 < beta ->
  relative_error Dice (Tversky alpha beta)
    (largest_of_four (2 * alpha) (2 * beta) (2 * alpha) (2 * beta) - 1)).
Proof.
  intros wrong. destruct (wrong (/ 4) (/ 4)) as [[positive _] _]; [lra|lra|].
  unfold largest_of_four in positive. rewrite !Rmax_left in positive; lra.
Qed.
