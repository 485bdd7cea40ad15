// Drives the chat page in tabs of a real browser. The Go test beside it runs the
// server, and stops and starts it on request.
//
//	node chat.js CHROMIUM PAGE CONTROL SCREENSHOTS
import assert from "node:assert/strict";
import { launch } from "./browser.js";
import { Tab } from "./tab.js";

const [executablePath, url, control, screenshots] = process.argv.slice(2);
const patience = 20_000;

/** Stops or starts the server, and returns once it has. */
async function server(what) {
  const answer = await fetch(`${control}/${what}`, { method: "POST" });
  assert.ok(answer.ok, await answer.text());
}

async function twoTabsTalkAndAThirdHearsNothing({ ada, bob, carol }) {
  await ada.join("Ada", "tea");
  await ada.sees("note", "you joined as Ada");
  await bob.join("Bob", "tea");
  await ada.sees("note", "joined");
  await carol.join("Carol", "coffee");
  await carol.sees("note", "you joined as Carol");

  await ada.say("hello Bob");
  await bob.sees("said", "hello Bob");
  await bob.say("hello Ada");
  await ada.sees("said", "hello Ada");
  await bob.sees("said", "hello Ada");
  await carol.say("nobody here"); // what was meant for others would have come before
  await carol.sees("said", "nobody here");

  assert.deepEqual(await ada.said(), ["hello Bob", "hello Ada"]);
  assert.deepEqual(await bob.said(), ["hello Bob", "hello Ada"]);
  assert.deepEqual(await carol.said(), ["nobody here"]);
}

async function markupIsText({ ada, bob }) {
  const text = `<b id="bold">bold</b> & <img src=x onerror="boom()">`;
  await ada.say(text);
  await bob.sees("said", text);
  assert.equal(await bob.page.locator("#bold, #log img").count(), 0);
}

async function aNameIsNeeded({ dave }) {
  await dave.join("", "tea");
  assert.equal(await dave.page.locator("#name:invalid").count(), 1);
  await dave.join("   ", "tea"); // which the browser lets pass
  await dave.sees("error", `the name "" must have 1 to 40 characters`);
  assert.ok(await dave.page.locator("#text").isDisabled());
  assert.equal(await dave.lines("note", /joined/).count(), 0);
}

async function textThatIsTooLongIsRefused({ ada, bob }) {
  await ada.page.locator("#text").evaluate((field) => field.removeAttribute("maxlength"));
  await ada.say("x".repeat(5000));
  await ada.sees("error", /4096/);
  await ada.say("shorter");
  await bob.sees("said", "shorter");
  await ada.is("open");
}

async function aRestartIsSurvived({ ada, bob }) {
  await server("stop");
  await bob.is("waiting");
  await ada.hold(); // nobody keeps what is said while Bob is away, so he comes back first
  await ada.say("said while away");
  await ada.sees("waiting", "said while away");
  await ada.shoot(screenshots, "away");
  await server("start");
  await bob.is("open");
  await bob.say("Bob is back");
  await bob.sees("said", "Bob is back");
  await ada.release();
  await bob.sees("said", "said while away");
  await ada.is("open");
  await ada.say("Ada is back");
  await bob.sees("said", "Ada is back");
  await bob.say("good");
  await ada.sees("said", "good");
  await bob.sees("said", "good"); // and with the last line all before it have come

  assert.deepEqual((await bob.said()).slice(-4), ["Bob is back", "said while away", "Ada is back", "good"]);
  assert.deepEqual((await ada.said()).slice(-3), ["said while away", "Ada is back", "good"]);
  assert.equal(await ada.page.locator("#log .waiting").count(), 0);
}

async function theNewestLineIsInView({ ada, bob }) {
  for (let i = 1; i <= 30; i++) await ada.say(`line ${i}`);
  await bob.sees("said", "line 30");
  const newest = bob.lines("said", "line 30");
  assert.ok(await newest.evaluate((item) => {
    const { top, bottom } = item.getBoundingClientRect();
    return top >= 0 && bottom <= document.querySelector("#say").getBoundingClientRect().top;
  }));
}

const browser = await launch(executablePath);
const context = await browser.newContext();
context.setDefaultTimeout(patience);
const tabs = {};
let step = "open";
try {
  for (const name of ["ada", "bob", "carol", "dave"]) tabs[name] = await Tab.open(context, url);
  await tabs.dave.shoot(screenshots, "empty");
  for (const scenario of [
    twoTabsTalkAndAThirdHearsNothing, markupIsText, aNameIsNeeded,
    textThatIsTooLongIsRefused, aRestartIsSurvived, theNewestLineIsInView,
  ]) {
    step = scenario.name;
    await scenario(tabs);
    for (const tab of Object.values(tabs)) tab.check();
    console.log("ok", step);
  }
  await tabs.ada.shoot(screenshots, "full");
} catch (error) {
  console.error("FAILED", step, error);
  for (const [name, tab] of Object.entries(tabs)) {
    await tab.page.screenshot({ path: `${screenshots}/failed-${name}.png` });
    console.error(`${name} shows:\n${await tab.page.locator("body").innerText()}`);
  }
  process.exitCode = 1;
} finally {
  await browser.close();
}
