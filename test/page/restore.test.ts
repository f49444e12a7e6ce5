/** The main job at the page, with the real server and real agents: log in, restore, verified, report; and a server that dies. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { seatGrid } from "../../core/session/seats.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import { openBrowser, openPage } from "./browser.ts";
import { openRealLab, type RealLab } from "./real-lab.ts";

let lab: RealLab;
let browser: Browser;

const idle = (count: number): Promise<PcView[]> =>
  lab.until<PcView[]>(
    "/pcs",
    (pcs) => pcs.filter(({ state }) => state === "idle").length === count,
  );
const set = (name: string, change: object): Promise<unknown> =>
  lab.call("PATCH", `/pcs/${name}`, change);

before(async () => {
  [lab, browser] = await Promise.all([openRealLab(), openBrowser()]);
  for (const number of [1, 2, 3]) await lab.addPc(number, number);
  const seats = seatGrid(2, 1);
  await lab.call("POST", "/rooms", { name: "lab" });
  await lab.call("PUT", "/rooms/lab/seats", { seats });
  await idle(3);
  await lab.call("POST", "/captures", { pc: "pc1", name: "base", raw: true });
  await lab.until<SessionView[]>("/sessions", ([session]) => session?.state === "done");
  await set("pc2", { room: "lab", seat: "A1" });
  await set("pc3", { room: "lab", seat: "A2" });
});

after(async () => {
  await browser?.close();
  await lab?.close();
});

async function logIn(page: Page): Promise<void> {
  await page.goto(lab.url);
  await page.getByRole("button", { name: "Log in with a token" }).click();
  await page.getByLabel("Token").fill(lab.token);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.getByRole("heading", { name: "All PCs" }).waitFor();
}

test("a wrong token is refused with what, why and what to do next", async () => {
  const { page, context } = await openPage(browser);
  await page.goto(lab.url);
  await page.getByRole("button", { name: "Log in with a token" }).click();
  await page.getByLabel("Token").fill("ann.wrong");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  const said = await page.getByRole("alert").innerText();
  assert.match(said, /this is no operator's token/);
  assert.match(said, /What to do: take all of it/);
  await context.close();
});

test("a room is restored from the login to the report, by keyboard alone", async () => {
  const { page, context, complaints } = await openPage(browser);
  const { keyboard } = page;
  await page.goto(lab.url);
  const tabTo = async (name: string): Promise<void> => {
    for (let step = 0; step < 40; step++) {
      const focused = page.locator(":focus");
      const text = (await focused.count()) === 0 ? "" : await focused.first().innerText();
      if (text.startsWith(name)) return;
      await keyboard.press("Tab");
    }
    assert.fail(`Tab does not lead to ${name}`);
  };
  await page.getByRole("button", { name: "Log in with a token" }).waitFor();
  await tabTo("Log in with a token");
  await keyboard.press("Enter");
  await page.getByLabel("Token").waitFor();
  while ((await page.locator("#token:focus").count()) === 0) await keyboard.press("Shift+Tab");
  await keyboard.type(lab.token);
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "All PCs" }).waitFor();
  await tabTo("lab");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Room lab" }).waitFor();
  await keyboard.press("r");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  assert.match(await dialog.innerText(), /Everything on these 2 disks will be lost/);
  assert.match(await dialog.innerText(), /pc2: .*pc2\.disk/);
  assert.equal(
    await dialog.locator(".commands code").textContent(),
    "roomcast restore base@1 --room lab",
  );
  const go = dialog.getByRole("button", { name: "Restore" });
  assert.equal(await go.isDisabled(), true, "before the word");
  while ((await dialog.locator("input[name=word]:focus").count()) === 0)
    await keyboard.press("Tab");
  await keyboard.type("la");
  assert.equal(await go.isDisabled(), true, "half a word");
  await keyboard.type("b");
  await keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await page.getByText("Restoring base@1 to lab.").waitFor();
  await page.getByText("2 of 2 verified").first().waitFor({ timeout: 120_000 });
  await page.locator(".seat .word", { hasText: "Verified" }).nth(1).waitFor();
  await keyboard.press("v");
  await page.getByRole("heading", { name: /Restore of base@1/ }).waitFor();
  await page.locator("tbody .state.good").nth(1).waitFor();
  const sessions = await lab.call<SessionView[]>("GET", "/sessions");
  const session = sessions.find(({ kind }) => kind === "restore");
  assert.deepEqual(
    session?.members.map(({ result }) => result),
    ["verified", "verified"],
  );
  assert.deepEqual(complaints, []);
  await context.close();
});

test("what the server refuses is shown in the dialog, and the dialog stays", async () => {
  const { page, context } = await openPage(browser);
  await logIn(page);
  await page.goto(`${lab.url}#/room/lab`);
  await page.getByRole("button", { name: "New room…" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("LAB");
  await page.getByRole("button", { name: "Create" }).click();
  const said = await page.getByRole("dialog").getByRole("alert").innerText();
  assert.match(said, /What to do:/);
  await context.close();
});

test("a shell on a PC takes keys and shows what comes back, and nothing of it is against the page's policy", async () => {
  const { page, context, complaints } = await openPage(browser);
  await logIn(page);
  const pc = (await lab.call<PcView[]>("GET", "/pcs")).find(({ name }) => name === "pc3");
  await page.goto(`${lab.url}#/pc/${pc?.id}`);
  await page.getByRole("button", { name: "Shell" }).click();
  await page.locator(".xterm textarea:focus").waitFor({ state: "attached" });
  await page.keyboard.type("echo $((40 + 2))-done\n");
  await page.locator(".xterm-rows", { hasText: "42-done" }).waitFor();
  // Its style sheets are in effect.
  await page.waitForFunction(() => {
    const [first, second] = document.querySelectorAll(".xterm-rows > div");
    const topOf = (row: Element | undefined): number => row?.getBoundingClientRect().top ?? 0;
    return topOf(second) >= topOf(first) + 10;
  });
  await page.keyboard.press("Control+]");
  await page.locator(".xterm textarea:focus").waitFor({ state: "detached" });
  assert.deepEqual(complaints, []);
  await context.close();
});

test("an image is exported to a file of the browser's, which zstd unpacks to the disk that was captured", async () => {
  const { page, context, complaints } = await openPage(browser);
  await logIn(page);
  await page.goto(`${lab.url}#/images`);
  await page.getByRole("button", { name: "Export…" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("dialog").getByRole("button", { name: "Export" }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), "base@1.img.zst");
  const { stdout } = await promisify(execFile)("zstd", ["-dc", await file.path()], {
    ...{ encoding: "buffer", maxBuffer: 64 * 2 ** 20 },
  });
  assert((await readFile(lab.diskOf("pc1"))).equals(stdout), "it is the disk of pc1");
  await page.getByText("The browser fetches base@1.img.zst.").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("an image that cannot be made so small is not tried, and the server's own refusal says what to do", async () => {
  const { page, context } = await openPage(browser);
  await logIn(page);
  await page.goto(`${lab.url}#/images`);
  await page.getByRole("button", { name: "Fit…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Size of the smaller disks").fill("10MB");
  await dialog
    .getByText(/base@1 needs 25.2 MB, and cannot be made to fit 10.0 MB; choose a larger size/)
    .waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Fit" }).isDisabled(), true);
  await context.close();
  const answer = await lab.text("POST", "/images/base/fit", { diskBytes: 10e6 });
  assert.match(answer, /"code":"refused".*base@1 needs 25.2 MB.*choose a larger size/);
});

test("a wall's link is made at the page, and ended there", async () => {
  const { page, context } = await openPage(browser);
  await logIn(page);
  await page.goto(`${lab.url}#/wall/lab`);
  const openDialog = () => page.getByRole("button", { name: "Wall link…" }).click();
  await openDialog();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("There is no such link now.").waitFor();
  await dialog.getByRole("button", { name: "Make a link" }).click();
  const url = (await dialog.getByRole("link").getAttribute("href")) ?? "";
  const projector = await openPage(browser);
  await projector.page.goto(url);
  await projector.page.getByRole("heading", { name: "Room lab" }).waitFor();
  await dialog.getByRole("button", { name: "End the link" }).click();
  await dialog.waitFor({ state: "hidden" });
  await projector.page.getByRole("heading", { name: "Room lab" }).waitFor({ state: "detached" });
  await projector.context.close();
  await openDialog();
  await dialog.getByText("There is no such link now.").waitFor();
  await context.close();
});

test("a wall's link shows its room to a browser that nobody is logged in on, and nothing that changes anything", async () => {
  const link = await lab.call<{ url: string }>("POST", "/rooms/lab/wall-link");
  const { page, context, complaints } = await openPage(browser, {
    viewport: { width: 1920, height: 1080 },
  });
  await page.goto(link.url);
  await page.getByRole("heading", { name: "Room lab" }).waitFor();
  await page.locator(".seat .word", { hasText: "Verified" }).nth(1).waitFor();
  assert.equal(await page.locator("button, input, select, a").count(), 0);
  assert.doesNotMatch(page.url(), /#./, "the secret is not left where a photograph shows it");
  await page.reload();
  await page.locator(".seat .name", { hasText: "pc3" }).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a wall's link that is opened in the operator's own browser leaves the operator's pages as they are", async () => {
  const { page, context, complaints } = await openPage(browser);
  await logIn(page);
  await page.goto(`${lab.url}#/wall/lab`);
  const verified = page.locator(".seat .word", { hasText: "Verified" });
  await verified.nth(1).waitFor();
  const { url } = await lab.call<{ url: string }>("POST", "/rooms/lab/wall-link");
  const wall = await context.newPage();
  await wall.goto(url);
  await wall.getByRole("heading", { name: "Room lab" }).waitFor();
  await wall.reload();
  await wall.getByRole("heading", { name: "Room lab" }).waitFor();
  assert.equal(await wall.locator("button, input, select, a").count(), 0);
  // What this page follows has not ended: it hears of changes, and not only when it has connected again.
  await set("pc3", { seat: null });
  await page.locator(".seat.vacant", { hasText: "A2" }).waitFor();
  await set("pc3", { seat: "A2" });
  await verified.nth(1).waitFor();
  await page.locator("summary", { hasText: "ann" }).waitFor();
  const pc3 = (await lab.call<PcView[]>("GET", "/pcs")).find(({ name }) => name === "pc3");
  await page.goto(`${lab.url}#/pc/${pc3?.id}`);
  await page.getByText("52:54:00:00:02:03").first().waitFor();
  // The link is over: nothing of the operator's comes up on the projector.
  await lab.call("DELETE", "/rooms/lab/wall-link");
  await wall.getByRole("button", { name: "Log in", exact: true }).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("who logs in at another tab of the browser is who all of its tabs then name", async () => {
  const { page, context } = await openPage(browser);
  await logIn(page);
  const other = await context.newPage();
  await other.goto(lab.url);
  await other.getByRole("heading", { name: "All PCs" }).waitFor();
  const token = await lab.addOperator("bob");
  await page.evaluate(
    (body) =>
      fetch("/api/v1/login", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      }),
    JSON.stringify({ token }),
  );
  await other.locator("summary", { hasText: "bob" }).waitFor();
  await page.locator("summary", { hasText: "bob" }).waitFor();
  await lab.call("PATCH", "/operators/bob", { role: "viewer" });
  await page.getByRole("button", { name: "Restore…" }).waitFor({ state: "detached" });
  await context.close();
});

test("a server that is killed and started again: the page says since when, and catches up", async () => {
  const { page, context } = await openPage(browser);
  await logIn(page);
  await page.goto(`${lab.url}#/wall/lab`);
  await page.locator(".seat").first().waitFor();
  await lab.killServer();
  await page.getByText(/^\s*Connection lost since \d+:\d+:\d+, trying again/).waitFor();
  assert.equal(await page.locator(".seat").count(), 2, "the last state stays");
  await lab.startServer();
  await page.getByText(/Connection lost/).waitFor({ state: "hidden", timeout: 90_000 });
  await set("pc2", { name: "renamed" });
  await page.locator(".seat .name", { hasText: "renamed" }).waitFor();
  await context.close();
});
