// Runs a script in the console of a page, until the console has shown each of
// some lines.
//
//	node console.js CHROMIUM PAGE SCRIPT LINE...
import { launch } from "./browser.js";

const [executablePath, url, script, ...lines] = process.argv.slice(2);
const browser = await launch(executablePath);
try {
  const page = await browser.newPage();
  page.on("console", (message) => console.log(message.text()));
  await page.goto(url);
  const shown = lines.map((line) => page.waitForEvent("console", (message) => message.text() === line));
  await page.addScriptTag({ content: script });
  await Promise.all(shown);
} finally {
  await browser.close();
}
