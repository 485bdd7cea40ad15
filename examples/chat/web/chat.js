// A chat client in plain JavaScript over the native JSON dialect: one frame is
// one text message, {"id":1,"type":"say","body":{...}}.

/** A connection that reconnects, resumes its groups and sends again what was not acked. */
class Gateway {
  #url;
  #on;
  #socket = null;
  #ready = false; // welcome has come
  #lastId = 0;
  #waiting = new Map(); // frames without an ack, by id, in their order
  #tickets = new Map(); // group to ticket
  #secret = undefined;
  #attempt = 0;
  #heard = 0;
  #timer = 0;

  /** on: {state(name, detail), message(frame), session(resumed)} */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
    this.#connect();
  }

  /** Sends a message and resolves with the body of its reply, or rejects with its error. */
  call(type, body) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const frame = { id, type, body, key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
      this.#waiting.set(id, { frame, resolve, reject });
      if (this.#ready) this.#write(frame);
    });
  }

  #connect() {
    this.#on.state("connecting");
    const socket = new WebSocket(this.#url, "protoway.v1.json");
    this.#socket = socket;
    socket.onopen = () => {
      const groups = [...this.#tickets.values()].map((ticket) => ({ ticket }));
      this.#write({ hello: { client: "chat-page/1", resume: { secret: this.#secret, groups } } });
    };
    socket.onmessage = (event) => this.#take(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(event);
  }

  #lost({ code, reason }) {
    clearInterval(this.#timer);
    this.#ready = false;
    if (code >= 4500) {
      this.#on.state("closed", reason || `code ${code}`);
      return;
    }
    // Full jitter: clients of a server that restarts do not come back at once.
    const most = Math.min(10_000, 300 * 2 ** this.#attempt++);
    const wait = Math.random() * most;
    this.#on.state("waiting", reason);
    setTimeout(() => this.#connect(), wait);
  }

  #take(frame) {
    this.#heard = Date.now();
    if (frame.welcome) this.#welcome(frame.welcome);
    else if (frame.ack) this.#acked(frame);
    else if (frame.joined) this.#tickets.set(frame.joined.group, frame.joined.ticket);
    else if (frame.left) this.#tickets.delete(frame.left.group);
    else if (frame.goaway) setTimeout(() => this.#socket.close(), Math.random() * (frame.goaway.spreadMs ?? 0));
    else if (frame.type) this.#on.message(frame);
    // Whatever else comes is of a newer protocol and is ignored.
  }

  #welcome({ secret, resumed = 0, heartbeatMs }) {
    const asked = this.#tickets.size;
    const first = this.#secret === undefined;
    this.#secret = secret;
    this.#attempt = 0;
    this.#ready = true;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#beat(heartbeatMs), heartbeatMs);
    const restored = !first && asked > 0 && resumed === asked;
    if (!restored) this.#tickets.clear();
    this.#on.state("open");
    const unacked = [...this.#waiting.values()];
    this.#on.session(restored); // may call: those frames come first
    for (const { frame } of unacked) this.#write(frame); // same key: runs once
  }

  #beat(heartbeatMs) {
    if (Date.now() - this.#heard > 3 * heartbeatMs) this.#socket.close();
    else this.#write({ heartbeat: {} });
  }

  #acked({ re, ack }) {
    const call = this.#waiting.get(re);
    if (!call) return;
    this.#waiting.delete(re);
    if (ack.code) call.reject(Object.assign(new Error(ack.text ?? ack.code), ack));
    else call.resolve(ack.message?.body);
  }

  #write(frame) {
    this.#socket.send(JSON.stringify(frame));
  }
}

const byId = (id) => document.getElementById(id);
const log = byId("log");

/** Adds a line to the log; text is never interpreted as HTML. */
function line(kind, name, text, time = Date.now()) {
  const item = document.createElement("li");
  item.className = kind;
  const stamp = document.createElement("time");
  stamp.textContent = new Date(time).toLocaleTimeString();
  const who = document.createElement("b");
  who.textContent = name;
  item.append(stamp, who, text);
  log.append(item);
  item.scrollIntoView({ block: "nearest" });
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
    byId("hint").hidden = true;
    for (const field of byId("say").elements) field.disabled = false;
    byId("text").focus();
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
  const text = byId("text").value.trim();
  if (!text) return;
  byId("text").value = "";
  try {
    await gateway.call("say", { ...joined, text });
  } catch (error) {
    line("error", "not sent", `${error.message}: ${text}`);
  }
});
