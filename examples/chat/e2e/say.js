// Says something in a room, in a tab of a real browser.
//
//	node say.js CHROMIUM PAGE NAME ROOM TEXT
import { launch } from "./browser.js";
import { Tab } from "./tab.js";

const [executablePath, url, name, room, text] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const tab = await Tab.open(await browser.newContext(), url);
  await tab.join(name, room);
  await tab.sees("note", `you joined as ${name}`);
  await tab.say(text);
  await tab.sees("said", text);
  tab.check();
} finally {
  await browser.close();
}
