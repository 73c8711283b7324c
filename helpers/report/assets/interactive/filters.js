// The first layer's filters on a picture, between their state before training (0 %) and after it (100 %).
"use strict";
Live.kinds.filters = ({ before, after }) => {
  // each {w: kernels, a list of 27 numbers a filter in the order (row, column, channel), b: biases}
  const count = before.w.length,
    state = { picture: Live.pictures[0], filter: 0, share: 100 };
  const moved = before.w.map((weights, n) =>
    weights.reduce((sum, weight, k) => sum + Math.abs(after.w[n][k] - weight), 0),
  );
  state.filter = moved.indexOf(Math.max(...moved)); // the one that training has changed most
  const status = Live.status(),
    scale = Live.scale(),
    screen = Live.screen("The map", (i, j) => read(i, j));
  const source = Live.screen("The picture"),
    value = Live.element("p", { class: "other" });
  const grids = ["red", "green", "blue"].map((name) => Live.grid(`Kernel for ${name}`));
  const mixed = (a, b) => a + (state.share / 100) * (b - a);
  const kernel = () => before.w[state.filter].map((weight, k) => mixed(weight, after.w[state.filter][k]));
  const bias = () => mixed(before.b[state.filter], after.b[state.filter]);
  const map = (weights, b) => {
    const out = Live.correlate(state.picture.rgb, weights, { bias: b });
    out.values.forEach((each, k) => {
      if (each < 0) out.values[k] = 0;
    });
    return out;
  };
  const largest = ({ values }) => values.reduce((a, b) => Math.max(a, b), 0);
  let top = 1;
  const change = () => {
    // both ends of the training on one scale
    top = Math.max(...[before, after].map(({ w, b }) => largest(map(w[state.filter], b[state.filter])))) || 1;
    const context = Object.assign(source.canvas, {
      width: state.picture.width,
      height: state.picture.height,
    }).getContext("2d");
    const pixels = context.createImageData(state.picture.width, state.picture.height),
      { values } = state.picture.rgb;
    for (let k = 0; k < values.length / 3; k++)
      pixels.data.set([0, 1, 2].map((c) => Math.round(255 * values[3 * k + c])).concat(255), 4 * k);
    context.putImageData(pixels, 0, 0);
    source.canvas.setAttribute(
      "aria-label",
      `${state.picture.name}, ${state.picture.height} by ${state.picture.width} pixels`,
    );
    show();
  };
  const read = (i, j) => {
    const { values, width } = screen.canvas;
    value.textContent = `At (${i}, ${j}) the map is ${Live.written(values[i * width + j])}.`;
  };

  function show() {
    const weights = kernel(),
      out = map(weights, bias()),
      shown = ["gray", 0, top];
    const limit = Math.max(...[before, after].flatMap(({ w }) => w[state.filter].map(Math.abs))) || 1;
    grids.forEach((grid, c) =>
      grid.show(
        [0, 1, 2].map((a) => [0, 1, 2].map((b) => weights[9 * a + 3 * b + c])),
        ["signed", -limit, limit],
        undefined,
        2,
      ),
    );
    Live.paint(screen.canvas, out, shown);
    scale.show(shown);
    const positive = Math.round((100 * out.values.filter((each) => each > 0).length) / out.values.length);
    const told =
      `Filter ${state.filter}, bias ${Live.written(bias())}: ${positive} % of its map is above 0, ` +
      `its largest number is ${Live.written(largest(out))}.`;
    screen.canvas.setAttribute("aria-label", told);
    value.textContent = told;
    status.say(told);
  }
  const filter = Live.slider(`Filter of ${count}`, [0, count - 1, state.filter], String, (k) => {
    state.filter = k;
    change();
  });
  const words = (share) => (share === 0 ? "before" : share === 100 ? "after" : `${share} %`);
  const share = Live.slider("Training", [0, 100, 100], words, (each) => {
    state.share = each;
    show();
  });
  change();
  filter.show(state.filter);
  share.show(100);
  return Live.panel(
    "Try the filters",
    "on a figure image or on a picture of your own. The training slider goes from the weights before it to those " +
      "after it; the first filter shown is the one that it has changed most.",
    Live.chooser((picture) => {
      state.picture = picture;
      change();
    }),
    Live.element("div", { class: "row" }, filter, share),
    Live.element(
      "div",
      { class: "row between" },
      Live.element("div", { class: "part" }, source, Live.element("p", { class: "under" }, "the picture")),
      Live.element(
        "div",
        { class: "part narrow stack" },
        ...grids.map((grid, c) =>
          Live.element("div", {}, Live.element("p", { class: "under" }, ["red", "green", "blue"][c]), grid),
        ),
      ),
      Live.element("div", { class: "part" }, screen, scale),
    ),
    value,
    status,
  );
};
Live.kinds.filters.needs = true;
