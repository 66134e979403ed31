// Holds who acts, which channel and thread are open (in the address, so that two tabs are two people), and redraws on change.
import { el, toast } from "./dom.js";
import { act, follow, look } from "./api.js";
import { draw } from "./blocks.js";
import { compose } from "./compose.js";
import { know as knowControls } from "./controls.js";
import { know as knowNames } from "./markup.js";
import { list } from "./messages.js";
import { showModal } from "./modals.js";
import { markRead, sidebar, title } from "./side.js";

const at = (id) => document.getElementById(id);
const address = new URLSearchParams(location.search);
const permalink = /^p?(\d{10})\.?(\d{6})$/.exec(address.get("message") || "");
let user = address.get("as") || "U0DANA";
let channel = address.get("channel") || "C0INCIDENTS";
let thread = address.get("thread") || (permalink ? `${permalink[1]}.${permalink[2]}` : null);
let tab = "messages";
let running = false;
let again = false;

function remember() {
  const query = new URLSearchParams({ as: user, channel, ...(thread ? { thread } : {}) });
  history.replaceState(null, "", "/?" + query);
}

function go(next) {
  ({ user = user, channel = channel, thread = null } = next);
  tab = "messages";
  at("frame").classList.remove("side-open");
  at("menu").setAttribute("aria-expanded", "false");
  remember();
  refresh().then(() => { at("messages").scrollTop = at("messages").scrollHeight; });
}

const setCompose = compose(at("compose"), () => ({ user, channel, thread: null }));
const setReply = compose(at("reply"), () => ({ user, channel, thread }));

function actors(page) {
  const options = Object.entries(page.people).filter(([, one]) => !one.bot && !one.away).map(([id, one]) =>
    el("option", { value: id, selected: id === user }, "@" + one.name + (one.team === page.people[page.bot].team ? "" : " (other workspace)")));
  const key = options.map((one) => one.value).join() + user;
  if (at("actor").dataset.key === key) return;
  at("actor").dataset.key = key;
  at("actor").replaceChildren(...options);
}

function heading(page, open, listed) {
  const tabs = open.kind === "im" && page.home_tab && listed.with[0] === page.bot
    ? ["messages", "home"].map((name) => el("button", { class: "tab" + (tab === name ? " on" : ""), type: "button", onclick: () => { tab = name; act("open_home", { user, tab: name }).catch((error) => toast(error.message)); refresh(); } }, name === "home" ? "Home" : "Messages")) : [];
  const shortcuts = page.shortcuts.filter((one) => one.type === "global").map((one) => el("button", {
    class: "btn", type: "button",
    onclick: async () => { const made = await act("shortcut", { user, callback_id: one.callback_id }); if (made.shown) toast(made.shown); },
  }, "⚡ " + one.name));
  at("bar").replaceChildren(el("h1", {}, title(listed, page)), ...tabs,
    el("span", { class: "topic" }, open.topic?.value || ""), ...open.bookmarks.map((one) => el("a", { class: "bookmark", href: /^https?:/.test(one.link) ? one.link : "#", target: "_blank", rel: "noopener noreferrer" }, "🔖 " + one.title)),
    ...shortcuts, el("span", { class: "quiet count" }, `${open.members.length} members`));
}

function render(screen) {
  const page = { ...screen, channel, openThread: (ts) => { thread = ts; remember(); refresh().then(() => at("reply").querySelector("textarea").focus()); } };
  knowNames(screen);
  knowControls(screen);
  actors(page);
  at("state").textContent = screen.connected ? "" : "app not connected";
  const open = screen.open;
  const listed = screen.channels.find((one) => one.id === channel || one.name === channel);
  if (!open || !listed) { go({ channel: "C0GENERAL" === channel ? screen.channels[0].id : "C0GENERAL" }); return; }
  channel = page.channel = open.id;
  const roots = open.messages.filter((one) => !one.thread_ts || one.thread_ts === one.ts || one.broadcast);
  heading(page, open, listed);
  document.title = `${title(listed, page)} · Slack sandbox`;
  if (roots.length) markRead(user, channel, listed.newest);
  sidebar(at("side"), page, channel, (id) => go({ channel: id }), async () => go({ channel: (await act("open_direct", { user, other: page.bot })).id }));
  if (tab === "home" && !page.home) {
    at("messages").replaceChildren(el("li", { class: "home quiet" }, "This is still a work in progress. The app has published nothing here yet."));
  } else if (tab === "home") {
    at("messages").replaceChildren(el("li", { class: "home" }, draw(page.home.blocks, {
      chosen: () => null, undo: () => {},
      press: async (block, element, value) => {
        const made = await act("click_view", { user, view_id: page.home.id, action_id: element.action_id, block_id: block.block_id, value });
        if (made.shown) toast(made.shown);
      },
    })));
  } else list(at("messages"), page, roots);
  at("thread").hidden = !thread;
  at("frame").classList.toggle("thread-open", Boolean(thread));
  if (thread) list(at("replies"), page, open.messages.filter((one) => one.ts === thread || one.thread_ts === thread), true);
  const member = listed.member && !open.is_archived;
  setCompose(member ? title(listed, page) : open.is_archived ? "This channel is archived" : "You are not in this channel", member, page.commands);
  setReply("in thread", member);
  const joining = at("compose").querySelector(".join");
  if (!listed.member && !joining) at("compose").append(el("button", { class: "btn join", type: "button", onclick: () => act("join", { user, channel }) }, "Join"));
  if (listed.member && joining) joining.remove();
  showModal(user, screen.views);
}

async function refresh() {
  if (running) { again = true; return; }
  running = true;
  try {
    do {
      again = false;
      render(await look(user, channel));
    } while (again);
  } catch (error) {
    at("state").textContent = error.message;
  } finally {
    running = false;
  }
}

at("actor").addEventListener("change", (event) => go({ user: event.target.value, thread }));
at("thread-close").addEventListener("click", () => { thread = null; remember(); refresh(); });
at("menu").addEventListener("click", () => {
  const open = at("frame").classList.toggle("side-open");
  at("menu").setAttribute("aria-expanded", String(open));
});
document.addEventListener("click", (event) => {
  for (const box of document.querySelectorAll("details.overflow[open]")) if (!box.contains(event.target)) box.open = false;
});
remember();
refresh().then(() => { at("messages").scrollTop = at("messages").scrollHeight; });
follow(refresh, (up) => { at("frame").classList.toggle("offline", !up); if (!up) at("state").textContent = "sandbox not reachable"; else refresh(); });
