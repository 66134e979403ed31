// Builds elements. Foreign text only ever becomes a text node: nothing here or elsewhere parses it as HTML.

export function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key === "checked" || key === "selected" || key === "disabled" || key === "required") node[key] = true;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function safeUrl(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

export function link(href, ...label) {
  const url = safeUrl(href);
  return url ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label) : el("span", {}, label);
}

export function toast(text) {
  const node = el("div", { class: "toast" }, el("span", { "aria-hidden": "true" }, "⚠"), el("span", {}, text));
  const close = el("button", { class: "icon", type: "button", "aria-label": "Dismiss", onclick: () => node.remove() }, "✕");
  node.append(close);
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), 12000);
}
