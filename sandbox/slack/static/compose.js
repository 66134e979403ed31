// The box to type in: Enter sends, Shift+Enter makes a line, a leading slash is a command.
import { el, toast } from "./dom.js";
import { act } from "./api.js";

export function compose(form, where) {
  const box = el("textarea", { rows: 1, "aria-label": "Message", placeholder: "Message" });
  const button = el("button", { class: "btn primary send", type: "submit", "aria-label": "Send" }, "➤");
  const grow = () => { box.style.height = "auto"; box.style.height = Math.min(box.scrollHeight, 160) + "px"; };
  const send = async () => {
    const text = box.value.trim();
    const { user, channel, thread } = where();
    if (!text || !channel) return;
    const command = /^(\/[\w-]+)\s*([\s\S]*)$/.exec(text);
    if (command && thread) { toast(`${command[1]} is not supported in threads. Sorry!`); return; }
    box.value = "";
    grow();
    try {
      const made = command ? await act("slash", { user, channel, command: command[1], text: command[2] })
        : await act("post", { user, channel, text, thread_ts: thread });
      if (made.shown) toast(made.shown);
    } catch (error) {
      if (!box.value) box.value = text;
      toast(error.message);
    }
  };
  form.replaceChildren(box, button);
  box.addEventListener("input", grow);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  return (name, usable, commands = []) => {
    const hint = commands.length ? ` or ${commands[0]}` : "";
    box.placeholder = usable ? `Message ${name}${hint}` : name;
    box.disabled = button.disabled = !usable;
  };
}
