/** Debian's Chromium, and what tests of the page do with it again and again. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const args = [
  ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args });

export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser has complained of: errors of scripts, and what the security policy refused. */
  readonly complaints: string[];
}

/** A window of a browser that knows nothing yet. */
export async function openPage(
  browser: Browser,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<Opened> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: "en-GB",
    ...options,
  });
  const page = await context.newPage();
  // A machine that does other things too takes several times as long.
  page.setDefaultTimeout(45_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
  page.on("console", (message) => {
    if (
      message.type() === "error" &&
      !/status of|ERR_CONNECTION|ERR_EMPTY|ERR_INCOMPLETE/.test(message.text())
    )
      complaints.push(message.text());
  });
  return { page, context, complaints };
}
