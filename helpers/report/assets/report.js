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
