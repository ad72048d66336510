import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readReport, renderReport } from "@ocilot/server";
import type { LayoutBuilder } from "@ocilot/testkit";
import { HOSTILE, demoLayout, hostileLayout } from "../../packages/server/test/ui-layouts.js";
import { hasChromium, openPage, startChromium } from "./chromium.js";

let browser: Browser;
let place: string;
const isHere = hasChromium();
beforeAll(async () => {
  if (!isHere) return;
  browser = await startChromium();
  place = mkdtempSync(join(tmpdir(), "ocilot-report-"));
});
afterAll(async () => {
  if (!isHere) return;
  await browser?.close();
  rmSync(place, { recursive: true, force: true });
});

/** Writes a report and returns its address. */
async function report(b: LayoutBuilder, name: string): Promise<string> {
  const file = join(place, "report.html");
  writeFileSync(file, renderReport(await readReport(b.layout(), { name, version: "1.0.0", time: new Date(0), verify: true })));
  return pathToFileURL(file).href;
}

describe.skipIf(!isHere)("a report in Chromium, from a file", () => {
  test("browse, search, save a document; no request is sent", async () => {
    const url = await report(demoLayout(), "./layout");
    const { page, context, requests, errors } = await openPage(browser, url);
    expect(await page.locator("header").innerText()).toContain("report of 1970-01-01 00:00 UTC");
    expect(await page.locator("main").innerText()).toMatch(/intact/);
    await page.fill("#search", "openssl");
    await page.waitForSelector("#results tbody tr");
    await page.click("tbody a:has-text('1.4.0')");
    await page.waitForSelector(".card");
    await page.click(".card:nth-of-type(2) > .evidence > li > details > summary");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Save sbom")]);
    expect(download.suggestedFilename()).toBe("sbom.linux-amd64.spdx.json");
    expect(JSON.parse(readFileSync(await download.path(), "utf8"))).toMatchObject({ spdxVersion: "SPDX-2.3" });
    expect(await page.locator(".command code").first().innerText()).toBe("ocilot copy ./layout:1.4.0 docker://registry.example/app:1.4.0");
    expect(requests.filter((request) => !request.startsWith("blob:"))).toEqual([url]);
    expect(errors).toEqual([]);
    await context.close();
  });

  test.each(["light", "dark"] as const)("axe finds nothing in it: %s", async (colorScheme) => {
    const { page, context } = await openPage(browser, await report(demoLayout(), "./layout"), { colorScheme });
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate<{ violations: { id: string }[] }>("axe.run()");
    expect(violations.map((v) => v.id)).toEqual([]);
    await context.close();
  });

  test("hostile names, that of the layout too: nothing runs, nothing is sent", async () => {
    for (const name of HOSTILE.slice(0, 8)) {
      const url = await report(hostileLayout(), name);
      const { page, context, requests, errors } = await openPage(browser, url);
      await page.fill("#search", "hacked");
      await page.waitForSelector("#results tbody tr");
      await page.locator("section:first-of-type tbody tr a").first().click();
      await page.waitForSelector(".card");
      for (const summary of await page.locator("summary").all()) await summary.click();
      expect(await page.evaluate("globalThis.hacked")).toBeUndefined();
      expect(await page.locator("script").count()).toBe(2);
      expect([requests, errors]).toEqual([[url], []]);
      await context.close();
    }
  });
});
