// Slack's confirm dialog: asked before anything is sent to the app.
import { el } from "./dom.js";
import { plainText, textObject } from "./markup.js";

export function ask(confirm) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const done = (answer) => { dialog.close(); dialog.remove(); before?.focus?.(); resolve(answer); };
    const style = confirm.style === "danger" ? "danger" : "primary";
    const dialog = el("dialog", { class: "modal confirm", "aria-labelledby": "confirm-title" },
      el("div", { class: "modal-head" }, el("h2", { id: "confirm-title" }, plainText(confirm.title.text)),
        el("button", { class: "icon", type: "button", "aria-label": "Close", onclick: () => done(false) }, "✕")),
      el("div", { class: "modal-body" }, el("div", { class: "b-text" }, textObject(confirm.text))),
      el("div", { class: "modal-foot" },
        el("button", { class: "btn big", type: "button", onclick: () => done(false) }, plainText(confirm.deny.text)),
        el("button", { class: "btn big " + style, type: "button", onclick: () => done(true) }, plainText(confirm.confirm.text))));
    dialog.addEventListener("cancel", (event) => { event.preventDefault(); done(false); });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector(".modal-foot .btn").focus();
  });
}
