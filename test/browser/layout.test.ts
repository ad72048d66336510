import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { build } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Layout } from "@ocilot/layout";
import { listReferrers } from "@ocilot/referrers";
import { hasChromium, startChromium } from "./chromium.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const FIXTURES = ["oras", "regclient", "olareg", "cosign-tags", "notation"];
const isHere = hasChromium();

let directory: string;
let script: string;
const tar = (name: string): string => join(directory, `${name}.tar`);

/** Bundles the page as an author would, from the built packages, with no polyfill. */
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ocilot-page-"));
  const { output } = await build({
    input: join(root, "test/browser/layout-page.ts"),
    platform: "browser",
    write: false,
    output: { format: "esm", codeSplitting: false },
    onLog: (level, log) => {
      if (level === "warn") throw new Error(log.message);
    },
  });
  script = output[0].code;
  for (const name of FIXTURES) execFileSync("tar", ["-cf", tar(name), "-C", join(root, "fixtures/layouts", name), "."]);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What the page should show: the same as the packages say on Node. */
async function expected(name: string): Promise<string> {
  const layout = await Layout.open(join(root, "fixtures/layouts", name));
  const lines: string[] = [];
  for (const { descriptor, tag } of (await layout.index.read()).entries) {
    for await (const { descriptor: found, evidence } of listReferrers(layout, descriptor.digest)) {
      lines.push([tag ?? "-", found.digest, found.artifactType, ...new Set(evidence.map((e) => e.convention))].join(" "));
    }
  }
  return lines.join("\n");
}

test("the packages bundle for a browser without a module of Node", () => {
  expect(script).not.toMatch(/from\s*["'](?:node:)?(?:fs|path|crypto|stream|buffer|zlib|os|util)["']|require\(["']node:/);
});

describe.skipIf(!isHere)("a layout in a page in Chromium", () => {
  let browser: Browser;
  let page: Page;
  let origin: string;
  const server = createServer((request, response) => {
    const name = request.url!.slice(1);
    if (name === "")
      return response
        .setHeader("content-type", "text/html")
        .end(`<input type=file><output></output><script type=module src=page.js></script>`);
    if (name === "page.js") return response.setHeader("content-type", "text/javascript").end(script);
    if (name === "favicon.ico") return response.writeHead(404).end();
    return response.end(
      name.endsWith(".gz") ? gzipSync(readFileSync(join(directory, name.slice(0, -3)))) : readFileSync(join(directory, name)),
    );
  });
  const call = async (expression: string): Promise<string> => await page.evaluate<string>(expression);

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await startChromium();
    page = await browser.newPage();
    await page.goto(`${origin}/`);
    await page.waitForFunction("'fetched' in globalThis");
  });
  afterAll(async () => {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test.each(FIXTURES)("a picked tar of %s shows its referrers", async (name) => {
    await page.setInputFiles("input", tar(name));
    await page.waitForFunction("document.querySelector('output').textContent !== ''");
    expect(await page.textContent("output")).toBe(await expected(name));
    expect(await expected(name)).toContain("sha256:");
  });

  test("a fetched tar, plain and gzipped", async () => {
    expect(await call(`fetched("oras.tar")`)).toBe(await expected("oras"));
    expect(await call(`fetched("oras.tar.gz")`)).toBe(await expected("oras"));
  });

  test("a layout in memory is written, converted and read", async () => {
    expect(await call("inMemory()")).toMatch(/^v1 sha256:[0-9a-f]{64} application\/spdx\+json .*oras/);
  });

  test("what is no tar, and a tar cut short, is an OcilotError", async () => {
    expect(await call(`fetched("page.js")`)).toMatch(/^NOT_A_LAYOUT: /);
    const cut = readFileSync(tar("oras")).subarray(0, 2000);
    await page.setInputFiles("input", { name: "cut.tar", mimeType: "application/x-tar", buffer: cut });
    await page.waitForFunction("document.querySelector('output').textContent !== ''");
    expect(await page.textContent("output")).toMatch(/^ARCHIVE_INVALID: cut\.tar: /);
  });
});
