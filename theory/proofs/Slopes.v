(** Derivatives that need no axiom but those of the reals. *)

From Coq Require Import Reals Lra.
From Coquelicot Require Import Rcomplements Hierarchy Derive.
Open Scope R_scope.

Lemma slope_of_constant : forall c x : R, is_derive (fun _ => c) x 0.
Proof. intros. exact (@is_derive_const R_AbsRing R_NormedModule _ _). Qed.

Lemma slope_of_affine : forall p q x : R, is_derive (fun t => p + q * t) x q.
Proof.
  intros p q x. apply is_derive_Reals. intros eps some.
  exists (mkposreal 1 Rlt_0_1). intros h nonzero _.
  replace ((p + q * (x + h) - (p + q * x)) / h - q) with 0 by (field; assumption).
  now rewrite Rabs_R0.
Qed.

Lemma slope_of_inverse : forall c p q x : R, p + q * x <> 0 ->
  is_derive (fun t => c / (p + q * t)) x (- (c * q / (p + q * x) ^ 2)).
Proof.
  intros c p q x nonzero.
  replace (- (c * q / (p + q * x) ^ 2)) with (c * (- q / (p + q * x) ^ 2))
    by (field; assumption).
  apply (is_derive_scal (fun t => / (p + q * t))).
  apply (is_derive_inv (fun t => p + q * t) x q); [apply slope_of_affine|assumption].
Qed.

Lemma slope_of_sum : forall (f g : R -> R) x df dg,
  is_derive f x df -> is_derive g x dg -> is_derive (fun t => f t + g t) x (df + dg).
Proof. intros. now apply (@is_derive_plus R_AbsRing R_NormedModule). Qed.
