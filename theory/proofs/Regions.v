(** Region means of cross-entropy and log-Dice: L03, L04. *)

From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Rcomplements Hierarchy Derive.
From Proofs Require Import Overlap Slopes Logarithm.
Import ListNotations.
Open Scope R_scope.

(** A region is the probabilities of its class at its pixels; none is empty. *)
Definition region := list R.
Definition proper (r : region) : Prop := r <> [] /\ forall p, In p r -> 0 < p <= 1.

(** The two terms of one region, and their sums over the regions: Liu 2022, Eq. (1) and
    Table 1. *)
Definition df (r : region) : R := - log (mean r).
Definition ce (r : region) : R := mean (map (fun p => - log p) r).
Definition DF (rs : list region) : R := total (map df rs).
Definition CE (rs : list region) : R := total (map ce rs).

(** Cross-entropy as the mean over all pixels, Appendix A.2, and the shares y_k. *)
Definition pixel_CE (rs : list region) : R := ce (concat rs).
Definition portion (r : region) (rs : list region) : R := length r / length (concat rs).

(** * Sums *)

Lemma total_app : forall a b, total (a ++ b) = total a + total b.
Proof. induction a as [|x a IH]; intros; simpl; [ring|rewrite IH; ring]. Qed.

Lemma total_positive : forall r, proper r -> 0 < total r.
Proof.
  intros r [some inside]. destruct r as [|p r]; [now destruct some|]. clear some.
  revert p inside. induction r as [|q r IH]; intros p inside; simpl.
  - destruct (inside p); [now left|lra].
  - destruct (inside p) as [first _]; [now left|].
    specialize (IH q). simpl in IH. apply Rplus_lt_0_compat; [assumption|].
    apply IH. intros x member. apply inside. now right.
Qed.

Lemma length_positive : forall r : region, r <> [] -> 0 < length r.
Proof.
  intros r some. apply lt_0_INR. destruct r; [now destruct some|simpl; lia].
Qed.

Lemma mean_positive : forall r, proper r -> 0 < mean r.
Proof.
  intros r ok. apply Rdiv_lt_0_compat; [now apply total_positive|].
  now apply length_positive, ok.
Qed.

Lemma total_monotone : forall (f h : R -> R) r, (forall p, In p r -> f p <= h p) ->
  total (map f r) <= total (map h r).
Proof.
  intros f h r below. induction r as [|p r IH]; simpl; [lra|].
  assert (f p <= h p) by (apply below; now left).
  assert (total (map f r) <= total (map h r)); [|lra].
  apply IH. intros. apply below. now right.
Qed.

Lemma total_strict : forall (f h : R -> R) r q, In q r -> f q < h q ->
  (forall p, In p r -> f p <= h p) -> total (map f r) < total (map h r).
Proof.
  intros f h r q member less below. induction r as [|p r IH]; [destruct member|].
  simpl. assert (f p <= h p) by (apply below; now left).
  assert (rest : forall p, In p r -> f p <= h p) by (intros; apply below; now right).
  destruct member as [->|member].
  - pose proof (total_monotone f h r rest). lra.
  - specialize (IH member rest). lra.
Qed.

Lemma total_linear : forall a b r,
  total (map (fun p => a + b * p) r) = length r * a + b * total r.
Proof.
  intros. induction r as [|p r IH]; [simpl; ring|].
  change (length (p :: r)) with (S (length r)). rewrite S_INR. simpl. rewrite IH. ring.
Qed.

(** * Jensen's inequality, by the tangent at the mean *)

(** The tangent at the mean, summed over the region, is the mean itself. *)
Lemma tangent_of_region : forall r, proper r -> let m := mean r in
  total (map (fun p => log m - 1 + / m * p) r) = length r * log m.
Proof.
  intros r ok m. rewrite total_linear. pose proof (mean_positive r ok).
  pose proof (length_positive r (proj1 ok)).
  assert (total r = m * length r) as -> by (unfold m, mean; field; lra).
  unfold m. field. lra.
Qed.

Lemma total_opp : forall (f : R -> R) r,
  total (map (fun p => - f p) r) = - total (map f r).
Proof. intros. induction r as [|p r IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma jensen : forall r, proper r -> df r <= ce r.
Proof.
  intros r ok. pose proof (mean_positive r ok) as pm.
  pose proof (length_positive r (proj1 ok)) as pl.
  unfold df, ce, mean at 2. rewrite total_opp, map_length.
  apply Rle_div_r; [assumption|].
  pose proof (tangent_of_region r ok) as tangent. cbv zeta in tangent.
  assert (total (map log r) <= total (map (fun p => log (mean r) - 1 + / mean r * p)
      r)).
  { apply total_monotone. intros p member. destruct ok as [_ inside].
    pose proof (log_below_tangent (mean r) p pm (proj1 (inside p member))).
    replace (/ mean r * p) with ((p - mean r) / mean r + 1) by (field; lra). lra. }
  lra.
Qed.

Lemma jensen_equal : forall r, proper r ->
  (df r = ce r <-> forall p, In p r -> p = mean r).
Proof.
  intros r ok. pose proof (mean_positive r ok) as pm.
  pose proof (length_positive r (proj1 ok)) as pl.
  pose proof (tangent_of_region r ok) as tangent. cbv zeta in tangent.
  unfold df, ce, mean at 2. rewrite total_opp, map_length. split.
  - intros equal p member. destruct (Req_dec p (mean r)) as [|differ]; [assumption|].
    exfalso.
    assert (total (map log r)
      < total (map (fun p => log (mean r) - 1 + / mean r * p) r)) as less.
    { destruct ok as [_ inside].
      apply total_strict with p; [assumption| |].
      - pose proof (log_strictly_below (mean r) p pm (proj1 (inside p member)) differ).
        replace (/ mean r * p) with ((p - mean r) / mean r + 1) by (field; lra). lra.
      - intros q other. pose proof (log_below_tangent (mean r) q pm (proj1 (inside q
          other))).
        replace (/ mean r * q) with ((q - mean r) / mean r + 1) by (field; lra). lra. }
    apply Rmult_eq_compat_r with (r := INR (length r)) in equal.
    replace (- total (map log r) / length r * length r) with (- total (map log r))
      in equal by (field; lra). lra.
  - intros constant. rewrite (map_ext_in log (fun _ => log (mean r) + 0 * 0)).
    + assert (forall c, total (map (fun _ : R => c + 0 * 0) r) = length r * c) as same.
      { intros c. clear. induction r as [|p r IH]; [simpl; ring|].
        change (length (p :: r)) with (S (length r)). rewrite S_INR. simpl.
        simpl in IH. rewrite IH. ring. }
      rewrite same. field. lra.
    + intros p member. rewrite (constant p member) at 1. ring.
Qed.

(** * L03 *)

Lemma total_of_regions : forall (f h : region -> R) rs,
  (forall r, In r rs -> f r <= h r) -> total (map f rs) <= total (map h rs).
Proof.
  intros f h rs below. induction rs as [|r rs IH]; simpl; [lra|].
  assert (f r <= h r) by (apply below; now left).
  assert (total (map f rs) <= total (map h rs)); [|lra].
  apply IH. intros. apply below. now right.
Qed.

Lemma total_of_regions_equal : forall (f h : region -> R) rs,
  (forall r, In r rs -> f r <= h r) -> total (map f rs) = total (map h rs) ->
  forall r, In r rs -> f r = h r.
Proof.
  intros f h rs below equal. induction rs as [|q rs IH]; simpl in *; [tauto|].
  assert (f q <= h q) by (apply below; now left).
  assert (rest : forall r, In r rs -> f r <= h r) by (intros; apply below; now right).
  pose proof (total_of_regions f h rs rest).
  intros r [<-|member]; [lra|]. apply IH; auto. lra.
Qed.

(** A mean over all pixels is that of the regions' means, weighed by their shares. *)
Lemma pixel_mean : forall rs, (forall r, In r rs -> proper r) -> rs <> [] ->
  pixel_CE rs = total (map (fun r => portion r rs * ce r) rs).
Proof.
  intros rs ok some. unfold pixel_CE, portion. set (n := length (concat rs)).
  assert (pn : 0 < n).
  { unfold n. destruct rs as [|r rs]; [now destruct some|]. simpl.
    rewrite app_length, plus_INR. destruct (ok r) as [nonempty _]; [now left|].
    pose proof (length_positive r nonempty). pose proof (count_nonneg (length (concat
        rs))).
    lra. }
  unfold ce at 1, mean. rewrite map_length. fold n. clearbody n. clear some.
  induction rs as [|r rs IH]; simpl.
  - unfold Rdiv. ring.
  - rewrite map_app, total_app. rewrite <- IH by (intros; apply ok; now right).
    destruct (ok r) as [nonempty _]; [now left|].
    pose proof (length_positive r nonempty). unfold ce, mean. rewrite map_length.
    field. lra.
Qed.

Theorem L03 : forall rs, (forall r, In r rs -> proper r) ->
  DF rs <= CE rs /\
  (DF rs = CE rs <-> forall r, In r rs -> forall p, In p r -> p = mean r) /\
  (rs <> [] -> total (map (fun r => portion r rs * df r) rs) <= pixel_CE rs).
Proof.
  intros rs ok. unfold DF, CE.
  assert (below : forall r, In r rs -> df r <= ce r).
  { intros r member. apply jensen, ok, member. }
  split; [now apply total_of_regions|]. split; [split|].
  - intros equal r member. apply jensen_equal; [now apply ok|].
    now apply (total_of_regions_equal df ce rs).
  - intros constant. f_equal. apply map_ext_in. intros r member.
    apply jensen_equal; [now apply ok|]. now apply constant.
  - intros some. rewrite pixel_mean by assumption. apply total_of_regions.
    intros r member. apply Rmult_le_compat_l; [|now apply below].
    apply Rdiv_le_0_compat; [auto|].
    assert (0 < length r) by (apply length_positive, ok, member).
    assert (length r <= length (concat rs)); [|lra].
    apply le_INR. clear - member. induction rs as [|q rs IH]; [destruct member|].
    simpl. rewrite app_length. destruct member as [->|member]; [lia|].
    specialize (IH member). lia.
Qed.

(** Two pixels, one of each class, at 1/2: the mean over pixels is below DF. *)
Theorem L03_twin : ~ (forall rs, (forall r, In r rs -> proper r) ->
  DF rs <= pixel_CE rs).
Proof.
  intros wrong. specialize (wrong [[/ 2]; [/ 2]]).
  unfold DF, df, pixel_CE, ce, mean in wrong. simpl in wrong.
  replace ((/ 2 + 0) / 1) with (/ 2) in wrong by field.
  pose proof (log_above_0 2). rewrite log_inverse in wrong by lra.
  assert (proper [/ 2]).
  { split; [discriminate|]. intros p [<-|[]]. lra. }
  apply Rle_not_lt in wrong; [apply wrong; lra|].
  intros r [<-|[<-|[]]]; assumption.
Qed.

(** * L04 *)

Lemma region_around : forall l t r,
  total (l ++ t :: r) = total (l ++ r) + t /\
  length (l ++ t :: r) = S (length (l ++ r)).
Proof.
  intros. rewrite !total_app, !app_length. simpl. split; [ring|lia].
Qed.

Lemma slope_of_df : forall l x r, proper (l ++ x :: r) ->
  is_derive (fun t => df (l ++ t :: r)) x (- (1 / total (l ++ x :: r))).
Proof.
  intros l x r ok. pose proof (total_positive _ ok) as some.
  pose proof (count_nonneg (length (l ++ r))).
  destruct (region_around l x r) as [sum _]. rewrite sum in *.
  apply is_derive_ext with
    (fun t => - log ((total (l ++ r) + t) / S (length (l ++ r)))).
  - assert (forall t : R, - log ((total (l ++ r) + t) / S (length (l ++ r)))
      = df (l ++ t :: r)) as same; [|exact same].
    intros t. unfold df, mean. destruct (region_around l t r) as [-> ->]. reflexivity.
  - rewrite S_INR. set (n := length (l ++ r) + 1). assert (0 < n) by (unfold n; lra).
    set (a := total (l ++ r)) in *.
    replace (- (1 / (a + x))) with (opp (scal (/ n) (1 / ((a + x) / n)))).
    + apply (@is_derive_opp R_AbsRing R_NormedModule (fun t => log ((a + t) / n))).
      apply (is_derive_comp log (fun t => (a + t) / n)).
      * apply slope_of_log. apply Rdiv_lt_0_compat; lra.
      * apply is_derive_ext with (fun t => a / n + / n * t);
          [|apply slope_of_affine]. intros t. simpl. field. lra.
    + unfold scal, opp. simpl. unfold mult. simpl. field. lra.
Qed.

Lemma slope_of_ce : forall l x r, proper (l ++ x :: r) ->
  is_derive (fun t => ce (l ++ t :: r)) x (- (1 / (length (l ++ x :: r) * x))).
Proof.
  intros l x r ok.
  assert (0 < x) by (apply ok, in_or_app; right; now left).
  pose proof (count_nonneg (length (l ++ r))).
  destruct (region_around l x r) as [_ ->].
  apply is_derive_ext with
    (fun t => (total (map (fun p => - log p) (l ++ r)) + - log t) / S (length (l ++
        r))).
  - assert (forall t : R, (total (map (fun p => - log p) (l ++ r)) + - log t)
      / S (length (l ++ r)) = ce (l ++ t :: r)) as same; [|exact same].
    intros t. unfold ce, mean. rewrite map_length. destruct (region_around l t r) as [_
        ->].
    rewrite !map_app. simpl. destruct (region_around (map (fun p => - log p) l) (- log
        t)
      (map (fun p => - log p) r)) as [-> _]. reflexivity.
  - rewrite S_INR. set (n := length (l ++ r) + 1). assert (0 < n) by (unfold n; lra).
    set (a := total (map (fun p => - log p) (l ++ r))).
    apply is_derive_ext with (fun t => a / n + - / n * log t).
    { intros t. simpl. field. lra. }
    replace (- (1 / (n * x))) with (scal (1 / x) (- / n)).
    + apply (is_derive_comp (fun t => a / n + - / n * t) log);
        [apply slope_of_affine|now apply slope_of_log].
    + unfold scal. simpl. unfold mult. simpl. field. lra.
Qed.

(** One region among others. *)
Lemma slope_among_regions : forall (f : region -> R) before after (here : R -> region)
    x s,
  is_derive (fun t => f (here t)) x s ->
  is_derive (fun t => total (map f (before ++ here t :: after))) x s.
Proof.
  intros f before after here x s slope.
  apply is_derive_ext with
    (fun t => (total (map f before) + total (map f after)) + f (here t)).
  - intros t. rewrite map_app, total_app. simpl. ring.
  - rewrite <- (Rplus_0_l s). apply slope_of_sum; [apply slope_of_constant|assumption].
Qed.

Lemma mean_at_most_1 : forall r, proper r -> mean r <= 1.
Proof.
  intros r [some inside]. pose proof (length_positive r some).
  apply Rle_div_l; [assumption|]. rewrite Rmult_1_l.
  assert (total (map (fun p => p) r) <= total (map (fun p => 1 + 0 * p) r)) as below.
  { apply total_monotone. intros p member. specialize (inside p member). lra. }
  rewrite total_linear, map_id in below. lra.
Qed.

Lemma df_nonneg : forall r, proper r -> 0 <= df r.
Proof.
  intros r ok. pose proof (mean_positive r ok). pose proof (mean_at_most_1 r ok).
  unfold df. assert (log (mean r) <= log 1) by (apply log_monotone; assumption).
  rewrite log_1 in *. lra.
Qed.

Lemma df_zero : forall r, proper r -> (df r = 0 <-> forall p, In p r -> p = 1).
Proof.
  intros r ok. pose proof (mean_positive r ok) as pm.
  pose proof (length_positive r (proj1 ok)) as pl. destruct ok as [_ inside]. split.
  - intros zero p member.
    destruct (Req_dec p 1) as [|differ]; [assumption|exfalso].
    assert (total (map (fun p => p) r) < total (map (fun p => 1 + 0 * p) r)) as less.
    { apply total_strict with p; [assumption| |].
      - specialize (inside p member). lra.
      - intros q other. specialize (inside q other). lra. }
    rewrite total_linear, map_id in less.
    assert (mean r < 1) by (apply Rlt_div_l; lra).
    assert (log (mean r) < log 1) by (apply log_increasing; assumption).
    unfold df in zero. rewrite log_1 in *. lra.
  - intros ones. unfold df, mean.
    assert (total r = length r) as ->.
    { transitivity (total (map (fun p => 1 + 0 * p) r)).
      - rewrite <- (map_id r) at 1. f_equal. apply map_ext_in.
        intros p member. rewrite (ones p member). ring.
      - rewrite total_linear. ring. }
    unfold Rdiv. rewrite Rinv_r by lra. rewrite log_1. ring.
Qed.

Lemma ce_zero : forall r, proper r -> (ce r = 0 <-> forall p, In p r -> p = 1).
Proof.
  intros r ok. split.
  - intros zero. apply df_zero; [assumption|].
    pose proof (jensen r ok). pose proof (df_nonneg r ok). lra.
  - intros ones. assert (df r = 0) as <- by now apply df_zero.
    symmetry. apply jensen_equal; [assumption|]. intros p member.
    assert (df r = 0) as zero by now apply df_zero. unfold df in zero.
    rewrite (ones p member). apply log_injective; [lra|now apply mean_positive|].
    rewrite log_1. lra.
Qed.

Lemma zero_where_all_are : forall (f : region -> R) rs,
  (forall r, In r rs -> 0 <= f r) ->
  0 <= total (map f rs) /\ (total (map f rs) = 0 <-> forall r, In r rs -> f r = 0).
Proof.
  intros f rs positive. induction rs as [|r rs IH]; simpl.
  - repeat split; [lra|tauto].
  - destruct IH as [IH zero]; [intros; apply positive; now right|].
    assert (0 <= f r) by (apply positive; now left).
    split; [lra|split].
    + intros sum q [<-|member]; [lra|]. apply zero; [lra|assumption].
    + intros all. rewrite (all r) by now left.
      assert (total (map f rs) = 0) as -> by (apply zero; auto). ring.
Qed.

Theorem L04 : forall rs, (forall r, In r rs -> proper r) ->
  (forall before l x r after, rs = before ++ (l ++ x :: r) :: after ->
    is_derive (fun t => DF (before ++ (l ++ t :: r) :: after)) x
      (- (1 / total (l ++ x :: r))) /\ - (1 / total (l ++ x :: r)) < 0 /\
    is_derive (fun t => CE (before ++ (l ++ t :: r) :: after)) x
      (- (1 / (length (l ++ x :: r) * x))) /\ - (1 / (length (l ++ x :: r) * x)) < 0) /\
  0 <= DF rs /\ 0 <= CE rs /\
  (DF rs = 0 <-> forall r, In r rs -> forall p, In p r -> p = 1) /\
  (CE rs = 0 <-> forall r, In r rs -> forall p, In p r -> p = 1).
Proof.
  intros rs ok. split.
  - intros before l x r after ->.
    assert (here : proper (l ++ x :: r)) by (apply ok, in_or_app; right; now left).
    assert (0 < x) by (apply here, in_or_app; right; now left).
    pose proof (total_positive _ here) as sum.
    pose proof (length_positive _ (proj1 here)) as size.
    split; [|split; [|split]].
    + apply (slope_among_regions df before after (fun t => l ++ t :: r)).
      now apply slope_of_df.
    + apply Ropp_lt_gt_0_contravar, Rdiv_lt_0_compat; lra.
    + apply (slope_among_regions ce before after (fun t => l ++ t :: r)).
      now apply slope_of_ce.
    + apply Ropp_lt_gt_0_contravar, Rdiv_lt_0_compat; [lra|].
      now apply Rmult_lt_0_compat.
  - assert (df_some : forall r, In r rs -> 0 <= df r) by (intros; now apply df_nonneg,
      ok).
    assert (ce_some : forall r, In r rs -> 0 <= ce r).
    { intros r member. apply Rle_trans with (df r); [auto|]. now apply jensen, ok. }
    destruct (zero_where_all_are df rs df_some) as [df_pos df_null].
    destruct (zero_where_all_are ce rs ce_some) as [ce_pos ce_null].
    unfold DF, CE. split; [assumption|split; [assumption|split]].
    + rewrite df_null. split; intros all r member; specialize (all r member);
        now apply (df_zero r (ok r member)).
    + rewrite ce_null. split; intros all r member; specialize (all r member);
        now apply (ce_zero r (ok r member)).
Qed.

(** One pixel is enough for a region's mean of logarithms to be 0 in no other way. *)
Theorem L04_twin : ~ (forall rs, (forall r, In r rs -> proper r) ->
  (forall before l x r after, rs = before ++ (l ++ x :: r) :: after ->
    is_derive (fun t => DF (before ++ (l ++ t :: r) :: after)) x
      (- (1 / total (l ++ x :: r))) /\ - (1 / total (l ++ x :: r)) < 0 /\
    is_derive (fun t => CE (before ++ (l ++ t :: r) :: after)) x
      (- (1 / total (l ++ x :: r))) /\ - (1 / total (l ++ x :: r)) < 0) /\
  0 <= DF rs /\ 0 <= CE rs /\
  (DF rs = 0 <-> forall r, In r rs -> forall p, In p r -> p = 1) /\
  (CE rs = 0 <-> forall r, In r rs -> forall p, In p r -> p = 1)).
Proof.
  intros wrong.
  assert (ok : proper ([] ++ / 2 :: [1])).
  { split; [discriminate|]. intros p [<-|[<-|[]]]; lra. }
  destruct (wrong [[] ++ / 2 :: [1]]) as [slopes _].
  { intros r [<-|[]]. exact ok. }
  destruct (slopes [] [] (/ 2) [1] [] eq_refl) as (_ & _ & slope & _).
  assert (right : is_derive (fun t => CE ([] ++ ([] ++ t :: [1]) :: [])) (/ 2)
    (- (1 / (length ([] ++ / 2 :: [1]) * / 2)))).
  { apply (slope_among_regions ce [] [] (fun t => [] ++ t :: [1])).
    now apply slope_of_ce. }
  pose proof (eq_trans (eq_sym (is_derive_unique _ _ _ slope))
    (is_derive_unique _ _ _ right)) as same.
  simpl in same. lra.
Qed.
