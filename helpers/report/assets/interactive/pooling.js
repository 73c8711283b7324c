// Max pooling of a 3 x 3 matrix by windows of 2 x 2 with stride 1, and its gradient: numbers may be changed.
"use strict";
Live.kinds.pooling = ({ matrix, arriving }) => {
  const colors = ["#0b5cad", "#c8501e", "#2a7f4f", "#8250df"],
    names = ["upper left", "upper right", "lower left", "lower right"];
  const tint = (n) => `color-mix(in srgb, ${colors[n]} 28%, var(--paper))`;
  const words = Live.words(),
    status = Live.status();
  const fields = (title, rows, marked) =>
    rows.map((row, i) =>
      row.map((value, j) => {
        const field = Live.number(`${title}, row ${i + 1}, column ${j + 1}`, value, {}, words, () => show());
        if (marked) field.style.background = tint(i * row.length + j);
        return field;
      }),
    );
  const [inputs, grads] = [fields("Input", matrix, false), fields("Gradient that arrives", arriving, true)];
  const [out, back] = ["Maxima", "Gradient handed down"].map((name) =>
    Live.element("div", { class: "grid plain", role: "img", "aria-label": name }),
  );
  const told = Live.element("ul");
  const wash = (windows) =>
    windows.length === 0
      ? ""
      : `linear-gradient(to right, ${windows
          .map((n, k) => `${tint(n)} ${(100 * k) / windows.length}% ${(100 * (k + 1)) / windows.length}%`)
          .join(", ")})`;
  const fill = (grid, name, rows, windows) => {
    grid.style.setProperty("--columns", rows[0].length);
    grid.replaceChildren(
      ...rows.flatMap((row, i) =>
        row.map((value, j) => {
          const cell = Live.element("span", {}, Live.written(value));
          cell.style.background = wash(windows(i, j)) || "var(--paper)";
          return cell;
        }),
      ),
    );
    grid.setAttribute("aria-label", Live.spoken(name, rows));
  };

  function show() {
    const x = inputs.map((row) => row.map((field) => field.number)),
      dout = grads.map((row) => row.map((field) => field.number));
    const winners = [0, 1, 2, 3].map((n) => {
      // the first of the largest, in reading order
      const [i, j] = [Math.floor(n / 2), n % 2],
        places = [
          [i, j],
          [i, j + 1],
          [i + 1, j],
          [i + 1, j + 1],
        ];
      return places.reduce((best, place) => (x[place[0]][place[1]] > x[best[0]][best[1]] ? place : best));
    });
    const wins = (i, j) => [0, 1, 2, 3].filter((n) => winners[n][0] === i && winners[n][1] === j);
    const dx = x.map((row, i) =>
      row.map((_, j) => wins(i, j).reduce((sum, n) => sum + dout[Math.floor(n / 2)][n % 2], 0)),
    );
    inputs.forEach((row, i) =>
      row.forEach((field, j) => {
        field.style.background = wash(wins(i, j));
      }),
    );
    fill(
      out,
      "Maxima",
      [0, 1].map((i) => [0, 1].map((j) => x[winners[2 * i + j][0]][winners[2 * i + j][1]])),
      (i, j) => [2 * i + j],
    );
    fill(back, "Gradient handed down", dx, wins);
    told.replaceChildren(
      ...winners.map(([i, j], n) =>
        Live.element(
          "li",
          {},
          `${names[n]} window: the ${Live.written(x[i][j])} in row ${i + 1}, column ${j + 1} wins and gets ` +
            Live.written(dout[Math.floor(n / 2)][n % 2]),
        ),
      ),
    );
    status.say(back.getAttribute("aria-label"));
  }
  const named = (name, ...content) =>
    Live.element("div", { class: "named" }, Live.element("p", { class: "under" }, name), ...content);
  const nine = (all, columns) => Live.element("div", { class: "nine", style: `--across: ${columns}` }, ...all.flat());
  show();
  return Live.panel(
    "Change a number",
    "of the input or of the gradient. Each window has a colour, and so has its winner.",
    Live.element(
      "div",
      { class: "row grids" },
      named("the input, with its winners", nine(inputs, 3)),
      named("the maxima", out),
      named("the gradient that arrives", nine(grads, 2)),
      named("the gradient handed down", back),
    ),
    words,
    told,
    status,
  );
};
Live.kinds.pooling.instead = true;
