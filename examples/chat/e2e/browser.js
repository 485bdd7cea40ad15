import { chromium } from "playwright-core";

/** Starts the browser with a fresh profile and without what talks to the world by itself. */
export function launch(executablePath) {
  return chromium.launch({
    executablePath,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
}
