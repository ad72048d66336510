import { readFileSync } from "node:fs";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RegistryServer, createServer, inspectPage } from "@ocilot/server";
import { fixtureLayout } from "@ocilot/testkit";
import { HOSTILE, demoLayout, hostileLayout } from "../../packages/server/test/ui-layouts.js";
import { type Look, announced, hasChromium, openPage, shownWhole, startChromium } from "./chromium.js";

const demo = demoLayout().layout();
let browser: Browser;
let server: RegistryServer;
let single: RegistryServer;

const isHere = hasChromium();
beforeAll(async () => {
  if (!isHere) return;
  browser = await startChromium();
  server = await createServer(
    { "team/app": demo, "team/base": fixtureLayout("layouts/buildkit-attestation"), hostile: hostileLayout().layout() },
    { pages: inspectPage() },
  );
  single = await createServer({ "team/app": demo }, { pages: inspectPage() });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await single?.close();
});

/** What axe finds wrong, with the elements. */
async function violations(page: Page): Promise<string[]> {
  // The page's own policy forbids scripts: axe is put in from outside, as an extension would.
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>("axe.run()");
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html.slice(0, 200)).join(" | ")}`);
}

const text = async (page: Page, selector: string): Promise<string> => (await page.locator(selector).allInnerTexts()).join("\n");

describe.skipIf(!isHere)("the page in Chromium", () => {
  test("browse from the repositories to an image and back, with the evidence as a tree", async () => {
    const { page, context, requests, errors } = await openPage(browser, `${server.url}/`);
    expect(await page.locator(".repositories a").allInnerTexts()).toEqual(["hostile", "team/app", "team/base"]);
    await page.click(".repositories a:has-text('team/app')");
    await page.waitForSelector("h1:has-text('team/app')");
    await shownWhole(page);
    expect(await page.title()).toBe("team/app · ocilot");
    expect(await page.locator("nav [aria-current=page]").innerText()).toBe("team/app");
    expect(await text(page, "table tbody tr:first-child")).toContain("2 signatures");
    await page.click("tbody a:has-text('1.4.0')");
    await page.waitForSelector(".card");
    expect(await page.locator(".card h3").allInnerTexts()).toEqual(["Image index", "linux/amd64", "linux/arm64/v8"]);
    const nested = page.locator(".card:nth-of-type(2) .evidence .evidence summary");
    expect(await nested.innerText()).toContain("notation-jws");
    await nested.click();
    expect(await text(page, ".card:nth-of-type(2) .evidence .evidence dd")).toContain("application/vnd.cncf.notary.signature");
    await page.goBack();
    await page.waitForSelector("h1:has-text('team/app')");
    expect(errors).toEqual([]);
    expect(requests.filter((url) => !url.startsWith(`${server.url}/`))).toEqual([]);
    await context.close();
  });

  test("search the packages of SBOMs; the number is announced", async () => {
    const { page, context, errors } = await openPage(browser, `${single.url}/`);
    await page.fill("#search", "ssl 3.0");
    await page.waitForSelector("#results tbody tr");
    expect(await page.locator("#results tbody tr").count()).toBe(4);
    expect(await page.locator("#status").innerText()).toBe("4 matches among 16 packages of 2 SBOMs");
    await page.fill("#search", "no such package");
    await announced(page, "0 matches");
    expect(await page.locator("#results tbody tr").count()).toBe(0);
    await page.fill("#search", "Zlib");
    await page.click("#results tbody tr:first-child a");
    await page.waitForSelector("h1:has-text('1.4.0')");
    expect(errors).toEqual([]);
    await context.close();
  });

  test("download a document, a blob and a manifest; copy a command", async () => {
    const { page, context, errors } = await openPage(browser, `${single.url}/`);
    await page.click("tbody a:has-text('1.4.0')");
    await page.click(".card:nth-of-type(2) > .evidence > li > details > summary");
    const saved = async (label: string): Promise<[string, unknown]> => {
      const [download] = await Promise.all([page.waitForEvent("download"), page.click(`.download:visible:has-text("${label}")`)]);
      return [download.suggestedFilename(), JSON.parse(readFileSync(await download.path(), "utf8"))];
    };
    expect(await saved("Download sbom")).toMatchObject(["sbom.linux-amd64.spdx.json", { spdxVersion: "SPDX-2.3" }]);
    expect(await saved("Blob")).toMatchObject([expect.stringMatching(/^[0-9a-f]{12}\.blob$/), { spdxVersion: "SPDX-2.3" }]);
    expect(await saved("Manifest")).toMatchObject([
      expect.stringMatching(/^[0-9a-f]{12}\.json$/),
      { artifactType: "application/spdx+json" },
    ]);
    await page.click(".command:has-text('oras') button");
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(`oras discover --plain-http ${single.address}/team/app:1.4.0`);
    expect(await page.locator("#status").innerText()).toBe("Copied to the clipboard");
    expect(errors).toEqual([]);
    await context.close();
  });

  test("verify on request", async () => {
    const { page, context } = await openPage(browser, `${single.url}/`);
    await page.click("text=Verify now");
    await announced(page, "Verified:");
    expect(await text(page, "section:last-of-type")).toMatch(/intact\s+\d+ manifests, .* 6 referrers/);
    await context.close();
  });

  test("with the keyboard alone: skip link, image, evidence, search; the focus is seen and never lost", async () => {
    const { page, context } = await openPage(browser, `${single.url}/`);
    const focused = async (): Promise<string> =>
      await page.evaluate<string>("(document.activeElement.textContent || document.activeElement.id).trim().slice(0, 60)");
    const tabTo = async (wanted: string, key = "Tab"): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press(key);
        const outline = await page.evaluate<string>("getComputedStyle(document.activeElement).outlineStyle");
        expect([await focused(), outline]).toEqual([expect.anything(), "solid"]);
        if ((await focused()).startsWith(wanted)) return;
      }
      throw new Error(`Tab does not reach ${wanted}`);
    };
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.activeElement.id")).toBe("main");
    await tabTo("1.4.0");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".card");
    expect(await focused()).toBe("1.4.0, latest");
    await tabTo("signature");
    expect(await page.locator("details[open]").count()).toBe(0);
    await page.keyboard.press("Space");
    expect(await page.locator("details[open]").count()).toBe(1);
    await tabTo("Download signature");
    await tabTo("Copy");
    await tabTo("← team/app", "Shift+Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#search");
    await tabTo("search");
    await page.keyboard.type("bash");
    await page.waitForSelector("#results tbody tr");
    await context.close();
  });

  test.each<Look>([
    { colorScheme: "light" },
    { colorScheme: "dark" },
    { colorScheme: "light", width: 390, height: 844 },
    { colorScheme: "dark", width: 390, height: 844 },
  ])("axe finds nothing in any view, and nothing is wider than the window: %j", async (look) => {
    const { page, context } = await openPage(browser, `${server.url}/`, look);
    const check = async (view: string): Promise<void> => {
      expect([view, await violations(page)]).toEqual([view, []]);
      expect([view, await page.evaluate("document.documentElement.scrollWidth <= innerWidth")]).toEqual([view, true]);
    };
    await check("repositories");
    await page.click(".repositories a:has-text('team/app')");
    await page.waitForSelector("h1:has-text('team/app')");
    await shownWhole(page);
    await page.fill("#search", "ssl");
    await page.waitForSelector("#results tbody tr");
    await page.click("text=Verify now");
    await announced(page, "Verified:");
    await check("repository");
    await page.click("tbody a:has-text('1.4.0')");
    await page.waitForSelector(".card");
    for (const summary of await page.locator("summary").all()) await summary.click();
    await check("image");
    await page.goto(`${server.url}/#r=hostile`);
    await page.waitForSelector("h1:has-text('hostile')");
    await shownWhole(page);
    await page.fill("#search", "hacked");
    await page.waitForSelector("#results tbody tr");
    await check("hostile");
    await page.goto(`${server.url}/#r=nobody`);
    await page.waitForSelector("h1:has-text('cannot be shown')");
    await check("error");
    await context.close();
  });

  test("a layout full of hostile names: no script runs, no element comes from it, no request leaves, nothing is hidden", async () => {
    const { page, context, requests, errors } = await openPage(browser, `${server.url}/#r=hostile`);
    const check = async (): Promise<void> => {
      expect(await page.evaluate("globalThis.hacked")).toBeUndefined();
      expect(await page.locator("main :is(script, img, iframe, object, embed, style, link, form:not([role=search]))").count()).toBe(0);
      const links = await page.locator("a").evaluateAll((all) => all.map((a) => (a as { href?: string }).href ?? ""));
      expect(links.filter((href) => !href.startsWith(`${server.url}/`))).toEqual([]);
      expect(await page.locator("main").innerText()).not.toMatch(/[\u202e\u200b\u2028\u2029]/u);
    };
    await check();
    await page.fill("#search", "hacked");
    await page.waitForSelector("#results tbody tr");
    await check();
    expect(await text(page, "#results")).toContain("<script>globalThis.hacked = 1</script>");
    const images = await page.locator("section:first-of-type tbody tr a").count();
    expect(images).toBe(HOSTILE.length);
    for (let i = 0; i < images; i++) {
      await page.locator("section:first-of-type tbody tr a").nth(i).click();
      await page.waitForSelector(".card");
      for (const summary of await page.locator("summary").all()) await summary.click();
      await check();
      await page.goBack();
      await page.waitForSelector("#search");
    }
    expect(requests.filter((url) => !url.startsWith(`${server.url}/`))).toEqual([]);
    expect(errors).toEqual([]);
    await context.close();
  });

  test("content opened by its address does not run either", async () => {
    const { page, context } = await openPage(browser, `${server.url}/#r=hostile`);
    let opened = 0;
    for await (const { digest } of (await server.layout("hostile"))!.blobs.list()) {
      const answer = await page.goto(`${server.url}/v2/hostile/manifests/${digest}`).catch(() => undefined);
      if (answer?.ok() !== true) continue;
      opened++;
      expect(await page.evaluate("globalThis.hacked")).toBeUndefined();
      expect(await page.evaluate("origin")).toBe("null");
    }
    expect(opened).toBeGreaterThan(HOSTILE.length);
    await context.close();
  });
});
