// Talks to the sandbox: one look at the screen, named operations, and a stream that says when to look again.

export async function look(user, channel) {
  const reply = await fetch("/sandbox/screen?" + new URLSearchParams({ user, channel: channel || "" }));
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error || "the sandbox refused");
  return body;
}

export async function act(operation, values) {
  const reply = await fetch("/sandbox/do/" + operation, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(values),
  });
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error || "the sandbox refused");
  return body;
}

export function follow(changed, state) {
  const source = new EventSource("/sandbox/feed");
  source.onmessage = () => changed();
  source.onopen = () => state(true);
  source.onerror = () => state(false);
}
