// Countdowns: the deadline comes from the server, what elapses from the browser's monotonic clock (a wrong clock of the
// computer does not matter). Not announced live, no blinking. Also: local times, steps opened in place, the list's filters,
// the print button.
"use strict";
(() => {
  const begun = performance.now();

  const left = (seconds) => {
    if (seconds <= 0) return "closed";
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor((seconds % 86400) / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    const rest = String(Math.floor(seconds % 60)).padStart(2, "0");
    if (days) return `${days} d ${hours} h`;
    if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
    return minutes >= 10 ? `${minutes} min` : `${minutes} min ${rest} s`;
  };

  const windows = document.querySelectorAll("[data-left]");
  const tick = () => {
    const elapsed = (performance.now() - begun) / 1000;
    for (const node of windows) {
      const seconds = Math.floor(Number(node.dataset.left) - elapsed);
      node.textContent = left(seconds);
      node.classList.toggle("comp", seconds > 0 && seconds < 3600);
      node.classList.toggle("irr", seconds <= 0);
      const cost = node.parentElement.querySelector("[data-closed]");
      if (cost && seconds <= 0) cost.textContent = cost.dataset.closed;
    }
  };
  if (windows.length) {
    tick();
    setInterval(tick, 1000);
  }

  for (const node of document.querySelectorAll("time[datetime]")) {
    const at = new Date(node.getAttribute("datetime"));
    if (!Number.isNaN(at.getTime())) node.title = `${at.toLocaleString()} your time`;
  }
  for (const node of document.querySelectorAll("[data-local]")) {
    const at = new Date(node.dataset.local);
    const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    if (at.getTimezoneOffset() !== 0) node.textContent = `${clock} your time`;
  }

  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // A step's link becomes a button that shows what was recorded of it below its row; the link stays good without us.
  const open = async (button, row, href) => {
    const body = document.createElement("div");
    body.className = "step";
    body.id = `step-${href.split("/").pop()}`;
    body.setAttribute("role", "region");
    body.setAttribute("aria-label", `${button.textContent}, as recorded`);
    body.tabIndex = -1;
    body.textContent = "Reading…";
    row.after(body);
    button.setAttribute("aria-controls", body.id);
    button.setAttribute("aria-expanded", "true");
    try {
      const reply = await fetch(`${href}?part=1`, { credentials: "same-origin", redirect: "error" });
      if (!reply.ok) throw new Error(String(reply.status));
      const read = new DOMParser().parseFromString(await reply.text(), "text/html");
      body.replaceChildren(...read.body.childNodes);
    } catch {
      window.location.assign(href);
    }
  };
  for (const link of document.querySelectorAll("a[data-step]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.append(...link.childNodes);
    const href = link.getAttribute("href");
    const row = link.closest(".row");
    link.replaceWith(button);
    button.addEventListener("click", () => {
      const body = row.nextElementSibling;
      if (!body || !body.classList.contains("step")) {
        open(button, row, href);
        return;
      }
      body.hidden = !body.hidden;
      button.setAttribute("aria-expanded", String(!body.hidden));
    });
  }

  const form = document.querySelector(".filters");
  if (!form) return;
  form.hidden = false;
  const rows = [...document.querySelectorAll("tr[data-state]")];
  const filter = () => {
    const chosen = new FormData(form);
    const state = chosen.get("state");
    const agent = chosen.get("agent");
    const words = chosen.get("q").trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      const fits =
        (!state || row.dataset.state === state) &&
        (!agent || row.dataset.agent === agent) &&
        (!words || row.textContent.toLowerCase().includes(words));
      row.hidden = !fits;
      shown += fits;
    }
    for (const group of document.querySelectorAll("tbody[data-group]")) {
      group.hidden = !group.querySelector("tr[data-state]:not([hidden])");
    }
    document.getElementById("none").hidden = shown > 0;
    document.getElementById("sum").textContent = `${shown} ${shown === 1 ? "incident" : "incidents"} shown`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
