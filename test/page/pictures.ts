/** The pictures of docs/page.md, of a scripted room: the same ones each time. */
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { LiveEvent } from "../../core/wire/api.ts";
import { openBrowser, openPage } from "./browser.ts";
import { openFakeServer } from "./fake-server.ts";
import { answersOf, restoringRoom, trustView } from "./scenes.ts";

const folder = join(import.meta.dirname, "..", "..", "docs", "screens");

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly scheme?: "dark";
  /** Opens the dialog that is shown, which then is all of the picture. */
  open?(page: Page): Promise<void>;
}

/** Presses a button, and those of the dialog that it opens. */
const press =
  (...names: readonly string[]) =>
  async (page: Page): Promise<void> => {
    for (const name of names) await page.getByRole("button", { name, exact: true }).first().click();
  };

const dialog = { width: 1000, height: 1400 };

const pictures: readonly Picture[] = [
  { name: "page-wall", path: "#/wall/lab-1", width: 1280, height: 760 },
  { name: "page-dark", path: "#/wall/lab-1", width: 1280, height: 760, scheme: "dark" },
  { name: "page-beamer", path: "?wall=lab-1", width: 1920, height: 1080, scheme: "dark" },
  { name: "page-phone", path: "#/wall/lab-1", width: 390, height: 800 },
  { name: "page-pc", path: "#/pc/id19", width: 1280, height: 720 },
  { name: "page-images", path: "#/images", width: 1280, height: 760 },
  {
    ...{ name: "page-restore", path: "#/wall/lab-1", ...dialog },
    open: (page) => page.keyboard.press("r"),
  },
  {
    ...{ name: "page-more", path: "#/wall/lab-1", ...dialog },
    async open(page) {
      await page.keyboard.press("r");
      await page.locator(".more summary").click();
      await page.getByLabel("Start", { exact: true }).selectOption("count");
    },
  },
  { name: "page-notes", path: "#/images", ...dialog, open: press("Notes…") },
  {
    ...{ name: "page-fit", path: "#/images", ...dialog },
    async open(page) {
      await press("Fit…")(page);
      await page.getByLabel("Size of the smaller disks").fill("240GB");
    },
  },
  { name: "page-export", path: "#/images", ...dialog, open: press("Export…") },
  {
    ...{ name: "page-import", path: "#/images", ...dialog },
    async open(page) {
      await press("Import…")(page);
      await page.getByLabel("File, folder or device").fill("/srv/images/win11.vhdx");
      await page.getByLabel("Name of the image").fill("win11-lab");
    },
  },
  { name: "page-rotate", path: "#/people", ...dialog, open: press("Renew the key…") },
  {
    ...{ name: "page-wall-link", path: "#/wall/lab-1", ...dialog },
    open: press("Wall link…", "Make a new link, end this one"),
  },
];

/** The scripted room, with notes on its newest image. */
const notes = "Maths labs, Office 2024, activated by KMS.\nNot before 1 September.";
const stateOf = (): LiveEvent[] =>
  restoringRoom().state.map((event) =>
    event.type === "image" && event.image.version === 4
      ? { ...event, image: { ...event.image, notes } }
      : event,
  );

const key = "sha256:4v0bXo1mZkq7s8jWcT2RzP5nYhLd9uEaGf3iKxM6yQA=";

/** Takes them all anew. */
export async function picturePage(): Promise<void> {
  const server = await openFakeServer();
  const browser = await openBrowser();
  try {
    server.state = stateOf();
    for (const [path, answer] of answersOf()) server.answers.set(path, answer);
    server.answers.set("/trust", { ...trustView, key });
    const url = "https://lab.example.org:8443/?wall#p3ZkQm1vT8yXn5bC2dLr7w";
    server.handlers.set("POST /rooms/lab-1/wall-link", () => ({ url }));
    for (const { name, path, width, height, scheme = "light", open } of pictures) {
      const viewport = { width, height };
      const { page, context } = await openPage(browser, { viewport, colorScheme: scheme });
      await page.goto(`${server.url}/${path}`);
      await page.locator(".seat .percent, .facts, .card .toolbar, .key").first().waitFor();
      await open?.(page);
      // The last cells are drawn some frames after the first ones.
      await page.waitForTimeout(1500);
      const shown = open === undefined ? page : page.getByRole("dialog");
      await shown.screenshot({ path: join(folder, `${name}.png`) });
      console.log(`${name}.png`);
      await context.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

if (import.meta.main) await picturePage();
