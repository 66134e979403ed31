// Block Kit as nodes. `press(block, element, value, control)` is called for what a person does, after any confirm.
import { el, link, safeUrl } from "./dom.js";
import { emoji, mention, mrkdwn, personName, plainText, textObject, when } from "./markup.js";
import { ask } from "./confirm.js";
import { control } from "./controls.js";

function styled(node, style = {}) {
  const wraps = { bold: "b", italic: "i", strike: "s", underline: "u", code: "code" };
  return Object.entries(wraps).reduce((inner, [key, name]) => (style[key] ? el(name, {}, inner) : inner), node);
}

function richInline(part) {
  const nodes = {
    text: () => document.createTextNode(part.text),
    link: () => link(part.url, part.text || part.url),
    emoji: () => el("span", { class: "emoji", role: "img", "aria-label": part.name }, emoji(part.name) || `:${part.name}:`),
    user: () => mention("user", part.user_id),
    usergroup: () => mention("usergroup", part.usergroup_id),
    channel: () => mention("channel", part.channel_id),
    broadcast: () => mention("broadcast", part.range),
    date: () => el("time", {}, when(part.timestamp, part.format, part.fallback)),
  };
  return styled(nodes[part.type] ? nodes[part.type]() : document.createTextNode(part.text || part.value || ""), part.style);
}

function richGroup(group) {
  const inside = () => group.elements.map(richInline);
  if (group.type === "rich_text_preformatted") return el("pre", {}, inside());
  if (group.type === "rich_text_quote") return el("blockquote", {}, inside());
  if (group.type === "rich_text_list") {
    const items = group.elements.map((item) => el("li", {}, item.elements.map(richInline)));
    return el(group.style === "ordered" ? "ol" : "ul", { class: `rich indent-${group.indent || 0}` }, items);
  }
  return el("div", { class: "rich" }, inside());
}

function cell(value) {
  return value.type === "rich_text" ? value.elements.map(richGroup) : value.text;
}

function picture(image) {
  const url = safeUrl(image.image_url || "");
  const label = el("span", {}, "🖼 ", image.alt_text);
  return el("span", { class: "picture" }, url ? link(url, label) : label);
}

export function interactive(block, element, context) {
  const press = async (value, node) => {
    if (element.confirm && !(await ask(element.confirm))) { context.undo(node); return; }
    context.press(block, element, value, node);
  };
  return control(block, element, context.chosen(block, element), press);
}

const DRAW = {
  header: (block) => el("h3", { class: "b-header" }, plainText(block.text.text)),
  divider: () => el("hr"),
  section: (block, context) => el("div", { class: "b-section" + (block.accessory ? " with-accessory" : "") },
    el("div", { class: "b-said" },
      block.text && el("div", { class: "b-text" }, textObject(block.text)),
      block.fields && el("div", { class: "b-fields" }, block.fields.map((one) => el("div", {}, textObject(one))))),
    block.accessory && el("div", { class: "b-accessory" },
      block.accessory.type === "image" ? picture(block.accessory) : interactive(block, block.accessory, context))),
  context: (block) => el("div", { class: "b-context" },
    block.elements.map((one) => el("span", {}, one.type === "image" ? picture(one) : textObject(one)))),
  actions: (block, context) => el("div", { class: "b-actions" },
    block.elements.map((one) => interactive(block, one, context))),
  rich_text: (block) => el("div", { class: "b-rich" }, block.elements.map(richGroup)),
  image: (block) => el("figure", { class: "b-image" }, block.title && el("figcaption", {}, textObject(block.title)), picture(block)),
  markdown: (block) => el("div", { class: "b-markdown" }, mrkdwn(block.text.replace(/\*\*(.+?)\*\*/g, "*$1*"))),
  table: (block) => el("div", { class: "b-table" }, el("table", {}, block.rows.map((row, index) =>
    el("tr", {}, row.map((one) => el(index ? "td" : "th", {}, cell(one))))))),
  video: (block) => el("div", { class: "b-section" }, link(block.title_url || block.video_url, plainText(block.title.text))),
  input: (block, context) => el("div", { class: "b-input" },
    el("div", { class: "b-label" }, plainText(block.label.text), block.optional && el("span", { class: "quiet" }, " (optional)")),
    interactive(block, block.element, context), block.hint && el("div", { class: "b-hint" }, plainText(block.hint.text))),
};

export function draw(blocks, context) {
  return blocks.map((block) => {
    const node = (DRAW[block.type] || (() => el("div", { class: "quiet" }, `[${block.type}]`)))(block, context);
    node.classList.add("block");
    node.dataset.block = block.block_id;
    return node;
  });
}

export { personName };
