// The contents follow the reader: the link of the section that is being read is marked and kept in view.
"use strict";
const contents = document.getElementById("contents");
const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
const sections = [...document.querySelectorAll("main section[id]")].filter((section) => links.has(section.id));
const narrow = window.matchMedia("(max-width: 62rem)");
const visible = new Set();

function mark() {
  const current = sections.filter((section) => visible.has(section)).pop();
  if (!current) return;
  for (const link of links.values()) link.removeAttribute("aria-current");
  const link = links.get(current.id);
  link.setAttribute("aria-current", "true");
  if (!narrow.matches) contents.parentElement.scrollTo({ top: link.offsetTop - window.innerHeight / 3 });
}

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) visible[isIntersecting ? "add" : "delete"](target);
  mark();
}, { rootMargin: "-20% 0px -79% 0px" });
sections.forEach((section) => observer.observe(section));

const fold = () => { contents.open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
contents.addEventListener("click", (event) => { if (event.target.closest("a")) fold(); });
contents.addEventListener("toggle", () => {
  const link = contents.querySelector("[aria-current]");
  if (contents.open && narrow.matches && link) contents.parentElement.scrollTo({ top: link.offsetTop - 80 });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !contents.open || !narrow.matches) return;
  contents.open = false;
  contents.querySelector("summary").focus();
});

const made = (name, properties) => Object.assign(document.createElement(name), properties);

// A link of its own at every heading, and from chapter to chapter.
for (const heading of document.querySelectorAll("main section[id] > :is(h2, h3, h4, h5)")) {
  const name = heading.textContent.trim();
  const link = made("a", { className: "anchor", href: `#${heading.parentElement.id}`, textContent: "¶" });
  link.setAttribute("aria-label", `Link to ${name}`);
  heading.append(link);
}
const chapters = [...document.querySelectorAll("main > section.level2")];
chapters.forEach((chapter, k) => {
  const around = made("nav", { className: "chapters" });
  around.setAttribute("aria-label", `Around ${chapter.firstElementChild.firstChild.textContent.trim()}: ${k + 1}`);
  for (const [step, arrow] of [[-1, "←"], [1, "→"]]) {
    const other = chapters[k + step];
    if (!other) continue;
    const name = links.get(other.id).textContent.trim();
    around.append(made("a", { href: `#${other.id}`, textContent: step < 0 ? `${arrow} ${name}` : `${name} ${arrow}` }));
  }
  chapter.append(around);
});

// Search: the sections whose own text has all of the words.
const own = (section) => {
  const copy = section.cloneNode(true);
  for (const other of copy.querySelectorAll("section, nav, annotation, button, .anchor")) other.remove();
  return copy.textContent.replace(/\s+/g, " ");
};
const search = made("input", { type: "search", className: "search", placeholder: "Search" });
search.setAttribute("aria-label", "Search the report");
const results = made("ul", { className: "results" });
const status = made("p", { className: "status" });
status.setAttribute("role", "status");
contents.querySelector("summary").after(search, status, results);
let index;
search.addEventListener("input", () => {
  index ??= [...document.querySelectorAll("main section[id]")].map((section) => [section, own(section)]);
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const asked = search.value.trim().length > 1;
  const found = asked ? index.filter(([, text]) => words.every((word) => text.toLowerCase().includes(word))) : [];
  status.textContent = asked ? `${found.length} section${found.length === 1 ? "" : "s"}` : "";
  results.replaceChildren(...found.slice(0, 30).map(([section, text]) => {
    const at = text.toLowerCase().indexOf(words[0]), end = at + words[0].length;
    const link = made("a", { href: `#${section.id}`, textContent: section.firstElementChild.textContent.replace("¶", "") });
    const around = made("small");
    around.append(text.slice(Math.max(0, at - 40), at), made("mark", { textContent: text.slice(at, end) }), text.slice(end, end + 40));
    link.append(around);
    const item = made("li");
    item.append(link);
    return item;
  }));
});

// Every listing can be copied.
for (const listing of document.querySelectorAll("div.sourceCode")) {
  const button = made("button", { type: "button", className: "copy", textContent: "Copy" });
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(listing.querySelector("code").innerText);
      button.textContent = "Copied";
    } catch { button.textContent = "Not allowed"; }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  listing.append(button);
}

// All code at once, or none of it.
const code = [...document.querySelectorAll("details.code")];
if (code.length) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "all-code";
  const label = () => { button.textContent = code.every((element) => element.open) ? "Fold all code" : "Show all code"; };
  button.addEventListener("click", () => {
    const open = !code.every((element) => element.open);
    for (const element of code) element.open = open;
    label();
  });
  for (const element of code) element.addEventListener("toggle", label);
  contents.querySelector("summary").after(button);
  label();
}

// What scrolls sideways must be reachable without a mouse.
const names = { table: "table", formula: "formula", output: "output" };
const reachable = () => {
  for (const element of document.querySelectorAll("pre, .table, .formula")) {
    if (element.scrollWidth > element.clientWidth) {
      element.tabIndex = 0;
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", names[element.className] || "code");
    } else for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
  }
};
window.addEventListener("load", reachable);
window.addEventListener("resize", reachable);
for (const element of code) element.addEventListener("toggle", reachable);

// On paper nothing can be unfolded.
const folded = [];
window.addEventListener("beforeprint", () => {
  for (const element of document.querySelectorAll("main details:not(.code):not([open])")) { element.open = true; folded.push(element); }
});
window.addEventListener("afterprint", () => { while (folded.length) folded.pop().open = false; });
