// Slack's mrkdwn, emoji names and date tokens, as nodes. https://docs.slack.dev/messaging/formatting-message-text
import { el, link, safeUrl } from "./dom.js";

const EMOJI = {
  rotating_light: "🚨", red_circle: "🔴", large_yellow_circle: "🟡", large_orange_circle: "🟠", large_green_circle: "🟢",
  large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌",
  warning: "⚠️", pushpin: "📌", round_pushpin: "📍", eyes: "👀", hourglass: "⌛", hourglass_flowing_sand: "⏳", lock: "🔒",
  unlock: "🔓", bell: "🔔", no_bell: "🔕", fire: "🔥", memo: "📝", link: "🔗", mag: "🔍", thumbsup: "👍", "+1": "👍",
  "-1": "👎", tada: "🎉", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", arrows_counterclockwise: "🔄",
  clock1: "🕐", stopwatch: "⏱️", rocket: "🚀", robot_face: "🤖", bust_in_silhouette: "👤", question: "❓", wave: "👋",
  information_source: "ℹ️", heavy_plus_sign: "➕", leftwards_arrow_with_hook: "↩️", speech_balloon: "💬", package: "📦",
};
const EDGE = /[\s\p{P}\p{S}]/u;

export const emoji = (name) => EMOJI[name.replace(/::skin-tone-\d$/, "")] || null;
const decode = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

let names = { people: {}, groups: {}, names: {}, me: "" };
export const know = (screen) => { names = screen; };

export function personName(id) {
  return names.people[id] ? names.people[id].name : id;
}

export function mention(kind, id, label) {
  if (kind === "user") {
    return el("span", { class: "mention" + (id === names.me ? " mine" : "") }, "@" + (names.people[id]?.name || label || id));
  }
  if (kind === "channel") return el("span", { class: "mention" }, "#" + (names.names[id] || label || id));
  if (kind === "usergroup") return el("span", { class: "mention mine" }, "@" + (names.groups[id] || label || id).replace(/^@/, ""));
  return el("span", { class: "mention mine" }, "@" + id);
}

function pad(number) { return String(number).padStart(2, "0"); }

export function when(seconds, format, fallback) {
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return fallback || "";
  const show = (options) => date.toLocaleDateString(undefined, options);
  const clock = (options) => date.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit", ...options });
  const long = { year: "numeric", month: "long", day: "numeric" };
  const short = { year: "numeric", month: "short", day: "numeric" };
  const pretty = (otherwise) => {
    const days = Math.round((new Date(date.toDateString()) - new Date(new Date().toDateString())) / 86400000);
    return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] || otherwise;
  };
  const parts = {
    date_num: () => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`,
    date: () => show(long), date_long: () => show({ weekday: "long", ...long }), date_short: () => show(short),
    date_pretty: () => pretty(show(long)), date_short_pretty: () => pretty(show(short)),
    date_long_pretty: () => pretty(show({ weekday: "long", ...long })),
    time: () => clock({}), time_secs: () => clock({ second: "2-digit" }), ago: () => ago(date),
  };
  return format.replace(/\{(\w+)\}/g, (whole, key) => (parts[key] ? parts[key]() : whole));
}

function ago(date) {
  const minutes = Math.round((Date.now() - date.getTime()) / 60000);
  if (Math.abs(minutes) < 60) return minutes >= 0 ? `${minutes} min ago` : `in ${-minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours >= 0 ? `${hours} h ago` : `in ${-hours} h`;
}

function token(inside) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : decode(inside.slice(bar + 1));
  if (target.startsWith("@")) return mention("user", target.slice(1), label.replace(/^@/, ""));
  if (target.startsWith("#")) return mention("channel", target.slice(1), label);
  if (target.startsWith("!subteam^")) return mention("usergroup", target.slice(9), label);
  if (target.startsWith("!date^")) {
    const [, seconds, format, href] = target.split("^");
    const text = when(seconds, decode(format || ""), label);
    return el("time", { datetime: new Date(Number(seconds) * 1000 || 0).toISOString(), title: label }, href ? link(decode(href), text) : text);
  }
  if (["!here", "!channel", "!everyone"].includes(target)) return mention("broadcast", target.slice(1));
  if (target.startsWith("!")) return document.createTextNode(label || decode("<" + inside + ">"));
  if (!safeUrl(decode(target))) return document.createTextNode(decode("<" + inside + ">"));
  return link(decode(target), label || decode(target).replace(/^mailto:/, ""));
}

const WRAPS = { "*": "b", _: "i", "~": "s" };

function closing(text, start, mark) {
  for (let at = text.indexOf(mark, start + 1); at > 0; at = text.indexOf(mark, at + 1)) {
    const after = text[at + 1];
    if (at > start + 1 && !/\s/.test(text[at - 1]) && (after === undefined || EDGE.test(after))) return at;
  }
  return -1;
}

export function inline(text) {
  const out = [];
  let plain = "";
  const flush = () => { if (plain) out.push(document.createTextNode(decode(plain))); plain = ""; };
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    const end = mark === "`" ? text.indexOf("`", at + 1) : mark === "<" ? text.indexOf(">", at + 1) : -1;
    if (mark === "`" && end > at + 1) {
      flush();
      out.push(el("code", {}, inlineCode(text.slice(at + 1, end))));
      at = end;
    } else if (mark === "<" && end > at + 1) {
      flush();
      out.push(token(text.slice(at + 1, end)));
      at = end;
    } else if (WRAPS[mark] && (at === 0 || EDGE.test(text[at - 1])) && !/\s/.test(text[at + 1] || " ")) {
      const stop = closing(text, at, mark);
      if (stop < 0) { plain += mark; continue; }
      flush();
      out.push(el(WRAPS[mark], {}, inline(text.slice(at + 1, stop))));
      at = stop;
    } else if (mark === ":") {
      const found = /^:([a-z0-9_+'-]+):/.exec(text.slice(at, at + 60));
      const sign = found && emoji(found[1]);
      if (!sign) { plain += mark; continue; }
      flush();
      out.push(el("span", { class: "emoji", role: "img", "aria-label": found[1] }, sign));
      at += found[0].length - 1;
    } else plain += mark;
  }
  flush();
  return out;
}

function inlineCode(text) {
  return text.split(/(<[^<>]+>)/).map((part) => (/^<.+>$/.test(part) ? token(part.slice(1, -1)) : decode(part)));
}

export function mrkdwn(text) {
  const out = [];
  text.split("```").forEach((part, index, all) => {
    if (index % 2 === 1 && index < all.length - 1) {
      out.push(el("pre", {}, decode(part.replace(/^\n|\n$/g, ""))));
      return;
    }
    const lines = (index % 2 === 1 ? "```" + part : part).replace(/^\n/, index ? "" : "\n").split("\n");
    lines.forEach((line, number) => {
      const quote = /^(?:&gt;|>)\s?(.*)$/.exec(line);
      if (quote) out.push(el("blockquote", {}, inline(quote[1])));
      else out.push(...inline(line), number < lines.length - 1 && !/^(?:&gt;|>)/.test(lines[number + 1]) ? el("br") : null);
    });
  });
  return out.filter((one) => one !== null);
}

export function textObject(object) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text);
  return plainText(object.text, object.emoji !== false);
}

export function plainText(text, withEmoji = true) {
  const parts = withEmoji ? text.split(/(:[a-z0-9_+'-]+:)/) : [text];
  return parts.map((part) => (/^:.+:$/.test(part) && emoji(part.slice(1, -1))) || part);
}
