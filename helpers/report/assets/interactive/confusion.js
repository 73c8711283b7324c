// A confusion matrix whose squares list their images.
"use strict";
Live.kinds.confusion = ({ classes, actual, predicted, thumbnails }) => {
  // thumbnails: by the image's number, of sixty images at most
  if (classes.length > 15) return null; // as in the still, nobody could read it
  Live.thumbnails ??= thumbnails ?? {}; // a later matrix of the same images does without its own
  const shown = Live.element("ul", { class: "thumbnails" }),
    told = Live.element("p", { class: "other", role: "status" });
  const of = (i, j) => actual.map((_, n) => n).filter((n) => actual[n] === i && predicted[n] === j);
  const most = Math.max(...classes.flatMap((_, i) => classes.map((_, j) => of(i, j).length)));
  const squares = [];
  const square = (i, j) => {
    const count = of(i, j).length,
      color = i === j ? "#0b5cad" : "#c8501e";
    const button = Live.element(
      "button",
      {
        type: "button",
        "aria-pressed": "false",
        "aria-label": `${count} of ${classes[i]}, taken for ${classes[j]}`,
        onclick: () => choose(i, j),
      },
      String(count),
    );
    if (count)
      button.style.background = `color-mix(in srgb, ${color} ${15 + Math.round((30 * count) / most)}%, var(--paper))`;
    squares.push([button, i, j]);
    return Live.element("td", {}, button);
  };
  const table = Live.element(
    "table",
    {},
    Live.element(
      "thead",
      {},
      Live.element(
        "tr",
        {},
        Live.element("td", {}, "actual, down; predicted, across"),
        ...classes.map((name) => Live.element("th", { scope: "col" }, name)),
      ),
    ),
    Live.element(
      "tbody",
      {},
      ...classes.map((name, i) =>
        Live.element("tr", {}, Live.element("th", { scope: "row" }, name), ...classes.map((_, j) => square(i, j))),
      ),
    ),
  );

  function choose(i, j) {
    const images = of(i, j),
      pictured = images.filter((n) => Live.thumbnails[n]);
    squares.forEach(([button, a, b]) => button.setAttribute("aria-pressed", a === i && b === j));
    shown.replaceChildren(
      ...pictured.map((n) =>
        Live.element(
          "li",
          {},
          Live.element("img", { src: Live.thumbnails[n], width: 64, height: 64, alt: `test image ${n}` }),
          Live.element("span", {}, String(n)),
        ),
      ),
    );
    const rest = images.length - pictured.length;
    const count = images.length ? `${images.length} image${images.length === 1 ? "" : "s"}` : "No image";
    const taken = i === j ? "recognised as such" : `taken for ${classes[j]}`;
    told.textContent = `${count} of ${classes[i]}, ${taken}${rest ? `; ${rest} not shown` : ""}.`;
  }
  const wrong = squares
    .filter(([, i, j]) => i !== j && of(i, j).length)
    .sort((a, b) => of(b[1], b[2]).length - of(a[1], a[2]).length);
  choose(...(wrong[0] ?? squares[0]).slice(1));
  return Live.panel(
    "Choose a square",
    "to see its images; their numbers count the test images from 0. It begins with the commonest mistake.",
    Live.element("div", { class: "matrix", tabindex: "0", role: "group", "aria-label": "Confusion matrix" }, table),
    told,
    shown,
  );
};
