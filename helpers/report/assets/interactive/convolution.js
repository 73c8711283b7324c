// A live convolution: nine numbers, a picture, and the map that follows every change.
"use strict";
Live.kinds.convolution = ({ kernels }) => {
  const state = {
    picture: Live.pictures[0],
    kernel: [],
    stride: 1,
    pad: 0,
    turned: false,
    row: 0,
    column: 0,
    map: null,
  };
  const own = "your own";
  const words = Live.words(),
    status = Live.status(),
    scale = Live.scale();

  // The fields ------------------------------------------------------------------------------------------------------
  const fraction = (value) => {
    const part = [2, 4, 8, 16, 3, 9].find((n) => Math.abs(value * n - Math.round(value * n)) < 1e-9);
    return Number.isInteger(value) || !part ? null : `${Live.written(value * part)}/${part}`;
  };
  const fields = Array.from({ length: 9 }, (_, k) =>
    Live.number(`Row ${Math.floor(k / 3) + 1}, column ${(k % 3) + 1}`, 0, { text: fraction }, words, () => {
      name();
      update();
    }),
  );
  const stride = Live.number("Stride", 1, { low: 1, high: 16, whole: true }, words, () => update());
  const pad = Live.number("Padding", 0, { low: 0, high: 16, whole: true }, words, () => update());
  const numbers = () => fields.map((field) => field.number);
  const same = (a, b) => a.every((value, k) => Math.abs(value - b[k]) < 1e-9);
  const ready = Live.choice("Ready-made", [...Object.keys(kernels), own], "vertical edges", (chosen) => {
    if (chosen !== own) fill(kernels[chosen].flat());
  });
  const name = () => {
    ready.querySelector("select").value =
      Object.keys(kernels).find((each) => same(kernels[each].flat(), numbers())) ?? own;
  };
  const fill = (values) => {
    fields.forEach((field, k) => field.set(values[k]));
    name();
    update();
  };
  const turn = Live.element("button", { type: "button", onclick: () => fill(numbers().reverse()) }, "Turn the numbers");
  const rule = Live.buttons("Rule", ["cross-correlation", "convolution"], (k) => {
    state.turned = k === 1;
    update();
  });

  // The pictures and the window -------------------------------------------------------------------------------------
  const before = Live.screen("The picture in gray", (row, column) => {
    move(Math.round((row + state.pad - 1) / state.stride), Math.round((column + state.pad - 1) / state.stride));
  });
  const after = Live.screen("The map", (row, column) => move(row, column));
  const sliders = ["row", "column"].map((axis) =>
    Live.slider(
      `Window's ${axis}`,
      [0, 221, 0],
      (at) => [`${at}`, `${at}; sum ${sum.textContent}`],
      (at) => move(...(axis === "row" ? [at, state.column] : [state.row, at])),
    ),
  );
  const [pixels, weights, products] = ["Pixels in the window", "Kernel as it lies on them", "Products"].map((label) =>
    Live.grid(label),
  );
  const sum = Live.element("output", { class: "sum" });
  const other = Live.element("p", { class: "other" });
  const [reach, size] = ["reach", "size"].map((name) => Live.element("p", { class: name }));

  const used = () => (state.turned ? [...state.kernel].reverse() : state.kernel);

  function move(row, column) {
    const { map, picture, stride, pad } = state;
    state.row = Math.max(0, Math.min(map.height - 1, row));
    state.column = Math.max(0, Math.min(map.width - 1, column));
    const top = state.row * stride - pad,
      left = state.column * stride - pad;
    const seen = Array.from({ length: 9 }, (_, k) => {
      const [i, j] = [top + Math.floor(k / 3), left + (k % 3)];
      const inside = i >= 0 && j >= 0 && i < picture.height && j < picture.width;
      return inside ? picture.gray.values[i * picture.width + j] : 0;
    });
    const kernel = used(),
      limit = Math.max(...kernel.map(Math.abs)) || 1,
      signed = ["signed", -limit, limit];
    const rows = (values) => [0, 3, 6].map((k) => values.slice(k, k + 3));
    pixels.show(rows(seen), ["gray", 0, 1]);
    weights.show(rows(kernel), signed);
    products.show(rows(seen.map((value, k) => value * kernel[k])), signed);
    const total = (by) => seen.reduce((all, value, k) => all + value * by[k], 0);
    sum.textContent = Live.written(total(kernel));
    const [straight, turned] = [state.kernel, [...state.kernel].reverse()].map((by) => Live.written(total(by)));
    const alike = same(state.kernel, [...state.kernel].reverse());
    other.textContent = alike
      ? "This kernel is the same turned by 180 degrees: cross-correlation and convolution agree everywhere."
      : `Here cross-correlation, with the kernel as it is, gives ${straight}; ` +
        `convolution, with the kernel turned by 180 degrees, ${turned}.`;
    before.mark(top, left, 3, 3);
    after.mark(state.row, state.column, 1, 1);
    sliders.forEach((slider, k) => slider.show([state.row, state.column][k]));
  }

  function update() {
    state.kernel = numbers();
    Object.assign(state, { stride: stride.number, pad: pad.number });
    const { picture } = state;
    if (Math.min(picture.width, picture.height) + 2 * state.pad < 3) {
      words.tell(before, "The picture is smaller than the kernel: more padding would make room.");
      return;
    }
    words.tell(before, "");
    const map = (state.map = Live.correlate(picture.gray, used(), state));
    const total = state.kernel.reduce((a, b) => a + b, 0);
    if (before.canvas.values !== picture.gray.values) Live.paint(before.canvas, picture.gray, ["gray", 0, 1]);
    Live.paint(after.canvas, map, Live.range(map.values, total));
    scale.show(after.canvas.range);
    const [least, most] = [Math.min, Math.max].map((of) => Live.written(map.values.reduce((a, b) => of(a, b))));
    const formula = (n, of) => `⌊(${n} − 3 + 2 · ${state.pad}) / ${state.stride}⌋ + 1 = ${of}`;
    size.textContent =
      `Height ${formula(picture.height, map.height)}` +
      (picture.height === picture.width
        ? ", and the same for the width."
        : `; width ${formula(picture.width, map.width)}.`);
    const told = `Map of ${map.height} × ${map.width} from ${least} to ${most}; the kernel adds up to ${Live.written(total)}.`;
    before.canvas.setAttribute("aria-label", `${picture.name} in gray, ${picture.height} by ${picture.width} pixels`);
    after.canvas.setAttribute("aria-label", told);
    status.say(told);
    reach.textContent = told;
    sliders.forEach(({ range }, k) => {
      range.max = [map.height, map.width][k] - 1;
    });
    move(state.row, state.column);
  }

  const panel = Live.panel(
    "Try it.",
    "Change the nine numbers, or open a picture of your own, which stays on your device. Move over the map.",
    Live.element(
      "div",
      { class: "row controls" },
      Live.chooser((picture) => {
        state.picture = picture;
        update();
      }),
      ready,
    ),
    Live.element(
      "div",
      { class: "row between" },
      Live.element("div", { class: "part" }, before, Live.element("p", { class: "under" }, "the picture in gray")),
      Live.element(
        "div",
        { class: "part narrow" },
        Live.group("Kernel", Live.element("div", { class: "nine" }, ...fields), turn),
        Live.group("How it moves", Live.labelled("Stride", stride), Live.labelled("Padding", pad)),
      ),
      Live.element("div", { class: "part" }, after, scale),
    ),
    words,
    rule,
    Live.element(
      "div",
      { class: "row sums" },
      pixels,
      Live.element("span", {}, "×"),
      weights,
      Live.element("span", {}, "="),
      products,
      Live.element("span", { class: "total" }, "sum ", sum),
    ),
    Live.element("div", { class: "row" }, ...sliders),
    other,
    size,
    reach,
    status,
  );
  panel.state = state;
  state.map = { width: 222, height: 222, values: [] };
  Object.assign(state, { row: 110, column: 110 });
  fill(kernels["vertical edges"].flat());
  return panel;
};
Live.kinds.convolution.needs = true;
