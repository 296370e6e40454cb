(** Vectors over classes: the bias of log-Dice (L06, L07) and the softmax (L23). *)

From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Rcomplements Rbar Hierarchy Derive Continuity.
From Proofs Require Import Overlap Slopes Logarithm.
Open Scope R_scope.

(** A vector has an entry for each class 0, ..., K - 1. *)
Definition vector := nat -> R.

Fixpoint Sum (K : nat) (v : vector) : R :=
  match K with O => 0 | S k => Sum k v + v k end.
Fixpoint Prod (K : nat) (v : vector) : R :=
  match K with O => 1 | S k => Prod k v * v k end.

Definition simplex (K : nat) (p : vector) : Prop :=
  (forall k, (k < K)%nat -> 0 <= p k) /\ Sum K p = 1.

(** The vertex of class j, and p with x in place of the entry of class k. *)
Definition vertex (j : nat) : vector := fun k => if Nat.eqb k j then 1 else 0.
Definition update (p : vector) (k : nat) (x : R) : vector :=
  fun m => if Nat.eqb m k then x else p m.

(** The bias term of Liu 2022, Eqs. (1) and (6), and its exponential, which is exact
    also
    where a logarithm is minus infinity. *)
Definition DB (K : nat) (y p : vector) : R := Sum K (fun k => log (p k + y k)).
Definition exp_DB (K : nat) (y p : vector) : R := Prod K (fun k => p k + y k).

(** * Sums and products *)

Lemma Sum_equal : forall K v w, (forall k, (k < K)%nat -> v k = w k) -> Sum K v = Sum K
    w.
Proof.
  induction K as [|K IH]; intros v w equal; simpl; [reflexivity|].
  rewrite (IH v w), equal by auto. reflexivity.
Qed.

Lemma Prod_equal : forall K v w, (forall k, (k < K)%nat -> v k = w k) ->
  Prod K v = Prod K w.
Proof.
  induction K as [|K IH]; intros v w equal; simpl; [reflexivity|].
  rewrite (IH v w), equal by auto. reflexivity.
Qed.

Lemma Sum_scale : forall K c v, Sum K (fun k => c * v k) = c * Sum K v.
Proof. induction K as [|K IH]; intros; simpl; [ring|rewrite IH; ring]. Qed.

Lemma Sum_monotone : forall K v w, (forall k, (k < K)%nat -> v k <= w k) ->
  Sum K v <= Sum K w.
Proof.
  induction K as [|K IH]; intros v w below; simpl; [lra|].
  apply Rplus_le_compat; auto.
Qed.

Lemma Sum_strict : forall K v w m, (m < K)%nat -> v m < w m ->
  (forall k, (k < K)%nat -> v k <= w k) -> Sum K v < Sum K w.
Proof.
  induction K as [|K IH]; intros v w m inside less below; [lia|]. simpl.
  destruct (Nat.eq_dec m K) as [->|other].
  - apply Rplus_le_lt_compat; [apply Sum_monotone|]; auto.
  - apply Rplus_lt_le_compat; [apply (IH v w m)|]; auto. lia.
Qed.

Lemma Sum_nonneg : forall K v, (forall k, (k < K)%nat -> 0 <= v k) -> 0 <= Sum K v.
Proof.
  induction K as [|K IH]; intros v positive; simpl; [lra|].
  apply Rplus_le_le_0_compat; auto.
Qed.

Lemma Sum_zero : forall K v, (forall k, (k < K)%nat -> 0 <= v k) -> Sum K v = 0 ->
  forall k, (k < K)%nat -> v k = 0.
Proof.
  induction K as [|K IH]; intros v positive zero k inside; [lia|]. simpl in zero.
  assert (0 <= Sum K v) by (apply Sum_nonneg; auto).
  assert (0 <= v K) by auto.
  destruct (Nat.eq_dec k K) as [->|other]; [lra|]. apply IH; auto; [lra|lia].
Qed.

Lemma Sum_vertex : forall K v j, (j < K)%nat ->
  Sum K (fun k => vertex j k * v k) = v j.
Proof.
  induction K as [|K IH]; intros v j inside; [lia|]. simpl. unfold vertex at 2.
  destruct (Nat.eqb_spec K j) as [->|other].
  - rewrite (Sum_equal j _ (fun _ => 0 * 0)).
    + rewrite (Sum_scale j 0 (fun _ => 0)). ring.
    + intros k below. unfold vertex. destruct (Nat.eqb_spec k j); [lia|ring].
  - rewrite IH by lia. ring.
Qed.

Lemma Prod_nonneg : forall K v, (forall k, (k < K)%nat -> 0 <= v k) -> 0 <= Prod K v.
Proof.
  induction K as [|K IH]; intros v positive; simpl; [lra|]. apply Rmult_le_pos; auto.
Qed.

Lemma Prod_positive : forall K v, (forall k, (k < K)%nat -> 0 < v k) -> 0 < Prod K v.
Proof.
  induction K as [|K IH]; intros v positive; simpl; [lra|].
  apply Rmult_lt_0_compat; auto.
Qed.

Lemma Prod_zero : forall K v k, (k < K)%nat -> v k = 0 -> Prod K v = 0.
Proof.
  induction K as [|K IH]; intros v k inside zero; [lia|]. simpl.
  destruct (Nat.eq_dec k K) as [->|other]; [rewrite zero; ring|].
  rewrite (IH v k); [ring|lia|assumption].
Qed.

Lemma Prod_times : forall K v w, Prod K (fun k => v k * w k) = Prod K v * Prod K w.
Proof. induction K as [|K IH]; intros; simpl; [ring|rewrite IH; ring]. Qed.

Lemma log_Prod : forall K v, (forall k, (k < K)%nat -> 0 < v k) ->
  log (Prod K v) = Sum K (fun k => log (v k)).
Proof.
  induction K as [|K IH]; intros v positive; simpl; [apply log_1|].
  rewrite log_mult, IH; auto. apply Prod_positive; auto.
Qed.

(** * L06 *)

(** A product of 1 + a_k is at least 1 + their sum, with equality if at most one a_k is
    not 0. *)
Lemma bernoulli : forall K a, (forall k, (k < K)%nat -> 0 <= a k) ->
  1 + Sum K a <= Prod K (fun k => 1 + a k).
Proof.
  induction K as [|K IH]; intros a positive; simpl; [lra|].
  assert (1 + Sum K a <= Prod K (fun k => 1 + a k)) by (apply IH; auto).
  assert (0 <= Sum K a) by (apply Sum_nonneg; auto).
  assert (0 <= a K) by auto. nra.
Qed.

Lemma bernoulli_strict : forall K a, (forall k, (k < K)%nat -> 0 <= a k) ->
  1 + Sum K a = Prod K (fun k => 1 + a k) ->
  forall k m, (k < m < K)%nat -> a k = 0 \/ a m = 0.
Proof.
  induction K as [|K IH]; intros a positive equal k m between; [lia|]. simpl in equal.
  pose proof (bernoulli K a) as below.
  assert (1 + Sum K a <= Prod K (fun k => 1 + a k)) by (apply below; auto).
  assert (0 <= Sum K a) by (apply Sum_nonneg; auto).
  assert (last : 0 <= a K) by auto.
  destruct (Nat.eq_dec m K) as [->|other].
  - destruct (Req_dec (a K) 0) as [|some]; [now right|left].
    apply (Sum_zero K a); [auto| |lia]. nra.
  - apply (IH a); auto; [nra|lia].
Qed.

(** The ratios a_k = p_k / y_k, whose sum is at least 1 / y_j. *)
Section Positive.
  Variables (K : nat) (p y : vector) (j : nat).
  Hypotheses (p_ok : simplex K p) (inside : (j < K)%nat).
  Hypotheses (positive : forall k, (k < K)%nat -> 0 < y k).
  Hypotheses (largest : forall k, (k < K)%nat -> y k <= y j).

  Lemma ratios : forall q, exp_DB K y q = Prod K y * Prod K (fun k => 1 + q k / y k).
  Proof.
    intros q. rewrite <- Prod_times. apply Prod_equal. intros k below.
    specialize (positive k below). field. lra.
  Qed.

  Lemma ratios_nonneg : forall k, (k < K)%nat -> 0 <= p k / y k.
  Proof. intros. apply Rdiv_le_0_compat; [now apply p_ok|auto]. Qed.

  Lemma vertex_value : forall m, (m < K)%nat ->
    Prod K (fun k => 1 + vertex m k / y k) = 1 + / y m.
  Proof.
    intros m. clear p_ok inside largest. revert positive.
    induction K as [|k IH]; intros positive below; [lia|]. simpl. unfold vertex at 2.
    destruct (Nat.eqb_spec k m) as [->|other].
    - rewrite (Prod_equal m _ (fun _ => 1 * 1)).
      + assert (forall n, Prod n (fun _ => 1 * 1) = 1) as ->.
        { induction n as [|n ones]; simpl; [reflexivity|rewrite ones; ring]. }
        unfold Rdiv. ring.
      + intros n less. unfold vertex. destruct (Nat.eqb_spec n m); [lia|].
        unfold Rdiv. ring.
    - rewrite IH by (auto; lia). unfold Rdiv. ring.
  Qed.

  Lemma sum_of_ratios : / y j <= Sum K (fun k => p k / y k).
  Proof.
    destruct p_ok as [nonneg whole]. rewrite <- (Rmult_1_r (/ y j)), <- whole at 1.
    rewrite <- Sum_scale. apply Sum_monotone. intros k below.
    unfold Rdiv. rewrite Rmult_comm. apply Rmult_le_compat_l; [auto|].
    apply Rinv_le_contravar; auto.
  Qed.

  Lemma bias_is_least : exp_DB K y (vertex j) <= exp_DB K y p.
  Proof.
    rewrite !ratios, vertex_value by assumption.
    apply Rmult_le_compat_l; [left; now apply Prod_positive|].
    apply Rle_trans with (1 + Sum K (fun k => p k / y k)).
    - pose proof sum_of_ratios. lra.
    - apply bernoulli, ratios_nonneg.
  Qed.

  (** Equality leaves one class that is not empty, and it is a largest one. *)
  Lemma only_at_a_vertex : exp_DB K y p = exp_DB K y (vertex j) ->
    exists m, (m < K)%nat /\ y m = y j /\ forall k, (k < K)%nat -> p k = vertex m k.
  Proof.
    intros equal. destruct p_ok as [nonneg whole].
    rewrite !ratios, vertex_value in equal by assumption.
    apply Rmult_eq_reg_l in equal; [|apply Rgt_not_eq, Prod_positive; assumption].
    pose proof (bernoulli K (fun k => p k / y k) ratios_nonneg) as product.
    pose proof sum_of_ratios as sum.
    assert (tight : 1 + Sum K (fun k => p k / y k) = Prod K (fun k => 1 + p k / y k))
      by lra.
    pose proof (bernoulli_strict K _ ratios_nonneg tight) as one.
    assert (some : exists m, (m < K)%nat /\ p m <> 0).
    { clear - whole. induction K as [|k IH]; simpl in whole; [lra|].
      destruct (Req_dec (p k) 0) as [zero|]; [|exists k; split; auto].
      destruct IH as (m & below & more); [lra|]. exists m. split; auto. }
    destruct some as (m & below & more).
    assert (others : forall k, (k < K)%nat -> k <> m -> p k = 0).
    { intros k less differ.
      assert (p k / y k = 0 \/ p m / y m = 0) as [zero|zero].
      { destruct (Nat.lt_ge_cases k m); [apply one; lia|].
        destruct (one m k) as [e|e]; [lia|now right|now left]. }
      - apply Rmult_integral in zero as [|zero]; [assumption|].
        now apply Rinv_neq_0_compat in zero; [|apply Rgt_not_eq, positive].
      - exfalso. apply Rmult_integral in zero as [|zero]; [auto|].
        now apply Rinv_neq_0_compat in zero; [|apply Rgt_not_eq, positive]. }
    assert (single : forall k, (k < K)%nat -> p k = vertex m k * p m).
    { intros k less. unfold vertex. destruct (Nat.eqb_spec k m) as [->|differ]; [ring|].
      rewrite others; auto. ring. }
    assert (unit : p m = 1).
    { rewrite <- whole, (Sum_equal K p (fun k => vertex m k * p m) single).
      symmetry. apply (Sum_vertex K (fun _ => p m) m below). }
    exists m. split; [assumption|]. split.
    - assert (Sum K (fun k => p k / y k) = / y m) as at_m.
      { rewrite (Sum_equal K _ (fun k => vertex m k * / y k)).
        - now apply Sum_vertex.
        - intros k less. rewrite single, unit by assumption. unfold Rdiv. ring. }
      assert (same : / y m = / y j) by lra.
      rewrite <- (Rinv_inv (y m)), same. apply Rinv_inv.
    - intros k less. rewrite single, unit by assumption. ring.
  Qed.
End Positive.

Lemma exp_of_bias : forall K y p, (forall k, (k < K)%nat -> 0 <= p k) ->
  (forall k, (k < K)%nat -> 0 < y k) -> DB K y p = log (exp_DB K y p).
Proof.
  intros K y p nonneg positive. unfold DB, exp_DB. symmetry. apply log_Prod.
  intros k below. specialize (nonneg k below). specialize (positive k below). lra.
Qed.

Lemma vertex_in_simplex : forall K j, (j < K)%nat -> simplex K (vertex j).
Proof.
  intros K j inside. split.
  - intros k _. unfold vertex. destruct (Nat.eqb k j); lra.
  - rewrite (Sum_equal K _ (fun k => vertex j k * 1)) by (intros; ring).
    now apply (Sum_vertex K (fun _ => 1)).
Qed.

Lemma exp_bias_positive : forall K y p, (forall k, (k < K)%nat -> 0 <= p k) ->
  (forall k, (k < K)%nat -> 0 < y k) -> 0 < exp_DB K y p.
Proof.
  intros K y p nonneg positive. apply Prod_positive. intros k below.
  specialize (nonneg k below). specialize (positive k below). lra.
Qed.

(** j is any one class of largest proportion. *)
Theorem L06 : forall K p y j, simplex K p -> simplex K y -> (j < K)%nat ->
  (forall k, (k < K)%nat -> y k <= y j) ->
  exp_DB K y (vertex j) <= exp_DB K y p /\
  ((forall k, (k < K)%nat -> 0 < y k) ->
    DB K y (vertex j) <= DB K y p /\
    (DB K y p = DB K y (vertex j) <->
      exists m, (m < K)%nat /\ y m = y j /\ forall k, (k < K)%nat -> p k = vertex m k)).
Proof.
  intros K p y j p_ok y_ok inside largest.
  assert (cases : (forall k, (k < K)%nat -> 0 < y k) \/ exists k, (k < K)%nat /\ y k =
      0).
  { destruct y_ok as [nonneg _]. clear - nonneg.
    induction K as [|K IH]; [left; intros; lia|].
    destruct IH as [some|(k & below & zero)]; [auto| |right; exists k; split; auto].
    assert (0 <= y K) by auto. destruct (Req_dec (y K) 0) as [zero|nonzero].
    - right. exists K. split; auto.
    - left. intros k below. destruct (Nat.eq_dec k K) as [->|]; [lra|].
      apply some. lia. }
  split.
  - destruct cases as [positive|(k & below & zero)].
    + now apply bias_is_least.
    + assert (other : k <> j).
      { intros ->. destruct y_ok as [nonneg whole].
        assert (Sum K y <= Sum K (fun k => 0 * y k)).
        { apply Sum_monotone. intros m less. specialize (largest m less). lra. }
        rewrite Sum_scale in H. lra. }
      unfold exp_DB at 1. rewrite (Prod_zero K _ k below).
      * apply Prod_nonneg. intros m less. apply Rplus_le_le_0_compat;
          [now apply p_ok|now apply y_ok].
      * rewrite zero. unfold vertex. destruct (Nat.eqb_spec k j); [contradiction|ring].
  - intros positive. pose proof (vertex_in_simplex K j inside) as [at_j _].
    pose proof (proj1 p_ok) as nonneg.
    rewrite !exp_of_bias by assumption.
    pose proof (exp_bias_positive K y p nonneg positive).
    pose proof (exp_bias_positive K y (vertex j) at_j positive).
    split.
    + apply log_monotone; [assumption|]. now apply bias_is_least.
    + split.
      * intros equal. apply log_injective in equal; try assumption.
        now apply only_at_a_vertex.
      * intros (m & below & tie & at_m). f_equal.
        assert (exp_DB K y p = exp_DB K y (vertex m)) as ->.
        { apply Prod_equal. intros k less. now rewrite at_m. }
        rewrite !(ratios K y) by assumption. rewrite !vertex_value by assumption.
        now rewrite tie.
Qed.

(** The printed t has a 1 at each largest class. *)
Definition printed (K : nat) (y : vector) (t : vector) : Prop :=
  forall k, (k < K)%nat ->
    ((forall m, (m < K)%nat -> y m <= y k) -> t k = 1) /\
    (~ (forall m, (m < K)%nat -> y m <= y k) -> t k = 0).

Theorem L06_twin : ~ (forall K p y t, simplex K p -> simplex K y -> printed K y t ->
  exp_DB K y t <= exp_DB K y p).
Proof.
  intros wrong. specialize (wrong 2%nat (fun _ => / 2) (fun _ => / 2) (fun _ => 1)).
  assert (half : simplex 2 (fun _ => / 2)).
  { split; [intros; lra|simpl; lra]. }
  assert (exp_DB 2 (fun _ => / 2) (fun _ => 1) <= exp_DB 2 (fun _ => / 2) (fun _ => /
      2)).
  { apply wrong; try assumption. intros k below. split; [auto|].
    intros not. destruct not. intros. lra. }
  unfold exp_DB in H. simpl in H. lra.
Qed.

(** * L07 *)

(** The slope of g = DB in its entry k, as a function of p. *)
Definition slope (K : nat) (y : vector) (k : nat) (p : vector) : R :=
  Derive (fun x => DB K y (update p k x)) (p k).

Lemma update_same : forall p k x, update p k x k = x.
Proof. intros. unfold update. now rewrite Nat.eqb_refl. Qed.

Lemma update_other : forall p k x m, m <> k -> update p k x m = p m.
Proof. intros. unfold update. destruct (Nat.eqb_spec m k); [contradiction|reflexivity].
    Qed.

(** Only the term of class k changes with p_k. *)
Lemma slope_of_bias : forall K y p k, (k < K)%nat -> 0 < p k + y k ->
  is_derive (fun x => DB K y (update p k x)) (p k) (1 / (p k + y k)).
Proof.
  intros K y p k inside positive.
  set (rest := DB K y p - log (p k + y k)).
  apply is_derive_ext with (fun x => rest + log (x + y k)).
  - assert (forall x : R, rest + log (x + y k) = DB K y (update p k x)) as same;
      [|exact same].
    intros x. unfold rest, DB.
    assert (forall n, (n <= k)%nat ->
      Sum n (fun m => log (update p k x m + y m)) = Sum n (fun m => log (p m + y m)))
          as low.
    { intros n below. apply Sum_equal. intros m less. rewrite update_other by lia.
      reflexivity. }
    assert (forall n, (k < n)%nat ->
      Sum n (fun m => log (update p k x m + y m)) =
      Sum n (fun m => log (p m + y m)) - log (p k + y k) + log (x + y k)) as high.
    { induction n as [|n IH]; intros above; [lia|]. simpl.
      destruct (Nat.eq_dec n k) as [->|other].
      - rewrite low, update_same by lia. ring.
      - rewrite IH, update_other by lia. ring. }
    rewrite high by assumption. reflexivity.
  - now apply slope_of_shifted_log.
Qed.

Theorem L07 : forall K y p k l, (k < K)%nat -> (l < K)%nat ->
  (forall m, (m < K)%nat -> 0 < p m + y m) ->
  is_derive (fun x => slope K y k (update p l x)) (p l)
    (if Nat.eqb k l then - (1 / (p k + y k) ^ 2) else 0) /\
  - (1 / (p k + y k) ^ 2) < 0.
Proof.
  intros K y p k l ik il positive. split.
  2: { apply Ropp_lt_gt_0_contravar, Rdiv_lt_0_compat; [lra|].
       apply pow_lt. auto. }
  apply is_derive_ext_loc with (fun x => 1 / (update p l x k + y k)).
  - pose proof (positive l il) as room.
    exists (mkposreal _ room). intros x near. symmetry.
    assert (close : p l + y l > Rabs (x - p l)).
    { unfold ball in near. simpl in near.
      unfold AbsRing_ball, abs, minus, plus, opp in near. exact near. }
    apply is_derive_unique.
    assert (0 < update p l x k + y k) as some.
    { destruct (Nat.eq_dec k l) as [->|other].
      - rewrite update_same. pose proof (Rabs_def2 _ _ close). lra.
      - rewrite update_other by assumption. auto. }
    exact (slope_of_bias K y (update p l x) k ik some).
  - destruct (Nat.eqb_spec k l) as [->|other].
    + apply is_derive_ext with (fun x => 1 / (y l + 1 * x)).
      { assert (forall x : R, 1 / (y l + 1 * x) = 1 / (update p l x l + y l)) as same;
          [|exact same]. intros x. rewrite update_same. f_equal. ring. }
      pose proof (positive l il).
      replace (- (1 / (p l + y l) ^ 2)) with (- (1 * 1 / (y l + 1 * p l) ^ 2))
        by (field; lra).
      apply slope_of_inverse. lra.
    + apply is_derive_ext with (fun _ => 1 / (p k + y k)).
      { intros x. now rewrite update_other. }
      apply slope_of_constant.
Qed.

Theorem L07_twin : ~ (forall K y p k l, (k < K)%nat -> (l < K)%nat ->
  (forall m, (m < K)%nat -> 0 < p m + y m) ->
  is_derive (fun x => slope K y k (update p l x)) (p l)
    (if Nat.eqb k l then - (1 / p k ^ 2) else 0) /\
  - (1 / p k ^ 2) < 0).
Proof.
  intros wrong.
  assert (positive : forall m, (m < 1)%nat -> 0 < / 2 + / 2) by (intros; lra).
  destruct (wrong 1%nat (fun _ => / 2) (fun _ => / 2) 0%nat 0%nat) as [printed _];
    auto.
  destruct (L07 1%nat (fun _ => / 2) (fun _ => / 2) 0%nat 0%nat) as [right _]; auto.
  pose proof (eq_trans (eq_sym (is_derive_unique _ _ _ printed))
    (is_derive_unique _ _ _ right)) as same.
  simpl in same. lra.
Qed.

(** * L23 *)

Definition softmax (K : nat) (tau : R) (z : vector) : vector :=
  fun k => exp (tau * z k) / Sum K (fun m => exp (tau * z m)).

(** How many classes have the same score as class j. *)
Definition ties (K : nat) (z : vector) (j : nat) : R :=
  Sum K (fun k => if Req_EM_T (z k) (z j) then 1 else 0).

Lemma Sum_positive : forall K v m, (m < K)%nat -> (forall k, (k < K)%nat -> 0 < v k) ->
  0 < Sum K v.
Proof.
  intros K v m inside positive. apply Rle_lt_trans with (Sum K (fun k => 0 * v k)).
  - rewrite Sum_scale. lra.
  - apply (Sum_strict K _ _ m inside).
    + specialize (positive m inside). lra.
    + intros k below. specialize (positive k below). lra.
Qed.

(** One over the sum of the exponentials of the differences. *)
Lemma softmax_of_gaps : forall K tau z j, (j < K)%nat ->
  softmax K tau z j = / Sum K (fun k => exp (tau * (z k - z j))).
Proof.
  intros K tau z j inside. unfold softmax.
  rewrite (Sum_equal K (fun k => exp (tau * z k))
    (fun k => exp (tau * z j) * exp (tau * (z k - z j)))).
  - rewrite Sum_scale. pose proof (exp_pos (tau * z j)).
    assert (0 < Sum K (fun k => exp (tau * (z k - z j)))).
    { apply Sum_positive with j; [assumption|]. intros. apply exp_pos. }
    field. split; lra.
  - intros k _. rewrite <- exp_plus. f_equal. ring.
Qed.

Lemma gaps_positive : forall K tau z j, (j < K)%nat ->
  0 < Sum K (fun k => exp (tau * (z k - z j))).
Proof.
  intros. apply Sum_positive with j; [assumption|]. intros. apply exp_pos.
Qed.

Lemma constant_sum : forall K c, Sum K (fun _ => c) = K * c.
Proof.
  induction K as [|K IH]; intros; [simpl; ring|].
  rewrite S_INR. simpl. rewrite IH. ring.
Qed.

Section Scores.
  Variables (K : nat) (z : vector) (j : nat).
  Hypotheses (inside : (j < K)%nat) (largest : forall k, (k < K)%nat -> z k <= z j).

  Lemma most_confident : forall tau k, 0 < tau -> (k < K)%nat ->
    softmax K tau z k <= softmax K tau z j.
  Proof.
    intros tau k positive below. unfold softmax. apply Rmult_le_compat_r.
    - left. apply Rinv_0_lt_compat, Sum_positive with j; [assumption|].
      intros. apply exp_pos.
    - apply exp_monotone. specialize (largest k below). nra.
  Qed.

  Lemma rises : forall s t m, s < t -> (m < K)%nat -> z m < z j ->
    softmax K s z j < softmax K t z j.
  Proof.
    intros s t m less below lower. rewrite !softmax_of_gaps by assumption.
    apply Rinv_lt_contravar.
    - apply Rmult_lt_0_compat; now apply gaps_positive.
    - apply (Sum_strict K _ _ m below).
      + apply exp_rises. nra.
      + intros k other. apply exp_monotone. specialize (largest k other). nra.
  Qed.

  Lemma stays : forall tau, (forall k, (k < K)%nat -> z k = z j) ->
    softmax K tau z j = 1 / K.
  Proof.
    intros tau equal. rewrite softmax_of_gaps by assumption.
    rewrite (Sum_equal K _ (fun _ => 1)).
    - rewrite constant_sum, Rmult_1_r. unfold Rdiv. ring.
    - intros k below. rewrite equal, Rminus_eq_0, Rmult_0_r by assumption. apply exp_0.
  Qed.

  Lemma near_a_vertex : forall tau gap, 0 < tau ->
    (forall k, (k < K)%nat -> k <> j -> z k <= z j - gap) ->
    1 - softmax K tau z j <= (K - 1) * exp (- (tau * gap)).
  Proof.
    intros tau gap positive apart. rewrite softmax_of_gaps by assumption.
    pose proof (gaps_positive K tau z j inside) as some.
    set (S := Sum K (fun k => exp (tau * (z k - z j)))) in *.
    assert (high : S <= 1 + (K - 1) * exp (- (tau * gap))).
    { unfold S. apply Rle_trans with
        (Sum K (fun k => exp (- (tau * gap)) + vertex j k * (1 - exp (- (tau * gap))))).
      - apply Sum_monotone. intros k below. unfold vertex.
        destruct (Nat.eqb_spec k j) as [->|other].
        + rewrite Rminus_eq_0, Rmult_0_r, exp_0. lra.
        + rewrite Rmult_0_l, Rplus_0_r. apply exp_monotone.
          specialize (apart k below other). nra.
      - assert (forall v w n, Sum n (fun k => v k + w k) = Sum n v + Sum n w) as add.
        { intros v w. induction n as [|n IH]; simpl; [ring|rewrite IH; ring]. }
        rewrite add, constant_sum, Sum_vertex by assumption. lra. }
    assert (low : 1 <= S).
    { unfold S. rewrite <- exp_0 at 1.
      replace (exp 0) with (Sum K (fun k => vertex j k * exp (tau * (z k - z j)))).
      - apply Sum_monotone. intros k below. unfold vertex.
        pose proof (exp_pos (tau * (z k - z j))). destruct (Nat.eqb k j); lra.
      - rewrite Sum_vertex by assumption. f_equal. ring. }
    apply Rle_trans with (S - 1); [|lra].
    apply Rmult_le_reg_r with S; [assumption|].
    replace ((1 - / S) * S) with (S - 1) by (field; lra). nra.
  Qed.

  Lemma limit_of_a_gap : forall k, (k < K)%nat ->
    is_lim (fun tau => exp (tau * (z k - z j))) p_infty
      (Finite (if Req_EM_T (z k) (z j) then 1 else 0)).
  Proof.
    intros k below. destruct (Req_EM_T (z k) (z j)) as [equal|differ].
    - apply is_lim_ext with (fun _ => 1); [|apply is_lim_const].
      intros tau. now rewrite equal, Rminus_eq_0, Rmult_0_r, exp_0.
    - specialize (largest k below). apply is_lim_spec. intros eps.
      set (gap := z j - z k). assert (some : 0 < gap) by (unfold gap; lra).
      exists (/ (eps * gap)). intros tau large. rewrite Rminus_0_r.
      pose proof (cond_pos eps) as eps_some.
      assert (0 < / (eps * gap)) by (apply Rinv_0_lt_compat, Rmult_lt_0_compat; lra).
      rewrite Rabs_pos_eq by (left; apply exp_pos).
      replace (tau * (z k - z j)) with (- (tau * gap)) by (unfold gap; ring).
      pose proof (exp_above_tangent (tau * gap)) as above.
      pose proof (exp_pos (- (tau * gap))) as positive.
      assert (inverse : exp (tau * gap) * exp (- (tau * gap)) = 1).
      { rewrite <- exp_plus, Rplus_opp_r. apply exp_0. }
      assert (1 < tau * gap * eps).
      { assert (/ (eps * gap) * (eps * gap) < tau * (eps * gap)) as more.
        { apply Rmult_lt_compat_r; [apply Rmult_lt_0_compat|]; lra. }
        rewrite Rinv_l in more; [lra|]. apply Rgt_not_eq, Rmult_lt_0_compat; lra. }
      assert (tau * gap < exp (tau * gap)) by lra.
      assert (tau * gap * exp (- (tau * gap)) < 1) by nra.
      assert (0 < tau * gap).
      { apply Rmult_lt_0_compat; lra. }
      apply Rmult_lt_reg_l with (tau * gap); [assumption|]. lra.
  Qed.

  Lemma limit_of_sum : forall n, (n <= K)%nat ->
    is_lim (fun tau => Sum n (fun k => exp (tau * (z k - z j)))) p_infty
      (Sum n (fun k => if Req_EM_T (z k) (z j) then 1 else 0)).
  Proof.
    induction n as [|n IH]; intros below; simpl; [apply is_lim_const|].
    apply (is_lim_plus' _ _ _ _ _ (IH ltac:(lia))). apply limit_of_a_gap. lia.
  Qed.

  Lemma some_ties : 0 < ties K z j.
  Proof.
    unfold ties. apply Rle_lt_trans with (Sum K (fun k => 0 * 0)).
    - rewrite (Sum_scale K 0 (fun _ => 0)). lra.
    - apply (Sum_strict K _ _ j inside).
      + destruct (Req_EM_T (z j) (z j)); [lra|contradiction].
      + intros k _. destruct (Req_EM_T (z k) (z j)); lra.
  Qed.

  Lemma limit : is_lim (fun tau => softmax K tau z j) p_infty (1 / ties K z j).
  Proof.
    apply is_lim_ext with (fun tau => / Sum K (fun k => exp (tau * (z k - z j)))).
    - intros tau. now rewrite softmax_of_gaps.
    - pose proof some_ties. replace (Finite (1 / ties K z j))
        with (Rbar_inv (Finite (ties K z j))) by (simpl; f_equal; field; lra).
      apply is_lim_inv; [now apply limit_of_sum|].
      intros zero. injection zero. lra.
  Qed.
End Scores.

(** The confidence is the probability of a class j of largest score. *)
Theorem L23 : forall K z j, (j < K)%nat -> (forall k, (k < K)%nat -> z k <= z j) ->
  (forall tau k, 0 < tau -> (k < K)%nat -> softmax K tau z k <= softmax K tau z j) /\
  (forall m s t, (m < K)%nat -> z m < z j -> 0 < s -> s < t ->
    softmax K s z j < softmax K t z j) /\
  ((forall k, (k < K)%nat -> z k = z j) ->
    forall tau, 0 < tau -> softmax K tau z j = 1 / K) /\
  (forall tau gap, 0 < tau -> (forall k, (k < K)%nat -> k <> j -> z k <= z j - gap) ->
    1 - softmax K tau z j <= (K - 1) * exp (- (tau * gap))) /\
  is_lim (fun tau => softmax K tau z j) p_infty (1 / ties K z j).
Proof.
  intros K z j inside largest. split; [|split; [|split; [|split]]].
  - intros. now apply most_confident.
  - intros. now apply rises with m.
  - intros. now apply stays.
  - intros. now apply near_a_vertex.
  - now apply limit.
Qed.

(** As printed: the confidence always rises, ties or not. *)
Theorem L23_twin : ~ (forall K z j, (j < K)%nat ->
  (forall k, (k < K)%nat -> z k <= z j) ->
  forall s t, 0 < s -> s < t -> softmax K s z j < softmax K t z j).
Proof.
  intros wrong.
  assert (softmax 2 1 (fun _ => 0) 0%nat < softmax 2 2 (fun _ => 0) 0%nat).
  { apply wrong; [lia| |lra|lra]. intros. lra. }
  rewrite !stays in H; auto; lra.
Qed.
