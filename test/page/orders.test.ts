/** Orders of images, of the server's key, of seats and of wall links: what the server hears, and what is said when it refuses. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import type { Browser, Page } from "playwright-core";
import { imageOf } from "../client/console/fake-lab.ts";
import { openBrowser, openPage } from "./browser.ts";
import { admin, type FakeServer, openFakeServer, refuse } from "./fake-server.ts";
import { answersOf, renewing, restoringRoom, trustView } from "./scenes.ts";

let server: FakeServer;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([openFakeServer(), openBrowser()]);
  server.state = restoringRoom(4, 2).state;
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** A view of which this is a button or, for those who may not press one, a heading. */
async function at(hash: string, shown: string): Promise<Page> {
  server.calls.length = 0;
  server.handlers.clear();
  for (const [path, answer] of answersOf()) server.answers.set(path, answer);
  const { page } = await openPage(browser);
  await page.goto(`${server.url}/${hash}`);
  await page.getByRole("button", { name: shown, exact: true }).first().waitFor();
  return page;
}

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).first().click();

/** The call that comes next. */
async function heard(page: Page): Promise<{ readonly call: string; readonly body: unknown }> {
  for (let round = 0; round < 400; round++) {
    const call = server.calls.shift();
    if (call !== undefined) return { call: `${call.method} ${call.path}`, body: call.body };
    await page.waitForTimeout(50);
  }
  throw new Error("the page has not called");
}

/** Within this the server sees that nobody waits any more, in milliseconds. */
const goneMs = 30_000;

/** Work that is answered in lines, and goes on until the test ends it. */
function workAt(
  path: string,
): Promise<{ say(line: object): void; end(): void; gone(): Promise<unknown> }> {
  return new Promise((resolve) => {
    server.handlers.set(path, (reply: FastifyReply) => {
      reply.hijack();
      reply.raw.writeHead(200, { "content-type": "application/x-ndjson" });
      const closed = once(reply.raw, "close");
      resolve({
        say: (line) => void reply.raw.write(`${JSON.stringify(line)}\n`),
        end: () => void reply.raw.end(),
        gone: () =>
          Promise.race([
            closed,
            sleep(goneMs, undefined, { ref: false }).then(() =>
              Promise.reject(new Error("it goes on")),
            ),
          ]),
      });
    });
  });
}

const fitting = "POST /images/image4/fit";

async function beginFit(page: Page) {
  const work = workAt(fitting);
  await press(page, "Fit…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Size of the smaller disks").fill("240GB");
  await page.keyboard.press("Enter");
  assert.deepEqual(await heard(page), { call: fitting, body: { diskBytes: 240e9 } });
  await dialog.waitFor({ state: "hidden" });
  return { ...(await work), shown: page.getByRole("region", { name: "Work under way" }) };
}

test("a fit shows how far it is in every view, and says when it is done", async () => {
  const page = await at("#/images", "Fit…");
  const { say, end, shown } = await beginFit(page);
  say({ progress: { done: 420_000, total: 1e6 } });
  await shown.getByText("42%").waitFor();
  const asked = page.waitForEvent("dialog");
  await page.close({ runBeforeUnload: true });
  const question = await asked;
  assert.equal(question.type(), "beforeunload", "with the page it would end");
  await question.dismiss();
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
  say({ progress: { done: 800_000, total: 1e6 } });
  await shown.getByText("80%").waitFor();
  say({ result: {} });
  end();
  await page.getByText("win11-lab@4-fit-240GB is made.").waitFor();
  await shown.waitFor({ state: "hidden" });
  await page.context().close();
});

test("a fit that is called off ends at the server, and one that fails says what to do", async () => {
  const page = await at("#/images", "Fit…");
  const first = await beginFit(page);
  await first.shown.getByRole("button", { name: "Cancel" }).click();
  await first.gone();
  await first.shown.waitFor({ state: "hidden" });
  const { say, end, shown } = await beginFit(page);
  const next = "run it as root on the server";
  say({ error: { code: "failed", message: "file systems cannot be mounted", next } });
  end();
  await shown.getByText("file systems cannot be mounted").waitFor();
  await shown.getByText("What to do: run it as root on the server").waitFor();
  await shown.getByRole("button", { name: "Close" }).click();
  await shown.waitFor({ state: "hidden" });
  await page.context().close();
});

test("a check that finds damage says where, and stays until it is closed", async () => {
  const page = await at("#/images", "Verify");
  const work = workAt("POST /store/verify");
  await press(page, "Verify all images");
  const { say, end } = await work;
  say({ result: { ok: false, problems: [], damaged: [{ reason: "chunk 7 is damaged" }] } });
  end();
  await page
    .getByText(/1 chunk is damaged: chunk 7 is damaged.*roomcast image verify lists all/)
    .waitFor();
  await page.context().close();
});

test("an export is a file of the browser's own, and is not begun where the image is gone", async () => {
  const page = await at("#/images", "Export…");
  server.handlers.set("GET /images/image4", (reply) =>
    refuse(reply, "image is gone", "look again"),
  );
  server.handlers.set("GET /images/image4/disk.zst", (reply) =>
    reply
      .header("content-disposition", 'attachment; filename="win11-lab@4.img.zst"')
      .type("application/zstd")
      .send(Buffer.from("a disk")),
  );
  await press(page, "Export…");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Export" }).click();
  assert.match(
    await dialog.getByRole("alert").innerText(),
    /image is gone\s+What to do: look again/,
  );
  server.handlers.set("GET /images/image4", () => ({}));
  const download = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Export" }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), "win11-lab@4.img.zst");
  assert.equal(await readFile((await file.path()) ?? "", "utf8"), "a disk");
  await dialog.waitFor({ state: "hidden" });
  assert.deepEqual(server.calls, [], "nothing is changed by it");
  await page.context().close();
});

test("an import is written as the command that does it where the file is, and sends nothing", async () => {
  const page = await at("#/images", "Import…");
  await press(page, "Import…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("File, folder or device").fill("/srv/old.vhdx");
  await dialog.getByLabel("Name of the image").fill("old");
  const command = dialog.locator(".commands code");
  await command.getByText("roomcast image import /srv/old.vhdx old", { exact: true }).waitFor();
  await dialog.getByLabel("Where it is").selectOption("on another computer");
  const remote = `roomcast --server ${server.url} --pin ${trustView.key} --token-file token image import /srv/old.vhdx old`;
  await command.getByText(remote, { exact: true }).waitFor();
  await page.keyboard.press("Enter");
  await dialog.getByRole("button", { name: "Close", exact: true }).last().click();
  await dialog.waitFor({ state: "hidden" });
  assert.deepEqual(server.calls, []);
  await page.context().close();
});

test("the server's key is renewed in two steps, each with its word; a refusal stays in the dialog", async () => {
  const page = await at("#/people", "Renew the key…");
  await page.getByText(trustView.key).waitFor();
  await press(page, "Renew the key…");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Others, which learn it when they connect or start: lab1-b4").waitFor();
  const go = dialog.getByRole("button", { name: "Renew the key" });
  assert.equal(await go.isDisabled(), true, "before the word");
  server.handlers.set("POST /trust/rotate", (reply) =>
    refuse(reply, "it is renewed already", "finish it"),
  );
  await dialog.getByLabel("Type rotate to confirm").fill("rotate");
  await page.keyboard.press("Enter");
  await dialog.getByText("What to do: finish it").waitFor();
  assert.equal((await heard(page)).call, "POST /trust/rotate");
  server.handlers.clear();
  server.answers.set("/trust", renewing);
  await page.keyboard.press("Enter");
  assert.equal((await heard(page)).call, "POST /trust/rotate");
  await press(page, "Use the next key…");
  await dialog.getByText(`It takes its place: ${renewing.next?.key}`).waitFor();
  await dialog.getByLabel("Type finish to confirm").fill("finish");
  server.answers.set("/trust", trustView);
  await page.keyboard.press("Enter");
  assert.equal((await heard(page)).call, "POST /trust/finish");
  await page.getByRole("button", { name: "Renew the key…" }).waitFor();
  await page.context().close();
});

test("a wall's link is made and ended when somebody says so, and not by looking", async () => {
  const page = await at("#/wall/lab-1", "Wall link…");
  await press(page, "Wall link…");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("ann made a link on 28 Nov 2026").waitFor();
  assert.deepEqual(server.calls, []);
  const path = "/rooms/lab-1/wall-link";
  server.handlers.set(`POST ${path}`, () => ({ url: "https://lab/?wall#abc" }));
  await dialog.getByRole("button", { name: "Make a new link, end this one" }).click();
  await dialog.getByRole("link", { name: "https://lab/?wall#abc" }).waitFor();
  assert.equal((await heard(page)).call, `POST ${path}`);
  server.handlers.set(`DELETE ${path}`, (reply) => refuse(reply, "there is no link", "make one"));
  await dialog.getByRole("button", { name: "End the link" }).click();
  await dialog.getByText("What to do: make one").waitFor();
  server.handlers.clear();
  await dialog.getByRole("button", { name: "End the link" }).click();
  await page.getByText("The link to lab-1 is ended").waitFor();
  await dialog.waitFor({ state: "hidden" });
  assert.equal((await heard(page)).call, `DELETE ${path}`);
  assert.equal((await heard(page)).call, `DELETE ${path}`);
  await page.context().close();
});

test("a room's seats, and its network", async () => {
  const page = await at("#/room/lab-1", "Add a seat…");
  await press(page, "Add a seat…");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("B5");
  await page.keyboard.press("Enter");
  const added = await heard(page);
  const { seats } = added.body as { seats: object[] };
  assert.deepEqual([seats.length, seats.at(-1)], [9, { name: "B5", column: 4, row: 1 }]);
  await dialog.waitFor({ state: "hidden" });
  await press(page, "Remove a seat…");
  await dialog.getByLabel("Seat").selectOption("A1");
  await dialog.getByText("Its PC stays in the room, without a seat.").waitFor();
  await dialog.getByRole("button", { name: "Remove" }).click();
  const removed = (await heard(page)).body as { seats: { name: string }[] };
  assert.equal(
    removed.seats.some(({ name }) => name === "A1"),
    false,
  );
  await dialog.waitFor({ state: "hidden" });
  const path = "POST /rooms/lab-1/check";
  server.handlers.set(path, (reply) => refuse(reply, "a session runs", "wait for its end"));
  await press(page, "Check the network");
  await page.getByText("What to do: wait for its end").waitFor();
  const finding = {
    check: "loss",
    level: "warning",
    text: "lab1-a1 lost 4 %",
    mend: "see its cable",
  };
  server.handlers.set(path, () => [finding]);
  await press(page, "Check the network");
  await page.getByText("What to do: see its cable").waitFor();
  await page.context().close();
});

test("a prefix is taken with its slash, and refused where it is no number of bits", async () => {
  const page = await at("#/room/lab-1", "Add a seat…");
  await page.locator("tr", { hasText: "Prefix length" }).getByRole("button").click();
  const dialog = page.getByRole("dialog");
  const field = dialog.locator('[name="value"]');
  await field.fill("255.255.255.0");
  await dialog.getByText("It has to be a number of bits from 8 to 30").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Save" }).isDisabled(), true);
  await field.fill("/24");
  await page.keyboard.press("Enter");
  assert.deepEqual(await heard(page), { call: "PATCH /rooms/lab-1", body: { prefix: 24 } });
  await dialog.waitFor({ state: "hidden" });
  await page.context().close();
});

test("what is seldom needed is behind More, and is reached and ordered by keyboard alone", async () => {
  const page = await at("#/wall/lab-1", "Restore…");
  const { keyboard } = page;
  const dialog = page.getByRole("dialog");
  const tabTo = async (selector: string): Promise<void> => {
    for (let presses = 0; (await page.locator(`${selector}:focus`).count()) === 0; presses++) {
      assert(presses < 40, `${selector} is not reached`);
      await keyboard.press("Tab");
    }
  };
  await keyboard.press("r");
  await dialog.waitFor();
  assert.equal(await dialog.getByLabel("Disk of every PC").isVisible(), false);
  await tabTo(".more summary");
  await keyboard.press("Enter");
  await tabTo("[name=disk]");
  await keyboard.type("/dev/nvme0n1");
  await dialog.getByText("has no disk /dev/nvme0n1 that may be used").first().waitFor();
  await keyboard.press("Control+a");
  await keyboard.type("/dev/sda");
  await tabTo("[name=word]");
  await keyboard.type("lab-1");
  await keyboard.press("Enter");
  const { call, body } = await heard(page);
  assert.equal(call, "POST /sessions");
  assert.equal((body as { disk: string }).disk, "/dev/sda");
  await dialog.waitFor({ state: "hidden" });
  await page.context().close();
});

test("notes on an image are written by keyboard, seen by whoever looks, and said where it is restored", async () => {
  const page = await at("#/images", "Notes…");
  const { keyboard } = page;
  const dialog = page.getByRole("dialog");
  await page.getByRole("button", { name: "Notes…", exact: true }).first().focus();
  await keyboard.press("Enter");
  await dialog.getByLabel("Notes", { exact: true }).waitFor();
  // The field has the focus.
  await keyboard.type("Maths labs");
  await keyboard.press("Enter");
  await keyboard.type("not before 1 Sept");
  await keyboard.press("Tab");
  while ((await page.locator("dialog [type=submit]:focus").count()) === 0)
    await keyboard.press("Tab");
  await keyboard.press("Enter");
  const notes = "Maths labs\nnot before 1 Sept";
  assert.deepEqual(await heard(page), { call: "PATCH /images/image4", body: { notes } });
  await dialog.waitFor({ state: "hidden" });
  await page.getByText("The notes on win11-lab@4 are written.").waitFor();
  server.say({ type: "image", image: { ...imageOf(4), notes } });
  const shown = page.locator(".card .written");
  await shown.waitFor();
  assert.equal(await shown.innerText(), notes);
  await press(page, "Restore…");
  await dialog.getByText("Notes on win11-lab@4: Maths labs …").waitFor();
  await keyboard.press("Escape");
  await press(page, "Notes…");
  const field = dialog.getByLabel("Notes", { exact: true });
  assert.equal(await field.inputValue(), notes);
  await field.fill("x".repeat(2001));
  await dialog.getByText("Notes may have 2,000 characters, and these have 2,001.").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Write" }).isDisabled(), true);
  server.say({ type: "image", image: imageOf(4) });
  await page.context().close();
});

test("who only looks sees the server's key, and none of these orders", async () => {
  server.login = { ...admin, role: "viewer" };
  for (const [path, answer] of answersOf()) server.answers.set(path, answer);
  for (const [hash, shown] of [
    ["#/people", trustView.key],
    ["#/images", "win11-lab@4"],
    ["#/room/lab-1", "Shells"],
  ] as const) {
    const { page } = await openPage(browser);
    await page.goto(`${server.url}/${hash}`);
    await page.getByText(shown).first().waitFor();
    const names = await page.locator("main").getByRole("button").allInnerTexts();
    const orders = names.filter((name) => /…$|Verify|Export|Check/.test(name));
    assert.deepEqual(orders, [], hash);
    await page.context().close();
  }
  server.login = admin;
});
