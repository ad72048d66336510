import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasChromium, startChromium } from "./chromium.js";

const SITE = fileURLToPath(new URL("../../site/", import.meta.url));
/** Three kinds of pages: the tour, a tutorial, a reference page with wide tables. */
const PAGES = ["index.html", "tutorials/air-gap.html", "findings.html"];
const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

const isHere = hasChromium();
let browser: Browser;
beforeAll(async () => {
  if (!isHere) return;
  if (!existsSync(`${SITE}dist/index.html`)) execFileSync(process.execPath, [`${SITE}build.mjs`], { stdio: "inherit" });
  browser = await startChromium();
});
afterAll(async () => await browser?.close());

/** From a folder, without a server: scripts of a page are not loaded, the page itself is whole. */
const addressOf = (page: string): string => pathToFileURL(`${SITE}dist/${page}`).href;

describe.skipIf(!isHere).each(PAGES)("%s, read from a folder", (name) => {
  test.each(Object.entries(SIZES))("is whole on a %s, sends no request, and axe finds nothing", async (_, viewport) => {
    const context = await browser.newContext({ viewport });
    const page = await context.newPage();
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(addressOf(name));
    expect(requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"))).toEqual([]);
    expect((await page.locator("h1").first().innerText()).length).toBeGreaterThan(3);
    expect(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")).toBe(0);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>("axe.run()");
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html.slice(0, 160)).join(" | ")}`)).toEqual([]);
    await context.close();
  });

  test("its links lead to pages of the folder", async () => {
    const page = await browser.newPage();
    await page.goto(addressOf(name));
    await page.locator('.VPSidebar a[href$=".html"]').first().click();
    expect(page.url()).toMatch(/^file:.*\.html/);
    expect(await page.locator("h1").count()).toBe(1);
    await page.close();
  });
});

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

test.skipIf(!isHere)("served by any web server, the search finds a finding without leaving the site", async () => {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const file = `${SITE}dist${pathname.endsWith("/") ? `${pathname}index.html` : pathname}`;
    if (!existsSync(file)) return response.writeHead(404).end();
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
  await page.goto(`${origin}/tutorials/ci.html`);
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
