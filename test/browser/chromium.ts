import { accessSync, constants } from "node:fs";
import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";

const PROGRAM = process.env["OCILOT_CHROMIUM"] ?? "/usr/bin/chromium";
/** A profile of its own is made for each start and removed after it. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Tells whether Chromium is here. Outside CI its absence is said and the tests are left out; in CI it fails. */
export function hasChromium(): boolean {
  try {
    accessSync(PROGRAM, constants.X_OK);
    return true;
  } catch {
    if (process.env["CI"] !== undefined) throw new Error(`${PROGRAM} is absent: apt-get install chromium`);
    console.log(`browser: ${PROGRAM} is absent, so the page is not tested; apt-get install chromium`);
    return false;
  }
}

/** Starts Chromium. */
export async function startChromium(): Promise<Browser> {
  return await chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS, headless: true });
}

/** A page with what it did: the requests that it sent, and the errors and refusals that it told. */
export interface Watched {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly requests: string[];
  readonly errors: string[];
}

/** How a page is looked at. */
export interface Look {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
}

/** Opens an address in a fresh profile and waits until it is shown whole. */
export async function openPage(
  browser: Browser,
  url: string,
  { colorScheme = "light", width = 1200, height = 900 }: Look = {},
): Promise<Watched> {
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, acceptDownloads: true });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => void (message.type() === "error" && errors.push(message.text())));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("dialog", (dialog) => void (errors.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  await page.goto(url);
  await shownWhole(page);
  return { page, context, requests, errors };
}

/** Resolves when a view is shown with all that it loads later. */
export async function shownWhole(page: Page): Promise<void> {
  await page.waitForSelector("main h1");
  await page.waitForSelector("[aria-busy]", { state: "detached" });
}

/** Resolves when a screen reader is told a text that begins so. */
export async function announced(page: Page, text: string): Promise<void> {
  await page.waitForSelector(`#status:has-text("${text}")`, { state: "attached" });
}
