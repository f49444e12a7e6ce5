/** What the page makes of a connection that breaks: at once, or without a word. */
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { Browser } from "playwright-core";
import { openBrowser, openPage } from "./browser.ts";
import { type FakeServer, openFakeServer } from "./fake-server.ts";
import { restoringRoom } from "./scenes.ts";

let server: FakeServer;
let browser: Browser;
const scene = restoringRoom(4, 2);

before(async () => {
  [server, browser] = await Promise.all([openFakeServer(), openBrowser()]);
});

beforeEach(() => {
  server.state = scene.state;
  server.isCutOff = false;
});

after(async () => {
  await browser?.close();
  await server?.close();
});

for (const [face, path] of [
  ["page", "#/wall/lab-1"],
  ["projector", "?wall=lab-1"],
] as const)
  test(`a server of which nothing is heard any more is away, on the ${face}, until it is heard again`, async () => {
    const { page, context } = await openPage(browser);
    await page.clock.install();
    await page.goto(`${server.url}/${path}`);
    await page.locator(".seat .percent").first().waitFor();
    const lost = page.getByText(/Connection lost since/);
    // Its signs of life are enough where there is nothing else to say.
    for (let round = 0; round < 4; round++) {
      await page.waitForTimeout(1000);
      await page.clock.fastForward(6000);
    }
    assert.equal(await lost.count(), 0);
    server.isCutOff = true;
    await page.clock.fastForward(16_000);
    await lost.waitFor();
    // The next try is not answered, either: it is given up like the stream.
    await page.clock.fastForward(3000);
    await page.waitForTimeout(500);
    server.isCutOff = false;
    server.state = scene.state.filter(({ type }) => type !== "session");
    await page.clock.fastForward(16_000);
    await page.clock.fastForward(3000);
    await lost.waitFor({ state: "detached" });
    await page.locator(".seat .percent").first().waitFor({ state: "detached" });
    await context.close();
  });
