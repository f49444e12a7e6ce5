/** The rooms of other servers of the campus in the page: how they are shown, and what is ordered there. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openPage } from "./browser.ts";
import { admin, type FakeServer, openFakeServer, refuse } from "./fake-server.ts";
import { answersOf, restoringRoom } from "./scenes.ts";

let server: FakeServer;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([openFakeServer(), openBrowser()]);
  server.state = restoringRoom(2, 1).state;
});

after(async () => {
  await browser?.close();
  await server?.close();
});

async function at(hash: string): Promise<Page> {
  server.calls.length = 0;
  server.handlers.clear();
  for (const [path, answer] of answersOf()) server.answers.set(path, answer);
  const { page } = await openPage(browser);
  await page.goto(`${server.url}/${hash}`);
  await page.locator("h1").waitFor();
  return page;
}

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).first().click();

test("all rooms are listed with their servers, and those of a server that is away with since when", async () => {
  const page = await at("#/campus");
  const row = (name: string) => page.getByRole("row").filter({ hasText: name });
  await row("hall").getByText("s7: 1 of 2 verified so far.").waitFor();
  await row("hall").getByRole("cell", { name: "beta", exact: true }).waitFor();
  await row("attic").getByText("alpha (a copy: beta has it)").waitFor();
  assert.match(await row("cellar").innerText(), /gamma[\s\S]*22 Nov|gamma[\s\S]*Nov 22/);
  await page.getByText(/^away since /).waitFor();
  // A room of this server leads to its own wall.
  await row("lab-1").getByRole("link").click();
  await page.waitForURL(/#\/wall\/lab-1$/);
  await page.context().close();
});

test("without a campus the page has no such link", async () => {
  const page = await at("#/campus");
  await page.getByRole("navigation").getByRole("link", { name: "Campus" }).waitFor();
  server.answers.set("/campus", null);
  await page.reload();
  await page.getByRole("link", { name: "Health" }).waitFor();
  assert.equal(await page.getByRole("navigation").getByRole("link", { name: "Campus" }).count(), 0);
  await page.context().close();
});

test("a restore of a room of another server shows its PCs, and goes to that server", async () => {
  const page = await at("#/campus/beta/hall");
  await press(page, "Restore…");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("hall-2").first().waitFor();
  await dialog.getByText(/roomcast --server-name beta restore win11-lab@4 --room hall/).waitFor({
    state: "attached",
  });
  await dialog.getByLabel("Type hall to confirm").fill("hall");
  await dialog.getByRole("button", { name: "Restore", exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
  const [call, ...others] = server.calls;
  assert(call !== undefined);
  assert.deepEqual([call.method, call.path, call.server], ["POST", "/sessions", "beta"]);
  const { room, overwrite, image } = call.body as Record<string, unknown>;
  assert.deepEqual([room, overwrite, image], ["hall", "hall", "image4"]);
  assert.deepEqual(others, []);
  await page.context().close();
});

test("its PCs are woken and its session is stopped there", async () => {
  const page = await at("#/campus/beta/hall");
  await press(page, "Wake…");
  await page.getByRole("dialog").getByRole("button", { name: "Wake", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await press(page, "Stop…");
  await page.getByRole("dialog").getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  assert.deepEqual(
    server.calls.map(({ path, server: named }) => [path, named]),
    [
      ["/pcs/id1/power", "beta"],
      ["/pcs/id2/power", "beta"],
      ["/sessions/s7/stop", "beta"],
    ],
  );
  await page.context().close();
});

test("what that server says against it is shown, and a viewer is offered nothing", async () => {
  const page = await at("#/campus/gamma/cellar");
  await page.getByText(/^gamma is away since .* This is how the room was then/).waitFor();
  for (const path of ["/rooms", "/pcs", "/images"])
    server.handlers.set(`GET gamma ${path}`, (reply) =>
      refuse(reply, "the server gamma was not heard since 9:00", "see that it runs"),
    );
  await press(page, "Restore…");
  await page.getByRole("alert").getByText("the server gamma was not heard since 9:00").waitFor();
  assert.deepEqual(server.calls, []);
  server.login = { ...admin, role: "viewer" };
  await page.reload();
  await page.getByText(/^gamma is away since /).waitFor();
  assert.equal(await page.getByRole("button", { name: "Restore…" }).count(), 0);
  server.login = admin;
  await page.context().close();
});
