// The page: what people type becomes calls, what comes becomes lines.
import { Gateway } from "./gateway.js";

const byId = (id) => document.getElementById(id);
const log = byId("log");

/** Adds a line to the log; text is never interpreted as HTML. */
function line(kind, name, text, time = Date.now()) {
  const item = document.createElement("li");
  item.className = kind;
  const stamp = document.createElement("time");
  stamp.textContent = new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const who = document.createElement("b");
  who.textContent = name;
  const what = document.createElement("span");
  what.textContent = text;
  item.append(who, what, stamp);
  log.append(item);
  log.scrollTop = log.scrollHeight;
  return item;
}

let joined = null; // {room, name} once the user has joined
const labels = { connecting: "connecting", open: "connected", waiting: "reconnecting", closed: "closed" };

const scheme = location.protocol === "https:" ? "wss" : "ws";
const gateway = new Gateway(`${scheme}://${location.host}/ws`, {
  state(name, detail) {
    byId("state").dataset.state = name;
    byId("state").textContent = labels[name] + (detail ? `: ${detail}` : "");
  },
  message({ type, body }) {
    if (type === "said") line("said", body.name, body.text, Number(body.timeMs));
    if (type === "arrived") line("note", body.name, "joined");
  },
  session(resumed) {
    if (joined && !resumed) join(joined, true);
  },
});

async function join(who, again) {
  try {
    const { title } = await gateway.call("join-room", who);
    if (!again) line("note", title, `you joined as ${who.name}`);
    joined = who;
    document.title = `${who.name} in ${who.room} · Protoway chat`;
    byId("hint").hidden = true;
    for (const field of byId("say").elements) field.disabled = false;
    if (!again) byId("text").focus();
  } catch (error) {
    line("error", "not joined", error.message);
  }
}

byId("join").addEventListener("submit", async (event) => {
  event.preventDefault();
  const who = { room: byId("room").value.trim(), name: byId("name").value.trim() };
  if (joined && joined.room !== who.room) {
    await gateway.call("leave-room", { room: joined.room }).catch((error) => line("error", "not left", error.message));
  }
  await join(who, false);
});

byId("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("text");
  const text = field.value.trim();
  if (!text) return;
  field.value = "";
  const waits = gateway.ready ? null : line("waiting", joined.name, text);
  try {
    await gateway.call("say", { ...joined, text });
  } catch (error) {
    line("error", "not sent", error.message);
    if (!field.value) field.value = text; // to be mended
  } finally {
    waits?.remove();
  }
});
