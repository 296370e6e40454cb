// Losses of two pixels with foreground alone, and label-marginal penalties.
//
// A small port of jaxseg.losses for the explorer: C = 1, probabilities p1 and p2, hard
// truths 0 or 1. Each quantity is a number with its two derivatives, [value, d/dp1,
// d/dp2], carried through the arithmetic, so that slopes are exact. Names and
// hyper-parameters are those of jaxseg's catalog; tests hold values and slopes to it.
"use strict";

const jaxsegLosses = (() => {
  // Arithmetic on [value, slope, slope]; plain numbers are constants.
  const lift = (x) => (typeof x === "number" ? [x, 0, 0] : x);
  const apply = (x, value, slope) => [value, slope * x[1], slope * x[2]];
  const add = (...terms) =>
    terms.map(lift).reduce((a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]);
  const scale = (factor, x) => lift(x).map((part) => factor * part);
  const sub = (a, b) => add(a, scale(-1, b));
  const mul = (a, b) => {
    const [x, y] = [lift(a), lift(b)];
    return [x[0] * y[0], x[1] * y[0] + x[0] * y[1], x[2] * y[0] + x[0] * y[2]];
  };
  const log = (x) => apply(lift(x), Math.log(lift(x)[0]), 1 / lift(x)[0]);
  const square = (x) => mul(x, x);
  const power = (x, exponent) => {
    const base = lift(x);
    if (base[0] <= 0) return [exponent === 0 ? 1 : 0, 0, 0];
    const value = Math.pow(base[0], exponent);
    return apply(base, value, (exponent * value) / base[0]);
  };
  const abs = (x) => apply(x, Math.abs(x[0]), Math.sign(x[0]));
  const logCosh = (x) => apply(x, Math.log(Math.cosh(x[0])), Math.tanh(x[0]));
  const sigmoid = (x) => {
    const value = 1 / (1 + Math.exp(-x[0]));
    return apply(x, value, value * (1 - value));
  };
  const logSigmoid = (x) => {
    const value = Math.min(x[0], 0) - Math.log1p(Math.exp(-Math.abs(x[0])));
    return apply(x, value, 1 / (1 + Math.exp(x[0])));
  };
  // log of the mean of two numbers given by their logs, right also where they vanish.
  const logMean = (logs) => {
    const top = Math.max(...logs.map((x) => x[0]));
    const parts = logs.map((x) => {
      const part = Math.exp(x[0] - top);
      return apply(x, part, part);
    });
    const sum = add(...parts);
    return add(log(sum), top - Math.log(logs.length));
  };
  // a / b, which is 1 with zero slope at 0 / 0: nothing to find and nothing found.
  const ratio = (a, b) => {
    const [x, y] = [lift(a), lift(b)];
    if (y[0] === 0) return [1, 0, 0];
    const value = x[0] / y[0];
    return [value, (x[1] - value * y[1]) / y[0], (x[2] - value * y[2]) / y[0]];
  };
  const mean = (xs) => scale(1 / xs.length, add(...xs));

  // Sums over the two pixels.
  const counts = ({ p, t }) => ({
    overlap: add(...p.map((x, i) => scale(t[i], x))),
    predicted: add(...p),
    squares: add(...p.map(square)),
    actual: t[0] + t[1],
  });
  const tverskyIndex = (image, alpha, beta, smooth) => {
    const { overlap, predicted, actual } = counts(image);
    const falsePositives = sub(predicted, overlap);
    const falseNegatives = sub(actual, overlap);
    const errors = add(scale(alpha, falsePositives), scale(beta, falseNegatives));
    return ratio(add(overlap, smooth), add(overlap, errors, smooth));
  };
  const diceIndex = (image, smooth, squared) => {
    const { overlap, predicted, squares, actual } = counts(image);
    const total = add(squared ? squares : predicted, actual);
    return ratio(add(scale(2, overlap), smooth), add(total, smooth));
  };
  const jaccardIndex = (image, smooth, squared) => {
    const { overlap, predicted, squares, actual } = counts(image);
    const total = add(squared ? squares : predicted, actual);
    return ratio(add(overlap, smooth), add(sub(total, overlap), smooth));
  };
  const logDice = (image, smooth) => {
    // Of a class absent from the truth the log says nothing unless smoothed.
    if (counts(image).actual === 0 && smooth === 0) return lift(0);
    return scale(-1, log(diceIndex(image, smooth, false)));
  };

  // Sums over pixels of a function of the probability of the right class.
  const rightProbs = ({ p, t }) => p.map((x, i) => (t[i] ? lift(x) : sub(1, x)));
  const surprises = (image) => rightProbs(image).map((x) => scale(-1, log(x)));
  const crossEntropy = (image) => mean(surprises(image));
  const focal = (image, gamma) =>
    mean(
      rightProbs(image).map((x) => mul(power(sub(1, x), gamma), scale(-1, log(x)))),
    );
  // The worst `fraction` of two pixels: 2 fraction pixels, whole or not.
  const topk = (image, fraction) => {
    const [a, b] = surprises(image);
    if (a[0] === b[0]) return scale(fraction, mean([a, b].map((x) => scale(1, x))));
    const [worst, other] = a[0] > b[0] ? [a, b] : [b, a];
    const first = Math.min(1, 2 * fraction);
    const second = Math.max(0, 2 * fraction - 1);
    return scale(0.5, add(scale(first, worst), scale(second, other)));
  };

  // Growth of the Jaccard loss as pixels join the mispredicted set, worst first.
  const lovasz = ({ p, t }) => {
    const size = t[0] + t[1];
    if (size === 0) return lift(0);
    const errors = p.map((x, i) => abs(sub(t[i], x)));
    const loss = (missed, falsePixels) => 1 - (size - missed) / (size + falsePixels);
    const inOrder = (order) => {
      const wrong = [0, 0]; // missed, false
      let last = 0;
      return add(
        ...order.map((i) => {
          wrong[t[i] ? 0 : 1] += 1;
          const grown = loss(wrong[0], wrong[1]);
          const term = scale(grown - last, errors[i]);
          last = grown;
          return term;
        }),
      );
    };
    if (errors[0][0] === errors[1][0] && t[0] === t[1])
      return mean([inOrder([0, 1]), inOrder([1, 0])]);
    return inOrder(errors[0][0] >= errors[1][0] ? [0, 1] : [1, 0]);
  };

  // Shares of foreground; predicted after sharpening by the temperature.
  const sharpened = ({ p }, temperature) =>
    p.map((x) => scale(temperature, sub(log(x), log(sub(1, x)))));
  const actualShare = ({ t }) => (t[0] + t[1]) / 2;
  const predictedShare = (image, temperature) =>
    mean(sharpened(image, temperature).map(sigmoid));
  const klTerm = (share, logPredicted) =>
    share === 0 ? lift(0) : scale(share, sub(Math.log(share), logPredicted));
  const klOfShares = (logPredicted, logOthers, actual) =>
    add(klTerm(actual, logPredicted), klTerm(1 - actual, logOthers));
  const marginalL1 = (image, temperature) =>
    abs(sub(predictedShare(image, temperature), actualShare(image)));
  const marginalKl = (image, temperature) => {
    const scores = sharpened(image, temperature);
    const logPredicted = logMean(scores.map(logSigmoid));
    const logOthers = logMean(scores.map((z) => logSigmoid(scale(-1, z))));
    return klOfShares(logPredicted, logOthers, actualShare(image));
  };
  const diceBias = (image, temperature) =>
    log(add(predictedShare(image, temperature), actualShare(image)));
  const sensitivitySpecificity = ({ p, t }, w) => {
    const meanError = (region) => {
      const size = region[0] + region[1];
      if (size === 0) return lift(0);
      const errors = p.map((x, i) => scale(region[i] / size, square(sub(t[i], x))));
      return add(...errors);
    };
    const outside = meanError(t.map((x) => 1 - x));
    return add(scale(w, meanError(t)), scale(1 - w, outside));
  };

  const dice = (image, smooth = 0) => sub(1, diceIndex(image, smooth, false));
  const LOSSES = {
    cross_entropy: (x) => crossEntropy(x),
    focal: (x, h) => focal(x, h.gamma),
    topk: (x, h) => topk(x, h.fraction),
    dice: (x, h) => dice(x, h.smooth),
    dice_squared: (x, h) => sub(1, diceIndex(x, h.smooth, true)),
    log_dice: (x, h) => logDice(x, h.smooth),
    log_cosh_dice: (x, h) => logCosh(dice(x, h.smooth)),
    jaccard: (x, h) => sub(1, jaccardIndex(x, h.smooth, false)),
    jaccard_squared: (x, h) => sub(1, jaccardIndex(x, h.smooth, true)),
    tversky: (x, h) => sub(1, tverskyIndex(x, h.alpha, h.beta, h.smooth)),
    focal_tversky: (x, h) =>
      power(sub(1, tverskyIndex(x, h.alpha, h.beta, h.smooth)), 1 / h.gamma),
    asymmetric: (x, h) => {
      const weight = 1 + h.beta * h.beta;
      return sub(1, tverskyIndex(x, 1 / weight, 1 - 1 / weight, h.smooth));
    },
    sensitivity_specificity: (x, h) => sensitivitySpecificity(x, h.w),
    lovasz: (x) => lovasz(x),
    marginal_l1: (x, h) => marginalL1(x, h.temperature),
    marginal_kl: (x, h) => marginalKl(x, h.temperature),
    dice_bias: (x, h) => diceBias(x, h.temperature),
    dice_ce: (x, h) => add(scale(h.dice, dice(x)), scale(h.ce, crossEntropy(x))),
    dice_focal: (x, h) =>
      add(scale(h.dice, dice(x)), scale(h.focal, focal(x, h.gamma))),
    dice_topk: (x, h) =>
      add(scale(h.dice, dice(x)), scale(h.topk, topk(x, h.fraction))),
    log_dice_ce: (x, h) =>
      add(scale(h.log_dice, logDice(x, 0)), scale(h.ce, crossEntropy(x))),
    ce_l1: (x, h) =>
      add(scale(h.ce, crossEntropy(x)), scale(h.weight, marginalL1(x, h.temperature))),
    ce_kl: (x, h) =>
      add(scale(h.ce, crossEntropy(x)), scale(h.weight, marginalKl(x, h.temperature))),
    dice_bias_ce: (x, h) =>
      add(scale(h.ce, crossEntropy(x)), scale(h.weight, diceBias(x, h.temperature))),
  };

  return {
    names: Object.keys(LOSSES),
    // [value, d/dp1, d/dp2] of a loss at probabilities p of pixels with truths t.
    evaluate(name, hyper, p, t) {
      const image = { p: [[p[0], 1, 0], [p[1], 0, 1]], t };
      return LOSSES[name](image, hyper);
    },
    // Penalties of a predicted against a true share of foreground, both in (0, 1).
    penalties(predicted, actual) {
      return {
        DB: Math.log(predicted + actual) + Math.log(2 - predicted - actual),
        DB1: Math.log(predicted + actual),
        KL: klOfShares(log(predicted), log(1 - predicted), actual)[0],
        L1: 2 * Math.abs(predicted - actual),
      };
    },
  };
})();

if (typeof module !== "undefined") module.exports = jaxsegLosses;
