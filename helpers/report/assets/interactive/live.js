// Figures that answer: what their scripts share. A figure's data stand in the page, as JSON, beside its still picture;
// `Live.kinds[kind](data)` makes of them what is seen on a screen. On paper, and without scripts, the still is there.
"use strict";
// Live.pictures are the figure images: {name, source, bitmap, width, height, rgb, gray}.
const Live = { kinds: {}, pictures: [] };

// Elements ------------------------------------------------------------------------------------------------------------

// An element with its attributes and children; what begins with "on" listens, and null leaves an attribute out.
Live.element = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
};

Live.count = 0;
Live.labelled = (label, control, ...more) => {
  control.id ||= `live-${(Live.count += 1)}`;
  return Live.element("p", { class: "field" }, Live.element("label", { for: control.id }, label), control, ...more);
};

Live.choice = (label, names, chosen, change) => {
  const options = names.map((name) => Live.element("option", name === chosen ? { selected: "" } : {}, name));
  const select = Live.element("select", { onchange: () => change(select.value) }, ...options);
  return Live.labelled(label, select);
};

// A slider; `says` tells in words what a value means, or shortly what is seen and at length what is heard.
Live.slider = (label, [low, high, value, step = 1], says, change) => {
  const range = Live.element("input", { type: "range", min: low, max: high, step, value });
  const output = Live.element("span", { class: "value", "aria-hidden": "true" });
  const field = Live.labelled(label, range, output);
  field.show = (at = Number(range.value)) => {
    range.value = at;
    const [short, long = short] = [says(Number(range.value))].flat();
    output.textContent = short;
    range.setAttribute("aria-valuetext", long);
  };
  range.addEventListener("input", () => {
    change(Number(range.value));
    field.show();
  });
  Object.assign(field, { range });
  return field;
};

Live.group = (name, ...children) =>
  Live.element("div", { role: "group", "aria-label": name, class: "group" }, ...children);

// Buttons of which one is chosen.
Live.buttons = (label, names, change, chosen = 0) => {
  const all = names.map((name, k) =>
    Live.element(
      "button",
      {
        type: "button",
        onclick: () => {
          press(k);
          change(k);
        },
      },
      name,
    ),
  );
  const press = (k) => all.forEach((button, i) => button.setAttribute("aria-pressed", i === k));
  press(chosen);
  return Live.element("div", { role: "group", "aria-label": label, class: "buttons" }, ...all);
};

// Words for those who listen, once what changes has come to rest.
Live.status = () => {
  const element = Live.element("p", { role: "status", class: "status" });
  let waiting;
  element.say = (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (element.textContent !== text) element.textContent = text;
    }, 600);
  };
  return element;
};

// Numbers -------------------------------------------------------------------------------------------------------------

Live.written = (value, digits = 3) => String(Number(Number(value).toPrecision(digits)) + 0).replace("-", "−");

// What somebody has typed: 0.5, 0,5, −1 or 1/16; NaN for anything else.
Live.read = (text) => {
  const match = /^\s*([+−-]?)\s*(\d+[.,]?\d*|[.,]\d+)\s*(?:\/\s*(\d+[.,]?\d*))?\s*$/.exec(text);
  if (!match) return NaN;
  const [above, below] = [match[2], match[3] ?? "1"].map((digits) => Number(digits.replace(",", ".")));
  return below ? (/[−-]/.test(match[1]) ? -1 : 1) * (above / below) : NaN;
};

// A field for a number. What does not fit is named in `words`, and the last number that did stays the field's `value`.
Live.number = (name, value, { low = -1000, high = 1000, whole = false, text = null }, words, change) => {
  const input = Live.element("input", {
    type: "text",
    inputmode: whole ? "numeric" : "text",
    autocomplete: "off",
    "aria-label": name,
    "aria-describedby": words.id,
    class: "number",
  });
  const wrong = () => {
    const number = Live.read(input.value);
    if (!input.value.trim()) return "is empty";
    if (Number.isNaN(number)) return "is not a number";
    if (whole && !Number.isInteger(number)) return "must be a whole number";
    return number < low || number > high ? `must be from ${Live.written(low)} to ${Live.written(high)}` : "";
  };
  const check = () => {
    const problem = wrong();
    input.setAttribute("aria-invalid", Boolean(problem));
    words.tell(input, problem && `${name} ${problem}; the last number is kept.`);
    if (!problem) input.number = Live.read(input.value);
    return !problem;
  };
  input.set = (number, shown = text?.(number) ?? Live.written(number, 6)) => {
    input.value = shown;
    check();
  };
  input.addEventListener("input", () => check() && change());
  input.set(value);
  return input;
};

// Beside fields: what is wrong with each of them.
Live.words = () => {
  const element = Live.element("p", { class: "words", id: `live-${(Live.count += 1)}`, role: "alert" });
  const problems = new Map();
  element.tell = (field, problem) => {
    problems.delete(field);
    if (problem) problems.set(field, problem);
    const text = [...problems.values()].join(" ");
    if (element.textContent !== text) element.textContent = text;
  };
  return element;
};

Live.percentiles = (values, ...shares) => {
  const sorted = Float64Array.from(values).sort();
  return shares.map((share) => {
    const at = (share / 100) * (sorted.length - 1),
      below = Math.floor(at);
    return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
  });
};

// Cross-correlation, as helpers.convolution's conv2d_forward: of {width, height, channels, values} with a kernel whose
// numbers are in the order of (row, column, channel).
Live.correlate = (image, kernel, { size = 3, stride = 1, pad = 0, bias = 0 } = {}) => {
  const { width, height, channels = 1, values } = image;
  const across = Math.floor((width - size + 2 * pad) / stride) + 1,
    down = Math.floor((height - size + 2 * pad) / stride) + 1;
  const out = new Float64Array(across * down),
    run = size * channels;
  for (let i = 0, at = 0; i < down; i++) {
    for (let j = 0; j < across; j++, at++) {
      let sum = bias;
      for (let a = 0; a < size; a++) {
        const row = i * stride + a - pad,
          left = j * stride - pad;
        if (row < 0 || row >= height) continue;
        const from = Math.max(0, -left) * channels,
          to = Math.min(size, width - left) * channels;
        const start = (row * width + left) * channels;
        for (let b = from; b < to; b++) sum += values[start + b] * kernel[a * run + b];
      }
      out[at] = sum;
    }
  }
  return { width: across, height: down, values: out };
};

// Colours -------------------------------------------------------------------------------------------------------------

Live.colors = {
  // ColorBrewer's RdBu, and Matplotlib's inferno at nine of its colours
  signed: [
    "#053061",
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#f7f7f7",
    "#fddbc7",
    "#f4a582",
    "#d6604d",
    "#b2182b",
    "#67001f",
  ],
  gray: ["#000000", "#ffffff"],
  heat: ["#000004", "#210c4a", "#57106e", "#8a226a", "#bc3754", "#e45a31", "#f98e09", "#f9cb35", "#fcffa4"],
};
Live.tables = {};
// 256 colours between the given ones, three bytes each.
Live.table = (name) =>
  (Live.tables[name] ??= Uint8ClampedArray.from({ length: 768 }, (_, k) => {
    const colors = Live.colors[name],
      at = (Math.floor(k / 3) / 255) * (colors.length - 1);
    const below = Math.min(Math.floor(at), colors.length - 2);
    const [from, to] = [below, below + 1].map((i) => parseInt(colors[i].slice(1 + 2 * (k % 3), 3 + 2 * (k % 3)), 16));
    return Math.floor(from + (at - below) * (to - from)); // as Matplotlib rounds
  }));
// The same as one number a colour, to be written into a picture at once.
Live.table32 = (name) =>
  (Live.tables[`${name} 32`] ??= Uint32Array.from({ length: 256 }, (_, k) => {
    const [red, green, blue] = Live.table(name).subarray(3 * k);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }));
Live.index = (value, range) =>
  Math.max(0, Math.min(255, Math.floor(((value - range[1]) / (range[2] - range[1] || 1)) * 256)));
Live.color = (value, range) =>
  `rgb(${[...Live.table(range[0]).subarray(3 * Live.index(value, range), 3 * Live.index(value, range) + 3)]})`;
// Black or white, whichever can be read better on that colour: a contrast of 4.5 at least (WCAG 2.2, 1.4.3).
Live.ink = (value, range) => {
  const linear = [
    ...Live.table(range[0])
      .subarray(3 * Live.index(value, range))
      .subarray(0, 3),
  ].map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? "#000" : "#fff";
};

// The colours of a map and the numbers at their ends, as the report's figures draw them (helpers.figures.playground).
Live.range = (numbers, total) => {
  const values = numbers.map((value) => Math.round(value * 1e9) / 1e9); // what only rounding has left is 0
  if (Math.abs(total) < 1e-6) {
    const [limit] = Live.percentiles(values.map(Math.abs), 99);
    const most = limit || values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
    return ["signed", -most, most];
  }
  const [low, high] = Math.abs(total - 1) < 1e-6 ? [0, 1] : Live.percentiles(values, 1, 99);
  return ["gray", low, high > low ? high : low + 1];
};

Live.paint = (canvas, { width, height, values }, range) => {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const table = Live.table32(range[0]),
    pixels = new ImageData(width, height),
    all = new Uint32Array(pixels.data.buffer);
  for (let k = 0; k < values.length; k++) all[k] = table[Live.index(values[k], range)];
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  Object.assign(canvas, { values, range });
};

// A picture on which the pointer, or a finger, chooses a place; a frame marks it.
Live.screen = (label, choose = null) => {
  const canvas = Live.element("canvas", { role: "img", "aria-label": label });
  const frame = Live.element("span", { class: "frame", hidden: "" });
  const screen = Live.element("div", { class: "screen" }, canvas, frame);
  screen.mark = (top, left, height, width) => {
    const share = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(frame.style, {
      top: share(top, canvas.height),
      left: share(left, canvas.width),
      height: share(height, canvas.height),
      width: share(width, canvas.width),
    });
    frame.hidden = false;
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const place = (share, count) => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
    choose(
      place((event.clientY - box.top) / box.height, canvas.height),
      place((event.clientX - box.left) / box.width, canvas.width),
    );
  };
  if (choose) for (const kind of ["pointermove", "pointerdown"]) canvas.addEventListener(kind, at);
  return Object.assign(screen, { canvas });
};

// The colours of a map, with the numbers at their ends.
Live.scale = () => {
  const [low, bar, high] = ["span", "i", "span"].map((name) => Live.element(name));
  const scale = Live.element("div", { class: "scale" }, low, bar, high);
  scale.show = ([name, least, most]) => {
    bar.style.background = `linear-gradient(to right, ${Live.colors[name]})`;
    [low.textContent, high.textContent] = [least, most].map((value) => Live.written(value));
  };
  return scale;
};

Live.spoken = (label, rows, digits) => {
  const words = rows.map((row) =>
    row.map((value) => (value === null ? "empty" : Live.written(value, digits))).join(", "),
  );
  return `${label}: ${words.join("; ")}`;
};

// A matrix of numbers in the colours of their range; `mark` names a cell's class.
Live.grid = (label) => {
  const grid = Live.element("div", { class: "grid", role: "img", "aria-label": label });
  grid.show = (rows, range, mark = () => "", digits = 3) => {
    grid.style.setProperty("--columns", rows[0].length);
    while (grid.children.length < rows.length * rows[0].length) grid.append(Live.element("span"));
    rows.forEach((row, i) =>
      row.forEach((value, j) => {
        const cell = grid.children[i * row.length + j],
          empty = value === null;
        cell.textContent = empty ? "" : Live.written(value, digits);
        cell.className = mark(i, j);
        Object.assign(
          cell.style,
          empty
            ? { background: "var(--wash)" }
            : { background: Live.color(value, range), color: Live.ink(value, range) },
        );
      }),
    );
    grid.setAttribute("aria-label", Live.spoken(label, rows, digits));
  };
  return grid;
};

Live.panel = (title, hint, ...children) =>
  Live.element(
    "section",
    { class: "panel", "aria-label": title },
    Live.element("p", { class: "hint" }, Live.element("strong", {}, title), ` ${hint}`),
    ...children,
  );

// Pictures ------------------------------------------------------------------------------------------------------------

Live.SIDE = 224; // what is larger is made smaller

// The pixels of a bitmap as numbers from 0 to 1: in colour, and in gray as OpenCV makes it.
Live.pixels = (bitmap, name, source = null) => {
  const shrink = Math.min(1, Live.SIDE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((n) => Math.max(1, Math.round(n * shrink)));
  const context = Live.element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const rgb = new Float64Array(3 * width * height),
    gray = new Float64Array(width * height);
  for (let k = 0; k < gray.length; k++) {
    const [red, green, blue] = data.subarray(4 * k, 4 * k + 3);
    rgb.set([red / 255, green / 255, blue / 255], 3 * k);
    gray[k] = ((9798 * red + 19235 * green + 3735 * blue + 16384) >> 15) / 255;
  }
  const scaled = shrink < 1 ? `${bitmap.width} × ${bitmap.height}, made smaller to ${width} × ${height}` : "";
  return {
    name,
    source,
    bitmap,
    width,
    height,
    scaled,
    gray: { width, height, values: gray },
    rgb: { width, height, channels: 3, values: rgb },
  };
};

Live.decoded = async (source) => {
  const image = new Image();
  image.src = source.startsWith("data:image/") ? source : "";
  await image.decode();
  return image;
};

// A choice between the report's figure images and one of the reader's own, which never leaves the page.
Live.chooser = (change) => {
  const words = Live.words(),
    own = "your own";
  let mine = null,
    chosen = Live.pictures[0].name;
  const names = () => [...Live.pictures.map((picture) => picture.name), ...(mine ? [own] : [])];
  const select = Live.element("select", { onchange: () => pick(select.value) });
  const pick = (name) => {
    chosen = name;
    change(name === own ? mine : Live.pictures.find((picture) => picture.name === name));
  };
  const fill = () =>
    select.replaceChildren(
      ...names().map((name) => Live.element("option", name === chosen ? { selected: "" } : {}, name)),
    );
  const file = Live.element("input", {
    type: "file",
    accept: "image/*",
    hidden: "",
    onchange: async () => {
      const [given] = file.files;
      if (!given) return;
      try {
        mine = Live.pixels(await createImageBitmap(given), "your picture");
        words.tell(file, "");
        chosen = own;
        fill();
        pick(own);
        note.textContent = mine.scaled;
      } catch {
        words.tell(file, `${given.name} is no picture that this browser can open; the last one stays.`);
      }
      file.value = ""; // the same file may be chosen again
    },
  });
  const open = Live.element(
    "button",
    { type: "button", "aria-describedby": words.id, onclick: () => file.click() },
    "Open your own…",
  );
  const note = Live.element("span", { class: "note", role: "status" });
  fill();
  return Live.element("div", { class: "chooser" }, Live.labelled("Picture", select, open, note, file), words);
};

// Beginning -----------------------------------------------------------------------------------------------------------

Live.begin = async () => {
  const scripts = [...document.querySelectorAll("script.live")].map((script) => [
    script,
    JSON.parse(script.textContent),
  ]);
  const given = scripts.map(([, data]) => data).find((data) => data.pictures);
  for (const [name, source] of Object.entries(given?.pictures ?? {})) {
    Live.pictures.push(Live.pixels(await Live.decoded(source), name, source));
  }
  for (const [script, data] of scripts) {
    const make = Live.kinds[data.kind];
    if (!make || (make.needs && !Live.pictures.length)) continue;
    const panel = make(data);
    if (!panel) continue;
    script.after(panel);
    if (make.instead) script.previousElementSibling.classList.add("still"); // which is seen on paper only
  }
  Live.begun = true;
};
document.addEventListener("DOMContentLoaded", Live.begin);
