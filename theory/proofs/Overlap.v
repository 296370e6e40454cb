(** Masks, their counts and the indices of overlap: each defined once.

    An image is two hard masks, pixel by pixel: the prediction and the truth. Its counts
    are natural numbers, and every index is a function of them. Where a formula is 0/0
    its value is 1: nothing to find and nothing found is right. *)

From Coq Require Import Reals List Lra Lia Psatz.
Import ListNotations.
Open Scope R_scope.

(** * Counts *)

Coercion INR : nat >-> R.

Definition pixel := (bool * bool)%type.  (* predicted, actual *)
Definition image := list pixel.

Definition number (kind : pixel -> bool) (i : image) : nat := length (filter kind i).

Definition predicted (p : pixel) := fst p.
Definition actual (p : pixel) := snd p.
Definition either (p : pixel) := orb (fst p) (snd p).

Definition TP := number (fun p => andb (fst p) (snd p)).
Definition FP := number (fun p => andb (fst p) (negb (snd p))).
Definition FN := number (fun p => andb (negb (fst p)) (snd p)).
Definition TN := number (fun p => negb (orb (fst p) (snd p))).

(** * Indices *)

(** A part of a whole that may be empty. *)
Definition share (part whole : R) : R :=
  if Req_EM_T whole 0 then 1 else part / whole.

Definition dice (tp fp fn : R) := share (2 * tp) (2 * tp + fp + fn).
Definition jaccard (tp fp fn : R) := share tp (tp + fp + fn).
Definition tversky (alpha beta tp fp fn : R) := share tp (tp + alpha * fp + beta * fn).
Definition f_beta (beta tp fp fn : R) :=
  share ((1 + beta ^ 2) * tp) ((1 + beta ^ 2) * tp + beta ^ 2 * fn + fp).

Definition Dice (i : image) := dice (TP i) (FP i) (FN i).
Definition Jaccard (i : image) := jaccard (TP i) (FP i) (FN i).
Definition Tversky (alpha beta : R) (i : image) :=
  tversky alpha beta (TP i) (FP i) (FN i).
Definition F (beta : R) (i : image) := f_beta beta (TP i) (FP i) (FN i).
Definition Hamming (i : image) := share (TP i + TN i) (length i).
Definition Sensitivity (i : image) := share (TP i) (TP i + FN i).
Definition Specificity (i : image) := share (TN i) (TN i + FP i).
Definition Precision (i : image) := share (TP i) (TP i + FP i).
Definition WeightedHamming (gamma : R) (i : image) :=
  gamma * Sensitivity i + (1 - gamma) * Specificity i.

(** * How far two similarities are apart, over all images of all sizes *)

Definition similarity := image -> R.

(** Definition II.1 of Eelbode 2020, with the least error. *)
Definition absolute_error (S T : similarity) (error : R) : Prop :=
  is_lub (fun gap => exists i, gap = Rabs (S i - T i)) error.

(** Definition II.2 of Eelbode 2020. *)
Definition relatively_approximates (S T : similarity) (error : R) : Prop :=
  0 <= error /\ forall i, T i / (1 + error) <= S i <= T i * (1 + error).

(** The least error of Definition II.2. *)
Definition relative_error (S T : similarity) (error : R) : Prop :=
  relatively_approximates S T error /\
  forall less, relatively_approximates S T less -> error <= less.

(** * Sums and means *)

Definition total (xs : list R) : R := fold_right Rplus 0 xs.
Definition product (xs : list R) : R := fold_right Rmult 1 xs.
Definition mean (xs : list R) : R := total xs / length xs.

(** The mean of an index over a set of images. *)
Definition mean_of (S : similarity) (images : list image) : R := mean (map S images).

(** A law over images: weights that are not negative and sum to 1. *)
Definition law := list (R * image).
Definition is_law (l : law) : Prop :=
  (forall w i, In (w, i) l -> 0 <= w) /\ total (map fst l) = 1.
Definition E (S : similarity) (l : law) : R :=
  total (map (fun wi => fst wi * S (snd wi)) l).

(** * What follows at once *)

(** Every triple or quadruple of counts is that of an image: a statement over all counts
    is a statement over all images. *)
Definition pixels (tp fp fn tn : nat) : image :=
  repeat (true, true) tp ++ repeat (true, false) fp ++
  repeat (false, true) fn ++ repeat (false, false) tn.

Lemma number_app : forall kind a b, number kind (a ++ b) = (number kind a + number kind
    b)%nat.
Proof. intros. unfold number. now rewrite filter_app, app_length. Qed.

Lemma number_repeat : forall kind p n,
  number kind (repeat p n) = if kind p then n else 0%nat.
Proof.
  intros kind p n. unfold number. induction n as [|n IH]; simpl.
  - now destruct (kind p).
  - destruct (kind p) eqn:Hp; simpl; rewrite IH; now rewrite ?Hp.
Qed.

Theorem counts_of_pixels : forall tp fp fn tn : nat,
  TP (pixels tp fp fn tn) = tp /\ FP (pixels tp fp fn tn) = fp /\
  FN (pixels tp fp fn tn) = fn /\ TN (pixels tp fp fn tn) = tn.
Proof.
  intros. unfold pixels, TP, FP, FN, TN.
  rewrite !number_app, !number_repeat. simpl. repeat split; lia.
Qed.

Lemma size_of_image : forall i : image, length i = (TP i + FP i + FN i + TN i)%nat.
Proof.
  induction i as [|[p t] i IH]; [reflexivity|].
  unfold TP, FP, FN, TN, number in *. destruct p, t; simpl in *; lia.
Qed.

Lemma share_of : forall part whole, whole <> 0 -> share part whole = part / whole.
Proof. intros. unfold share. now destruct (Req_EM_T whole 0). Qed.

Lemma share_empty : forall part, share part 0 = 1.
Proof. intros. unfold share. now destruct (Req_EM_T 0 0). Qed.

Lemma count_nonneg : forall n : nat, 0 <= n.
Proof. apply pos_INR. Qed.
#[export] Hint Resolve count_nonneg : core.

(** Two empty masks, or a whole that is not zero. *)
Lemma empty_or_not : forall tp fp fn : R, 0 <= tp -> 0 <= fp -> 0 <= fn ->
  (tp = 0 /\ fp = 0 /\ fn = 0) \/ 0 < tp + fp + fn.
Proof. intros. destruct (Req_dec (tp + fp + fn) 0); [left|right]; lra. Qed.

(** ** Expectations are linear and monotone *)

Lemma E_plus : forall S T l, E (fun i => S i + T i) l = E S l + E T l.
Proof. intros. induction l as [|[w i] l IH]; unfold E in *; simpl in *; lra. Qed.

Lemma E_scale : forall c S l, E (fun i => c * S i) l = c * E S l.
Proof. intros. induction l as [|[w i] l IH]; unfold E in *; simpl in *; lra. Qed.

Lemma E_constant : forall c l, is_law l -> E (fun _ => c) l = c.
Proof.
  intros c l [_ whole]. transitivity (total (map fst l) * c); [|rewrite whole; ring].
  clear whole. induction l as [|[w i] l IH]; unfold E in *; simpl in *; lra.
Qed.

Lemma E_equal : forall S T l, (forall i, S i = T i) -> E S l = E T l.
Proof.
  intros S T l equal. induction l as [|[w i] l IH]; unfold E in *; simpl in *; auto.
  now rewrite IH, equal.
Qed.

Lemma E_monotone : forall S T l, is_law l -> (forall i, S i <= T i) -> E S l <= E T l.
Proof.
  intros S T l [positive _] below.
  induction l as [|[w i] l IH]; unfold E in *; simpl in *; [lra|].
  assert (0 <= w) by (apply (positive w i); now left).
  assert (w * S i <= w * T i) by (apply Rmult_le_compat_l; auto).
  assert (forall v j, In (v, j) l -> 0 <= v) by (intros; eapply positive; eauto).
  specialize (IH H1). lra.
Qed.

Lemma E_between : forall a b S l, is_law l -> (forall i, a <= S i <= b) ->
  a <= E S l <= b.
Proof.
  intros a b S l ok between.
  split; [rewrite <- (E_constant a l ok)|rewrite <- (E_constant b l ok)];
    apply E_monotone; auto; intros i; apply between.
Qed.

(** A mean over a set of images is the expectation under equal weights. *)
Definition uniform (images : list image) : law :=
  map (fun i => (/ length images, i)) images.

Lemma mean_is_expectation : forall S images,
  mean_of S images = E S (uniform images).
Proof.
  intros. unfold mean_of, mean, E, uniform. rewrite map_length.
  generalize (length images) as n. intros n. unfold Rdiv.
  induction images as [|i images IH]; simpl; [ring|]. rewrite <- IH. ring.
Qed.

Lemma uniform_is_law : forall images, images <> [] -> is_law (uniform images).
Proof.
  intros images some. unfold uniform.
  assert (0 < length images).
  { apply lt_0_INR. destruct images; [now destruct some|simpl; lia]. }
  split.
  - intros w i inside. apply in_map_iff in inside. destruct inside as (j & equal & _).
    inversion equal. left. now apply Rinv_0_lt_compat.
  - rewrite map_map. simpl. apply Rmult_eq_reg_r with (length images); [|lra].
    assert (forall l : list image, forall c : R,
      total (map (fun _ => c) l) = length l * c) as constant.
    { intros l c. induction l as [|j l IH]; [simpl; ring|].
      change (length (j :: l)) with (S (length l)). rewrite S_INR. simpl.
      rewrite IH. ring. }
    rewrite constant. field. lra.
Qed.
