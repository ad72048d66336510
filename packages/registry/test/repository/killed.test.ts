import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE_CONFIG, IMAGE_MANIFEST, Layout } from "@ocilot/layout";
import { verifyLayout } from "@ocilot/referrers";
import { type FaultProxy, LayoutBuilder, type TestRegistry, startFaultProxy, startTestRegistry } from "@ocilot/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { pushContent } from "./push-content.js";
import { bundleWorker, runWorker, startWorker } from "./run-worker.js";

const LAYER_BYTES = 8 << 20;
const COUNT = 3;

let worker: Awaited<ReturnType<typeof bundleWorker>>;
let place: string;
let registry: TestRegistry;
let proxy: FaultProxy;
let content: LayoutBuilder;

beforeAll(async () => {
  worker = await bundleWorker();
});
afterAll(() => rmSync(worker.directory, { recursive: true, force: true }));
beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), "ocilot-killed-"));
  content = new LayoutBuilder();
  const config = content.blob("{}", IMAGE_CONFIG);
  const layers = Array.from({ length: COUNT }, () => content.blob(randomBytes(LAYER_BYTES), "application/vnd.oci.image.layer.v1.tar"));
  const image = content.document({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers }, IMAGE_MANIFEST);
  content.entry(image, { tag: "v1" }).listed(content.referrer(image));
  registry = await startTestRegistry({ quirks: { referrers: 404 } });
  proxy = await startFaultProxy(registry.host);
});
afterEach(async () => {
  await proxy.close();
  await registry.close();
  rmSync(place, { recursive: true, force: true });
});

/** Runs the work until the condition holds, and kills it then. */
async function kill(work: string, path: string, when: () => boolean): Promise<void> {
  const child = startWorker(worker.script, work, `${proxy.host}/r:v1`, path);
  const ended = once(child, "exit");
  while (child.exitCode === null && !when()) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(child.exitCode).toBeNull();
  child.kill("SIGKILL");
  await ended;
}

function partials(path: string): { name: string; size: number }[] {
  const names = readdirSync(path).filter((name) => name.startsWith(".ocilot-part-"));
  return names.map((name) => ({ name, size: statSync(join(path, name)).size }));
}

test("a pull that is killed goes on from the bytes that came, and leaves nothing behind", async () => {
  pushContent(registry, "r", content, registry.quirks);
  const path = join(place, "pulled");
  const slow = { path: /\/blobs\//, times: 1e6, fault: { kind: "slow" as const, bytesPerSecond: 4 << 20 } };
  proxy.rules.push(slow);
  const arrived = (): number => (existsSync(path) ? partials(path) : []).reduce((sum, p) => sum + p.size, 0);
  await kill("pull", path, () => arrived() > 4 << 20);
  const left = partials(path);
  expect(left.length).toBeGreaterThan(0);
  // What it is for stands in the name, and nobody takes it for content.
  for (const { name } of left) expect(name).toMatch(/^\.ocilot-part-sha256-[0-9a-f]{64}-/);
  expect((await (await Layout.open(path)).index.read()).entries).toEqual([]);
  const kept = left.reduce((sum, p) => sum + p.size, 0);

  proxy.rules.length = 0;
  // The proxy notes a broken connection when it next writes to it.
  await expect.poll(() => proxy.log.count("GET blob")).toBeGreaterThanOrEqual(COUNT);
  proxy.log.clear();
  expect((await runWorker(worker.script, "pull", `${proxy.host}/r:v1`, path)).code).toBe(0);
  const { findings } = await verifyLayout(await Layout.open(path));
  expect(findings.filter((f) => f.severity !== "info")).toEqual([]);
  expect(readdirSync(path).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  expect(proxy.log.requests.filter((r) => r.headers["range"] !== undefined).length).toBe(left.filter((p) => p.size > 0).length);
  expect(proxy.log.bytes).toBeLessThan(COUNT * LAYER_BYTES - kept + 50_000);
});

test("a push that is killed sends no blob again that has arrived, and goes on with the upload where the registry kept it", async () => {
  const path = join(place, "source");
  await content.directory(path);
  const slow = { method: "PATCH", path: /\/blobs\/uploads\//, times: 1e6, fault: { kind: "slow" as const, bytesPerSecond: 6 << 20 } };
  proxy.rules.push(slow);
  const repository = registry.repository("r");
  const held = (): number => [...repository.uploads.values()].reduce((sum, u) => sum + u.size, 0);
  await kill("push", path, () => repository.uploads.size === COUNT && held() > 4 << 20);
  expect(repository.tags.size).toBe(0);
  expect(repository.manifests.size).toBe(0);
  await expect.poll(() => proxy.log.count("PATCH upload")).toBeGreaterThanOrEqual(COUNT);
  await expect.poll(() => [...repository.uploads.values()].every((u) => u.wasCut)).toBe(true);
  const kept = held();

  proxy.rules.length = 0;
  proxy.log.clear();
  expect((await runWorker(worker.script, "push", `${proxy.host}/r:v1`, path)).code).toBe(0);
  expect(repository.tags.has("v1")).toBe(true);
  for (const [digest, { length }] of content.blobs) {
    const stored = repository.blobs.get(digest) ?? repository.manifests.get(digest)?.bytes;
    expect([digest, stored?.length]).toEqual([digest, length]);
  }
  expect(proxy.log.bytes).toBeLessThan(COUNT * LAYER_BYTES - kept + 100_000);
});
