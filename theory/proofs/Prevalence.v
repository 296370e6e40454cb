(** Dice and the weighted Hamming similarity at a fixed share of foreground: N27. *)

From Coq Require Import Reals Lra Lia Psatz.
From Coquelicot Require Import Rcomplements.
From Proofs Require Import Overlap DiceJaccard.
Open Scope R_scope.

(** A soft mask by its rates: u of the foreground and v of the background is predicted.
    The truth has the share r of the pixels. *)
Definition D (r u v : R) := dice (r * u) ((1 - r) * v) (r * (1 - u)).
Definition H (gamma u v : R) := gamma * u + (1 - gamma) * (1 - v).

Definition rate (x : R) := 0 <= x <= 1.

(** The four pieces of the answer. *)
Definition last_change := 8 / (19 - 6 * sqrt 2).

Definition least_error (r : R) : R :=
  if Rle_dec r (1 / 3) then / (1 + sqrt (2 * r / (1 - r))) ^ 2
  else if Rle_dec r (7 / 11) then (1 - r) / (2 * (1 + r))
  else if Rle_dec r last_change then 1 / 9
  else ((2 * sqrt r - 1) / (1 + sqrt (2 * r))) ^ 2.

Definition best_gamma (r : R) : R :=
  if Rle_dec r last_change then 1 - least_error r
  else ((1 + sqrt 2) * sqrt r / (1 + sqrt (2 * r))) ^ 2.

(** gamma leaves the error e, and no weight leaves less. *)
Definition best (r gamma e : R) : Prop :=
  rate gamma /\
  (forall u v, rate u -> rate v -> Rabs (D r u v - H gamma u v) <= e) /\
  (forall other, rate other ->
    exists u v, rate u /\ rate v /\ e <= Rabs (D r u v - H other u v)).

(** * Four edges are enough *)

Lemma dice_of_rates : forall r u v, 0 < r < 1 -> rate u -> rate v ->
  D r u v = 2 * r * u / (r + r * u + (1 - r) * v).
Proof.
  intros r u v share [u0 u1] [v0 v1]. unfold D, dice.
  assert (0 <= r * u) by (apply Rmult_le_pos; lra).
  assert (0 <= (1 - r) * v) by (apply Rmult_le_pos; lra).
  rewrite share_of by nra. f_equal; ring.
Qed.

(** H - D is convex in u and D - H in v, so that both are largest at an end. *)
Lemma edges : forall r g e, 0 < r < 1 -> 0 <= g <= 1 -> g <= e ->
  (forall v, rate v -> (1 - g * v - e) * (2 * r + (1 - r) * v) <= 2 * r) ->
  (forall u, rate u -> 2 * u <= (1 + u) * ((1 - g) * u + g + e)) ->
  (forall u, rate u -> 2 * r * u <= (1 + r * u) * ((1 - g) * u + e)) ->
  forall u v, rate u -> rate v -> Rabs (D r u v - H (1 - g) u v) <= e.
Proof.
  intros r g e share weight first all_hit none_false all_false u v ru rv.
  specialize (all_hit v rv). specialize (none_false u ru). specialize (all_false u ru).
  rewrite dice_of_rates by assumption. destruct ru as [u0 u1], rv as [v0 v1].
  assert (0 <= r * u <= r) by nra.
  assert (0 <= (1 - r) * v <= 1 - r) by nra.
  set (whole := r + r * u + (1 - r) * v). assert (some : 0 < whole) by (unfold whole;
      lra).
  unfold H. replace (1 - (1 - g)) with g by ring.
  apply Rabs_le. split.
  - (* D >= u D(1, v) *)
    assert (concave : u * (2 * r / (2 * r + (1 - r) * v)) <= 2 * r * u / whole).
    { replace (u * (2 * r / (2 * r + (1 - r) * v)))
        with (2 * r * u * / (2 * r + (1 - r) * v)) by (field; lra).
      apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; unfold whole; lra. }
    assert (end_1 : 1 - g * v - e <= 2 * r / (2 * r + (1 - r) * v)).
    { apply Rle_div_r; lra. }
    assert (u * (1 - g * v - e) <= u * (2 * r / (2 * r + (1 - r) * v)))
      by now apply Rmult_le_compat_l.
    assert ((1 - u) * (g * (1 - v)) <= (1 - u) * e).
    { apply Rmult_le_compat_l; [lra|]. assert (0 <= g * v) by (apply Rmult_le_pos; lra).
      lra. }
    lra.
  - (* D <= (1 - v) D(u, 0) + v D(u, 1) *)
    assert (convex : 2 * r * u / whole
      <= (1 - v) * (2 * u / (1 + u)) + v * (2 * r * u / (1 + r * u))).
    { apply Rle_div_l; [assumption|].
      assert (gap : ((1 - v) * (2 * u / (1 + u)) + v * (2 * r * u / (1 + r * u))) *
          whole
        - 2 * r * u = 2 * u * v * (1 - v) * (1 - r) ^ 2 / ((1 + u) * (1 + r * u))).
      { unfold whole. field. lra. }
      assert (0 <= 2 * u * v * (1 - v) * (1 - r) ^ 2 / ((1 + u) * (1 + r * u))).
      { apply Rdiv_le_0_compat; [|apply Rmult_lt_0_compat; lra].
        repeat apply Rmult_le_pos; try lra. }
      lra. }
    assert (end_0 : 2 * u / (1 + u) <= (1 - g) * u + g + e).
    { apply Rle_div_l; lra. }
    assert (end_1 : 2 * r * u / (1 + r * u) <= (1 - g) * u + e).
    { apply Rle_div_l; lra. }
    assert ((1 - v) * (2 * u / (1 + u)) <= (1 - v) * ((1 - g) * u + g + e))
      by (apply Rmult_le_compat_l; lra).
    assert (v * (2 * r * u / (1 + r * u)) <= v * ((1 - g) * u + e))
      by (apply Rmult_le_compat_l; lra).
    nra.
Qed.

(** An empty prediction. *)
Lemma at_nothing : forall r gamma, 0 < r < 1 ->
  1 - gamma <= Rabs (D r 0 0 - H gamma 0 0).
Proof.
  intros r gamma share. rewrite dice_of_rates by (unfold rate; lra).
  unfold H. replace (2 * r * 0 / (r + r * 0 + (1 - r) * 0)) with 0 by (field; lra).
  pose proof (Rle_abs (- (0 - (gamma * 0 + (1 - gamma) * (1 - 0))))) as above.
  rewrite Rabs_Ropp in above. lra.
Qed.

Lemma hamming_above : forall r gamma u v e, D r u v + e <= H gamma u v ->
  e <= Rabs (D r u v - H gamma u v).
Proof.
  intros r gamma u v e above. pose proof (Rle_abs (- (D r u v - H gamma u v))) as least.
  rewrite Rabs_Ropp in least. lra.
Qed.

Lemma dice_above : forall r gamma u v e, H gamma u v + e <= D r u v ->
  e <= Rabs (D r u v - H gamma u v).
Proof.
  intros r gamma u v e above. pose proof (Rle_abs (D r u v - H gamma u v)). lra.
Qed.

(** From 1/9 on the weight 1 - e is right on the edge without false positives. *)
Lemma no_false_positives : forall e u, 1 / 9 <= e <= 1 -> rate u ->
  2 * u <= (1 + u) * ((1 - e) * u + e + e).
Proof.
  intros e u [low high] [u0 u1].
  assert (0 <= (1 - e) * (u - / 2) ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
  replace ((1 + u) * ((1 - e) * u + e + e))
    with (2 * u + ((1 - e) * (u - / 2) ^ 2 + (9 * e - 1) / 4)) by field. lra.
Qed.

(** * The pieces *)

Lemma first_piece : forall r, 0 < r <= 1 / 3 ->
  let s := sqrt (2 * r / (1 - r)) in best r (1 - / (1 + s) ^ 2) (/ (1 + s) ^ 2).
Proof.
  intros r share s.
  assert (ratio : 0 < 2 * r / (1 - r)) by (apply Rdiv_lt_0_compat; lra).
  assert (square : s ^ 2 = 2 * r / (1 - r)) by (apply pow2_sqrt; lra).
  assert (positive : 0 < s) by now apply sqrt_lt_R0.
  assert (r_of_s : r = s ^ 2 / (2 + s ^ 2)) by (rewrite square; field; lra).
  assert (small : s <= 1).
  { assert (s ^ 2 <= 1); [|nra]. rewrite square. apply Rle_div_l; lra. }
  clearbody s. clear ratio square.
  assert (above : 0 < (1 + s) ^ 2) by (apply pow_lt; lra).
  set (e := / (1 + s) ^ 2) in *. assert (inverse : e * (1 + s) ^ 2 = 1).
  { unfold e. apply Rinv_l. lra. }
  assert (e_size : 1 / 9 <= e <= 1) by (clearbody e; split; nra).
  assert (two : 0 < 2 + s ^ 2) by nra.
  split; [unfold rate; lra|split].
  - apply edges; try lra.
    + intros v [v0 v1].
      assert (e * (2 * s * v) <= e * (s ^ 2 + v ^ 2)).
      { apply Rmult_le_compat_l; [lra|]. pose proof (pow2_ge_0 (s - v)). lra. }
      apply Rmult_le_reg_r with (2 + s ^ 2); [assumption|]. rewrite r_of_s.
      replace ((1 - e * v - e) * (2 * (s ^ 2 / (2 + s ^ 2))
        + (1 - s ^ 2 / (2 + s ^ 2)) * v) * (2 + s ^ 2))
        with ((1 - e * v - e) * (2 * s ^ 2 + 2 * v)) by (field; lra).
      replace (2 * (s ^ 2 / (2 + s ^ 2)) * (2 + s ^ 2)) with (2 * s ^ 2) by (field;
          lra).
      replace ((1 - e * v - e) * (2 * s ^ 2 + 2 * v))
        with (2 * s ^ 2 + 2 * (v * (1 - e * (1 + s) ^ 2)
          + (e * (2 * s * v) - e * (s ^ 2 + v ^ 2)))) by ring.
      rewrite inverse. lra.
    + intros u ru. now apply no_false_positives.
    + intros u [u0 u1].
      apply Rmult_le_reg_r with ((2 + s ^ 2) * (1 + s) ^ 2).
      { now apply Rmult_lt_0_compat. }
      rewrite r_of_s.
      replace (2 * (s ^ 2 / (2 + s ^ 2)) * u * ((2 + s ^ 2) * (1 + s) ^ 2))
        with (2 * s ^ 2 * u * (1 + s) ^ 2) by (field; lra).
      replace ((1 + s ^ 2 / (2 + s ^ 2) * u) * ((1 - e) * u + e)
        * ((2 + s ^ 2) * (1 + s) ^ 2))
        with ((2 + s ^ 2 + s ^ 2 * u)
          * ((1 + s) ^ 2 * u - e * (1 + s) ^ 2 * u + e * (1 + s) ^ 2)) by (field; lra).
      rewrite inverse.
      assert (0 <= u * (4 * s + s ^ 2 - 2 * s ^ 3 - s ^ 4)).
      { apply Rmult_le_pos; [assumption|].
        replace (4 * s + s ^ 2 - 2 * s ^ 3 - s ^ 4)
          with (s * (2 + 2 * (1 - s ^ 2) + s * (1 - s ^ 2))) by ring.
        apply Rmult_le_pos; [lra|]. assert (s ^ 2 <= 1) by nra.
        assert (0 <= s * (1 - s ^ 2)) by (apply Rmult_le_pos; lra). lra. }
      assert (0 <= (2 * s ^ 3 + s ^ 4) * u ^ 2).
      { apply Rmult_le_pos; [|apply pow2_ge_0].
        assert (0 < s ^ 3) by (apply pow_lt; lra).
        assert (0 < s ^ 4) by (apply pow_lt; lra). lra. }
      pose proof (pow2_ge_0 s). lra.
  - intros gamma [g0 g1]. destruct (Rle_lt_dec e (1 - gamma)) as [large|less].
    + exists 0, 0. unfold rate. repeat split; try lra.
      pose proof (at_nothing r gamma). lra.
    + exists 1, s. unfold rate. repeat split; try lra.
      apply hamming_above. rewrite dice_of_rates by (unfold rate; lra). unfold H.
      assert (2 * r * 1 / (r + r * 1 + (1 - r) * s) = s / (1 + s)) as ->.
      { rewrite r_of_s. field. repeat split; nra. }
      assert (s / (1 + s) = 1 - e * (1 + s)) as ->.
      { apply Rmult_eq_reg_r with (1 + s); [|lra].
        replace (s / (1 + s) * (1 + s)) with s by (field; lra).
        replace ((1 - e * (1 + s)) * (1 + s)) with (1 + s - e * (1 + s) ^ 2) by ring.
        rewrite inverse. ring. }
      nra.
Qed.

Lemma second_piece : forall r, 1 / 3 <= r <= 7 / 11 ->
  best r (1 - (1 - r) / (2 * (1 + r))) ((1 - r) / (2 * (1 + r))).
Proof.
  intros r share. set (e := (1 - r) / (2 * (1 + r))).
  assert (of_e : e * (2 * (1 + r)) = 1 - r) by (unfold e; field; lra).
  assert (e_size : 1 / 9 <= e <= 1) by (clearbody e; split; nra).
  split; [unfold rate; lra|split].
  - apply edges; try lra.
    + intros v [v0 v1]. apply Rmult_le_reg_r with (2 * (1 + r)); [lra|].
      assert (0 <= (1 - r) * ((1 - v) * (2 * r - (1 - r) * v))).
      { repeat apply Rmult_le_pos; nra. }
      replace ((1 - e * v - e) * (2 * r + (1 - r) * v) * (2 * (1 + r)))
        with ((2 * (1 + r) - e * (2 * (1 + r)) * (1 + v)) * (2 * r + (1 - r) * v)) by
            ring.
      rewrite of_e. lra.
    + intros u ru. now apply no_false_positives.
    + intros u [u0 u1]. apply Rmult_le_reg_r with (2 * (1 + r)); [lra|].
      replace ((1 + r * u) * ((1 - e) * u + e) * (2 * (1 + r)))
        with ((1 + r * u) * (2 * (1 + r) * u - e * (2 * (1 + r)) * u + e * (2 * (1 +
            r))))
        by ring.
      rewrite of_e.
      assert (0 <= (1 - r) + u * (1 - 5 * r ^ 2) + (r + 3 * r ^ 2) * u ^ 2); [|lra].
      destruct (Rle_lt_dec (r ^ 2) (1 / 5)) as [small|large].
      * assert (0 <= u * (1 - 5 * r ^ 2)) by (apply Rmult_le_pos; lra).
        assert (0 <= (r + 3 * r ^ 2) * u ^ 2).
        { apply Rmult_le_pos; [nra|apply pow2_ge_0]. } lra.
      * assert (44 / 100 <= r) by nra. assert (r ^ 2 <= 49 / 121) by nra.
        assert (26 / 25 * u ^ 2 <= (r + 3 * r ^ 2) * u ^ 2).
        { apply Rmult_le_compat_r; [apply pow2_ge_0|lra]. }
        assert (- (124 / 121) * u <= u * (1 - 5 * r ^ 2)) by nra. nra.
  - intros gamma [g0 g1]. destruct (Rle_lt_dec e (1 - gamma)) as [large|less].
    + exists 0, 0. unfold rate. repeat split; try lra.
      pose proof (at_nothing r gamma). lra.
    + exists 1, 1. unfold rate. repeat split; try lra.
      apply hamming_above. rewrite dice_of_rates by (unfold rate; lra). unfold H.
      replace (2 * r * 1 / (r + r * 1 + (1 - r) * 1)) with (1 - 2 * e)
        by (unfold e; field; lra). lra.
Qed.

(** The root of the last change is the root of 17 x^2 - 4 sqrt 2 x - 8. *)
Lemma last_change_root : last_change = ((12 + 2 * sqrt 2) / 17) ^ 2.
Proof.
  destruct root_2 as [square size]. unfold last_change.
  apply Rmult_eq_reg_r with (19 - 6 * sqrt 2); [|lra].
  replace (8 / (19 - 6 * sqrt 2) * (19 - 6 * sqrt 2)) with 8 by (field; lra).
  replace (((12 + 2 * sqrt 2) / 17) ^ 2 * (19 - 6 * sqrt 2))
    with ((2736 + 912 * sqrt 2 - 864 * sqrt 2 + (76 - 288) * (sqrt 2 * sqrt 2)
      - 24 * sqrt 2 * (sqrt 2 * sqrt 2)) / 289) by field.
  rewrite square. field.
Qed.

Lemma last_change_size : 0.76 < last_change < 0.761.
Proof.
  destruct root_2 as [square size]. rewrite last_change_root.
  replace (((12 + 2 * sqrt 2) / 17) ^ 2)
    with ((144 + 48 * sqrt 2 + 4 * (sqrt 2 * sqrt 2)) / 289) by field.
  rewrite square. assert (1.414 < sqrt 2 < 1.4143) by (split; nra). lra.
Qed.

Lemma third_piece : forall r, 7 / 11 <= r <= last_change -> best r (1 - 1 / 9) (1 / 9).
Proof.
  intros r [low high]. pose proof last_change_size. destruct root_2 as [square size].
  split; [unfold rate; lra|split].
  - apply edges; try lra.
    + intros v [v0 v1].
      assert (0 <= (r - 7 / 11) * (2 + 10 * v - v ^ 2)) by (apply Rmult_le_pos; nra).
      assert (0 <= (1 - v) * (7 - 2 * v)) by (apply Rmult_le_pos; lra). lra.
    + intros u ru. apply no_false_positives; [lra|assumption].
    + intros u [u0 u1]. set (x := sqrt r).
      assert (x2 : x * x = r) by (apply sqrt_sqrt; lra).
      assert (x0 : 0 <= x) by apply sqrt_pos.
      assert (x_high : x <= (12 + 2 * sqrt 2) / 17).
      { rewrite last_change_root in high.
        unfold x. rewrite <- (sqrt_pow2 ((12 + 2 * sqrt 2) / 17)) by lra.
        now apply sqrt_le_1_alt. }
      assert (slope : 17 * (x * x) <= 8 + 4 * sqrt 2 * x).
      { assert (0 <= ((12 + 2 * sqrt 2) / 17 - x) * (x + (12 - 2 * sqrt 2) / 17)).
        { apply Rmult_le_pos; lra. }
        replace (((12 + 2 * sqrt 2) / 17 - x) * (x + (12 - 2 * sqrt 2) / 17))
          with ((144 - 4 * (sqrt 2 * sqrt 2)) / 289 + 4 * sqrt 2 / 17 * x - x * x)
          in H1 by field. rewrite square in H1. lra. }
      assert (0 <= (2 * sqrt 2 * x * u - 1) ^ 2) by apply pow2_ge_0.
      replace ((2 * sqrt 2 * x * u - 1) ^ 2)
        with (4 * (sqrt 2 * sqrt 2) * (x * x) * u ^ 2 - 4 * sqrt 2 * x * u + 1)
        in H1 by ring. rewrite square, x2 in H1. rewrite x2 in slope.
      assert (17 * r * u <= (8 + 4 * sqrt 2 * x) * u)
        by (apply Rmult_le_compat_r; lra). lra.
  - intros gamma [g0 g1]. destruct (Rle_lt_dec (1 / 9) (1 - gamma)) as [large|less].
    + exists 0, 0. unfold rate. repeat split; try lra.
      pose proof (at_nothing r gamma). lra.
    + exists (/ 2), 0. unfold rate. repeat split; try lra.
      apply dice_above. rewrite dice_of_rates by (unfold rate; lra). unfold H.
      replace (2 * r * / 2 / (r + r * / 2 + (1 - r) * 0)) with (2 / 3) by (field; lra).
      lra.
Qed.

(** With x = sqrt r, w = sqrt gamma: e = (1 - w sqrt 2)^2 = (sqrt 2 - w / x)^2. *)
Lemma fourth_piece : forall r, last_change <= r < 1 ->
  best r (((1 + sqrt 2) * sqrt r / (1 + sqrt (2 * r))) ^ 2)
    (((2 * sqrt r - 1) / (1 + sqrt (2 * r))) ^ 2).
Proof.
  intros r [low high]. pose proof last_change_size as at_change.
  destruct root_2 as [square size]. rewrite sqrt_mult by lra.
  set (x := sqrt r). assert (x2 : x * x = r) by (apply sqrt_sqrt; lra).
  assert (x_low : (12 + 2 * sqrt 2) / 17 <= x).
  { rewrite last_change_root in low.
    unfold x. rewrite <- (sqrt_pow2 ((12 + 2 * sqrt 2) / 17)) by lra.
    now apply sqrt_le_1_alt. }
  assert (x_high : x < 1) by (unfold x; rewrite <- sqrt_1; apply sqrt_lt_1; lra).
  clearbody x. rewrite <- x2 in *. clear r x2.
  set (t := sqrt 2) in *.
  assert (below : 0 < 1 + t * x) by nra.
  set (w := (1 + t) * x / (1 + t * x)).
  set (root_e := (2 * x - 1) / (1 + t * x)).
  assert (w_0 : 0 < w) by (apply Rdiv_lt_0_compat; nra).
  assert (w_1 : w <= 1) by (apply Rle_div_l; nra).
  assert (first : root_e = w * t - 1).
  { unfold root_e, w. apply Rmult_eq_reg_r with (1 + t * x); [|lra].
    replace ((2 * x - 1) / (1 + t * x) * (1 + t * x)) with (2 * x - 1) by (field; lra).
    replace (((1 + t) * x / (1 + t * x) * t - 1) * (1 + t * x))
      with (t * t * x - 1) by (field; lra). rewrite square. ring. }
  assert (second : root_e = t - w / x).
  { unfold root_e, w. apply Rmult_eq_reg_r with (1 + t * x); [|lra].
    replace ((2 * x - 1) / (1 + t * x) * (1 + t * x)) with (2 * x - 1) by (field; lra).
    replace ((t - (1 + t) * x / (1 + t * x) / x) * (1 + t * x))
      with (t * t * x - 1) by (field; lra). rewrite square. ring. }
  assert (e_of_w : root_e ^ 2 = (t - w) ^ 2 - (1 - w ^ 2)).
  { rewrite first. replace ((w * t - 1) ^ 2) with (t * t * w ^ 2 - 2 * w * t + 1) by
      ring.
    replace ((t - w) ^ 2) with (t * t - 2 * w * t + w ^ 2) by ring. rewrite square.
        ring. }
  split; [unfold rate; nra|split].
  - replace (w ^ 2) with (1 - (1 - w ^ 2)) by ring. apply edges.
    + split; [nra|]. lra.
    + split; nra.
    + (* 1 - gamma <= e, that is x above the root of the last change *)
      unfold w, root_e. apply Rmult_le_reg_r with ((1 + t * x) ^ 2).
      { apply pow_lt. assumption. }
      replace ((1 - ((1 + t) * x / (1 + t * x)) ^ 2) * (1 + t * x) ^ 2)
        with (1 + 2 * t * x + t * t * x ^ 2 - (1 + 2 * t + t * t) * x ^ 2) by (field;
            lra).
      replace (((2 * x - 1) / (1 + t * x)) ^ 2 * (1 + t * x) ^ 2)
        with (4 * x ^ 2 - 4 * x + 1) by (field; lra). rewrite square.
      assert (0 <= x * ((5 + 2 * t) * (x - (12 + 2 * t) / 17))).
      { repeat apply Rmult_le_pos; lra. }
      replace ((5 + 2 * t) * (x - (12 + 2 * t) / 17))
        with ((5 + 2 * t) * x - (60 + 34 * t + 4 * (t * t)) / 17) in H0 by field.
      rewrite square in H0. lra.
    + intros v [v0 v1].
      assert (strict : (1 - x * x) * (1 - root_e ^ 2)
        - 2 * (x * x) * (1 - w ^ 2 + root_e ^ 2) <= 0).
      { assert (0.87 <= x <= 1) by lra. assert (t_size : 1.41 < t < 1.42) by (split;
          nra).
        apply Rmult_le_reg_r with ((1 + t * x) ^ 2); [now apply pow_lt|].
        replace (((1 - x * x) * (1 - root_e ^ 2)
          - 2 * (x * x) * (1 - w ^ 2 + root_e ^ 2)) * (1 + t * x) ^ 2)
          with ((1 - x * x) * ((1 + t * x) ^ 2 - (2 * x - 1) ^ 2) - 2 * (x * x)
            * ((1 + t * x) ^ 2 - ((1 + t) * x) ^ 2 + (2 * x - 1) ^ 2))
          by (unfold root_e, w; field; lra).
        replace ((1 + t * x) ^ 2) with (1 + 2 * t * x + t * t * x ^ 2) by ring.
        replace (((1 + t) * x) ^ 2) with ((1 + 2 * t + t * t) * x ^ 2) by ring.
        rewrite square.
        assert ((1 - x * x) * (t + 2 - x) <= 0.25 * 2.55).
        { apply Rmult_le_compat; nra. }
        assert (0.87 * 0.82 <= x * (2 - (4 - 2 * t) * x + (3 - 2 * t) * x ^ 2)).
        { apply Rmult_le_compat; try lra. assert (0 <= (3 - 2 * t) * x ^ 2).
          { apply Rmult_le_pos; [lra|apply pow2_ge_0]. } nra. }
        assert (0 <= x * (x * (2 - (4 - 2 * t) * x + (3 - 2 * t) * x ^ 2)
          - (1 - x * x) * (t + 2 - x))) by (apply Rmult_le_pos; lra).
        lra. }
      assert (0 <= root_e ^ 2) by apply pow2_ge_0.
      assert (0 <= 1 - w ^ 2) by nra.
      assert (0 <= (1 - w ^ 2) * (1 - x * x) * v ^ 2).
      { apply Rmult_le_pos; [apply Rmult_le_pos; nra|apply pow2_ge_0]. }
      assert (v * ((1 - x * x) * (1 - root_e ^ 2) - 2 * (x * x) * (1 - w ^ 2 + root_e ^
          2))
        <= 0) by nra.
      assert (0 <= (1 - v) * (2 * (x * x) * root_e ^ 2)).
      { apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; [nra|assumption]. }
      lra.
    + intros u [u0 u1]. rewrite e_of_w.
      pose proof (pow2_ge_0 (w * u + (w - t))).
      replace ((1 + u) * ((1 - (1 - w ^ 2)) * u + (1 - w ^ 2) + ((t - w) ^ 2 - (1 - w ^
          2))))
        with ((w * u + (w - t)) ^ 2 + t * t * u) by ring. rewrite square. lra.
    + intros u [u0 u1]. rewrite second.
      pose proof (pow2_ge_0 (x * w * u + (w / x - t))).
      replace ((1 + x * x * u) * ((1 - (1 - w ^ 2)) * u + (t - w / x) ^ 2))
        with ((x * w * u + (w / x - t)) ^ 2 + t * t * (x * x) * u) by (field; lra).
      rewrite square. lra.
  - intros gamma [g0 g1]. destruct (Rle_lt_dec gamma (w ^ 2)) as [less|more].
    + exists (root_e / (x * w)), 1.
      assert (xw : 0 < x * w) by (apply Rmult_lt_0_compat; lra).
      assert (u_rate : rate (root_e / (x * w))).
      { unfold rate. split.
        - apply Rdiv_le_0_compat; [|assumption]. unfold root_e.
          apply Rdiv_le_0_compat; lra.
        - apply Rle_div_l; [assumption|]. unfold root_e, w.
          apply Rmult_le_reg_r with (1 + t * x); [assumption|].
          replace ((2 * x - 1) / (1 + t * x) * (1 + t * x)) with (2 * x - 1)
            by (field; lra).
          replace (1 * (x * ((1 + t) * x / (1 + t * x))) * (1 + t * x))
            with ((1 + t) * x ^ 2) by (field; lra).
          pose proof (pow2_ge_0 (x - 1)). assert (0 <= x ^ 2) by apply pow2_ge_0. nra. }
      split; [assumption|]. split; [unfold rate; lra|].
      apply dice_above. rewrite dice_of_rates; [|nra|assumption|unfold rate; lra].
      unfold H. set (u := root_e / (x * w)) in *.
      assert (uxw : u * x * w = root_e) by (unfold u; field; lra).
      assert (at_u : (1 + x * x * u) * (w ^ 2 * u + root_e ^ 2) = 2 * (x * x) * u).
      { assert (zero : (x * w * u + (w / x - t)) ^ 2 = 0).
        { replace (x * w * u) with root_e by (rewrite <- uxw; ring).
          rewrite second. ring. }
        assert (expand : (1 + x * x * u) * (w ^ 2 * u + (t - w / x) ^ 2)
          = (x * w * u + (w / x - t)) ^ 2 + t * t * (x * x) * u) by (field; lra).
        rewrite <- second, zero, square in expand. lra. }
      assert (some : 0 < 1 + x * x * u).
      { destruct u_rate as [u0 u1]. assert (0 <= x * x * u) by
          (apply Rmult_le_pos; nra). lra. }
      replace (x * x + x * x * u + (1 - x * x) * 1) with (1 + x * x * u) by ring.
      rewrite <- at_u. replace ((1 + x * x * u) * (w ^ 2 * u + root_e ^ 2) / (1 + x * x
          * u))
        with (w ^ 2 * u + root_e ^ 2) by (field; lra).
      destruct u_rate as [u0 u1]. assert (gamma * u <= w ^ 2 * u)
        by (apply Rmult_le_compat_r; lra). lra.
    + exists ((t - w) / w), 0.
      assert (u_rate : rate ((t - w) / w)).
      { unfold rate. split.
        - apply Rdiv_le_0_compat; lra.
        - apply Rle_div_l; [assumption|]. assert (0 <= root_e).
          { unfold root_e. apply Rdiv_le_0_compat; lra. }
          assert (1 <= w * t) by lra. nra. }
      split; [assumption|]. split; [unfold rate; lra|].
      apply dice_above. rewrite dice_of_rates; [|nra|assumption|unfold rate; lra].
      unfold H. set (u := (t - w) / w) in *.
      assert (uw : w * u = t - w) by (unfold u; field; lra).
      destruct u_rate as [u0 u1].
      assert (at_u : (1 + u) * (w ^ 2 * u + (t - w) ^ 2) = 2 * u).
      { transitivity ((w * u + (w - t)) ^ 2 + t * t * u); [ring|].
        rewrite uw, square. ring. }
      replace (2 * (x * x) * u / (x * x + x * x * u + (1 - x * x) * 0))
        with (2 * u / (1 + u)) by (field; split; nra).
      rewrite <- at_u. replace ((1 + u) * (w ^ 2 * u + (t - w) ^ 2) / (1 + u))
        with (w ^ 2 * u + (t - w) ^ 2) by (field; lra).
      rewrite e_of_w. nra.
Qed.

Theorem N27 : forall r, 0 < r < 1 -> best r (best_gamma r) (least_error r).
Proof.
  intros r share. pose proof last_change_size as size.
  unfold best_gamma, least_error.
  destruct (Rle_dec r (1 / 3)) as [first|].
  - destruct (Rle_dec r last_change); [|lra]. apply first_piece. lra.
  - destruct (Rle_dec r (7 / 11)) as [second|].
    + destruct (Rle_dec r last_change); [|lra]. apply second_piece. lra.
    + destruct (Rle_dec r last_change) as [third|fourth].
      * apply third_piece. lra.
      * apply fourth_piece. lra.
Qed.

(** No weight leaves less. *)
Theorem N27_twin : ~ (forall r, 0 < r < 1 ->
  best r (best_gamma r) (least_error r - / 1000000)).
Proof.
  intros wrong. specialize (wrong (/ 2) ltac:(lra)).
  destruct wrong as (ok & within & _).
  destruct (N27 (/ 2)) as (_ & _ & least); [lra|].
  destruct (least _ ok) as (u & v & ru & rv & more). specialize (within u v ru rv). lra.
Qed.
