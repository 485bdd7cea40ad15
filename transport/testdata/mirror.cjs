// Speaks to a mirror with the package ws: mirror.cjs FOLDER URL, where FOLDER has
// the node_modules.
const { createRequire } = require("node:module");
const { once } = require("node:events");
const assert = require("node:assert/strict");
const [folder, url] = process.argv.slice(2);
const WebSocket = createRequire(`${folder}/package.json`)("ws");

const sizes = [0, 1, 125, 126, 127, 4096, 65535, 65536, 1 << 20];

async function dial(kind) {
  const socket = new WebSocket(url, kind, { rejectUnauthorized: false, perMessageDeflate: false });
  const waiting = [];
  const came = [];
  socket.on("message", (data, isBinary) => {
    const message = isBinary ? data : data.toString();
    if (waiting.length) waiting.shift()(message);
    else came.push(message);
  });
  socket.next = () => (came.length ? came.shift() : new Promise((resolve) => waiting.push(resolve)));
  await once(socket, "open");
  assert.equal(socket.protocol, kind);
  return socket;
}

async function speak(kind, make) {
  const socket = await dial(kind);
  const same = async (message, what) => {
    const want = message.length ? message : make("(nothing)");
    const got = await socket.next();
    assert.ok(typeof got === typeof want && Buffer.from(got).equals(Buffer.from(want)), `${kind} ${what}: got ${got.length} bytes`);
  };
  for (const size of sizes) {
    const message = make("0123456789".repeat(size / 10 + 1).slice(0, size));
    socket.send(message);
    await same(message, `of ${size}`);
  }
  const half = "aé€😀".repeat(20_000);
  for (const [part, fin] of [[half, false], ["", false], [half, false], ["!", true]]) socket.send(make(part), { fin });
  await same(make(`${half}${half}!`), "in fragments");
  for (const payload of ["", "ping", "x".repeat(125)]) {
    const pong = once(socket, "pong");
    socket.ping(payload);
    assert.equal((await pong)[0].toString(), payload);
  }
  for (let n = 0; n < 500; n++) socket.send(make("n".repeat(n)));
  for (let n = 0; n < 500; n++) await same(make("n".repeat(n)), `${n} of many`);
  const closed = once(socket, "close");
  socket.close(4321, "bye €");
  const [code, reason] = await closed;
  assert.deepEqual([code, reason.toString()], [4321, "bye €"]);
}

async function isClosed() {
  const socket = await dial("mirror.text");
  const closed = once(socket, "close");
  socket.send("/close grüße");
  const [code, reason] = await closed;
  assert.deepEqual([code, reason.toString()], [4003, "grüße"]);
}

(async () => {
  await speak("mirror.text", (text) => text);
  await speak("mirror.binary", (text) => Buffer.from(text));
  await isClosed();
  console.log("done");
})();
