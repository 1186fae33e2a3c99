// Shows what has changed on the server in those parts of a page that say so. Without this
// script the page shows what was true when it was loaded.

"use strict";

const PAUSE_MS = 2000;
const LONGEST_MS = 10 * 60 * 1000; // a page that nobody looks at must not cost for ever
const control = document.querySelector(".live");
const [box, status] = [control.querySelector("input"), control.querySelector("[role=status]")];

async function refresh() {
  const response = await fetch(location.href);
  if (response.redirected) return location.reload(); // signed out elsewhere
  if (!response.ok) throw new Error(`status ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = page.getElementById(part.id);
    // What did not change is left alone: nothing flickers, and no focus is lost.
    if (now && now.innerHTML !== part.innerHTML) part.replaceChildren(...now.childNodes);
  }
}

async function tick() {
  if (performance.now() - began > LONGEST_MS) box.checked = false;
  if (box.checked && !document.hidden) {
    try {
      await refresh();
      status.textContent = "";
    } catch {
      status.textContent = "No answer. Trying again.";
    }
  }
  setTimeout(tick, PAUSE_MS);
}

let began = performance.now();
box.addEventListener("change", () => { began = performance.now(); });
control.hidden = false;
setTimeout(tick, PAUSE_MS);
