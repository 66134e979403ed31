// The open modal of the person one acts as: drawn from the top view, kept in place while it is updated.
import { el, toast } from "./dom.js";
import { act } from "./api.js";
import { draw } from "./blocks.js";
import { plainText } from "./markup.js";

let shown = null; // { id, hash, errors, dialog }
let busy = false;

function read(dialog, view) {
  const values = {};
  for (const block of view.blocks) {
    for (const element of [...(block.elements || []), block.accessory, block.element]) {
      if (!element || !element.action_id || ["button", "overflow", "workflow_button"].includes(element.type)) continue;
      const node = find(dialog, block.block_id, element.action_id);
      if (node?.value_) (values[block.block_id] ||= {})[element.action_id] = node.value_();
    }
  }
  return values;
}

function find(dialog, blockId, actionId) {
  const block = [...dialog.querySelectorAll(".block")].find((node) => node.dataset.block === blockId);
  return block && [...block.querySelectorAll("[data-action]")].find((node) => node.dataset.action === actionId);
}

function keepTyped(before, after, view) {
  for (const block of view.blocks) {
    const element = block.element;
    if (!element || !element.type.endsWith("_input")) continue;
    const old = find(before, block.block_id, element.action_id);
    const fresh = find(after, block.block_id, element.action_id);
    if (old && fresh && old.value !== "") fresh.value = old.value;
  }
}

async function run(work) {
  if (busy) return;
  busy = true;
  shown?.dialog.classList.add("busy");
  try {
    const made = await work();
    if (made?.shown) problem(made.shown);
  } catch (error) {
    problem(error.message);
  } finally {
    busy = false;
    shown?.dialog.classList.remove("busy");
  }
}

function problem(text) {
  const place = shown?.dialog.querySelector(".modal-problem");
  if (place) place.textContent = text;
  else toast(text);
}

function context(user, view) {
  return {
    chosen: (block, element) => view.state.values[block.block_id]?.[element.action_id],
    undo: (node) => { if (node.tagName === "SELECT") node.selectedIndex = 0; },
    press: (block, element, value, node) => {
      if (block.type === "input" && !block.dispatch_action) {
        if (node.tagName === "INPUT" && node.type !== "radio") return;
        if (!["SELECT", "DIV"].includes(node.tagName)) return;
      }
      run(() => act("click_view", { user, view_id: view.id, action_id: element.action_id, block_id: block.block_id, value, values: read(node.closest("dialog"), view) }));
    },
  };
}

function build(user, view) {
  const send = () => run(() => act("submit_view", { user, view_id: view.id, values: read(dialog, view) }));
  const cancel = (clear) => act("close_view", { user, view_id: view.id, clear }).catch((error) => toast(error.message));
  const blocks = draw(view.blocks, context(user, view));
  view.blocks.forEach((block, index) => {
    const error = view.errors[block.block_id];
    if (error) blocks[index].append(el("div", { class: "b-error", role: "alert" }, error));
    const field = blocks[index].querySelector(".typed, .pick, .ticks");
    if (field && block.label) field.setAttribute("aria-label", block.label.text);
    if (field && error) field.setAttribute("aria-invalid", "true");
  });
  const form = el("form", { class: "modal-form", novalidate: true, onsubmit: (event) => { event.preventDefault(); send(); } },
    el("div", { class: "modal-head" }, el("h2", { id: "modal-title" }, plainText(view.title.text)),
      el("button", { class: "icon", type: "button", "aria-label": "Close", onclick: () => cancel(true) }, "✕")),
    el("div", { class: "modal-body" }, blocks),
    el("div", { class: "modal-problem", role: "alert" }),
    el("div", { class: "modal-foot" },
      el("button", { class: "btn big", type: "button", onclick: () => cancel(false) }, plainText(view.close?.text || "Cancel")),
      view.submit && el("button", { class: "btn big primary", type: "submit", disabled: view.submit_disabled }, plainText(view.submit.text))));
  const dialog = el("dialog", { class: "modal", "aria-labelledby": "modal-title" }, form);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); cancel(false); });
  return dialog;
}

export function showModal(user, views) {
  const view = views[views.length - 1];
  const errors = view ? JSON.stringify(view.errors) : "";
  if (!view) {
    if (shown) { shown.dialog.close(); shown.dialog.remove(); shown = null; }
    return;
  }
  if (shown && shown.id === view.id && shown.hash === view.hash && shown.errors === errors && shown.user === user) return;
  const dialog = build(user, view);
  const same = shown && shown.id === view.id && shown.user === user;
  const was = same && document.activeElement?.dataset?.action;
  if (same) keepTyped(shown.dialog, dialog, view);
  if (shown) { shown.dialog.close(); shown.dialog.remove(); }
  document.body.append(dialog);
  dialog.showModal();
  const focus = [...dialog.querySelectorAll("[data-action]")];
  (dialog.querySelector("[aria-invalid]") || focus.find((node) => node.dataset.action === was)
    || dialog.querySelector(".typed, .pick") || dialog.querySelector(".modal-foot .btn:last-child")).focus();
  shown = { id: view.id, hash: view.hash, errors, dialog, user };
}
