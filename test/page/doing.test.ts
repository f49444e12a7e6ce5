/** What is done at the page, as the server hears it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openPage } from "./browser.ts";
import { admin, type FakeServer, openFakeServer, refuse } from "./fake-server.ts";
import { answersOf, askingPc, restoringRoom } from "./scenes.ts";

let server: FakeServer;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([openFakeServer(), openBrowser()]);
  server.state = restoringRoom(4, 2).state;
  for (const [path, answer] of answersOf()) server.answers.set(path, answer);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

async function at(hash: string, login: object = admin, locale = "en-GB"): Promise<Page> {
  server.login = login;
  server.calls.length = 0;
  const { page } = await openPage(browser, { locale });
  await page.goto(`${server.url}/${hash}`);
  await page.locator(".seat, table, .facts").first().waitFor();
  return page;
}

/** The call that comes next. */
async function heard(page: Page): Promise<FakeServer["calls"][number]> {
  for (let round = 0; round < 400; round++) {
    const call = server.calls.shift();
    if (call !== undefined) return call;
    await page.waitForTimeout(50);
  }
  throw new Error("the page has not called");
}

const places = ({ body }: { body: unknown }): Record<string, string> =>
  Object.fromEntries(
    (body as { seats: { name: string; column: number; row: number }[] }).seats.map(
      ({ name, column, row }) => [name, `${column},${row}`],
    ),
  );

test("seats are arranged with arrow keys and by dragging, and a seat that is in the way changes places", async () => {
  const page = await at("#/wall/lab-1");
  await page.getByRole("button", { name: "Arrange seats" }).click();
  const seat = page.locator(".places .seat", { hasText: "B4" });
  await seat.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await page
    .locator(".places .seat", { hasText: "A1" })
    .dragTo(page.locator(".places .seat", { hasText: "A2" }));
  await page.getByRole("button", { name: "Save" }).click();
  const call = await heard(page);
  assert.equal(`${call.method} ${call.path}`, "PUT /rooms/lab-1/seats");
  const { A1, A2, A3, B4 } = places(call);
  assert.deepEqual({ A1, A2, A3, B4 }, { A1: "1,0", A2: "0,0", A3: "2,0", B4: "4,2" });
  await page.context().close();
});

test("seats that others draw while seats are arranged, or while a dialog is open, are kept", async () => {
  const page = await at("#/wall/lab-1");
  const { room } = restoringRoom(4, 2);
  const drawn = (...names: readonly string[]) => {
    const more = names.map((name, index) => ({ name, column: index, row: 9, pc: null }));
    server.say({ type: "room", room: { ...room, seats: [...room.seats, ...more] } });
  };
  await page.getByRole("button", { name: "Arrange seats" }).click();
  await page.locator(".places .seat", { hasText: "B4" }).focus();
  await page.keyboard.press("ArrowDown");
  drawn("Y8");
  await page.locator(".places .seat", { hasText: "Y8" }).waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  const { A1, B4, Y8 } = places(await heard(page));
  assert.deepEqual({ A1, B4, Y8 }, { A1: "0,0", B4: "3,2", Y8: "0,9" });
  await page.evaluate(() => location.assign("#/room/lab-1"));
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Remove a seat…" }).click();
  await dialog.getByLabel("Seat").selectOption("A1");
  drawn("Y8", "Z9");
  await page.getByText("10 seats, 8 taken").waitFor();
  await dialog.getByRole("button", { name: "Remove" }).click();
  const left = Object.keys(places(await heard(page)));
  assert.deepEqual([left.includes("A1"), ...left.slice(-2)], [false, "Y8", "Z9"]);
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Add a seat…" }).click();
  await dialog.locator('[name="seat"]').fill("X7");
  drawn("Y8");
  await page.getByText("9 seats, 8 taken").waitFor();
  await dialog.getByRole("button", { name: "Add" }).click();
  assert.deepEqual(Object.keys(places(await heard(page))).slice(-3), ["B4", "Y8", "X7"]);
  server.say({ type: "room", room });
  await page.context().close();
});

test("a request rings on any page; n is a no, and y asks for the word first", async () => {
  const page = await at("#/session/s1a2b");
  assert.equal(await page.title(), "roomcast");
  server.say(askingPc);
  await page.getByRole("alert").getByText("lab1-a7 asks to restore win11-lab@4").waitFor();
  await page.waitForFunction(() => document.title.startsWith("(1) lab1-a7: restore"));
  await page.keyboard.press("y");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Type lab1-a7 to confirm").fill("lab1-a7");
  await page.keyboard.press("Enter");
  const { path, body } = await heard(page);
  assert.deepEqual({ path, body }, { path: "/requests/q1/yes", body: { overwrite: "lab1-a7" } });
  await dialog.waitFor({ state: "hidden" });
  await page.keyboard.press("n");
  assert.equal((await heard(page)).path, "/requests/q1/no");
  server.say({ type: "request-gone", id: "q1" });
  await page.getByRole("alert").waitFor({ state: "hidden" });
  await page.context().close();
});

test("what the server says in English is said in the reader's language in a dialog, too", async () => {
  const page = await at("#/wall/lab-1", admin, "fr-FR");
  const { keyboard } = page;
  const dialog = page.getByRole("dialog");
  server.handlers.set("POST /pcs/id1/power", (reply) =>
    refuse(
      reply,
      "nobody has placed lab1-a1 yet",
      "compare its code in `roomcast pc show lab1-a1` with its screen, then `roomcast pc admit lab1-a1`",
    ),
  );
  await keyboard.press("ArrowRight");
  await keyboard.press("b");
  await dialog.getByRole("button", { name: "Redémarrer" }).click();
  await dialog.getByText("personne n’a encore placé lab1-a1").waitFor();
  await dialog.getByText("comparez son code").waitFor();
  await keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  server.say({
    ...{ type: "request" },
    request: { ...askingPc.request, what: "restore win11-lab@4 to its disk sda" },
  });
  await page.getByRole("alert").waitFor();
  await keyboard.press("y");
  await dialog.getByRole("heading", { name: "restaurer win11-lab@4 sur son disque sda" }).waitFor();
  server.say({ type: "request-gone", id: "q1" });
  server.handlers.clear();
  await page.context().close();
});

test("who only looks has no button that changes anything, and no key", async () => {
  const viewer = { ...admin, role: "viewer" };
  for (const hash of ["#/wall/lab-1", "#/pc/id1", "#/session/s1a2b", "#/images", "#/room/lab-1"]) {
    const page = await at(hash, viewer);
    const names = await page.getByRole("button").allInnerTexts();
    const changing = names.filter(
      (name) => name.endsWith("…") || /Shell|Arrange|Export/.test(name),
    );
    assert.deepEqual(changing, [], hash);
    for (const key of ["r", "z", "f", "s", "K"]) await page.keyboard.press(key);
    assert.equal(await page.getByRole("dialog").count(), 0, hash);
    await page.context().close();
  }
});

test("arrow keys lead from seat to seat, space marks, and an order then is for those", async () => {
  const page = await at("#/wall/lab-1");
  const focused = (name: string) => page.locator(".seat:focus .name", { hasText: name }).waitFor();
  await page.keyboard.press("ArrowRight");
  await focused("lab1-a1");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await focused("lab1-b2");
  await page.keyboard.press("Space");
  await page.locator('.seat[aria-pressed="true"]').nth(1).waitFor();
  await page.keyboard.press("b");
  await page.getByRole("dialog").getByRole("button", { name: "Reboot" }).click();
  assert.deepEqual([await heard(page), await heard(page)].map(({ path }) => path).toSorted(), [
    "/pcs/id1/power",
    "/pcs/id6/power",
  ]);
  await page.context().close();
});

test("on a PC's page a key is for that PC, whatever was chosen and marked on the wall before", async () => {
  const page = await at("#/wall/lab-1");
  const { keyboard } = page;
  const dialog = page.getByRole("dialog");
  await keyboard.press("ArrowRight");
  for (const key of ["Space", "ArrowRight"]) await keyboard.press(key);
  await page.locator(".seat:focus .name", { hasText: "lab1-a2" }).waitFor();
  await page.evaluate(() => location.assign("#/pc/id3"));
  await page.getByRole("heading", { name: "lab1-a3" }).waitFor();
  await keyboard.press("r");
  await dialog.getByLabel("Type lab1-a3 to confirm").waitFor();
  await keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  await keyboard.press("k");
  await dialog.getByRole("heading", { name: "Cast the disk of lab1-a3 live" }).waitFor();
  await dialog.getByLabel("Type lab-1 to confirm").fill("lab-1");
  await keyboard.press("Enter");
  const { sender, room } = (await heard(page)).body as Record<string, unknown>;
  assert.deepEqual({ sender, room }, { sender: "id3", room: "lab-1" });
  await page.context().close();
});

test("marks are of what is shown: they follow the filter, and end where another room is shown", async () => {
  const page = await at("#/wall/lab-1");
  const dialog = page.getByRole("dialog");
  const count = page.locator(".toolbar .count");
  await page.getByRole("searchbox").fill("lab1-a");
  await page.locator(".seat", { hasText: "lab1-b1" }).waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Mark all" }).click();
  await count.getByText("4 marked").waitFor();
  await page.getByRole("searchbox").fill("");
  await page.locator('[data-pc="id1"]').focus();
  await page.evaluate(() => location.assign("#/pc/id1"));
  await page.getByRole("heading", { name: "lab1-a1" }).waitFor();
  await page.goBack();
  await count.getByText("4 marked").waitFor();
  await page.evaluate(() => location.assign("#/wall/default"));
  await page.getByRole("heading", { name: "Room default" }).waitFor();
  await count.waitFor({ state: "hidden" });
  // The PC that was chosen in the other room sends nothing here.
  await page.keyboard.press("k");
  await page.getByText("There is no PC here").waitFor();
  assert.equal(await dialog.count(), 0);
  await page.context().close();
});

test("PCs are wiped at the same time, and one that is refused is named and keeps none back", async () => {
  const page = await at("#/wall/lab-1");
  const refused = Promise.withResolvers<void>();
  server.handlers.set("POST /pcs/id1/wipe", async (reply) => {
    await refused.promise;
    return refuse(reply, "lab1-a1 is off", "switch it on");
  });
  await page.keyboard.press("ArrowRight");
  for (const key of ["Space", "ArrowRight", "Space"]) await page.keyboard.press(key);
  await page.locator('.seat[aria-pressed="true"]').nth(1).waitFor();
  await page.keyboard.press("z");
  const dialog = page.getByRole("dialog");
  await dialog.locator('[name="word"]').fill("lab1-a1,lab1-a2");
  await page.keyboard.press("Enter");
  const calls = [await heard(page), await heard(page)];
  assert.deepEqual(calls.map(({ path }) => path).toSorted(), ["/pcs/id1/wipe", "/pcs/id2/wipe"]);
  for (const { body } of calls) assert.equal((body as { wait: unknown }).wait, false);
  refused.resolve();
  await page
    .getByText("Accepted for lab1-a2. Not for lab1-a1: lab1-a1 is off; switch it on.")
    .waitFor();
  await dialog.waitFor({ state: "hidden" });
  server.handlers.clear();
  await page.context().close();
});

test("an order whose dialog was closed is not called off, and its refusal is said", async () => {
  const page = await at("#/wall/lab-1");
  const { keyboard } = page;
  const dialog = page.getByRole("dialog");
  const answered = Promise.withResolvers<void>();
  server.handlers.set("POST /sessions", async (reply) => {
    await answered.promise;
    return refuse(reply, "the image is damaged", "verify it");
  });
  await keyboard.press("ArrowRight");
  await keyboard.press("r");
  await dialog.locator('[name="word"]').fill("lab-1");
  await keyboard.press("Enter");
  assert.equal((await heard(page)).path, "/sessions");
  await dialog.getByText("Working…").waitFor();
  await dialog.getByRole("button", { name: "Close" }).first().click();
  await page.getByText("“Restore lab-1” is still under way").waitFor();
  await keyboard.press("n");
  await dialog.locator('[name="name"]').fill("new-name");
  answered.resolve();
  await page.getByText("Restore lab-1: the image is damaged; verify it").waitFor();
  assert.equal(await dialog.locator('[name="name"]').inputValue(), "new-name");
  server.handlers.clear();
  await page.context().close();
});

test("an answer that comes late closes no other dialog, and a token in it is shown when that has closed", async () => {
  const page = await at("#/people");
  const { keyboard } = page;
  const dialog = page.getByRole("dialog");
  const answered = Promise.withResolvers<void>();
  server.handlers.set("POST /operators", async () => {
    await answered.promise;
    return { token: "rc-once" };
  });
  await page.getByRole("button", { name: "Add an operator…" }).click();
  await dialog.locator('[name="name"]').fill("bob");
  await keyboard.press("Enter");
  await dialog.getByText("Working…").waitFor();
  await keyboard.press("Escape");
  await page.getByText("“Add an operator” is still under way").waitFor();
  await keyboard.press("?");
  await dialog.getByText("seats or list").waitFor();
  answered.resolve();
  await page.getByText("Added bob.").waitFor();
  await dialog.getByText("seats or list").waitFor();
  await keyboard.press("Escape");
  await dialog.getByText("rc-once").waitFor();
  await keyboard.press("Escape");
  await page.locator("dialog").waitFor({ state: "detached" });
  server.handlers.clear();
  await page.context().close();
});

test("keys can be switched off, and the choice stays", async () => {
  const page = await at("#/wall/lab-1");
  await page.locator("summary", { hasText: "ann" }).click();
  await page.getByLabel("Single keys").selectOption("off");
  await page.reload();
  await page.locator(".seat").first().waitFor();
  await page.keyboard.press("r");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await page.context().close();
});
