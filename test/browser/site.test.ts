import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasChromium, startChromium } from "./chromium.js";

const SITE = fileURLToPath(new URL("../../site/", import.meta.url));
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 360, height: 740 } };

const isHere = hasChromium();
let browser: Browser;
beforeAll(async () => {
  if (!isHere) return;
  browser = await startChromium();
});
afterAll(async () => await browser?.close());

function ensureBuilt(): void {
  if (!existsSync(`${SITE}dist/index.html`)) execFileSync(process.execPath, [`${SITE}build.mjs`], { stdio: "inherit" });
}

/** From a folder, without a server: scripts of a page are not loaded, the page itself is whole. */
const addressOf = (page: string): string => pathToFileURL(`${SITE}dist/${page}`).href;

/** Every page but the API, whose pages are made by TypeDoc and take a minute each. */
function pages(): string[] {
  if (!isHere) return ["index.html"];
  ensureBuilt();
  return (readdirSync(`${SITE}dist`, { recursive: true }) as string[]).filter((name) => name.endsWith(".html") && !name.startsWith("api"));
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Every page is looked at on a desktop in light colours; without a long run, only each fifth one also on a phone and in dark ones. */
const EACH = process.env["OCILOT_LONG"] === "1" ? 1 : 5;

describe.skipIf(!isHere).each(pages().map((name, i) => ({ name, isFull: i % EACH === 0 })))(
  "$name, read from a folder",
  ({ name, isFull }) => {
    test(`is whole in ${isFull ? "every size and colour scheme" : "one"}, sends no request, and axe finds nothing`, async () => {
      const page = await browser.newPage({ viewport: SIZES.desktop });
      const requests: string[] = [];
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(addressOf(name));
      await page.addStyleTag({ content: "* { transition: none !important; }" });
      await page.evaluate(axe.source);
      const found: string[] = [];
      for (const [size, viewport] of Object.entries(isFull ? SIZES : { desktop: SIZES.desktop })) {
        for (const colorScheme of isFull ? (["light", "dark"] as const) : (["light"] as const)) {
          await page.setViewportSize(viewport);
          await page.emulateMedia({ colorScheme });
          // The page looks at the scheme of the system once, when it is loaded.
          await page.evaluate(`document.documentElement.classList.toggle("dark", ${colorScheme === "dark"})`);
          const wider = await page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
          if (wider > 0) found.push(`${size}: ${wider} px wider than the window`);
          // Of the second scheme only the colours differ.
          const rules = colorScheme === "dark" ? ", runOnly: ['color-contrast']" : "";
          const { violations } = await page.evaluate<{ violations: Violation[] }>(`axe.run({ resultTypes: ['violations']${rules} })`);
          for (const { id, nodes } of violations) {
            found.push(`${size}, ${colorScheme}: ${id}: ${nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`);
          }
        }
      }
      expect(found).toEqual([]);
      expect(await page.locator("main h1:visible").count()).toBe(1);
      expect(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"))).toEqual([]);
      await page.close();
    });
  },
);

describe.skipIf(!isHere)("read from a folder", () => {
  test("an API page is no wider than the window", async () => {
    const page = await browser.newPage({ viewport: SIZES.desktop });
    await page.goto(addressOf("api/referrers/index.html"));
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    await page.close();
  });

  test("the sidebar of a desktop leads to other pages", async () => {
    const page = await browser.newPage({ viewport: SIZES.desktop });
    await page.goto(addressOf("index.html"));
    await page.locator('.VPSidebar a[href$="ci.html"]').first().click();
    expect(page.url()).toMatch(/^file:.*ci\.html$/);
    expect(await page.locator("h1").count()).toBe(1);
    await page.close();
  });

  test.each([true, false])("the menu of a phone leads to other pages, with scripts: %s", async (javaScriptEnabled) => {
    const context = await browser.newContext({ viewport: SIZES.phone, javaScriptEnabled });
    const page = await context.newPage();
    await page.goto(addressOf("tutorials/air-gap.html"));
    for (const dead of [".VPNavBarHamburger", ".VPLocalNav", ".DocSearch", "button.copy"]) {
      expect(await page.locator(dead).first().isVisible(), dead).toBe(false);
    }
    expect(await page.getByRole("searchbox").count()).toBe(javaScriptEnabled ? 1 : 0);
    await page.getByText("Menu", { exact: true }).locator("visible=true").click();
    await page.getByRole("link", { name: "Findings of verify" }).locator("visible=true").first().click();
    expect(page.url()).toMatch(/^file:.*findings\.html$/);
    await context.close();
  });

  test.each(Object.entries(SIZES))("the search on a %s finds a section of another page", async (_, viewport) => {
    const page = await browser.newPage({ viewport });
    await page.goto(addressOf("tutorials/ci.html"));
    await page.getByRole("searchbox").fill("dvd parts");
    await page.getByRole("search").getByRole("link").first().click();
    expect(page.url()).toMatch(/^file:.*bundles\.html/);
    await page.getByRole("searchbox").fill("no such word anywhere");
    expect(await page.getByRole("status").innerText()).toBe("Nothing found");
    await page.getByRole("searchbox").press("Escape");
    expect(await page.getByRole("status").isVisible()).toBe(false);
    await page.close();
  });
});

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

test.skipIf(!isHere)("served by any web server, the search finds a finding without leaving the site", async () => {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const file = `${SITE}dist${pathname.endsWith("/") ? `${pathname}index.html` : pathname}`;
    if (!existsSync(file)) {
      return response.writeHead(404, { "content-type": "text/html" }).end(readFileSync(`${SITE}dist/404.html`));
    }
    return response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const page = await browser.newPage();
  const strays: string[] = [];
  page.on(
    "request",
    (request) => void (request.url().startsWith(origin) || request.url().startsWith("data:") || strays.push(request.url())),
  );
  page.on("pageerror", (error) => strays.push(error.message));
  await page.goto(`${origin}/no-such-page`);
  expect(await page.locator("main h1:visible").innerText()).toBe("Page not found");
  await page.goto(`${origin}/tutorials/ci.html`);
  expect(await page.locator(".folder-bar").isVisible()).toBe(false);
  await page.locator("button.DocSearch").click();
  await page.locator(".VPLocalSearchBox input").fill("SUBJECT_DANGLING");
  await page.locator('.VPLocalSearchBox a.result[href*="findings"], .VPLocalSearchBox a.result[href*="doctor"]').first().click();
  // The address changes before the page does.
  await expect.poll(async () => await page.locator(".vp-doc").innerText()).toContain("SUBJECT_DANGLING");
  expect(page.url()).not.toContain("tutorials/ci");
  expect(strays).toEqual([]);
  await page.close();
  server.close();
});
