/** The pictures of docs/page.md, of a scripted room: the same ones each time. */
import { join } from "node:path";
import { openBrowser, openPage } from "./browser.ts";
import { openFakeServer } from "./fake-server.ts";
import { answersOf, restoringRoom } from "./scenes.ts";

const folder = join(import.meta.dirname, "..", "..", "docs", "screens");

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly scheme?: "dark";
  /** Keys that open what is shown. */
  readonly keys?: string;
}

const pictures: readonly Picture[] = [
  { name: "page-wall", path: "#/wall/lab-1", width: 1280, height: 760 },
  { name: "page-dark", path: "#/wall/lab-1", width: 1280, height: 760, scheme: "dark" },
  { name: "page-beamer", path: "?wall=lab-1", width: 1920, height: 1080, scheme: "dark" },
  { name: "page-phone", path: "#/wall/lab-1", width: 390, height: 800 },
  { name: "page-pc", path: "#/pc/id19", width: 1280, height: 720 },
  { name: "page-restore", path: "#/wall/lab-1", width: 1280, height: 960, keys: "r" },
];

/** Takes them all anew. */
export async function picturePage(): Promise<void> {
  const server = await openFakeServer();
  const browser = await openBrowser();
  try {
    server.state = restoringRoom().state;
    for (const [path, answer] of answersOf()) server.answers.set(path, answer);
    for (const { name, path, width, height, scheme = "light", keys } of pictures) {
      const viewport = { width, height };
      const { page, context } = await openPage(browser, { viewport, colorScheme: scheme });
      await page.goto(`${server.url}/${path}`);
      await page.locator(".seat .percent, .facts").nth(1).waitFor();
      if (keys !== undefined) await page.keyboard.press(keys);
      // The last cells are drawn some frames after the first ones.
      await page.waitForTimeout(1500);
      await page.screenshot({ path: join(folder, `${name}.png`) });
      console.log(`${name}.png`);
      await context.close();
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

if (import.meta.main) await picturePage();
