// What the page shows: state, sliders, the map of the loss, and the penalties.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const POINTS = 65; // of the map along each axis
  const EDGE = 1e-3; // outermost probability
  const REACH = 6; // outermost score
  const LEVELS = 12;
  const state = { loss: "dice", hyper: {}, truth: [1, 0], space: "probability" };
  state.cross = [0.7, 0.4]; // as shares of the map's width and height
  state.share = 0.1;

  const ends = () =>
    state.space === "probability" ? [EDGE, 1 - EDGE] : [-REACH, REACH];
  const along = (share) => ends()[0] + share * (ends()[1] - ends()[0]);

  // Value and slopes of the loss at a place of the map.
  function at(place) {
    if (state.space === "probability")
      return jaxsegLosses.evaluate(state.loss, state.hyper, place, state.truth);
    const probs = place.map((z) => 1 / (1 + Math.exp(-z)));
    const found = jaxsegLosses.evaluate(state.loss, state.hyper, probs, state.truth);
    const chain = probs.map((p) => p * (1 - p));
    return [found[0], found[1] * chain[0], found[2] * chain[1]];
  }
  const crossProbs = () => {
    const place = state.cross.map(along);
    return state.space === "probability"
      ? place
      : place.map((z) => 1 / (1 + Math.exp(-z)));
  };

  // Colours of the map: equally spaced stops, linear in between.
  function colour(share) {
    const stops = catalog.colours;
    const position = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const index = Math.min(Math.floor(position), stops.length - 2);
    const rest = position - index;
    return stops[index].map((x, k) => Math.round(x + rest * (stops[index + 1][k] - x)));
  }
  const theme = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // A canvas with as many pixels as it covers, and its size in CSS pixels.
  function prepare(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width, height };
  }

  function computeMap() {
    const rows = [];
    for (let j = 0; j < POINTS; j++) {
      const row = [];
      for (let i = 0; i < POINTS; i++)
        row.push(at([along(i / (POINTS - 1)), along(j / (POINTS - 1))]));
      rows.push(row);
    }
    const sorted = rows.flat().map((x) => x[0]).sort((a, b) => a - b);
    const low = sorted[0];
    const high = sorted[Math.floor(0.99 * (sorted.length - 1))];
    return { rows, low, high: Math.max(high, low + 1e-9), top: sorted.at(-1) };
  }

  function drawMap() {
    const { context, width, height } = prepare(byId("surface"));
    const margin = { left: 34, bottom: 30, top: 10, right: 10 };
    const side = Math.min(
      width - margin.left - margin.right,
      height - margin.top - margin.bottom,
    );
    const x = (share) => margin.left + share * side;
    const y = (share) => margin.top + (1 - share) * side;
    const map = computeMap();
    const share = (value) => (value - map.low) / (map.high - map.low);
    const tile = document.createElement("canvas");
    tile.width = tile.height = POINTS;
    const pixels = tile.getContext("2d").createImageData(POINTS, POINTS);
    map.rows.forEach((row, j) =>
      row.forEach(([value], i) => {
        const index = 4 * ((POINTS - 1 - j) * POINTS + i);
        pixels.data.set([...colour(share(value)), 255], index);
      }),
    );
    tile.getContext("2d").putImageData(pixels, 0, 0);
    context.drawImage(tile, x(0), y(1), side, side);
    context.save();
    context.beginPath();
    context.rect(x(0), y(1), side, side);
    context.clip();
    drawContours(context, map, x, y);
    drawArrows(context, map, x, y);
    context.restore();
    drawAxes(context, x, y);
    drawStar(context, x(state.truth[0]), y(state.truth[1]), 9);
    drawMinima(context, map, x, y);
    drawCross(context, x(state.cross[0]), y(state.cross[1]));
    geometry = { x, y, side };
    drawScale(map);
  }
  let geometry = null;

  // Lines between cells whose corners lie on both sides of a level.
  function drawContours(context, map, x, y) {
    context.strokeStyle = "rgba(255, 255, 255, 0.75)";
    context.lineWidth = 0.7;
    context.beginPath();
    for (let level = 1; level < LEVELS; level++) {
      const value = map.low + (level / LEVELS) * (map.high - map.low);
      for (let j = 0; j + 1 < POINTS; j++)
        for (let i = 0; i + 1 < POINTS; i++) {
          const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
          const crossings = [];
          corners.forEach((from, k) => {
            const to = corners[(k + 1) % 4];
            const a = map.rows[from[1]][from[0]][0] - value;
            const b = map.rows[to[1]][to[0]][0] - value;
            if (a < 0 === b < 0) return;
            const part = a / (a - b);
            crossings.push([
              (from[0] + part * (to[0] - from[0])) / (POINTS - 1),
              (from[1] + part * (to[1] - from[1])) / (POINTS - 1),
            ]);
          });
          for (let k = 0; k + 1 < crossings.length; k += 2) {
            context.moveTo(x(crossings[k][0]), y(crossings[k][1]));
            context.lineTo(x(crossings[k + 1][0]), y(crossings[k + 1][1]));
          }
        }
    }
    context.stroke();
  }

  function drawArrows(context, map, x, y) {
    const places = [];
    for (let k = 0; k < 9; k++) places.push(Math.round(4 + (k * (POINTS - 9)) / 8));
    const slopes = places.flatMap((j) =>
      places.map((i) => Math.hypot(map.rows[j][i][1], map.rows[j][i][2])),
    );
    const flat = 1e-6 * Math.max(...slopes);
    context.fillStyle = "#ffffff";
    context.strokeStyle = "#000000";
    context.lineWidth = 0.6;
    for (const j of places)
      for (const i of places) {
        const [, first, second] = map.rows[j][i];
        const length = Math.hypot(first, second);
        if (length <= flat) continue;
        context.save();
        context.translate(x(i / (POINTS - 1)), y(j / (POINTS - 1)));
        context.rotate(Math.atan2(second / length, -first / length));
        const size = (x(1) - x(0)) / 22;
        context.beginPath();
        context.moveTo(-size / 2, -1.2);
        context.lineTo(size / 8, -1.2);
        context.lineTo(size / 8, -3.4);
        context.lineTo(size / 2 + 2, 0);
        context.lineTo(size / 8, 3.4);
        context.lineTo(size / 8, 1.2);
        context.lineTo(-size / 2, 1.2);
        context.closePath();
        context.fill();
        context.stroke();
        context.restore();
      }
  }

  function drawMinima(context, map, x, y) {
    if (map.top - map.low <= 1e-9) return; // flat: nothing to mark
    context.fillStyle = "#ffffff";
    context.strokeStyle = "#000000";
    context.lineWidth = 0.8;
    map.rows.forEach((row, j) =>
      row.forEach(([value], i) => {
        if (value > map.low + 1e-6 * (map.top - map.low)) return;
        context.beginPath();
        context.arc(x(i / (POINTS - 1)), y(j / (POINTS - 1)), 2.6, 0, 2 * Math.PI);
        context.fill();
        context.stroke();
      }),
    );
  }

  function drawStar(context, x, y, radius) {
    context.beginPath();
    for (let k = 0; k < 10; k++) {
      const angle = (Math.PI * k) / 5 - Math.PI / 2;
      const reach = k % 2 ? radius * 0.4 : radius;
      context.lineTo(x + reach * Math.cos(angle), y + reach * Math.sin(angle));
    }
    context.closePath();
    context.fillStyle = "#d55e00";
    context.strokeStyle = "#000000";
    context.fill();
    context.stroke();
  }

  function drawCross(context, x, y) {
    for (const [ink, width] of [["#000000", 4], ["#ffffff", 2]]) {
      context.strokeStyle = ink;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x - 9, y);
      context.lineTo(x + 9, y);
      context.moveTo(x, y - 9);
      context.lineTo(x, y + 9);
      context.stroke();
    }
  }

  function drawAxes(context, x, y) {
    context.strokeStyle = context.fillStyle = theme("--text");
    context.lineWidth = 1;
    context.strokeRect(x(0), y(1), x(1) - x(0), y(0) - y(1));
    context.font = "12px system-ui, sans-serif";
    const named = state.space === "probability" ? [0, 0.5, 1] : [-REACH, 0, REACH];
    named.forEach((value, k) => {
      context.textAlign = ["left", "center", "right"][k];
      context.textBaseline = "top";
      context.fillText(String(value).replace("-", "−"), x(k / 2), y(0) + 4);
      context.textAlign = "right";
      context.textBaseline = ["bottom", "middle", "top"][k];
      context.fillText(String(value).replace("-", "−"), x(0) - 5, y(k / 2));
    });
    context.textAlign = "center";
    context.textBaseline = "bottom";
    context.fillText("pixel 1", (x(0.25) + x(0.5)) / 2, y(0) + 18);
    context.save();
    context.translate(x(0) - 8, (y(0.25) + y(0.5)) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText("pixel 2", 0, 0);
    context.restore();
  }

  function drawScale(map) {
    const more = map.top > map.high + 1e-9 ? " and more" : "";
    byId("scale-low").textContent = number(map.low, 2);
    byId("scale-high").textContent = number(map.high, 2) + more;
    const { context, width, height } = prepare(byId("scale"));
    for (let k = 0; k < width; k++) {
      context.fillStyle = `rgb(${colour(k / (width - 1)).join(",")})`;
      context.fillRect(k, 0, 1, height);
    }
  }

  const PENALTIES = [
    ["DB", "--first", []],
    ["DB1", "--second", [8, 4]],
    ["KL", "--third", [9, 3, 2, 3]],
    ["L1", "--fourth", [2, 3]],
  ];
  function drawMarginal() {
    const canvas = byId("marginal");
    const { context, width, height } = prepare(canvas);
    const [left, bottom, top, right] = [36, 34, 10, 12];
    const [low, high] = [-2.5, 2];
    const x = (share) => left + share * (width - left - right);
    const y = (value) =>
      top + ((high - value) / (high - low)) * (height - top - bottom);
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = context.strokeStyle = theme("--text");
    context.lineWidth = 1;
    context.strokeRect(x(0), y(high), x(1) - x(0), y(low) - y(high));
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of [-2, -1, 0, 1, 2])
      context.fillText(String(value).replace("-", "−"), x(0) - 5, y(value));
    context.textBaseline = "top";
    [0, 0.5, 1].forEach((value, k) => {
      context.textAlign = ["left", "center", "right"][k];
      context.fillText(value, x(value), y(low) + 4);
    });
    context.textAlign = "center";
    context.fillText("predicted share of foreground", x(0.5), y(low) + 18);
    context.save();
    context.beginPath();
    context.rect(x(0), y(high), x(1) - x(0), y(low) - y(high));
    context.clip();
    const upright = (share, dash, ink) => {
      context.strokeStyle = ink;
      context.lineWidth = 1;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(x(share), y(low));
      context.lineTo(x(share), y(high));
      context.stroke();
    };
    const crossed = crossProbs();
    upright(state.share, [], theme("--rule"));
    upright((crossed[0] + crossed[1]) / 2, [2, 2], theme("--text"));
    const steps = 400;
    const minima = [];
    for (const [name, ink, dash] of PENALTIES) {
      context.strokeStyle = context.fillStyle = theme(ink);
      context.lineWidth = 2;
      context.setLineDash(dash);
      context.beginPath();
      let best = [Infinity, 0];
      for (let k = 1; k < steps; k++) {
        const value = jaxsegLosses.penalties(k / steps, state.share)[name];
        context.lineTo(x(k / steps), y(value));
        if (value < best[0] - 1e-12) best = [value, k / steps];
      }
      context.stroke();
      minima.push([name, best[1]]);
      context.beginPath();
      context.arc(x(best[1]), y(best[0]), 5, 0, 2 * Math.PI);
      context.fill();
    }
    context.restore();
    canvas.setAttribute(
      "aria-label",
      `Penalties over the predicted share of foreground; true share ${number(state.share, 2)}. Smallest: ` +
        minima.map(([name, share]) => `${name} at ${number(share, 2)}`).join(", "),
    );
  }

  const number = (value, digits = 4) =>
    value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");

  function readOff() {
    const place = state.cross.map(along);
    const found = at(place);
    const probs = crossProbs();
    const share = (probs[0] + probs[1]) / 2;
    byId("place-name").textContent =
      state.space === "probability" ? "probabilities" : "scores";
    byId("place").textContent = place.map((value) => number(value, 3)).join(", ");
    byId("value").textContent = number(found[0]);
    byId("slope1").textContent = number(found[1]);
    byId("slope2").textContent = number(found[2]);
    byId("predicted-share").textContent = number(share, 3);
    const penalties = jaxsegLosses.penalties(share, state.share);
    for (const [name] of PENALTIES) byId(name).textContent = number(penalties[name]);
    const settings = Object.entries(state.hyper)
      .map(([name, value]) => `${name} ${number(value, 2)}`)
      .join(", ");
    const summary =
      `${state.loss}${settings ? ` with ${settings}` : ""}: loss ${number(found[0])} at ` +
      `${byId("place-name").textContent} ${byId("place").textContent}`;
    byId("surface").setAttribute("aria-label", `Map of the loss. ${summary}`);
    clearTimeout(speaking);
    speaking = setTimeout(() => (byId("announcement").textContent = summary), 400);
  }
  let speaking = 0;

  function draw() {
    drawMap();
    drawMarginal();
    readOff();
  }
  let waiting = false;
  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  }

  // One slider per hyper-parameter of the loss.
  function buildSliders() {
    const holder = byId("sliders");
    holder.replaceChildren();
    const entry = catalog.losses[state.loss];
    state.hyper = {};
    for (const [name, slider] of Object.entries(entry.sliders)) {
      state.hyper[name] = slider.value;
      const label = document.createElement("label");
      label.htmlFor = `hyper-${name}`;
      const output = document.createElement("output");
      output.id = `hyper-${name}-value`;
      output.htmlFor = label.htmlFor;
      output.textContent = number(slider.value, 2);
      label.append(`${name}: `, output);
      const input = document.createElement("input");
      Object.assign(input, { type: "range", id: label.htmlFor, min: slider.min, max: slider.max, step: slider.step });
      input.value = slider.value;
      input.addEventListener("input", () => {
        state.hyper[name] = Number(input.value);
        output.textContent = number(state.hyper[name], 2);
        redraw();
      });
      holder.append(label, input);
    }
    byId("formula").textContent = `${entry.formula} · ${entry.source}`;
  }

  function start() {
    const families = {};
    for (const [name, entry] of Object.entries(catalog.losses)) {
      if (!families[entry.family]) {
        families[entry.family] = document.createElement("optgroup");
        families[entry.family].label = entry.family;
        byId("loss").append(families[entry.family]);
      }
      families[entry.family].append(new Option(name, name));
    }
    byId("loss").value = state.loss;
    byId("loss").addEventListener("change", () => {
      state.loss = byId("loss").value;
      buildSliders();
      redraw();
    });
    byId("truth").addEventListener("change", () => {
      state.truth = byId("truth").value.split(",").map(Number);
      redraw();
    });
    byId("space").addEventListener("change", () => {
      state.space = byId("space").value;
      redraw();
    });
    byId("reset").addEventListener("click", () => {
      buildSliders();
      redraw();
    });
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    byId("share").addEventListener("input", () => {
      state.share = Number(byId("share").value);
      byId("share-value").textContent = number(state.share, 2);
      redraw();
    });
    byId("share-value").textContent = number(state.share, 2);
    const canvas = byId("surface");
    const clamp = (value) => Math.min(Math.max(value, 0), 1);
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      const step = event.shiftKey ? 0.1 : 0.02;
      state.cross = state.cross.map((value, k) => clamp(value + step * move[k]));
      redraw();
    });
    const follow = (event) => {
      const box = canvas.getBoundingClientRect();
      state.cross = [
        clamp((event.clientX - box.left - geometry.x(0)) / geometry.side),
        clamp((geometry.y(0) - (event.clientY - box.top)) / geometry.side),
      ];
      redraw();
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      canvas.focus();
      follow(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) follow(event);
    });
    new ResizeObserver(redraw).observe(document.body);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    buildSliders();
    draw();
  }
  start();
})();
