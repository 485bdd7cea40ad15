// A client of the gateway in plain JavaScript. It speaks the native JSON dialect:
// one frame is one text message, {"id":1,"type":"say","body":{...}}.

/** Close codes of the WebSocket protocol after which connecting again would end the same way. */
const hopeless = [1002, 1003, 1007, 1008, 1009, 1010];

/** A connection that reconnects, resumes its groups and sends again what was not acked. */
export class Gateway {
  #url;
  #on;
  #socket = null;
  #ready = false; // frames may be sent: welcome has come, goaway has not
  #ended = null; // the error that ended it for good
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

  /** Whether a call is sent at once. Otherwise it waits for the next connection. */
  get ready() {
    return this.#ready;
  }

  /** Sends a message and resolves with the body of its reply, or rejects with its error. */
  call(type, body) {
    return new Promise((resolve, reject) => {
      if (this.#ended) throw this.#ended;
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
    if (code >= 4500 || hopeless.includes(code)) {
      this.#end(reason || `code ${code}`);
      return;
    }
    // Full jitter: clients of a server that restarts do not come back at once.
    const most = Math.min(10_000, 300 * 2 ** this.#attempt++);
    this.#on.state("waiting", reason);
    setTimeout(() => this.#connect(), Math.random() * most);
  }

  /** Ends the connection for good, and with it what waits for an ack. */
  #end(why) {
    this.#ended = new Error(`the connection was closed: ${why}`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    this.#on.state("closed", why);
  }

  #take(frame) {
    this.#heard = Date.now();
    if (frame.welcome) this.#welcome(frame.welcome);
    else if (frame.ack) this.#acked(frame);
    else if (frame.joined) this.#tickets.set(frame.joined.group, frame.joined.ticket);
    else if (frame.left) this.#tickets.delete(frame.left.group);
    else if (frame.goaway) this.#leave(frame.goaway.spreadMs ?? 0);
    else if (frame.type) this.#on.message(frame);
    // Whatever else comes is of a newer protocol and is ignored.
  }

  #welcome({ secret, resumed = 0, heartbeatMs }) {
    const asked = this.#tickets.size;
    this.#secret = secret;
    this.#attempt = 0;
    this.#ready = true;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#beat(heartbeatMs), heartbeatMs);
    const restored = asked > 0 && resumed === asked;
    if (!restored) this.#tickets.clear();
    this.#on.state("open");
    const unacked = [...this.#waiting.values()];
    this.#on.session(restored); // may call: those frames come first
    for (const { frame } of unacked) this.#write(frame); // same key: runs once
  }

  /** The server is about to close. What is in flight may still be acked; what is new waits. */
  #leave(spreadMs) {
    this.#ready = false;
    const socket = this.#socket;
    if (spreadMs) setTimeout(() => socket.close(), Math.random() * spreadMs);
  }

  #beat(heartbeatMs) {
    if (Date.now() - this.#heard > 3 * heartbeatMs) this.#socket.close();
    else this.#write({ heartbeat: {} });
  }

  #acked({ re, ack }) {
    const call = this.#waiting.get(re);
    if (!call) return;
    if (ack.code === "unavailable" && !this.#ready) return; // the server drains: the next one runs it
    this.#waiting.delete(re);
    if (ack.code) call.reject(Object.assign(new Error(ack.text ?? ack.code), ack));
    else call.resolve(ack.message?.body);
  }

  #write(frame) {
    this.#socket.send(JSON.stringify(frame));
  }
}
