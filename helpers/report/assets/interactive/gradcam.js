// Grad-CAM, class by class: buttons choose picture and class, a slider how much of the picture the map covers.
"use strict";
Live.kinds.gradcam = ({ classes, scores, maps, top }) => {
  // maps[picture][class]: rows of numbers from 0 to 255, which stands for `top`
  const state = { picture: 0, of: 0, weight: 60 },
    status = Live.status(),
    scale = Live.scale(),
    told = Live.element("p", { class: "other" });
  const screen = Live.screen("The picture under the map", (i, j) =>
    show(`At (${i}, ${j}): ${Live.written(value(i, j))}. `),
  );
  const heat = ["heat", 0, top];
  const value = (i, j) => {
    // bilinear between the middles of the map's squares, as OpenCV enlarges
    const { width, height } = Live.pictures[state.picture],
      rows = maps[state.picture][state.of];
    const [y, x] = [((i + 0.5) * rows.length) / height - 0.5, ((j + 0.5) * rows[0].length) / width - 0.5];
    const at = (a, b) => rows[Math.max(0, Math.min(rows.length - 1, a))][Math.max(0, Math.min(rows[0].length - 1, b))];
    const [a, b] = [Math.floor(y), Math.floor(x)],
      [p, q] = [y - a, x - b];
    return (
      (((1 - p) * ((1 - q) * at(a, b) + q * at(a, b + 1)) + p * ((1 - q) * at(a + 1, b) + q * at(a + 1, b + 1))) *
        top) /
      255
    );
  };

  function show(before = "") {
    const { width, height, rgb } = Live.pictures[state.picture],
      { canvas } = screen,
      table = Live.table("heat"),
      share = state.weight / 100;
    const pixels = Object.assign(canvas, { width, height }).getContext("2d").createImageData(width, height);
    for (let k = 0; k < width * height; k++) {
      const gray = 85 * (rgb.values[3 * k] + rgb.values[3 * k + 1] + rgb.values[3 * k + 2]);
      const color = 3 * Live.index(value(Math.floor(k / width), k % width), heat);
      for (let c = 0; c < 3; c++) pixels.data[4 * k + c] = (1 - share) * gray + share * table[color + c];
      pixels.data[4 * k + 3] = 255;
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    const score = Live.written(scores[state.picture][state.of]);
    const text = `${Live.pictures[state.picture].name}, what speaks for ${classes[state.of]}: score ${score}.`;
    canvas.setAttribute("aria-label", text);
    told.textContent = before + text;
    status.say(text);
    scale.show(heat);
  }
  const choose = (name, names, key) =>
    Live.element(
      "div",
      { class: "field" },
      Live.element("span", {}, name),
      Live.buttons(name, names, (k) => {
        state[key] = k;
        show();
      }),
    );
  const weight = Live.slider(
    "Weight of the map",
    [0, 100, 60],
    (each) => `${each} %`,
    (each) => {
      state.weight = each;
      show();
    },
  );
  weight.show(60);
  show();
  return Live.panel(
    "Ask for a class.",
    "The map shows where the evidence for it lies, on one scale for all pictures and classes.",
    Live.element(
      "div",
      { class: "row between" },
      Live.element("div", { class: "part" }, screen, scale),
      Live.element(
        "div",
        { class: "part stack wide" },
        choose(
          "Picture",
          Live.pictures.slice(0, maps.length).map(({ name }) => name),
          "picture",
        ),
        choose("Class", classes, "of"),
        weight,
        told,
      ),
    ),
    status,
  );
};
Live.kinds.gradcam.needs = true;
