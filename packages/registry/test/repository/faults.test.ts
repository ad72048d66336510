import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IMAGE_CONFIG, IMAGE_MANIFEST, Layout, openLayout } from "@ocilot/layout";
import { type CopyResult, copyLayout, copyToArchive, verifyLayout } from "@ocilot/referrers";
import { type OpenRepositoryOptions, anonymous, fixedCredential, openRepository } from "@ocilot/registry";
import {
  type FaultProxy,
  type FaultRule,
  LayoutBuilder,
  type TestRegistry,
  startFaultProxy,
  startTestRegistry,
  startTokenServer,
} from "@ocilot/testkit";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pushContent } from "./push-content.js";

const LAYER = "application/vnd.oci.image.layer.v1.tar";
const LAYER_BYTES = 6 << 20;

/** An image of three layers, with a referrer. */
function threeLayers(): LayoutBuilder {
  const content = new LayoutBuilder();
  const config = content.blob('{"architecture":"amd64","os":"linux"}', IMAGE_CONFIG);
  const layers = Array.from({ length: 3 }, () => content.blob(randomBytes(LAYER_BYTES), LAYER));
  const image = content.document({ schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers }, IMAGE_MANIFEST);
  return content.entry(image, { tag: "v1" }).listed(content.referrer(image));
}

let place: string;
let registry: TestRegistry;
let proxy: FaultProxy;
let content: LayoutBuilder;
let total: number;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  place = mkdtempSync(join(tmpdir(), "ocilot-faults-"));
  content = threeLayers();
  total = [...content.blobs.values()].reduce((sum, b) => sum + b.length, 0);
  registry = await startTestRegistry({ quirks: { referrers: 404 } });
  proxy = await startFaultProxy(registry.host);
  open.push(registry, proxy);
});
afterEach(async () => {
  for (const o of open.splice(0)) await o.close();
  rmSync(place, { recursive: true, force: true });
});

/** Blobs and manifests of the image, but not the listing of tags and referrers. */
const BLOBS = /\/blobs\/sha256:/;
const ALL = /\/v2\/./;

interface Row {
  readonly rules: readonly FaultRule[];
  /** How many times the content may be moved at most; 1.1 unless told. */
  readonly factor?: number;
}

const CUT_NINE_TIMES: FaultRule = { path: BLOBS, times: 9, fault: { kind: "cut", after: 500_000 } };

const PULLS: Readonly<Record<string, Row>> = {
  "a socket that is cut half way, once for each blob": { rules: [{ path: BLOBS, fault: { kind: "cut" } }] },
  "one that is cut nine times": { rules: [CUT_NINE_TIMES] },
  "429 with Retry-After, for the first two answers of each address": {
    rules: [{ path: ALL, times: 2, fault: { kind: "status", status: 429, headers: { "retry-after": "0" } } }],
  },
  "500 twice for each address": { rules: [{ path: ALL, times: 2, fault: { kind: "status", status: 500 } }] },
  "503 with a date in Retry-After": {
    rules: [{ path: ALL, fault: { kind: "status", status: 503, headers: { "retry-after": new Date().toUTCString() } } }],
  },
  "one bit that is flipped in each blob, once": { rules: [{ path: BLOBS, fault: { kind: "flip" } }], factor: 2.1 },
  "no Docker-Content-Digest": { rules: [{ path: ALL, times: 1e6, fault: { kind: "headers", set: { "docker-content-digest": null } } }] },
  "no Accept-Ranges and a cut": {
    rules: [
      { path: BLOBS, fault: { kind: "cut" } },
      { path: BLOBS, times: 1e6, fault: { kind: "headers", set: { "accept-ranges": null } } },
    ],
  },
};

describe("pulled through", () => {
  test.each(Object.entries(PULLS))("%s: done, and nothing moved in vain", async (_, { rules, factor = 1.1 }) => {
    pushContent(registry, "r", content, registry.quirks);
    proxy.rules.push(...rules);
    const target = await pull(proxy.host);
    expect(proxy.faults()).toBeGreaterThan(0);
    await expectWhole(target);
    expect(proxy.log.bytes).toBeLessThanOrEqual(total * factor + 20_000);
  });

  test.each([
    ["one flipped bit in each blob", [{ path: BLOBS, fault: { kind: "flip" } }], 2.1],
    ["cuts", [CUT_NINE_TIMES], 1.1],
  ] as const)("%s, into an archive and into another repository: whole", async (_, rules, factor) => {
    pushContent(registry, "r", content, registry.quirks);
    proxy.rules.push(...rules);
    const file = join(place, "out.tar");
    const source = await openRepository(`${proxy.host}/r:v1`, QUICK);
    await copyToArchive(source, file, { reference: "v1", sync: false }).finally(async () => await source.close());
    const archive = await openLayout(file);
    expect((await verifyLayout(archive)).findings.filter((f) => f.severity !== "info")).toEqual([]);
    await archive.close();
    expect(proxy.faults()).toBeGreaterThan(2);
    expect(proxy.log.bytes).toBeLessThanOrEqual(total * factor + 20_000);

    const other = await startTestRegistry();
    open.push(other);
    // The proxy counts by address, so it does harm again under another name.
    pushContent(registry, "again", content, registry.quirks);
    const again = await openRepository(`${proxy.host}/again:v1`, QUICK);
    const target = await openRepository(`${other.host}/copied:v1`, QUICK);
    await copyLayout(again, target, { reference: "v1" });
    await again.close();
    await target.close();
    for (const [digest, { length }] of content.blobs) {
      const stored = other.repository("copied").blobs.get(digest) ?? other.repository("copied").manifests.get(digest)?.bytes;
      expect([digest, stored?.length]).toEqual([digest, length]);
    }
  });

  test("a redirect of blobs to another host: followed without the credential", async () => {
    const elsewhere = await startTestRegistry();
    open.push(elsewhere);
    pushContent(registry, "r", content, registry.quirks);
    pushContent(elsewhere, "r", content);
    registry.quirks.authorize = (request) => (request.headers.authorization === undefined ? 'Basic realm="x"' : undefined);
    proxy.rules.push({ path: BLOBS, times: 1e6, fault: { kind: "redirect", to: elsewhere.url } });
    await expectWhole(await pull(proxy.host, ME));
    expect(elsewhere.log.size).toBeGreaterThan(0);
    for (const { headers } of elsewhere.log.requests) expect(headers).not.toHaveProperty("authorization");
  });

  test("a token that ends while blobs are on their way: renewed", async () => {
    const tokens = await startTokenServer({ users: { me: "secret" }, uses: 3 });
    open.push(tokens);
    registry.quirks.authorize = tokens.authorize;
    pushContent(registry, "r", content, registry.quirks);
    proxy.rules.push({ path: BLOBS, fault: { kind: "cut" } });
    await expectWhole(await pull(proxy.host, ME));
    expect(tokens.asked.length).toBeGreaterThan(2);
  });

  test("a wrong Docker-Content-Digest of a manifest: refused, and nothing recorded", async () => {
    registry.quirks.contentDigest = "wrong";
    pushContent(registry, "r", content, registry.quirks);
    await expect(pull(proxy.host)).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
  });
});

const UPLOAD = /\/blobs\/uploads\//;
/** The request that brings a large blob, and the empty one that ends it. */
const CONTENT = { method: "PATCH", path: UPLOAD } as const;
const END = { method: "PUT", path: UPLOAD } as const;
const NO_TIME = { "retry-after": "0" } as const;
/** What arrived before a reset, where the registry throws it away. */
const LOST = (times: number, bytes: number): number => 1.1 + (times * bytes) / (3 * LAYER_BYTES);

interface PushRow extends Row {
  /** As `factor`, where the registry throws away what was cut, as docker-registry does; `factor` unless told. */
  readonly forgetful?: number;
}

const PUSHES: Readonly<Record<string, PushRow>> = {
  "500 at the end of each upload": { rules: [{ ...END, fault: { kind: "status", status: 500, afterBody: true } }] },
  "one upload of which the content was swallowed and answered with 500": {
    rules: [{ ...CONTENT, total: 1, fault: { kind: "status", status: 500, afterBody: true } }],
    // It did not reach the registry, so it has to be sent again.
    factor: LOST(1, LAYER_BYTES),
  },
  "one connection that is reset in the middle of an upload": {
    rules: [{ ...CONTENT, total: 1, fault: { kind: "reset", after: 4 << 20 } }],
    forgetful: LOST(1, 4 << 20),
  },
  "three resets in a row": {
    rules: [{ ...CONTENT, total: 3, fault: { kind: "reset", after: 1 << 20 } }],
    forgetful: LOST(3, 1 << 20),
  },
  "five resets among the uploads": {
    rules: [{ ...CONTENT, total: 5, fault: { kind: "reset", after: 2 << 20 } }],
    forgetful: LOST(5, 2 << 20),
  },
  "a reset at the end of each upload": { rules: [{ ...END, fault: { kind: "reset", after: 0 } }] },
  "429 with Retry-After, for the first two answers of each address": {
    rules: [{ path: ALL, times: 2, fault: { kind: "status", status: 429, headers: NO_TIME } }],
  },
  "500 twice for each address": { rules: [{ path: ALL, times: 2, fault: { kind: "status", status: 500 } }] },
  "503 while uploads begin": { rules: [{ method: "POST", path: UPLOAD, times: 3, fault: { kind: "status", status: 503 } }] },
};

describe("pushed through", () => {
  test.each(Object.entries(PUSHES).flatMap(([name, row]) => [true, false].map((forgets) => [name, forgets, row] as const)))(
    "%s, to a registry that forgets what was cut (%s): done, and little is sent twice",
    async (_, forgets, { rules, factor = 1.1, forgetful = factor }) => {
      registry.quirks.forgetsCutUploads = forgets;
      const source = await content.directory(join(place, "source"));
      proxy.rules.push(...rules);
      await push(source, proxy.host);
      expect(proxy.faults()).toBeGreaterThan(0);
      expectPushed();
      expect(proxy.log.bytes).toBeLessThanOrEqual(total * (forgets ? forgetful : factor) + 50_000);
    },
  );

  test("a token that ends before the end of each upload: renewed, and nothing is sent twice", async () => {
    const tokens = await startTokenServer({ users: { me: "secret" } });
    open.push(tokens);
    const ended = new Set<string>();
    registry.quirks.authorize = (request, scope) => {
      const digest = request.method === "PUT" ? /digest=([^&]+)/.exec(request.url ?? "")?.[1] : undefined;
      if (digest !== undefined && !ended.has(digest)) {
        ended.add(digest);
        tokens.revokeAll();
      }
      return tokens.authorize(request, scope);
    };
    await push(await content.directory(join(place, "source")), proxy.host);
    expectPushed();
    expect(ended.size).toBeGreaterThan(3);
    expect(proxy.log.bytes).toBeLessThanOrEqual(total * 1.1);
  });

  test.each([
    ["no chunks", { noChunks: true }],
    ["a limit for the body of the PUT", { maxPut: 2 << 20, maxPatch: 4 << 20 }],
    ["a Range that stays", { maxPut: 2 << 20, staleRange: true, patchCreated: true }],
    ["202 for repeated puts and a relative Location", { repeatedPut202: true, relativeLocation: true }],
    [
      "an allow-list with the types in use",
      { allowedArtifactTypes: ["application/vnd.oci.image.config.v1+json", "application/vnd.example.sbom"] },
    ],
  ])("a registry with %s: done", async (_, quirks) => {
    Object.assign(registry.quirks, quirks);
    await push(await content.directory(join(place, "source")), registry.host);
    expectPushed();
  });

  test("a registry that refuses the referrer's type (GitLab): the image is copied, and the referrer named", async () => {
    Object.assign(registry.quirks, { allowedArtifactTypes: ["application/vnd.oci.image.config.v1+json"] });
    const source = await content.directory(join(place, "source"));
    const result = await push(source, registry.host);
    expect(result.refused).toEqual([
      {
        edge: expect.objectContaining({ artifactType: "application/vnd.example.sbom" }),
        reason: expect.stringContaining("unknown media type"),
      },
    ]);
    expect(result.referrers).toBe(0);
    const { tags, manifests } = registry.repository("r");
    expect([...tags.keys()]).toEqual(["v1"]);
    expect(manifests.has(result.refused[0]!.edge.referrer.digest)).toBe(false);
    // The rest can be pulled, and is whole.
    await pull(registry.host);
  });

  test.each([400, 405, 413])(
    "a registry that refuses a referrer of more than 64 KiB with %i: named, not counted as present, and the rest is copied",
    async (status) => {
      const [root] = content.entries;
      const large = content.referrer(root as never, { annotations: { long: "x".repeat(100_000) } });
      content.listed(large);
      proxy.rules.push({ method: "PUT", path: new RegExp(`manifests/${large.digest}`), times: 99, fault: { kind: "status", status } });
      const source = await content.directory(join(place, "source"));
      const result = await push(source, proxy.host);
      expect(result.refused).toEqual([
        {
          edge: expect.objectContaining({ referrer: expect.objectContaining({ digest: large.digest }) }),
          reason: expect.stringContaining(`${status}`),
        },
      ]);
      expect(result).toMatchObject({ referrers: 1, present: 0 });
      const { tags, manifests } = registry.repository("r");
      expect([tags.has("v1"), manifests.has(large.digest)]).toEqual([true, false]);
    },
  );

  test("a registry that refuses the image itself: an error, and no tag", async () => {
    Object.assign(registry.quirks, { allowedArtifactTypes: ["application/vnd.example.sbom"] });
    const source = await content.directory(join(place, "source"));
    await expect(push(source, registry.host)).rejects.toMatchObject({
      code: "REGISTRY_REFUSED",
      message: expect.stringContaining("unknown media type"),
    });
    expect(registry.repository("r").tags.size).toBe(0);
  });

  test("a registry that shows a fresh referrer late: waits for it, and does not wait for ever", async () => {
    registry.quirks.referrers = "api";
    registry.quirks.losesReferrerEvery = 1;
    const target = await openRepository(`${registry.host}/r:v1`, { ...QUICK, record: { delays: [1], apiLimit: 300 } });
    const failed = copyLayout(await content.directory(join(place, "source")), target, { reference: "v1" });
    await expect(failed).rejects.toMatchObject({ code: "RESPONSE_INVALID", message: expect.stringContaining("does not list") });
    expect(registry.repository("r").tags.size).toBe(0);
    await target.close();
  });
});

const QUICK: OpenRepositoryOptions = { credentials: anonymous, env: {}, retryDelay: 2, record: { delays: [1, 1] } };
const ME: OpenRepositoryOptions = { credentials: fixedCredential({ kind: "password", username: "me", password: "secret" }) };

async function pull(host: string, options: OpenRepositoryOptions = {}): Promise<Layout> {
  const source = await openRepository(`${host}/r:v1`, { ...QUICK, ...options });
  const target = await Layout.create(join(place, "pulled"), { sync: false });
  await copyLayout(source, target, { reference: "v1" }).finally(async () => await source.close());
  return target;
}

async function push(source: Layout, host: string): Promise<CopyResult> {
  const target = await openRepository(`${host}/r:v1`, { ...QUICK, ...ME });
  return await copyLayout(source, target, { reference: "v1" }).finally(async () => await target.close());
}

async function expectWhole(target: Layout): Promise<void> {
  const { findings, checked } = await verifyLayout(target);
  expect(findings.filter((f) => f.severity !== "info")).toEqual([]);
  expect(checked).toMatchObject({ referrers: 1 });
  expect(readdirSync(join(place, "pulled")).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
}

function expectPushed(): void {
  const repository = registry.repository("r");
  expect(repository.tags.has("v1")).toBe(true);
  expect(repository.tags.size).toBe(2);
  for (const [digest, { length }] of content.blobs) {
    const stored = repository.blobs.get(digest) ?? repository.manifests.get(digest)?.bytes;
    expect([digest, stored?.length]).toEqual([digest, length]);
  }
}
