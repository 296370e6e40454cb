(** Mean Dice and mean Jaccard over sets of images: N19. *)

From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Rcomplements.
From Proofs Require Import Overlap DiceJaccard.
Import ListNotations.
Open Scope R_scope.

Lemma mean_of_dice_loss : forall images, images <> [] ->
  mean_of (fun i => 1 - Dice i) images = 1 - mean_of Dice images.
Proof.
  intros images some. rewrite !mean_is_expectation.
  rewrite (E_equal _ (fun i => 1 + -1 * Dice i)) by (intros; ring).
  rewrite E_plus, E_scale, E_constant by now apply uniform_is_law. ring.
Qed.

Lemma mean_of_jaccard_loss : forall images, images <> [] ->
  mean_of (fun i => 1 - Jaccard i) images = 1 - mean_of Jaccard images.
Proof.
  intros images some. rewrite !mean_is_expectation.
  rewrite (E_equal _ (fun i => 1 + -1 * Jaccard i)) by (intros; ring).
  rewrite E_plus, E_scale, E_constant by now apply uniform_is_law. ring.
Qed.

Lemma mean_dice_between : forall images, images <> [] ->
  0 <= mean_of Dice images <= 1.
Proof.
  intros images some. rewrite mean_is_expectation.
  apply E_between; [now apply uniform_is_law|apply Dice_between].
Qed.

(** The mean Jaccard lies between the curve and its chord, and near the chord. *)
Lemma range_of_mean_jaccard : forall images, images <> [] ->
  mean_of Dice images / (2 - mean_of Dice images) <= mean_of Jaccard images /\
  mean_of Jaccard images <= mean_of Dice images /\
  mean_of Dice images - mean_of Jaccard images <= 3 - 2 * sqrt 2.
Proof.
  intros images some. pose proof (uniform_is_law images some) as ok.
  pose proof (mean_dice_between images some) as between.
  pose proof (mean_of_dice_loss images some) as dice_loss.
  pose proof (mean_of_jaccard_loss images some) as jaccard_loss.
  rewrite mean_is_expectation in dice_loss, jaccard_loss.
  set (m := mean_of Dice images) in *.
  pose proof (E_of_phi _ ok) as jensen.
  rewrite <- (E_equal _ _ (uniform images) phi_of_dice), jaccard_loss, dice_loss
    in jensen.
  destruct E25 as [_ order]. specialize (order _ ok).
  rewrite dice_loss, jaccard_loss in order.
  assert (curve : phi (1 - m) = 1 - m / (2 - m)) by (unfold phi; field; lra).
  pose proof (gap_of_dice m between) as gap.
  assert (0 <= (m - (2 - sqrt 2)) ^ 2 / (2 - m)).
  { apply Rdiv_le_0_compat; [apply pow2_ge_0|lra]. }
  pose proof (Rle_abs (m - m / (2 - m))). repeat split; lra.
Qed.

(** All images alike, with Dice a / n. *)
Definition alike (a n : nat) : list image := [pixels a (2 * (n - a)) 0 0].

(** b perfect images and n - b missed ones. *)
Definition all_or_nothing (b n : nat) : list image :=
  repeat (pixels 1 0 0 0) b ++ repeat (pixels 0 0 1 0) (n - b).

Lemma mean_of_alike : forall a n : nat, (0 < n)%nat -> (a <= n)%nat ->
  mean_of Dice (alike a n) = a / n /\
  mean_of Jaccard (alike a n) = a / n / (2 - a / n).
Proof.
  intros a n some part. pose proof (le_INR _ _ part). pose proof (lt_0_INR _ some).
  assert (single : forall S i, mean_of S [i] = S i).
  { intros. unfold mean_of, mean. simpl. field. }
  unfold alike. rewrite !single.
  assert (Dice (pixels a (2 * (n - a)) 0 0) = a / n) as D.
  { unfold Dice, dice. destruct (counts_of_pixels a (2 * (n - a)) 0 0) as (-> & -> & ->
      & _).
    rewrite mult_INR, minus_INR by assumption. simpl (INR 0). simpl (INR 2).
    rewrite share_of by lra. field. lra. }
  rewrite Jaccard_of_Dice, D. split; field; repeat split; nra.
Qed.

Lemma total_app : forall a b, total (a ++ b) = total a + total b.
Proof. induction a as [|x a IH]; intros; simpl; [ring|rewrite IH; ring]. Qed.

Lemma total_repeat : forall x n, total (repeat x n) = n * x.
Proof.
  intros x. induction n as [|n IH]; [simpl; ring|].
  rewrite S_INR. simpl. rewrite IH. ring.
Qed.

Lemma map_repeat : forall (S : similarity) i n, map S (repeat i n) = repeat (S i) n.
Proof. induction n as [|n IH]; simpl; [reflexivity|now rewrite IH]. Qed.

Lemma mean_all_or_nothing : forall S b n, (0 < n)%nat -> (b <= n)%nat ->
  S (pixels 1 0 0 0) = 1 -> S (pixels 0 0 1 0) = 0 ->
  mean_of S (all_or_nothing b n) = b / n.
Proof.
  intros S b n some part one zero. unfold mean_of, mean, all_or_nothing.
  rewrite map_app, !map_repeat, one, zero, total_app, !total_repeat.
  rewrite app_length, !repeat_length. replace (b + (n - b))%nat with n by lia.
  unfold Rdiv. ring.
Qed.

Lemma mean_dice_all_or_nothing : forall b n, (0 < n)%nat -> (b <= n)%nat ->
  mean_of Dice (all_or_nothing b n) = b / n /\
  mean_of Jaccard (all_or_nothing b n) = b / n.
Proof.
  intros b n some part. split; apply mean_all_or_nothing; auto;
    rewrite ?Jaccard_of_Dice, ?(perfect 0), ?(missed 0); lra.
Qed.

Lemma all_or_nothing_some : forall b n, (0 < n)%nat -> (b <= n)%nat ->
  all_or_nothing b n <> [].
Proof.
  intros b n some part nothing. apply (f_equal (@length image)) in nothing.
  unfold all_or_nothing in nothing. rewrite app_length, !repeat_length in nothing.
  simpl in nothing. lia.
Qed.

(** Mean Dice puts A first and mean Jaccard B. *)
Definition turned (A B : list image) :=
  A <> [] /\ B <> [] /\ mean_of Dice B < mean_of Dice A /\
  mean_of Jaccard A < mean_of Jaccard B.

Theorem N19 :
  (forall images, images <> [] ->
    let m := mean_of Dice images in
    m / (2 - m) <= mean_of Jaccard images <= m /\
    m - mean_of Jaccard images <= 3 - 2 * sqrt 2) /\
  (forall A B, turned A B ->
    mean_of Dice B < mean_of Dice A < 2 * mean_of Dice B / (1 + mean_of Dice B)) /\
  (forall a b n : nat, (0 < n)%nat -> (a <= n)%nat -> (b <= n)%nat ->
    b / n < a / n < 2 * (b / n) / (1 + b / n) ->
    exists A B, turned A B /\ mean_of Dice A = a / n /\ mean_of Dice B = b / n).
Proof.
  split; [|split].
  - intros images some. pose proof (range_of_mean_jaccard images some). simpl. tauto.
  - intros A B (a & b & first & then_behind). split; [assumption|].
    pose proof (range_of_mean_jaccard A a) as (low & _ & _).
    pose proof (range_of_mean_jaccard B b) as (_ & high & _).
    pose proof (mean_dice_between A a). pose proof (mean_dice_between B b).
    set (x := mean_of Dice A) in *. set (y := mean_of Dice B) in *.
    assert (less : x / (2 - x) < y) by lra. clearbody x y.
    apply Rlt_div_l in less; [|lra]. apply Rlt_div_r; nra.
  - intros a b n some pa pb [first close].
    exists (alike a n), (all_or_nothing b n).
    destruct (mean_of_alike a n some pa) as [DA JA].
    destruct (mean_dice_all_or_nothing b n some pb) as [DB JB].
    unfold turned. rewrite DA, DB, JA, JB.
    repeat split; auto; [discriminate|now apply all_or_nothing_some|].
    pose proof (lt_0_INR _ some).
    assert (0 <= b / n) by (apply Rdiv_le_0_compat; auto).
    assert (a / n <= 1) by (apply Rle_div_l; [lra|]; apply le_INR in pa; lra).
    apply Rlt_div_l; [lra|]. apply Rlt_div_r in close; nra.
Qed.

Theorem N19_twin : ~
  ((forall images, images <> [] ->
    let m := mean_of Dice images in
    m / (2 - m) <= mean_of Jaccard images <= m /\
    m - mean_of Jaccard images <= 3 - 2 * sqrt 2) /\
  (forall A B, turned A B ->
    mean_of Dice B < mean_of Dice A < 3 / 2 * mean_of Dice B / (1 + mean_of Dice B)) /\
  (forall a b n : nat, (0 < n)%nat -> (a <= n)%nat -> (b <= n)%nat ->
    b / n < a / n < 2 * (b / n) / (1 + b / n) ->
    exists A B, turned A B /\ mean_of Dice A = a / n /\ mean_of Dice B = b / n)).
Proof.
  intros (_ & only & can).
  destruct (can 8 7 14)%nat as (A & B & reversed & DA & DB); try lia.
  - simpl. lra.
  - specialize (only A B reversed). rewrite DA, DB in only. simpl in only. lra.
Qed.
