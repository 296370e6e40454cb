(** Printed sums over pixels and their counts: G05, G08, M09, M18, N24. *)

From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Rcomplements Hierarchy Derive.
From Proofs Require Import Overlap Slopes DiceJaccard.
Import ListNotations.
Open Scope R_scope.

(** * G05 *)

Theorem G05 : forall i : image,
  (number either i = TP i + FP i + FN i)%nat /\
  (number actual i + number predicted i = 2 * TP i + FP i + FN i)%nat /\
  ((number either i = 2 * TP i + FP i + FN i)%nat <-> TP i = 0%nat).
Proof.
  assert (sizes : forall i, (number either i = TP i + FP i + FN i)%nat /\
    (number actual i + number predicted i = 2 * TP i + FP i + FN i)%nat).
  { induction i as [|[p t] i IH]; [now split|].
    unfold TP, FP, FN, number, either, actual, predicted in *.
    destruct p, t; simpl in *; lia. }
  intros i. destruct (sizes i) as [union both]. repeat split; auto; lia.
Qed.

Theorem G05_twin : ~ (forall i : image,
  (number either i = 2 * TP i + FP i + FN i)%nat /\
  (number actual i + number predicted i = 2 * TP i + FP i + FN i)%nat /\
  ((number either i = 2 * TP i + FP i + FN i)%nat <-> TP i = 0%nat)).
Proof.
  intros wrong. destruct (wrong [(true, true)]) as [union _].
  unfold TP, FP, FN, number, either in union. simpl in union. discriminate.
Qed.

(** * Soft masks *)

(** A pixel of a prediction s and a truth g. *)
Definition soft := list (R * R).
Definition over (f : R -> R -> R) (x : soft) : R :=
  total (map (fun p => f (fst p) (snd p)) x).

Definition as_number (b : bool) : R := if b then 1 else 0.
Definition of_masks (i : image) : soft :=
  map (fun p => (as_number (predicted p), as_number (actual p))) i.

Lemma over_cons : forall f s g x, over f ((s, g) :: x) = f s g + over f x.
Proof. reflexivity. Qed.

Lemma over_plus : forall f h x, over (fun s g => f s g + h s g) x = over f x + over h x.
Proof.
  intros. induction x as [|[s g] x IH]; [unfold over; simpl; ring|].
  rewrite !over_cons, IH. ring.
Qed.

Lemma over_scale : forall c f x, over (fun s g => c * f s g) x = c * over f x.
Proof.
  intros. induction x as [|[s g] x IH]; [unfold over; simpl; ring|].
  rewrite !over_cons, IH. ring.
Qed.

Lemma over_equal : forall f h x, (forall s g, f s g = h s g) -> over f x = over h x.
Proof.
  intros f h x equal. induction x as [|[s g] x IH]; [reflexivity|].
  now rewrite !over_cons, IH, equal.
Qed.

(** * M09 *)

(** Eqs. (8), (9), (10) of Ma 2021, for a single class. *)
Definition square_dice_loss (x : soft) : R :=
  1 - share (2 * over (fun s g => g * s) x) (over (fun s g => g ^ 2) x + over (fun s g
      => s ^ 2) x).
Definition dice_loss (x : soft) : R :=
  1 - share (2 * over (fun s g => g * s) x) (over (fun s g => g) x + over (fun s g =>
      s) x).
Definition iou_loss (x : soft) : R :=
  1 - share (over (fun s g => g * s) x) (over (fun s g => g + s - g * s) x).

Lemma sums_of_masks : forall i : image, let x := of_masks i in
  over (fun s g => g * s) x = TP i /\
  over (fun s g => g) x = TP i + FN i /\ over (fun s g => s) x = TP i + FP i /\
  over (fun s g => g ^ 2) x = TP i + FN i /\ over (fun s g => s ^ 2) x = TP i + FP i /\
  over (fun s g => g + s - g * s) x = TP i + FP i + FN i.
Proof.
  induction i as [|[p t] i IH].
  - unfold over, TP, FP, FN, number. simpl. repeat split; ring.
  - cbv zeta in *. unfold of_masks in *. simpl (map _ (_ :: _)).
    rewrite !over_cons. destruct IH as (-> & -> & -> & -> & -> & ->).
    unfold TP, FP, FN, number, predicted, actual. simpl (filter _ (_ :: _)).
    destruct p, t; simpl (length _); simpl (as_number _); rewrite ?S_INR;
      repeat split; ring.
Qed.

Theorem M09 : forall i : image,
  square_dice_loss (of_masks i) = 1 - Dice i /\
  dice_loss (of_masks i) = 1 - Dice i /\
  iou_loss (of_masks i) = 1 - Jaccard i.
Proof.
  intros i. unfold square_dice_loss, dice_loss, iou_loss, Dice, Jaccard, dice, jaccard.
  destruct (sums_of_masks i) as (-> & -> & -> & -> & -> & ->).
  replace (TP i + FN i + (TP i + FP i)) with (2 * TP i + FP i + FN i) by ring.
  repeat split; reflexivity.
Qed.

Theorem M09_twin : ~ (forall i : image,
  square_dice_loss (of_masks i) = 1 - Dice i /\
  dice_loss (of_masks i) = 1 - Dice i /\
  iou_loss (of_masks i) = 1 - Dice i).
Proof.
  intros wrong. destruct (wrong (pixels 1 1 0 0)) as (_ & _ & iou).
  destruct (M09 (pixels 1 1 0 0)) as (_ & _ & right). rewrite right in iou.
  unfold Dice, Jaccard, dice, jaccard in iou.
  destruct (counts_of_pixels 1 1 0 0) as (tp & fp & fn & _). rewrite tp, fp, fn in iou.
  simpl in iou. rewrite !share_of in iou; lra.
Qed.

(** * M18 *)

(** Classes, each with its weight and its pixels. *)
Definition classes := list (R * soft).
Definition weighted (f : R -> R -> R) (x : classes) : R :=
  total (map (fun c => fst c * over f (snd c)) x).

(** Eq. (18) of Ma 2021, line by line; k is the coefficient of the penalty. *)
Definition line_1 (k : R) (x : classes) : R :=
  2 * weighted (fun s g => g * s) x /
  (weighted (fun s g => g + s) x + k * weighted (fun s g => (1 - g) * s) x
    + k * weighted (fun s g => g * (1 - s)) x).
Definition line_2 (k : R) (x : classes) : R :=
  2 * weighted (fun s g => g * s) x /
  (weighted (fun s g => g + s) x + k * weighted (fun s g => s - 2 * s * g + g) x).
Definition line_3_as_printed (k : R) (x : classes) : R :=
  2 * weighted (fun s g => g * s) x /
  (weighted (fun s g => g + s) x
    + k * weighted (fun s g => s - 2 * s * g + g) x / weighted (fun s g => g + s) x).
Definition line_3_corrected (k : R) (x : classes) : R :=
  2 * weighted (fun s g => g * s) x / weighted (fun s g => g + s) x /
  (1 + k * weighted (fun s g => s - 2 * s * g + g) x / weighted (fun s g => g + s) x).
Definition GD (x : classes) : R :=
  2 * weighted (fun s g => g * s) x / weighted (fun s g => g + s) x.
Definition line_4 (k : R) (x : classes) : R := GD x / (1 + k * (1 - GD x)).

Definition proper (x : classes) : Prop := forall w c, In (w, c) x ->
  0 <= w /\ forall s g, In (s, g) c -> 0 <= s <= 1 /\ 0 <= g <= 1.

Lemma weighted_plus : forall f h x,
  weighted (fun s g => f s g + h s g) x = weighted f x + weighted h x.
Proof.
  intros. unfold weighted. induction x as [|[w c] x IH]; simpl; [ring|].
  rewrite IH, over_plus. ring.
Qed.

Lemma weighted_scale : forall a f x,
  weighted (fun s g => a * f s g) x = a * weighted f x.
Proof.
  intros. unfold weighted. induction x as [|[w c] x IH]; simpl; [ring|].
  rewrite IH, over_scale. ring.
Qed.

Lemma weighted_equal : forall f h x, (forall s g, f s g = h s g) ->
  weighted f x = weighted h x.
Proof.
  intros f h x equal. unfold weighted. induction x as [|[w c] x IH]; simpl; [ring|].
  now rewrite IH, (over_equal f h).
Qed.

Lemma over_nonneg : forall f (c : soft), (forall s g, In (s, g) c -> 0 <= f s g) ->
  0 <= over f c.
Proof.
  intros f c positive. induction c as [|[s g] c IH]; [unfold over; simpl; lra|].
  rewrite over_cons. assert (0 <= f s g) by (apply positive; now left).
  assert (0 <= over f c); [|lra]. apply IH. intros. apply positive. now right.
Qed.

Lemma weighted_nonneg : forall f x, proper x ->
  (forall s g, 0 <= s <= 1 -> 0 <= g <= 1 -> 0 <= f s g) -> 0 <= weighted f x.
Proof.
  intros f x ok positive. unfold weighted.
  induction x as [|[w c] x IH]; simpl; [lra|].
  destruct (ok w c) as [weight inside]; [now left|].
  assert (0 <= over f c).
  { apply over_nonneg. intros s g member. destruct (inside s g member). auto. }
  assert (0 <= w * over f c) by now apply Rmult_le_pos.
  assert (proper x) by (intros v d member; apply ok; now right).
  specialize (IH H1). lra.
Qed.

(** M, the mistakes, is FP + FN and B - 2 A. *)
Lemma mistakes : forall x,
  weighted (fun s g => s - 2 * s * g + g) x =
    weighted (fun s g => (1 - g) * s) x + weighted (fun s g => g * (1 - s)) x /\
  weighted (fun s g => s - 2 * s * g + g) x =
    weighted (fun s g => g + s) x - 2 * weighted (fun s g => g * s) x.
Proof.
  intros. split.
  - rewrite <- weighted_plus. apply weighted_equal. intros. ring.
  - replace (_ - 2 * _) with (weighted (fun s g => g + s) x
      + (-2) * weighted (fun s g => g * s) x) by ring.
    rewrite <- weighted_scale, <- weighted_plus. apply weighted_equal. intros. ring.
Qed.

Theorem M18 : forall (k : R) (x : classes), 0 <= k -> proper x ->
  0 < weighted (fun s g => g + s) x ->
  (line_1 k x = line_2 k x /\ line_2 k x = line_3_corrected k x /\
    line_3_corrected k x = line_4 k x) /\
  (line_2 k x = line_3_as_printed k x <->
    weighted (fun s g => g * s) x = 0 \/
    k * weighted (fun s g => s - 2 * s * g + g) x = 0 \/
    weighted (fun s g => g + s) x = 1).
Proof.
  intros k x penalty ok some. destruct (mistakes x) as [kinds rest].
  assert (A : 0 <= weighted (fun s g => g * s) x).
  { apply weighted_nonneg; [assumption|]. intros. apply Rmult_le_pos; lra. }
  assert (M : 0 <= weighted (fun s g => s - 2 * s * g + g) x).
  { apply weighted_nonneg; [assumption|]. intros. nra. }
  unfold line_1, line_2, line_3_corrected, line_3_as_printed, line_4, GD.
  rewrite (Rplus_assoc _ (k * _) (k * _)), <- Rmult_plus_distr_l, <- kinds.
  set (a := weighted (fun s g => g * s) x) in *.
  set (b := weighted (fun s g => g + s) x) in *.
  set (m := weighted (fun s g => s - 2 * s * g + g) x) in *.
  clearbody a b m. assert (pen : 0 <= k * m) by now apply Rmult_le_pos.
  assert (pen_b : 0 <= k * m / b) by (apply Rdiv_le_0_compat; lra).
  repeat split.
  - field. lra.
  - rewrite rest in *. field. repeat split; lra.
  - intros equal. destruct (Req_dec a 0); [now left|]. right.
    assert (same : b + k * m = b + k * m / b).
    { apply Rmult_eq_reg_l with (2 * a / ((b + k * m) * (b + k * m / b))).
      - transitivity (2 * a / (b + k * m / b)); [field; repeat split; nra|].
        rewrite <- equal. field. repeat split; nra.
      - apply Rmult_integral_contrapositive_currified; [lra|].
        apply Rinv_neq_0_compat. nra. }
    assert (k * m * (b - 1) = 0).
    { apply Rplus_eq_reg_l in same. apply Rmult_eq_compat_r with (r := b) in same.
      replace (k * m / b * b) with (k * m) in same by (field; lra). lra. }
    destruct (Rmult_integral _ _ H0); [now left|right; lra].
  - intros [zero | [zero | one]].
    + rewrite zero. unfold Rdiv. ring.
    + rewrite zero. unfold Rdiv. now rewrite Rmult_0_l.
    + rewrite one. unfold Rdiv. now rewrite Rinv_1, Rmult_1_r.
Qed.

Theorem M18_twin : ~ (forall (k : R) (x : classes), 0 <= k -> proper x ->
  0 < weighted (fun s g => g + s) x ->
  line_1 k x = line_2 k x /\ line_2 k x = line_3_as_printed k x /\
    line_3_as_printed k x = line_4 k x).
Proof.
  intros wrong.
  destruct (wrong 5 [(1, [(1, 1); (1, 1); (0, 1)])]) as (_ & printed & _); [lra| | |].
  - intros w c [equal|[]]. inversion equal. split; [lra|].
    intros s g [H|[H|[H|[]]]]; inversion H; lra.
  - unfold weighted, over. simpl. lra.
  - unfold line_2, line_3_as_printed, weighted, over in printed. simpl in printed. lra.
Qed.

(** * G08 *)

(** Eq. (5) of Galdran 2022; 0/0 by rule. *)
Definition soft_dice_loss (x : soft) : R :=
  1 - share (2 * over (fun s g => g * s) x)
    (over (fun s g => g * g) x + over (fun s g => s * s) x).

(** A prediction of an image without a lesion. *)
Definition no_lesion (p : list R) : soft := map (fun s => (s, 0)) p.

Lemma sums_of_no_lesion : forall p,
  over (fun s g => g * s) (no_lesion p) = 0 /\ over (fun s g => g * g) (no_lesion p) =
      0.
Proof.
  induction p as [|s p [a b]]; [split; reflexivity|].
  unfold no_lesion in *. simpl (map _ (_ :: _)). rewrite !over_cons, a, b. split; ring.
Qed.

Definition squares (p : list R) : R := over (fun s g => s * s) (no_lesion p).

Lemma squares_around : forall l x r, squares (l ++ x :: r) = squares l + x * x +
    squares r.
Proof.
  intros. induction l as [|s l IH].
  - unfold squares, no_lesion. simpl. rewrite over_cons. unfold over at 2. simpl. ring.
  - unfold squares, no_lesion in *. simpl. rewrite !over_cons, IH. ring.
Qed.

Lemma squares_nonneg : forall p, 0 <= squares p.
Proof.
  intros. apply over_nonneg. intros s g _. nra.
Qed.

Lemma loss_of_no_lesion : forall p, squares p <> 0 -> soft_dice_loss (no_lesion p) = 1.
Proof.
  intros p some. unfold soft_dice_loss. destruct (sums_of_no_lesion p) as [-> ->].
  fold (squares p). rewrite share_of by lra. field. lra.
Qed.

(** Nothing is learned from such an image: for every prediction but that of nothing the
    loss is 1 and all its slopes are 0, however near to nothing; for nothing it is 0. *)
Theorem G08 :
  (forall p, squares p <> 0 -> soft_dice_loss (no_lesion p) = 1) /\
  (forall l x r, squares (l ++ x :: r) <> 0 ->
    is_derive (fun t => soft_dice_loss (no_lesion (l ++ t :: r))) x 0) /\
  (forall p, squares p = 0 -> soft_dice_loss (no_lesion p) = 0) /\
  (forall near, 0 < near -> exists x, 0 < x < near /\ squares [x] < near).
Proof.
  split; [|split; [|split]].
  - apply loss_of_no_lesion.
  - intros l x r some.
    apply is_derive_ext_loc with (fun _ => 1).
    + rewrite squares_around in some.
      pose proof (squares_nonneg l). pose proof (squares_nonneg r).
      destruct (Req_dec x 0) as [->|nonzero].
      * exists (mkposreal 1 Rlt_0_1). intros t _. symmetry. apply loss_of_no_lesion.
        rewrite squares_around. nra.
      * exists (mkposreal (Rabs x) (Rabs_pos_lt _ nonzero)). intros t close.
        symmetry. apply loss_of_no_lesion. rewrite squares_around.
        unfold ball in close. simpl in close.
        unfold AbsRing_ball, abs, minus, plus, opp in close. simpl in close.
        assert (t <> 0).
        { intros ->. rewrite Rplus_0_l, Rabs_Ropp in close. lra. }
        assert (0 < t * t) by nra. lra.
    + apply slope_of_constant.
  - intros p nothing. unfold soft_dice_loss.
    destruct (sums_of_no_lesion p) as [-> ->]. fold (squares p).
    rewrite nothing, Rplus_0_l, share_empty. ring.
  - intros near positive. exists (Rmin near 1 / 2).
    pose proof (Rmin_l near 1). pose proof (Rmin_r near 1).
    assert (0 < Rmin near 1) by (apply Rmin_glb_lt; lra).
    split; [lra|]. unfold squares, no_lesion. simpl. rewrite over_cons.
    unfold over. simpl. nra.
Qed.

Theorem G08_twin : ~
  ((forall p, soft_dice_loss (no_lesion p) = 1) /\
  (forall l x r, squares (l ++ x :: r) <> 0 ->
    is_derive (fun t => soft_dice_loss (no_lesion (l ++ t :: r))) x 0) /\
  (forall p, squares p = 0 -> soft_dice_loss (no_lesion p) = 0) /\
  (forall near, 0 < near -> exists x, 0 < x < near /\ squares [x] < near)).
Proof.
  intros (always & _ & nothing & _). specialize (always []). specialize (nothing []).
  rewrite always in nothing. assert (squares [] = 0) by reflexivity. lra.
Qed.

(** * N24 *)

(** With smoothing constants; s the overlap, u the union, V = s + u the two sizes. *)
Definition smooth_dice (e s u : R) := (2 * s + e) / (s + u + e).
Definition smooth_jaccard (a s u : R) := (s + a) / (u + a).

Lemma smooth_difference : forall e a s u, 0 < e -> 0 < a -> 0 <= s -> s <= u ->
  smooth_jaccard a s u - smooth_dice e s u / (2 - smooth_dice e s u)
    = (a - e / 2) * (u - s) / ((u + a) * (u + e / 2)).
Proof.
  intros e a s u pe pa low high. unfold smooth_dice, smooth_jaccard.
  field. repeat split; lra.
Qed.

Theorem N24 :
  (forall e a s u, 0 < e -> 0 < a -> 0 <= s -> s <= u ->
    (smooth_jaccard a s u = smooth_dice e s u / (2 - smooth_dice e s u) <->
      a = e / 2 \/ s = u)) /\
  (forall e s u, 0 < e -> 0 <= s -> s <= u ->
    0 <= smooth_jaccard e s u - smooth_dice e s u / (2 - smooth_dice e s u)
      <= 3 - 2 * sqrt 2) /\
  (forall e, 0 < e -> let u := e / sqrt 2 in
    smooth_jaccard e 0 u - smooth_dice e 0 u / (2 - smooth_dice e 0 u)
      = 3 - 2 * sqrt 2).
Proof.
  destruct root_2 as [square size]. split; [|split].
  - intros e a s u pe pa low high.
    pose proof (smooth_difference e a s u pe pa low high) as difference.
    assert (below : 0 < (u + a) * (u + e / 2)) by (apply Rmult_lt_0_compat; lra).
    split.
    + intros equal. rewrite equal, Rminus_eq_0 in difference.
      apply Rmult_eq_compat_r with (r := (u + a) * (u + e / 2)) in difference.
      replace ((a - e / 2) * (u - s) / ((u + a) * (u + e / 2)) * ((u + a) * (u + e /
          2)))
        with ((a - e / 2) * (u - s)) in difference by (field; lra).
      destruct (Rmult_integral (a - e / 2) (u - s)); [lra|left|right]; lra.
    + intros [-> | ->]; unfold Rdiv in *; lra.
  - intros e s u pe low high. rewrite smooth_difference by assumption.
    replace (e - e / 2) with (e / 2) by field.
    assert (below : 0 < (u + e) * (u + e / 2)) by (apply Rmult_lt_0_compat; lra). split.
    + apply Rdiv_le_0_compat; [apply Rmult_le_pos|]; lra.
    + apply Rle_div_l; [assumption|].
      assert (0 <= (3 - 2 * sqrt 2) * (u - e / sqrt 2) ^ 2).
      { apply Rmult_le_pos; [lra|apply pow2_ge_0]. }
      assert (inverse : e / sqrt 2 = e * sqrt 2 / 2).
      { apply Rmult_eq_reg_r with (sqrt 2); [|lra]. field_simplify; nra. }
      rewrite inverse in H.
      assert (e / 2 * (u - s) <= e / 2 * u) by nra.
      replace ((3 - 2 * sqrt 2) * ((u + e) * (u + e / 2)))
        with ((3 - 2 * sqrt 2) * (u - e * sqrt 2 / 2) ^ 2 + e / 2 * u
          + (3 - 2 * sqrt 2) * e * e * (2 - sqrt 2 * sqrt 2) / 4
          + e * u * (2 - sqrt 2 * sqrt 2) * 2) by field.
      rewrite square. lra.
  - intros e pe u. assert (some : 0 < u) by (apply Rdiv_lt_0_compat; lra).
    rewrite smooth_difference by lra. unfold u in *.
    assert (inverse : e / sqrt 2 = e * sqrt 2 / 2).
    { apply Rmult_eq_reg_r with (sqrt 2); [|lra]. field_simplify; nra. }
    rewrite inverse in *. apply Rmult_eq_reg_r with
      ((e * sqrt 2 / 2 + e) * (e * sqrt 2 / 2 + e / 2)); [|nra].
    unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l by nra. nra.
Qed.

Theorem N24_twin : ~
  ((forall e a s u, 0 < e -> 0 < a -> 0 <= s -> s <= u ->
    (smooth_jaccard a s u = smooth_dice e s u / (2 - smooth_dice e s u) <->
      a = e \/ s = u)) /\
  (forall e s u, 0 < e -> 0 <= s -> s <= u ->
    0 <= smooth_jaccard e s u - smooth_dice e s u / (2 - smooth_dice e s u)
      <= 3 - 2 * sqrt 2) /\
  (forall e, 0 < e -> let u := e / sqrt 2 in
    smooth_jaccard e 0 u - smooth_dice e 0 u / (2 - smooth_dice e 0 u)
      = 3 - 2 * sqrt 2)).
Proof.
  intros [same _]. destruct (same 1 1 0 1) as [_ survives]; try lra.
  unfold smooth_jaccard, smooth_dice in survives. lra.
Qed.
