// The moving kernel: played, stepped or moved by hand over a small picture; the map is filled number by number.
"use strict";
Live.kinds.moving = ({ image, kernel }) => {
  const [height, width] = [image.length, image[0].length],
    [rows, columns] = [kernel.length, kernel[0].length];
  const down = height - rows + 1,
    across = width - columns + 1,
    last = down * across - 1;
  const windowAt = (i, j) => kernel.map((row, a) => row.map((_, b) => image[i + a][j + b]));
  const productsAt = (i, j) => kernel.map((row, a) => row.map((weight, b) => weight * image[i + a][j + b]));
  const sums = Array.from({ length: down }, (_, i) =>
    Array.from({ length: across }, (_, j) =>
      productsAt(i, j)
        .flat()
        .reduce((a, b) => a + b),
    ),
  );
  const around = (matrix) => [
    "signed",
    -Math.max(...matrix.flat().map(Math.abs)) || -1,
    Math.max(...matrix.flat().map(Math.abs)) || 1,
  ];
  const light = ["gray", 0, Math.max(...image.flat()) || 1],
    signed = around(sums);
  let at = last,
    timer = null;

  const [picture, weights, products, map] = ["Picture", "Kernel", "Products", "Map"].map((name) => Live.grid(name));
  const says = (k) => [
    `${k + 1} of ${last + 1}`,
    `row ${Math.floor(k / across)}, column ${k % across}: sum ${Live.written(sums.flat()[k])}`,
  ];
  const slider = Live.slider("Position", [0, last, at], says, (k) => {
    stop();
    show(k);
  });
  const sentence = Live.element("p", { class: "other" }),
    status = Live.status();

  function show(k) {
    at = Math.max(0, Math.min(last, k));
    const [i, j] = [Math.floor(at / across), at % across];
    const inside = (a, b) => (a >= i && a < i + rows && b >= j && b < j + columns ? "marked" : "");
    picture.show(image, light, inside);
    weights.show(kernel, around(kernel));
    products.show(productsAt(i, j), signed);
    map.show(
      sums.map((row, a) => row.map((sum, b) => (a * across + b <= at ? sum : null))),
      signed,
      (a, b) => (a === i && b === j ? "marked" : ""),
    );
    const terms = productsAt(i, j)
      .flat()
      .filter((term) => term !== 0)
      .map((term) => Live.written(term));
    sentence.textContent =
      `At (${i}, ${j}) the window holds ${windowAt(i, j)
        .map((row) => row.map((v) => Live.written(v)).join(" "))
        .join(", ")}. ` +
      `Its products other than 0: ${terms.join(" + ").replaceAll("+ −", "− ") || "none"} = ${Live.written(sums[i][j])}.`;
    slider.show(at);
  }
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const step = (by) => {
    stop();
    show(at + by);
    status.say(sentence.textContent);
  };
  const play = Live.element(
    "button",
    {
      type: "button",
      onclick: () => {
        if (timer) return stop();
        show(at === last ? 0 : at + 1);
        play.textContent = "Pause";
        timer = setInterval(() => (at === last ? stop() : show(at + 1)), 800);
      },
    },
    "Play",
  );
  const button = (name, by) => Live.element("button", { type: "button", onclick: () => step(by) }, name);
  const choose = (grid, size, place) => {
    for (const kind of ["pointermove", "pointerdown"])
      grid.addEventListener(kind, (event) => {
        const k = [...grid.children].indexOf(event.target);
        if (k >= 0 && (kind === "pointerdown" || event.pointerType === "mouse")) {
          stop();
          place(Math.floor(k / size), k % size);
        }
      });
  };
  const within = (value, most) => Math.max(0, Math.min(most, value));
  choose(map, across, (i, j) => show(i * across + j));
  choose(picture, width, (i, j) => show(within(i - 1, down - 1) * across + within(j - 1, across - 1)));
  const named = (name, grid) =>
    Live.element("div", { class: "named" }, Live.element("p", { class: "under" }, name), grid);
  show(last);
  return Live.panel(
    "Play it,",
    "or move over the picture or the map; the arrow keys move the slider.",
    Live.element(
      "div",
      { class: "row grids" },
      named("picture", picture),
      Live.element("div", {}, named("kernel", weights), named("products", products)),
      named("map: their sums", map),
    ),
    Live.element("div", { class: "row" }, play, button("Back", -1), button("Step", 1), slider),
    sentence,
    status,
  );
};
Live.kinds.moving.instead = true;
