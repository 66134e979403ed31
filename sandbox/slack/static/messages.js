// Messages as list items; a list keeps the items whose message did not change, so that focus and open menus survive.
import { el, toast } from "./dom.js";
import { act } from "./api.js";
import { draw } from "./blocks.js";
import { emoji, mrkdwn, personName } from "./markup.js";

const COLOURS = ["#5b5fc7", "#2b7a78", "#a2543a", "#7a4a9e", "#3a6ea5", "#8a6d1f", "#4d7c3a"];
const QUICK = ["pushpin", "white_check_mark", "eyes"];

export function time(ts, withDay = false) {
  const date = new Date(Number(ts) * 1000);
  const clock = date.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
  if (!withDay) return clock;
  const days = Math.round((new Date(new Date().toDateString()) - new Date(date.toDateString())) / 86400000);
  const day = days === 0 ? "today" : days === 1 ? "yesterday" : date.toLocaleDateString(undefined, { month: "short", day: "numeric" });
  return `${day} at ${clock}`;
}

export function avatar(id, people) {
  const person = people[id] || { real_name: "?", bot: false };
  const code = [...id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  const node = el("span", { class: "avatar" + (person.bot ? " bot" : ""), "aria-hidden": "true" }, person.bot ? "⚑" : person.real_name[0]);
  if (!person.bot) node.style.backgroundColor = COLOURS[code % COLOURS.length];
  return node;
}

function context(page, message, item) {
  const busy = (node, on) => { node.classList.toggle("waiting", on); node.toggleAttribute?.("aria-busy", on); };
  return {
    chosen: (block, element) => message.chosen?.[`${block.block_id}/${element.action_id}`]
      || (element.initial_option && { selected_option: element.initial_option })
      || (element.initial_date && { selected_date: element.initial_date }),
    undo: (node) => { if (node.tagName === "SELECT") node.selectedIndex = 0; },
    press: async (block, element, value, node) => {
      if (node.classList.contains("waiting")) return;
      busy(node, true);
      item.querySelector(".trouble")?.remove();
      const values = { user: page.me, channel: page.channel, ts: message.ts, action_id: element.action_id, block_id: block.block_id, value, stale: true };
      try {
        const made = await act("click", values);
        if (made.shown) {
          toast(made.shown);
          item.querySelector(".body").append(el("div", { class: "trouble" }, "⚠ ", made.shown));
        }
      } catch (error) {
        toast(error.message);
      } finally {
        busy(node, false);
      }
    },
  };
}

function tools(page, message, inThread) {
  const react = (name) => el("button", {
    class: "tool", type: "button", "aria-label": `React with ${name}`, title: `:${name}:`,
    onclick: () => toggle(page, message, name),
  }, emoji(name));
  const shortcuts = page.shortcuts.filter((one) => one.type === "message").map((one) => el("button", {
    class: "menu-item", type: "button",
    onclick: async (event) => {
      event.currentTarget.closest("details").open = false;
      const made = await act("shortcut", { user: page.me, callback_id: one.callback_id, channel: page.channel, ts: message.ts });
      if (made.shown) toast(made.shown);
    },
  }, one.name));
  return el("div", { class: "tools" }, QUICK.map(react),
    !inThread && el("button", { class: "tool", type: "button", "aria-label": "Reply in thread", title: "Reply in thread", onclick: () => page.openThread(message.ts) }, "💬"),
    shortcuts.length > 0 && el("details", { class: "overflow" }, el("summary", { class: "tool", "aria-label": "More actions" }, "⋯"), el("div", { class: "menu-list" }, shortcuts)));
}

function toggle(page, message, name) {
  const has = (message.reactions || []).some((one) => one.name === name && one.users.includes(page.me));
  act("react", { user: page.me, channel: page.channel, ts: message.ts, name, remove: has }).catch((error) => toast(error.message));
}

function reactions(page, message) {
  if (!message.reactions) return null;
  return el("div", { class: "reactions" }, message.reactions.map((one) => el("button", {
    class: "reaction" + (one.users.includes(page.me) ? " mine" : ""), type: "button",
    title: `${one.users.map(personName).join(", ")} reacted with :${one.name}:`,
    "aria-pressed": String(one.users.includes(page.me)),
    onclick: () => toggle(page, message, one.name),
  }, emoji(one.name) || `:${one.name}:`, " ", String(one.count))));
}

function attachments(message, draws) {
  return (message.attachments || []).map((one) => {
    const node = el("div", { class: "attachment" }, one.pretext && el("div", {}, mrkdwn(one.pretext)),
      one.title && el("b", {}, one.title), one.text && el("div", {}, mrkdwn(one.text)), one.blocks && draw(one.blocks, draws));
    if (/^#[0-9a-f]{6}$/i.test(one.color || "")) node.style.borderColor = one.color;
    return node;
  });
}

function item(page, message, inThread) {
  const person = page.people[message.user] || { name: message.user, real_name: message.user };
  const quiet = ["channel_join", "channel_topic", "tombstone"].includes(message.subtype);
  const node = el("li", { class: "message" + (message.ephemeral ? " ephemeral" : "") + (quiet ? " system" : "") + (message.pinned ? " pinned" : ""), "data-ts": message.ts, tabindex: -1 });
  const draws = context(page, message, node);
  const replies = message.replies > 0 && !inThread && el("button", { class: "replies", type: "button", onclick: () => page.openThread(message.ts) },
    el("span", { class: "faces" }, message.repliers.map((id) => avatar(id, page.people))),
    el("b", {}, `${message.replies} ${message.replies === 1 ? "reply" : "replies"}`), el("span", { class: "quiet" }, `Last reply ${time(message.last_reply, true)}`));
  node.append(
    message.ephemeral && el("div", { class: "flag" }, "👁 Only visible to you"),
    message.pinned && el("div", { class: "flag" }, "📌 Pinned"),
    message.broadcast && !inThread && el("div", { class: "flag" }, "replied to a thread"),
    el("div", { class: "row" }, avatar(message.user, page.people), el("div", { class: "body" },
      el("div", { class: "from" }, el("b", {}, person.bot ? person.real_name : person.real_name || person.name), person.bot && el("span", { class: "app" }, "APP"),
        person.team && person.team !== page.people[page.bot].team && el("span", { class: "app" }, "EXTERNAL"),
        el("time", { title: new Date(Number(message.ts) * 1000).toLocaleString() }, time(message.ts))),
      message.blocks ? draw(message.blocks, draws) : el("div", { class: "said" }, mrkdwn(message.text), message.edited && el("span", { class: "quiet" }, " (edited)")),
      attachments(message, draws), reactions(page, message), replies)),
    !message.ephemeral && message.subtype !== "tombstone" && tools(page, message, inThread));
  for (const empty of [...node.childNodes].filter((one) => one.nodeType === Node.TEXT_NODE)) empty.remove();
  return node;
}

function day(ts) {
  return new Date(Number(ts) * 1000).toLocaleDateString(undefined, { weekday: "long", month: "long", day: "numeric" });
}

export function list(node, page, messages, inThread = false) {
  const atEnd = node.scrollHeight - node.scrollTop - node.clientHeight < 80;
  const kept = new Map([...node.children].map((one) => [one.dataset.key, one]));
  let last = "";
  const wanted = [];
  for (const message of messages) {
    if (!inThread && day(message.ts) !== last) {
      last = day(message.ts);
      const key = "day " + last;
      const divider = kept.get(key) || el("li", { class: "day", "data-key": key }, el("span", {}, last));
      wanted.push(divider);
    }
    const key = JSON.stringify([page.me, page.channel, message, Object.keys(page.people).length]);
    const node_ = kept.get(key) || item(page, message, inThread);
    node_.dataset.key = key;
    wanted.push(node_);
  }
  if (!wanted.length) wanted.push(el("li", { class: "empty" }, "Nothing here yet."));
  wanted.forEach((one, index) => { if (node.children[index] !== one) node.insertBefore(one, node.children[index] || null); });
  while (node.children.length > wanted.length) node.lastElementChild.remove();
  if (atEnd) node.scrollTop = node.scrollHeight;
}
