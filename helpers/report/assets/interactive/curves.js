// The curves of a training, with their values at the epoch under the pointer.
"use strict";
Live.kinds.curves = ({ history }) => {
  const epochs = history.loss.length,
    SIZE = { width: 340, height: 200, left: 44, right: 8, top: 10, bottom: 30 };
  const lines = [
      ["train", "var(--blue)", ""],
      ["val_", "var(--orange)", "5 3"],
    ],
    names = { train: "training", val_: "validation" };
  const svg = (name, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const across = (epoch) => SIZE.left + ((epoch - 0.5) / epochs) * (SIZE.width - SIZE.left - SIZE.right);
  const series = (what, which) => history[which === "train" ? what : `val_${what}`];

  const chart = (what, title, scale, ticks) => {
    const up = (value) => SIZE.height - SIZE.bottom - scale(value) * (SIZE.height - SIZE.top - SIZE.bottom);
    const text = (x, y, content, anchor) => svg("text", { x, y, "text-anchor": anchor }, content);
    const cursor = svg("line", { class: "cursor", y1: SIZE.top, y2: SIZE.height - SIZE.bottom });
    const dots = lines.map(([, color]) => svg("circle", { r: 4, style: `fill: ${color}` }));
    const steps = Array.from({ length: epochs }, (_, k) => k + 1).filter(
      (k) => k === 1 || k === epochs || (k % Math.ceil(epochs / 5) === 0 && epochs - k > epochs / 10),
    );
    const element = svg(
      "svg",
      { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": `${title}, by epoch` },
      ...ticks.flatMap((value) => [
        svg("line", { class: "rule", x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: up(value), y2: up(value) }),
        text(SIZE.left - 5, up(value) + 4, Live.written(value), "end"),
      ]),
      ...steps.map((k) => text(across(k), SIZE.height - SIZE.bottom + 15, k, "middle")),
      text(SIZE.width - SIZE.right, SIZE.height - 2, "epoch", "end"),
      ...lines.map(([which, stroke, dashes]) =>
        svg("polyline", {
          style: `fill: none; stroke: ${stroke}`,
          "stroke-width": 2,
          "stroke-dasharray": dashes,
          points: series(what, which)
            .map((value, k) => (value === null ? "" : `${across(k + 1)},${up(value)}`))
            .filter(Boolean)
            .join(" "),
        }),
      ),
      cursor,
      ...dots,
    );
    element.at = (epoch) => {
      cursor.setAttribute("x1", across(epoch));
      cursor.setAttribute("x2", across(epoch));
      dots.forEach((dot, k) => {
        const value = series(what, lines[k][0])[epoch - 1];
        dot.setAttribute("visibility", value === null ? "hidden" : "visible");
        if (value !== null) {
          dot.setAttribute("cx", across(epoch));
          dot.setAttribute("cy", up(value));
        }
      });
    };
    for (const kind of ["pointermove", "pointerdown"])
      element.addEventListener(kind, (event) => {
        const box = element.getBoundingClientRect(),
          x = ((event.clientX - box.left) / box.width) * SIZE.width;
        show(
          Math.max(
            1,
            Math.min(epochs, Math.round(((x - SIZE.left) / (SIZE.width - SIZE.left - SIZE.right)) * epochs + 0.5)),
          ),
        );
      });
    return Live.element("div", { class: "part chart" }, Live.element("p", { class: "under" }, title), element);
  };

  const losses = ["train", "val_"].flatMap((which) => series("loss", which)).filter((value) => value > 0);
  const [low, high] = [Math.floor(Math.log10(Math.min(...losses))), Math.ceil(Math.log10(Math.max(...losses)) + 1e-9)];
  const powers = Array.from({ length: high - low + 1 }, (_, k) => 10 ** (low + k)).filter(
    (_, k, all) => all.length < 8 || k % 2 === 0,
  );
  const charts = [
    chart(
      "loss",
      "cross-entropy (nats, log scale)",
      (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low || 1),
      powers,
    ),
    chart("accuracy", "accuracy", (value) => value, [0, 0.25, 0.5, 0.75, 1]),
  ];
  const said = Live.element("p", { class: "legend" });
  const says = (epoch) =>
    lines.map(([which]) => {
      const [loss, accuracy] = ["loss", "accuracy"].map((what) => series(what, which)[epoch - 1]);
      const [first, second] = [loss, accuracy].map((value) => (value === null ? "none" : Live.written(value)));
      return `${names[which]}: loss ${first}, accuracy ${second}`;
    });
  const slider = Live.slider(
    "Epoch",
    [1, epochs, epochs],
    (epoch) => [`${epoch}`, `${epoch}; ${says(epoch).join("; ")}`],
    (epoch) => show(epoch),
  );
  function show(epoch) {
    charts.forEach((each) => each.querySelector("svg").at(epoch));
    said.replaceChildren(
      ...says(epoch).map((text, k) => {
        const key = Live.element("i", { class: "key" });
        key.style.borderTop = `2px ${lines[k][2] ? "dashed" : "solid"} ${lines[k][1]}`;
        return Live.element("span", {}, key, text);
      }),
    );
    slider.show(epoch);
  }
  show(epochs);
  return Live.panel(
    "Read the curves:",
    "move over them, or move the slider.",
    Live.element("div", { class: "row between" }, ...charts),
    said,
    slider,
  );
};
Live.kinds.curves.instead = true;
