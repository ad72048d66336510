import { readFileSync, writeFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createServer, inspectPage } from "@ocilot/server";
import { demoLayout } from "../../packages/server/test/ui-layouts.js";
import { hasChromium, openPage, startChromium } from "./chromium.js";

const IMAGES = new URL("../../docs/images/", import.meta.url);
const MAX_BYTES = 150_000;

let browser: Browser;
const isHere = hasChromium();
beforeAll(async () => {
  if (isHere) browser = await startChromium();
});
afterAll(async () => await browser?.close());

describe.skipIf(!isHere)("the screenshots of docs/serve.md (OCILOT_SCREENSHOTS=1 writes them)", () => {
  test.each([
    { file: "page-light.png", colorScheme: "light", width: 1100, height: 860, view: "repository" },
    { file: "page-dark.png", colorScheme: "dark", width: 1100, height: 860, view: "image" },
    { file: "page-phone.png", colorScheme: "light", width: 390, height: 844, view: "tree" },
  ] as const)("$file", async ({ file, view, ...look }) => {
    await using server = await createServer({ "team/app": demoLayout().layout() }, { pages: inspectPage() });
    const { page, context, errors } = await openPage(browser, `${server.url}/`, look);
    // The port is another one each time.
    await page.locator("#where").evaluate((element) => void (element.textContent = "registry.example"));
    if (view === "repository") {
      await page.fill("#search", "ssl");
      await page.waitForSelector("#results tbody tr");
    } else {
      await page.click("tbody a:has-text('1.4.0')");
      await page.waitForSelector(".card");
      if (view === "image") await page.click(".card:first-of-type > .evidence > li:nth-child(1) summary");
    }
    await page.evaluate(view === "tree" ? "scrollTo(0, document.querySelector('h2').offsetTop - 16)" : "scrollTo(0, 0)");
    const png = await page.screenshot();
    expect(png.length).toBeLessThan(MAX_BYTES);
    if (process.env["OCILOT_SCREENSHOTS"] !== undefined) writeFileSync(new URL(file, IMAGES), png);
    expect(readFileSync(new URL(file, IMAGES)).length).toBeLessThan(MAX_BYTES);
    expect(readFileSync(new URL("../serve.md", IMAGES), "utf8")).toContain(`images/${file}`);
    expect(errors).toEqual([]);
    await context.close();
  });
});
