// The sidebar: channels, direct messages, the app; bold when something is new, a count when one was called.
import { el } from "./dom.js";

const readKey = (user) => "read:" + user;
const reads = (user) => JSON.parse(localStorage.getItem(readKey(user)) || "{}");

export function markRead(user, channel, ts) {
  const all = reads(user);
  if ((all[channel] || "") >= ts) return;
  all[channel] = ts;
  localStorage.setItem(readKey(user), JSON.stringify(all));
}

export function title(channel, page) {
  if (channel.kind === "public") return "# " + channel.name;
  if (channel.kind === "private") return "🔒 " + channel.name;
  return channel.with.map((id) => page.people[id]?.real_name || id).join(", ");
}

function entry(page, channel, open, choose) {
  const seen = reads(page.me)[channel.id] || "";
  const called = channel.mentions.filter((ts) => ts > seen).length;
  const fresh = channel.member && channel.newest > seen && channel.id !== open;
  return el("li", {}, el("button", {
    class: "channel" + (channel.id === open ? " on" : "") + (fresh ? " fresh" : "") + (channel.member ? "" : " out"),
    type: "button", "aria-current": channel.id === open ? "page" : undefined, onclick: () => choose(channel.id),
  }, el("span", { class: "name" }, title(channel, page)), channel.archived && el("span", { class: "quiet" }, "archived"),
  called > 0 && channel.id !== open && el("span", { class: "badge", "aria-label": `${called} mentions` }, String(called))));
}

export function sidebar(node, page, open, choose, openApp) {
  const section = (name, wanted) => {
    const found = page.channels.filter(wanted).map((one) => entry(page, one, open, choose));
    return found.length ? [el("h2", {}, name), el("ul", {}, found)] : [];
  };
  const direct = (one) => one.kind === "im" || one.kind === "mpim";
  const app = page.channels.some((one) => direct(one) && one.with.length === 1 && one.with[0] === page.bot);
  node.replaceChildren(...section("Channels", (one) => !direct(one)), ...section("Direct messages", direct),
    ...(app ? [] : [el("h2", {}, "Apps"), el("ul", {}, el("li", {}, el("button", { class: "channel", type: "button", onclick: openApp }, page.people[page.bot].real_name)))]));
}
