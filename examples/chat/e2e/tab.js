import assert from "node:assert/strict";

/** Runs in the page before its own scripts: timers that are due while window.held is true wait. */
function holdableTimers() {
  const start = window.setTimeout;
  window.setTimeout = (run, after, ...values) => {
    const due = () => (window.held ? start(due, 10) : run(...values));
    return start(due, after);
  };
}

/** A browser tab with the chat page. Everything waits for what it needs. */
export class Tab {
  #page;
  #problems = []; // what the page threw

  /** Opens a tab of a browser context. */
  static async open(context, url) {
    const tab = new Tab();
    tab.#page = await context.newPage();
    tab.#page.on("pageerror", (error) => tab.#problems.push(error));
    await tab.#page.addInitScript(holdableTimers);
    await tab.#page.goto(url);
    await tab.is("open");
    return tab;
  }

  get page() {
    return this.#page;
  }

  /** Waits for a state of the connection. */
  async is(state) {
    await this.#page.locator(`#state[data-state="${state}"]`).waitFor();
  }

  async join(name, room) {
    await this.#page.fill("#name", name);
    await this.#page.fill("#room", room);
    await this.#page.click("#join button");
  }

  async say(text) {
    await this.#page.fill("#text", text);
    await this.#page.press("#text", "Enter");
  }

  /** The lines of a kind whose whole text is text. */
  lines(kind, text) {
    return this.#page.locator(`#log .${kind} span`).getByText(text, { exact: true });
  }

  /** Waits for such a line. */
  async sees(kind, text) {
    await this.lines(kind, text).first().waitFor();
  }

  /** The texts of all that was said, in order. */
  async said() {
    return this.#page.locator("#log .said span").allTextContents();
  }

  /** Holds back the timers of the page, and with them its next attempt to reconnect. */
  async hold() {
    await this.#page.evaluate(() => { window.held = true; });
    await this.is("waiting");
  }

  async release() {
    await this.#page.evaluate(() => { window.held = false; });
  }

  /** Takes a screenshot in each color scheme and width. */
  async shoot(folder, name) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [390, 1200]) {
        await this.#page.emulateMedia({ colorScheme });
        await this.#page.setViewportSize({ width, height: 700 });
        await this.#page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png` });
      }
    }
  }

  /** Fails if the page threw anything. */
  check() {
    assert.deepEqual(this.#problems, []);
  }
}
