// One control for each interactive element. `press(value, node)` tells what was chosen; state comes in Slack's own shape.
import { el } from "./dom.js";
import { personName, plainText, textObject } from "./markup.js";

let people = {};
let channels = {};
export const know = (screen) => { people = screen.people; channels = screen.names; };

const label = (object) => (object ? plainText(object.text).join("") : "");

function button(element, press) {
  const shared = {
    class: "btn " + (element.style || ""),
    "aria-label": element.accessibility_label,
    "data-action": element.action_id,
    onclick: (event) => press(element.value ?? null, event.currentTarget),
  };
  if (element.url) {
    return el("a", { ...shared, href: element.url, target: "_blank", rel: "noopener noreferrer" }, plainText(element.text.text));
  }
  return el("button", { ...shared, type: "button" }, plainText(element.text.text));
}

function overflow(element, press) {
  const items = element.options.map((option) => el("button", {
    class: "menu-item",
    type: "button",
    role: "menuitem",
    onclick: (event) => { box.open = false; press(option.value, event.currentTarget); },
  }, plainText(option.text.text), option.description && el("span", { class: "quiet" }, label(option.description))));
  const box = el("details", { class: "overflow", "data-action": element.action_id },
    el("summary", { class: "btn more", "aria-label": "More actions" }, "⋯"), el("div", { class: "menu-list", role: "menu" }, items));
  box.addEventListener("toggle", () => {
    box.classList.remove("from-right", "upwards");
    if (!box.open) return;
    const place = box.lastChild.getBoundingClientRect();
    const frame = (box.closest(".messages, .modal-body") || document.body).getBoundingClientRect();
    box.classList.toggle("from-right", place.right > frame.right);
    box.classList.toggle("upwards", place.bottom > frame.bottom && place.height < place.top - frame.top);
    items[0].focus();
  });
  box.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape") { box.open = false; box.firstChild.focus(); event.stopPropagation(); }
    if (event.key === "ArrowDown") { items[(at + 1) % items.length].focus(); event.preventDefault(); }
    if (event.key === "ArrowUp") { items[(at + items.length - 1) % items.length].focus(); event.preventDefault(); }
  });
  return box;
}

const option = (one, chosen) => el("option", { value: one.value, selected: chosen.includes(one.value) }, label(one.text));

function offered(element) {
  if (element.type.endsWith("users_select")) {
    return Object.entries(people).filter(([, one]) => !one.away && !one.bot)
      .map(([id, one]) => ({ value: id, text: { text: `${one.real_name} (@${personName(id)})` } }));
  }
  if (/channels_select|conversations_select/.test(element.type)) {
    return Object.entries(channels).map(([id, name]) => ({ value: id, text: { text: "#" + name } }));
  }
  return element.options || [];
}

function select(element, state, press) {
  const many = element.type.startsWith("multi_");
  const chosen = [state?.selected_option, ...(state?.selected_options || [])].filter(Boolean).map((one) => one.value)
    .concat(state?.selected_user || [], state?.selected_users || [], state?.selected_channel || [], state?.selected_conversation || []);
  const hint = label(element.placeholder) || "Choose an option";
  const groups = (element.option_groups || []).map((group) =>
    el("optgroup", { label: label(group.label) }, group.options.map((one) => option(one, chosen))));
  const first = many ? null : el("option", { value: "", selected: !chosen.length }, hint);
  const node = el("select", { class: "pick", "aria-label": hint, "data-action": element.action_id, multiple: many },
    first, groups, offered(element).map((one) => option(one, chosen)));
  node.value_ = () => (many ? [...node.selectedOptions].map((one) => one.value) : node.value || null);
  node.addEventListener("change", () => press(node.value_(), node));
  return node;
}

function picked(element, state, press, kind) {
  const attributes = { class: "pick", type: kind, "data-action": element.action_id, "aria-label": label(element.placeholder) || kind };
  const node = el("input", attributes);
  node.value = state?.selected_date || state?.selected_time || (state?.selected_date_time ? local(state.selected_date_time) : "");
  node.value_ = () => (kind === "datetime-local" && node.value ? Math.floor(new Date(node.value).getTime() / 1000) : node.value || null);
  node.addEventListener("change", () => press(node.value_(), node));
  return node;
}

function local(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function ticks(element, state, press, kind) {
  const chosen = [state?.selected_option, ...(state?.selected_options || [])].filter(Boolean).map((one) => one.value);
  const group = "g" + Math.random().toString(36).slice(2);
  const boxes = element.options.map((one) => el("input", { type: kind, name: group, value: one.value, checked: chosen.includes(one.value) }));
  const node = el("div", { class: "ticks", "data-action": element.action_id, role: kind === "radio" ? "radiogroup" : "group" },
    element.options.map((one, index) => el("label", {}, boxes[index],
      el("span", {}, textObject(one.text), one.description && el("span", { class: "b-hint" }, textObject(one.description))))));
  node.value_ = () => {
    const on = boxes.filter((box) => box.checked).map((box) => box.value);
    return kind === "radio" ? on[0] || null : on;
  };
  node.addEventListener("change", () => press(node.value_(), node));
  return node;
}

function typed(element, state, press) {
  const kinds = { number_input: "number", email_text_input: "email", url_text_input: "url" };
  const shared = { class: "typed", "data-action": element.action_id, placeholder: label(element.placeholder), maxlength: element.max_length };
  const node = element.multiline ? el("textarea", { ...shared, rows: 3 })
    : el("input", { ...shared, type: kinds[element.type] || "text", min: element.min_value, max: element.max_value, step: element.is_decimal_allowed ? "any" : undefined });
  node.value = state?.value ?? "";
  node.value_ = () => node.value || null;
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !element.multiline) { event.preventDefault(); press(node.value_(), node, true); }
  });
  return node;
}

export function control(block, element, state, press) {
  const kind = element.type;
  if (kind === "button" || kind === "workflow_button") return button(element, press);
  if (kind === "overflow") return overflow(element, press);
  if (kind === "datepicker") return picked(element, state, press, "date");
  if (kind === "timepicker") return picked(element, state, press, "time");
  if (kind === "datetimepicker") return picked(element, state, press, "datetime-local");
  if (kind === "checkboxes") return ticks(element, state, press, "checkbox");
  if (kind === "radio_buttons") return ticks(element, state, press, "radio");
  if (kind.endsWith("_select")) return select(element, state, press);
  if (kind.endsWith("_input") && kind !== "file_input" && kind !== "rich_text_input") return typed(element, state, press);
  return el("span", { class: "quiet" }, `[${kind} cannot be used in this stand-in]`);
}
