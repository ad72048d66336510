import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { IMAGE_MANIFEST } from "@ocilot/layout/spec";
import { type RegistrySessionOptions, bytesSource, fixedCredential } from "@ocilot/registry";
import { type FaultRule, startFaultProxy, startTestRegistry, startTokenServer } from "@ocilot/testkit";
import { clientOf, collect, content, describeBytes, manifest, open, serve } from "../support.js";

const MB = 1024 * 1024;
const SIZE = 4 * MB;

/** A registry with one blob behind a proxy that does harm. */
async function harmed(rules: readonly FaultRule[], options: RegistrySessionOptions = {}) {
  const registry = await open(startTestRegistry());
  const proxy = await open(startFaultProxy(registry.host, rules));
  const { bytes, d } = content(SIZE);
  return { registry, proxy, bytes, d, ...clientOf(`${proxy.host}/r`, options) };
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ocilot-download-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const WAYS = ["stream", "bytes", "file"] as const;
/** A fault on the way down, how many times the size of the blob may be moved, and the ways that get over it. */
const PULLS: readonly (readonly [string, readonly FaultRule[], number, readonly (typeof WAYS)[number][]])[] = [
  ["one cut half way", [{ path: /blobs/, fault: { kind: "cut" } }], 1.1, WAYS],
  ["a cut each time, nine times", [{ path: /blobs/, times: 9, fault: { kind: "cut", after: 400_000 } }], 1.1, WAYS],
  [
    "429 with Retry-After, twice",
    [{ path: /./, times: 2, fault: { kind: "status", status: 429, headers: { "retry-after": "0" } } }],
    1.1,
    WAYS,
  ],
  ["429 with Retry-After: 1", [{ path: /./, fault: { kind: "status", status: 429, headers: { "retry-after": "1" } } }], 1.1, WAYS],
  ["500 twice", [{ path: /./, times: 2, fault: { kind: "status", status: 500 } }], 1.1, WAYS],
  // A stream has given the flipped bit away before it can know.
  ["one flipped bit", [{ path: /blobs/, fault: { kind: "flip" } }], 2.1, ["bytes", "file"]],
  [
    "no Docker-Content-Digest",
    [{ path: /blobs/, times: 99, fault: { kind: "headers", set: { "docker-content-digest": null } } }],
    1.1,
    WAYS,
  ],
  [
    "a wrong Docker-Content-Digest",
    [{ path: /blobs/, times: 99, fault: { kind: "headers", set: { "docker-content-digest": `sha256:${"0".repeat(64)}` } } }],
    1.1,
    WAYS,
  ],
  ["a stalled body", [{ path: /blobs/, fault: { kind: "stall", after: 1_000_000 } }], 1.3, WAYS],
  [
    "cuts among 503",
    [
      { path: /blobs/, total: 2, times: 2, fault: { kind: "cut", after: 1_000_000 } },
      { path: /blobs/, total: 2, times: 2, fault: { kind: "status", status: 503 } },
    ],
    1.1,
    WAYS,
  ],
];

test.each(PULLS.flatMap(([name, rules, moved, ways]) => ways.map((way) => [way, name, rules, moved] as const)))(
  "a pull as %s gets over %s",
  async (way, _, rules, moved) => {
    const { registry, proxy, bytes, d, client } = await harmed(rules, { idleTimeout: 1500 });
    registry.repository("r").putBlob(bytes);
    if (way === "stream") expect((await collect(client.getBlob(d))).equals(bytes)).toBe(true);
    else if (way === "bytes") expect(Buffer.from(await client.getBlobBytes(d)).equals(bytes)).toBe(true);
    else {
      const file = join(folder(), "blob");
      let told = 0;
      await client.downloadBlob(d, file, { onBytes: (n) => (told += n) });
      expect(readFileSync(file).equals(bytes)).toBe(true);
      expect(told).toBe(SIZE);
    }
    expect(proxy.faults()).toBeGreaterThan(0);
    expect(proxy.log.requests.reduce((sum, { bytesOut }) => sum + bytesOut, 0)).toBeLessThan(moved * SIZE);
  },
);

describe("a pull", () => {
  test("as a stream ends with an error at a flipped bit", async () => {
    const { registry, bytes, d, client } = await harmed([{ path: /blobs/, fault: { kind: "flip" } }]);
    registry.repository("r").putBlob(bytes);
    await expect(collect(client.getBlob(d))).rejects.toMatchObject({ code: "BLOB_CORRUPT", details: { digest: d.digest } });
  });

  test("of a blob that is damaged in the registry fails after two tries, and leaves an empty file", async () => {
    const { registry, proxy, d, client } = await harmed([]);
    registry.repository("r").blobs.set(d.digest, Buffer.alloc(SIZE, 1));
    const file = join(folder(), "blob");
    await expect(client.downloadBlob(d, file)).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    await expect(client.getBlobBytes(d)).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    expect([proxy.log.count("GET blob"), statSync(file).size]).toEqual([4, 0]);
  });

  test("without progress ends after the retries, and says how many", async () => {
    const { registry, bytes, d, client, seen } = await harmed([{ path: /blobs/, times: 99, fault: { kind: "cut", after: 10 } }], {
      retries: 3,
    });
    registry.repository("r").putBlob(bytes);
    await expect(collect(client.getBlob(d))).rejects.toMatchObject({ code: "NETWORK_ERROR", details: { attempts: 4 } });
    expect(seen).toHaveLength(4);
  });

  test("goes on with what an earlier process left in the file", async () => {
    const { registry, proxy, bytes, d, client } = await harmed([]);
    registry.repository("r").putBlob(bytes);
    const file = join(folder(), "blob");
    writeFileSync(file, bytes.subarray(0, 3 * MB));
    await client.downloadBlob(d, file, { sync: true });
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(proxy.log.requests.map(({ headers, bytesOut }) => [headers["range"], bytesOut])).toEqual([[`bytes=${3 * MB}-`, MB]]);
    await client.downloadBlob(d, file);
    expect(proxy.log.size).toBe(1);
  });

  test.each([
    ["other bytes", Buffer.alloc(MB, 7)],
    ["too many bytes", Buffer.alloc(SIZE + 1, 7)],
    ["as many bytes, and others", Buffer.alloc(SIZE, 7)],
  ])("starts over where the file holds %s", async (_, left) => {
    const { registry, bytes, d, client } = await harmed([]);
    registry.repository("r").putBlob(bytes);
    const file = join(folder(), "blob");
    writeFileSync(file, left);
    let told = 0;
    await client.downloadBlob(d, file, { onBytes: (n) => (told += n) });
    expect([readFileSync(file).equals(bytes), told]).toEqual([true, SIZE]);
  });

  test("reads past what it has where a registry ignores Range", async () => {
    const { registry, bytes, d, client } = await harmed([{ path: /blobs/, fault: { kind: "cut" } }]);
    registry.quirks.noRanges = true;
    registry.repository("r").putBlob(bytes);
    expect((await collect(client.getBlob(d))).equals(bytes)).toBe(true);
  });

  test("into a file that cannot be written is an error of that file", async () => {
    const { registry, bytes, d, client } = await harmed([]);
    registry.repository("r").putBlob(bytes);
    await expect(client.downloadBlob(d, join(folder(), "absent", "blob"))).rejects.toMatchObject({
      code: "IO_ERROR",
      details: { errno: "ENOENT" },
    });
  });

  test("of a manifest starts over: a cut, a flipped bit, a reset", async () => {
    const { registry, proxy, client } = await harmed([{ path: /manifests/, fault: { kind: "cut", after: 20 } }]);
    const image = manifest({ annotations: { long: "x".repeat(1000) } });
    registry.repository("r").putManifest(image, IMAGE_MANIFEST);
    const { digest } = describeBytes(image);
    expect((await client.getManifest(digest)).descriptor.digest).toBe(digest);
    proxy.rules.push({ path: /manifests/, fault: { kind: "flip" } });
    expect((await client.getManifest(digest)).descriptor.digest).toBe(digest);
  });

  test("follows a redirect to another host without the credentials", async () => {
    const registry = await open(startTestRegistry());
    const { bytes, d } = content(1000);
    registry.repository("r").putBlob(bytes);
    const front = await serve((request, response) => {
      if (request.headers.authorization === undefined) return response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      return response.writeHead(307, { location: `http://localhost:${registry.host.split(":")[1]}${request.url}` }).end();
    });
    const credentials = fixedCredential({ kind: "password", username: "u", password: "p" });
    const { client } = clientOf(`${front}/r`, { credentials });
    expect((await collect(client.getBlob(d))).equals(bytes)).toBe(true);
    expect(registry.log.requests.map(({ headers }) => headers["authorization"])).toEqual([undefined]);
  });
});

describe("a push gets there", () => {
  test.each<[string, readonly FaultRule[]]>([
    ["one 500 after the body", [{ method: "PUT", path: /uploads/, total: 1, fault: { kind: "status", status: 500, afterBody: true } }]],
    ["one reset", [{ method: "PUT", path: /uploads/, total: 1, fault: { kind: "reset", after: 3 * MB } }]],
    ["three resets in a row", [{ path: /uploads.*digest/, times: 3, total: 3, fault: { kind: "reset", after: MB } }]],
    [
      "429 with Retry-After, twice for each address",
      [{ path: /./, times: 2, fault: { kind: "status", status: 429, headers: { "retry-after": "0" } } }],
    ],
    ["503 at the POST", [{ method: "POST", path: /uploads/, times: 3, fault: { kind: "status", status: 503 } }]],
    [
      "408, then a reset",
      [
        { method: "PUT", path: /uploads/, total: 1, fault: { kind: "status", status: 408 } },
        { method: "PUT", path: /uploads/, total: 1, fault: { kind: "reset", after: MB } },
      ],
    ],
    [
      "a reset in a chunk",
      [
        { method: "PUT", path: /uploads/, total: 1, fault: { kind: "status", status: 413 } },
        { method: "PATCH", path: /uploads/, total: 2, fault: { kind: "reset", after: MB } },
      ],
    ],
  ])("over %s", async (_, rules) => {
    for (const forgetsCutUploads of [true, false]) {
      const { registry, proxy, bytes, d, client } = await harmed(rules);
      registry.quirks.forgetsCutUploads = forgetsCutUploads;
      registry.quirks.relativeLocation = true;
      let told = 0;
      await client.pushBlob(d, bytesSource(bytes), { onBytes: (n) => (told += n) });
      expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
      expect([told, proxy.faults() > 0]).toEqual([SIZE, true]);
    }
  });

  test.each([
    ["PUT", MB, []],
    ["empty PUT after a PATCH", SIZE, [["PATCH", 202]]],
  ])("when the answer to the %s was lost: nothing is sent twice", async (_, size, patches) => {
    const { bytes, d } = content(size);
    const host = await serve((request, response) => {
      request.resume();
      request.on("end", () => {
        if (request.method === "POST") return response.writeHead(202, { location: "/v2/r/blobs/uploads/1" }).end();
        if (request.method === "PATCH") return response.writeHead(202).end();
        if (request.method === "HEAD") return response.writeHead(200, { "content-length": size }).end();
        return request.socket.destroy();
      });
    });
    const { client: other, seen } = clientOf(`${host}/r`);
    await other.pushBlob(d, bytesSource(bytes));
    expect(seen.map(({ method, status }) => [method, status])).toEqual([["POST", 202], ...patches, ["PUT", 0], ["HEAD", 200]]);
  });

  test("where no answer comes to the whole in time: in chunks", async () => {
    let held = 0;
    const host = await serve((request, response) => {
      if (request.method === "PUT" && Number(request.headers["content-length"]) > 0) return void request.resume();
      if (request.method === "GET") return void response.writeHead(404).end();
      if (request.method === "HEAD") return void response.writeHead(404).end();
      request.on("data", (chunk: Buffer) => (held += chunk.length));
      return void request.on("end", () =>
        response.writeHead(request.method === "PUT" ? 201 : 202, { location: "/v2/r/blobs/uploads/1" }).end(),
      );
    });
    const { bytes, d } = content(SIZE);
    await clientOf(`${host}/r`, { headersTimeout: 1000 }).client.pushBlob(d, bytesSource(bytes));
    expect(held).toBe(SIZE);
  });

  test("over a token that ends between the POST and the PUT", async () => {
    const tokens = await open(startTokenServer({ users: { me: "pw" } }));
    const registry = await open(
      startTestRegistry({
        quirks: {
          authorize: (request, scope) => {
            if (request.method === "PUT" && !hasEnded) {
              hasEnded = true;
              tokens.revokeAll();
            }
            return tokens.authorize(request, scope);
          },
        },
      }),
    );
    let hasEnded = false;
    const { bytes, d } = content(SIZE);
    const { client, seen } = clientOf(`${registry.host}/r`, {
      credentials: fixedCredential({ kind: "password", username: "me", password: "pw" }),
    });
    let told = 0;
    await client.pushBlob(d, bytesSource(bytes), { onBytes: (n) => (told += n) });
    expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
    expect(told).toBe(SIZE);
    expect(seen.filter(({ method }) => method === "POST")).toHaveLength(2);
  });

  test("where every connection breaks after 3.5 MiB and nothing is kept: in chunks", async () => {
    const { registry, bytes, d, client } = await harmed([{ path: /uploads/, times: 99, fault: { kind: "reset", after: 3.5 * MB } }]);
    registry.quirks.forgetsCutUploads = true;
    await client.pushBlob(d, bytesSource(bytes));
    expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
  });

  test("or ends, where a registry takes a chunk and loses the session again and again", async () => {
    let requests = 0;
    const host = await serve((request, response) => {
      requests++;
      const isFirst = request.headers["content-range"]?.startsWith("0-") === true;
      const isTaken = request.method === "POST" || isFirst;
      request.resume();
      request.on("end", () =>
        response
          .writeHead(isTaken ? 202 : request.method === "PATCH" ? 500 : 404, {
            location: "/v2/r/blobs/uploads/1",
            "oci-chunk-min-length": MB,
          })
          .end(),
      );
    });
    const { bytes, d } = content(17 * MB);
    await expect(clientOf(`${host}/r`, { retries: 3 }).client.pushBlob(d, bytesSource(bytes))).rejects.toMatchObject({
      code: "REGISTRY_REFUSED",
    });
    expect(requests).toBeLessThan(60);
  });

  test("or ends with the registry's last word, and in bounded time", async () => {
    const { bytes, d, client, proxy } = await harmed(
      [{ method: "PUT", path: /uploads/, times: 99, fault: { kind: "status", status: 500 } }],
      { retries: 2 },
    );
    await expect(client.pushBlob(d, bytesSource(bytes))).rejects.toMatchObject({ code: "REGISTRY_REFUSED", details: { status: 500 } });
    proxy.rules[0] = { path: /uploads/, times: 99, fault: { kind: "status", status: 404 } };
    await expect(client.pushBlob(d, bytesSource(bytes))).rejects.toMatchObject({ code: "REGISTRY_REFUSED", details: { status: 404 } });
    proxy.rules[0] = { method: "PUT", path: /uploads/, times: 99, fault: { kind: "status", status: 404 } };
    await expect(client.pushBlob(d, bytesSource(bytes))).rejects.toMatchObject({ code: "REGISTRY_REFUSED", details: { status: 404 } });
    expect(proxy.log.size).toBeLessThan(40);
  });

  test("content that is not what its digest says is refused by the registry, and that is told", async () => {
    const { d, client } = await harmed([]);
    await expect(client.pushBlob(d, bytesSource(Buffer.alloc(SIZE)))).rejects.toMatchObject({
      details: { registryCode: "DIGEST_INVALID" },
    });
  });
});

test("a Retry-After longer than the limit fails at once and says so", async () => {
  const { d, client, seen } = await harmed([
    { path: /./, times: 9, fault: { kind: "status", status: 429, headers: { "retry-after": "61" } } },
  ]);
  await expect(client.getBlobBytes(d)).rejects.toMatchObject({
    code: "REGISTRY_REFUSED",
    details: { status: 429 },
    hint: expect.stringContaining("61 s"),
  });
  await expect(collect(client.getBlob(d))).rejects.toMatchObject({ hint: expect.stringContaining("61 s") });
  await expect(client.pushBlob(d, bytesSource(Buffer.alloc(SIZE)))).rejects.toMatchObject({ hint: expect.stringContaining("61 s") });
  expect(seen).toHaveLength(3);
});

test("a registry that nobody listens at is refused quickly; an unknown name is not looked up twice", async () => {
  const { client, seen } = clientOf("127.0.0.1:1/r");
  await expect(client.ping()).rejects.toMatchObject({ code: "NETWORK_ERROR", details: { errno: "ECONNREFUSED", attempts: 3 } });
  expect(seen).toHaveLength(3);
});
