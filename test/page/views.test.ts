/** Every view of the page: what axe finds in it, and whether it fits from a phone to a projector. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openPage } from "./browser.ts";
import { admin, type FakeServer, openFakeServer } from "./fake-server.ts";
import { answersOf, askingPc, restoringRoom } from "./scenes.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let server: FakeServer;
let browser: Browser;

before(async () => {
  [server, browser] = await Promise.all([openFakeServer(), openBrowser()]);
  server.state = [...restoringRoom().state, askingPc];
  for (const [path, answer] of answersOf()) server.answers.set(path, answer);
  server.handlers.set("POST /rooms/lab-1/check", () => [
    {
      ...{ check: "loss", level: "warning", text: "lab1-a1 lost 4 % at 900 Mbit/s" },
      mend: "look at its cable",
    },
  ]);
  // It goes on for as long as somebody waits for it.
  server.handlers.set("POST /images/image4/verify", (reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { "content-type": "application/x-ndjson" });
    reply.raw.write(`${JSON.stringify({ progress: { done: 3, total: 10 } })}\n`);
  });
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** What is opened on a view before it is looked at. */
type Prepare = (page: Page) => Promise<unknown>;

const button =
  (name: string): Prepare =>
  (page) =>
    page.getByRole("button", { name, exact: true }).first().click();

/** What opens a dialog is done when that is there: the next view is not to be shown under it. */
const dialog =
  (open: Prepare): Prepare =>
  async (page) => {
    await open(page);
    await page.locator("dialog[open]").waitFor();
  };

const checkNetwork: Prepare = async (page) => {
  await button("Check the network")(page);
  await page.getByText("lab1-a1 lost 4 % at 900 Mbit/s").waitFor();
};

const views: readonly (readonly [name: string, path: string, prepare?: Prepare])[] = [
  ["wall", "#/wall/lab-1"],
  ["marked", "#/wall/lab-1", (page) => page.getByRole("button", { name: "Mark all" }).click()],
  ["arrange", "#/wall/lab-1", (page) => page.getByRole("button", { name: "Arrange" }).click()],
  ["list", "#/wall"],
  ["PC", "#/pc/id19"],
  ["log", "#/pc/id19", (page) => page.getByRole("button", { name: "Log", exact: true }).click()],
  ["session", "#/session/s1a2b"],
  ["session that is over", "#/session/s0z9y"],
  ["sessions", "#/sessions"],
  ["images", "#/images"],
  ["room", "#/room/lab-1"],
  ["schedule", "#/schedule"],
  ["access", "#/people"],
  ["health", "#/doctor"],
  ["campus", "#/campus"],
  ["room of another server", "#/campus/beta/hall", (page) => page.getByText("beta").waitFor()],
  ["room of a server that is away", "#/campus/gamma/cellar"],
  ["history", "#/history/room/lab-1"],
  ["restore", "#/wall/lab-1", dialog((page) => page.keyboard.press("r"))],
  ["wipe", "#/pc/id1", dialog((page) => page.keyboard.press("z"))],
  [
    "restore, with more",
    "#/wall/lab-1",
    async (page) => {
      await page.keyboard.press("r");
      await page.locator(".more summary").click();
    },
  ],
  ["fit", "#/images", dialog(button("Fit…"))],
  ["export", "#/images", dialog(button("Export…"))],
  ["import", "#/images", dialog(button("Import…"))],
  ["work under way", "#/images", button("Verify")],
  ["renew the key", "#/people", dialog(button("Renew the key…"))],
  ["wall link", "#/wall/lab-1", dialog(button("Wall link…"))],
  ["add a seat", "#/room/lab-1", dialog(button("Add a seat…"))],
  ["check the network", "#/room/lab-1", checkNetwork],
  ["keys", "#/wall/lab-1", (page) => page.keyboard.press("?")],
  ["account", "#/wall/lab-1", (page) => page.locator("summary", { hasText: "ann" }).click()],
  ["projector", "?wall=lab-1"],
];

/** Another view of a page that is open already is a step inside of it, if nothing lies over it. */
async function show(page: Page, path: string, prepare?: Prepare): Promise<void> {
  const isOpen =
    page.url().startsWith(server.url) && path.startsWith("#") && !page.url().includes("?");
  if (isOpen && (await page.locator("dialog[open]").count()) > 0) {
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
  }
  const isOver = await page
    .locator("dialog, details[open], .arrange, .works > div, .findings")
    .count();
  if (isOpen && isOver === 0) {
    if (page.url().endsWith(`/${path}`)) return void (await prepare?.(page));
    await page.evaluate((hash) => {
      document.querySelector("#page")?.setAttribute("data-before", "");
      location.assign(hash);
    }, path);
    await page.locator("#page[data-before]").waitFor({ state: "detached" });
  } else {
    await page.goto("about:blank");
    await page.goto(`${server.url}/${path}`);
  }
  await page.locator("h1").waitFor();
  // The state has come once PCs are shown somewhere, or what only a view of its own fetches is there.
  await page.locator(".seat, table, .card, .findings, .facts").first().waitFor();
  await prepare?.(page);
}

/** What lies under an open dialog is looked at as a view of its own. `rules`: these alone. */
async function findings(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const found = await page.evaluate(async (runOnly) => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const { violations } = await axe.run(document.querySelector("dialog[open]") ?? document, {
      // Else a selector is made for each element that is as it should be.
      resultTypes: ["violations"],
      ...(runOnly === undefined ? {} : { runOnly: [...runOnly] }),
    });
    return violations;
  }, rules);
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
  );
}

for (const [colorScheme, rules] of [
  ["light", undefined],
  // Nothing but its colours is otherwise.
  ["dark", ["color-contrast"]],
] as const) {
  test(`axe finds nothing in any view, ${colorScheme}`, async () => {
    const { page, context, complaints } = await openPage(browser, {
      ...{ colorScheme, bypassCSP: true, reducedMotion: "reduce" },
    });
    const found: string[] = [];
    for (const [name, path, prepare] of views) {
      await show(page, path, prepare);
      found.push(...(await findings(page, rules)).map((each) => `${name}: ${each}`));
    }
    server.login = null;
    await page.goto("about:blank");
    await page.goto(server.url);
    await page.getByLabel("Password").waitFor();
    found.push(...(await findings(page, rules)).map((each) => `login: ${each}`));
    server.login = admin;
    assert.deepEqual(found, []);
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

/** Elements whose text is wider or higher than they are, and pages that are wider than the window. */
const clippedIn = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const root = document.documentElement;
    const wide = root.scrollWidth > root.clientWidth ? [`page: ${root.scrollWidth}`] : [];
    const texts = document.querySelectorAll<HTMLElement>(
      ".seat, .seat span, .figures dd, .figures dt, button, h1, .tabs a, nav a, .cause",
    );
    return [...texts].reduce((found, element) => {
      if (element.closest(".unseen, .skip, .scroll") !== null) return found;
      const isCut =
        getComputedStyle(element).display !== "inline" &&
        (element.scrollWidth > element.clientWidth + 1 ||
          element.scrollHeight > element.clientHeight + 2);
      const box = element.getBoundingClientRect();
      const isOut = box.right > root.clientWidth + 1 || box.left < -1;
      if (isCut || isOut) found.push(`${element.className}: ${element.textContent}`);
      return found;
    }, wide);
  });

/** Looks again for a while: cells are drawn one after another, and letters are fitted to what there is. */
async function settled<T>(look: () => Promise<T>, isGood: (seen: T) => boolean): Promise<T> {
  for (const deadline = performance.now() + 20_000; ; await sleep(100)) {
    const seen = await look();
    if (isGood(seen) || performance.now() > deadline) return seen;
  }
}

const cutIn = (page: Page): Promise<string[]> =>
  settled(
    () => clippedIn(page),
    (found) => found.length === 0,
  );

for (const [width, height] of [
  [320, 640],
  [1280, 720],
  [3840, 2160],
] as const) {
  test(`at ${width}×${height} nothing is cut off and nothing scrolls sideways`, async () => {
    const { page, context } = await openPage(browser, { viewport: { width, height } });
    const cut: string[] = [];
    for (const [name, path, prepare] of views) {
      if (name === "arrange") continue;
      await show(page, path, prepare);
      cut.push(...(await cutIn(page)).map((each) => `${name}: ${each}`));
    }
    assert.deepEqual(cut, []);
    await context.close();
  });
}

test("a projector shows the whole room at once, in letters that grow with it", async () => {
  const sizes: number[] = [];
  for (const [width, height] of [
    [1280, 720],
    [1920, 1080],
    [3840, 2160],
  ] as const) {
    const { page, context } = await openPage(browser, { viewport: { width, height } });
    await show(page, "?wall=lab-1");
    await page.locator(".seat .name").nth(39).waitFor();
    let before = "";
    let stillSince = 0;
    const seen = await settled(
      () =>
        page.evaluate(async () => {
          await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
          return {
            bottom: Math.max(
              ...[...document.querySelectorAll(".seat")].map(
                (seat) => seat.getBoundingClientRect().bottom,
              ),
            ),
            font: Number.parseFloat(
              getComputedStyle(document.querySelector(".seat .name")!).fontSize,
            ),
            operated: document.querySelectorAll("button, input, select, a").length,
          };
        }),
      // Until nothing moves any more from frame to frame: one of the largest takes seconds where processors are busy.
      (now) => {
        if (before !== JSON.stringify(now)) stillSince = performance.now();
        before = JSON.stringify(now);
        return performance.now() - stillSince > 1000 && now.bottom <= height;
      },
    );
    assert(seen.bottom <= height, `${seen.bottom} of ${height}`);
    assert.equal(seen.operated, 0);
    sizes.push(seen.font);
    await context.close();
  }
  const [small = 0, middle = 0, large = 0] = sizes;
  assert(small < middle && middle * 1.8 < large, sizes.join(" "));
});

test("the way past the top bar leads to the heading of the page that is shown", async () => {
  const { page, context } = await openPage(browser);
  await show(page, "#/pc/id19");
  await page.locator(".skip").focus();
  await page.keyboard.press("Enter");
  await page.locator("h1:focus", { hasText: "lab1-c3" }).waitFor();
  assert.equal(await page.evaluate(() => location.hash), "#/pc/id19");
  await context.close();
});

test("from right to left the page stands the other way round, and fits", async () => {
  const { page, context } = await openPage(browser, { viewport: { width: 1280, height: 720 } });
  await show(page, "#/wall/lab-1");
  await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
  assert.deepEqual(await cutIn(page), []);
  const [first, last] = await page
    .locator(".seats > li")
    .evaluateAll((all) => [0, 7].map((at) => all[at]?.getBoundingClientRect().left ?? 0));
  assert((first ?? 0) > (last ?? 0));
  await context.close();
});
