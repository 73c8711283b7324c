// One picture and its strongest neurons: a box, or its button, shows the neuron's gradient and the patch it belongs to.
"use strict";
Live.kinds.neurons = ({ picture, neurons }) => {
  // neurons: {row, column, channel, activation, box: top, left, bottom, right, gradient: a PNG or WebP}
  const colors = ["#0b5cad", "#c8501e", "#2a7f4f", "#8250df", "#b58900"],
    { source, name, width, height } = Live.pictures[picture];
  const [gradient, patch] = ["The neuron's gradient", "The patch"].map((alt) =>
    Live.element("img", { alt, width: 224, height: 224 }),
  );
  const told = Live.element("p", { class: "other", role: "status" });
  const image = Live.element(
    "div",
    { class: "screen" },
    Live.element("img", { src: source, width, height, alt: `${name}, with ${neurons.length} boxes` }),
  );
  const area = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  const boxes = neurons.map((neuron, k) => {
    const [top, left, bottom, right] = neuron.box;
    const box = Live.element("span", {
      class: "box",
      onpointerdown: () => buttons.children[k].click(),
      onpointerenter: () => show(k),
    });
    Object.assign(box.style, {
      top: `${(100 * top) / height}%`,
      left: `${(100 * left) / width}%`,
      color: colors[k],
      height: `${(100 * (bottom - top)) / height}%`,
      width: `${(100 * (right - left)) / width}%`,
      zIndex: neurons.filter((other) => area(other) > area(neuron)).length,
    });
    return box;
  });
  image.append(...boxes);

  const cut = ({ box: [top, left, bottom, right] }) => {
    const canvas = Live.element("canvas", { width: right - left, height: bottom - top }),
      bitmap = Live.pictures[picture].bitmap;
    canvas.getContext("2d").drawImage(bitmap, left, top, right - left, bottom - top, 0, 0, right - left, bottom - top);
    return canvas.toDataURL();
  };
  function show(k) {
    const { row, column, channel, activation, box } = neurons[k],
      where = `rows ${box[0]} to ${box[2] - 1}, columns ${box[1]} to ${box[3] - 1}`;
    gradient.src = neurons[k].gradient;
    patch.src = cut(neurons[k]);
    [gradient, patch].forEach((each) => {
      each.style.borderColor = colors[k];
    });
    patch.alt = `The patch of ${name}, ${where}`;
    gradient.alt = `The gradient of channel ${channel} by that patch`;
    told.textContent =
      `Row ${row}, column ${column}, channel ${channel}: activation ${Live.written(activation)}; ` +
      `its gradient lies in ${where}.`;
    boxes.forEach((each, i) => each.classList.toggle("chosen", i === k));
    [...buttons.children].forEach((button, i) => button.setAttribute("aria-pressed", i === k));
  }
  const buttons = Live.buttons(
    "Neuron",
    neurons.map(({ channel }) => `channel ${channel}`),
    (k) => show(k),
  );
  [...buttons.children].forEach((button, k) => {
    button.style.borderBottom = `4px solid ${colors[k]}`;
  });
  show(0);
  const named = (text, element) =>
    Live.element("div", { class: "part small" }, element, Live.element("p", { class: "under" }, text));
  return Live.panel(
    "Choose a neuron,",
    "by its box or its button: the strongest is the first.",
    buttons,
    Live.element(
      "div",
      { class: "row between" },
      Live.element("div", { class: "part" }, image),
      named("gradient", gradient),
      named("patch", patch),
    ),
    told,
  );
};
Live.kinds.neurons.needs = Live.kinds.neurons.instead = true;
