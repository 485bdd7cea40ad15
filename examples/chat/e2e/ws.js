// A person of the chat who has nothing but a WebSocket and JSON: joins room tea,
// prints what is said there, answers the first other person, and leaves.
//
//	node ws.js ws://localhost:8080/ws
import WebSocket from "ws";

const socket = new WebSocket(process.argv[2], "protoway.v1.json");
const send = (frame) => socket.send(JSON.stringify(frame));
socket.on("open", () => {
  send({ id: 1, hello: {} });
  send({ id: 2, type: "join-room", body: { room: "tea", name: "Node" } });
});
socket.on("message", (text) => {
  const { re, ack, type, body } = JSON.parse(text);
  if (re === 2 && ack && !ack.code) console.log("joined");
  if (type === "said") console.log(`${body.name}: ${body.text}`);
  if (type === "said" && body.name !== "Node") {
    send({ id: 3, type: "say", body: { room: "tea", name: "Node", text: `I heard ${body.text}` } });
  }
  if (re === 3 && ack) socket.close();
});
