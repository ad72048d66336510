import { describe, expect, test } from "vitest";
import { IMAGE_MANIFEST } from "@ocilot/layout/spec";
import { bytesSource } from "@ocilot/registry";
import { type RegistryQuirks, basicAuthorize, startFaultProxy, startTestRegistry, startTokenServer } from "@ocilot/testkit";
import { fixedCredential } from "@ocilot/registry";
import { Agent, type Dispatcher } from "undici";
import { hasStaleRange } from "../../src/client/stale-range.js";
import { clientOf, content, describeBytes, manifest, open, serve } from "../support.js";

const MB = 1024 * 1024;

/** Sends every request to one server, whatever its address says. */
class Detour extends Agent {
  readonly #host: string;

  constructor(host: string) {
    super();
    this.#host = host;
  }

  override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return super.dispatch({ ...options, origin: `http://${this.#host}` }, handler);
  }
}
const subject = describeBytes(manifest());

/** A registry with quirks, and the client of a repository there. */
async function quirky(
  quirks: RegistryQuirks,
): Promise<{ registry: Awaited<ReturnType<typeof startTestRegistry>> } & ReturnType<typeof clientOf>> {
  const registry = await open(startTestRegistry({ quirks }));
  return { registry, ...clientOf(`${registry.host}/r`) };
}

async function pushes(quirks: RegistryQuirks, size: number): Promise<{ kinds: Record<string, number>; sentBytes: number }> {
  const { registry, client } = await quirky(quirks);
  const { bytes, d } = content(size);
  let told = 0;
  const { sentBytes } = await client.pushBlob(d, bytesSource(bytes), { onBytes: (n) => (told += n) });
  expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
  expect(told).toBe(size);
  return { kinds: registry.log.kinds(), sentBytes };
}

describe("the Referrers API", () => {
  test.each<[string, RegistryQuirks["referrers"], RegExp]>([
    ["GHCR, docker-registry: 404", 404, /404/],
    ["ECR: 405", 405, /405/],
    ["Quay: 400", 400, /400/],
    ["GAR: a redirect to a page to sign in", "html", /text\/html/],
    ["a false 200", "false-200", /200 application\/json/],
  ])("is absent: %s", async (_, referrers, reason) => {
    const { client } = await quirky({ ...(referrers !== undefined && { referrers }) });
    expect(await client.listReferrers(subject.digest)).toEqual({ hasApi: false, reason: expect.stringMatching(reason) });
  });

  test("is absent where a redirect leads to what is not followed", async () => {
    const host = await serve((_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end());
    expect(await clientOf(`${host}/r`).client.listReferrers(subject.digest)).toMatchObject({ hasApi: false });
  });

  test.each([401, 403, 429, 500, 503])("is not absent, and no empty list, where the answer is %i", async (status) => {
    const host = await serve((_, response) => response.writeHead(status, { "www-authenticate": 'Basic realm="x"' }).end());
    const code = status === 401 || status === 403 ? "AUTH_FAILED" : "REGISTRY_REFUSED";
    await expect(clientOf(`${host}/r`, { retries: 1 }).client.listReferrers(subject.digest)).rejects.toMatchObject({ code });
  });

  test("Harbor before 2.11, and any that is silent about filters: filtered here", async () => {
    const { client } = await quirky({ filters: "silent", acceptsDangling: true });
    for (const artifactType of ["x/a", "x/b"]) {
      const bytes = manifest({ artifactType, subject: { ...subject, mediaType: IMAGE_MANIFEST } });
      await client.putManifest(describeBytes(bytes).digest, bytes, { mediaType: IMAGE_MANIFEST });
    }
    expect(await client.listReferrers(subject.digest, { artifactType: "x/a" })).toMatchObject({
      isFiltered: false,
      referrers: [{ artifactType: "x/a" }],
    });
  });

  test("ECR sends OCI-Subject although it lists nothing: both are reported as they are", async () => {
    const { client } = await quirky({ referrers: 404, ociSubject: true, acceptsDangling: true });
    const bytes = manifest({ artifactType: "x/a", subject: { ...subject, mediaType: IMAGE_MANIFEST } });
    expect(await client.putManifest("t", bytes, { mediaType: IMAGE_MANIFEST })).toMatchObject({ subject: subject.digest });
    expect(await client.listReferrers(subject.digest)).toMatchObject({ hasApi: false });
  });
});

describe("uploads", () => {
  test("are one POST and one PUT; from 4 MiB on one PATCH more, as docker pushes", async () => {
    expect(await pushes({}, 3 * MB)).toEqual({ kinds: { "POST upload": 1, "PUT blob": 1 }, sentBytes: 3 * MB });
    expect(await pushes({}, 9 * MB)).toEqual({ kinds: { "POST upload": 1, "PATCH upload": 1, "PUT blob": 1 }, sentBytes: 9 * MB });
  });

  test("GAR: no chunks, one PUT, and the second blob does not try again", async () => {
    const { registry, client } = await quirky({ noChunks: true });
    for (const { bytes, d } of [content(9 * MB), content(9 * MB)]) await client.pushBlob(d, bytesSource(bytes));
    expect(registry.log.kinds()).toEqual({ "POST upload": 3, "PUT blob": 2, "PATCH upload": 1, "DELETE upload": 1 });
    const refused = registry.log.requests.find(({ method }) => method === "PATCH");
    expect(refused?.status).toBe(405);
  });

  test("GHCR: 416 for a PATCH over 4 MiB, one PUT", async () => {
    const { kinds } = await pushes({ maxPatch: 4 * MB - 1 }, 10 * MB);
    expect(kinds).toEqual({ "POST upload": 2, "PATCH upload": 1, "DELETE upload": 1, "PUT blob": 1 });
  });

  test("413 for the whole as well: chunks of less than 4 MiB", async () => {
    const { kinds } = await pushes({ maxPut: 4 * MB, maxPatch: 4 * MB - 1 }, 10 * MB);
    expect(kinds).toMatchObject({ "POST upload": 3, "PATCH upload": 5, "PUT blob": 2 });
  });

  test.each([
    ["401", { "www-authenticate": 'Basic realm="x"' }],
    ["413", {}],
    ["429", { "retry-after": "0" }],
  ])("%s by the headers of an upload: the content is not sent in vain", async (status, headers) => {
    const registry = await open(startTestRegistry());
    const proxy = await open(
      startFaultProxy(registry.host, [
        { method: "PATCH", path: /uploads/, total: 1, fault: { kind: "status", status: Number(status), headers } },
      ]),
    );
    const { bytes, d } = content(20 * MB);
    const credentials = fixedCredential({ kind: "password", username: "me", password: "pw" });
    await clientOf(`${proxy.host}/r`, { credentials }).client.pushBlob(d, bytesSource(bytes));
    expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
    expect(proxy.log.bytes).toBeLessThan(1.1 * 20 * MB);
  });

  test("Aliyun: the Range of each chunk is its own, and nothing is sent twice", async () => {
    const { bytes, d } = content(40 * MB);
    const parts: Buffer[] = [];
    let stored = false;
    const host = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        const session = { location: "/v2/r/blobs/uploads/1" };
        if (request.method === "POST") return response.writeHead(202, { ...session, "oci-chunk-min-length": MB }).end();
        parts.push(body);
        if (request.method === "PATCH") return response.writeHead(202, { ...session, range: `0-${body.length - 1}` }).end();
        stored = Buffer.concat(parts).equals(bytes);
        return response.writeHead(stored ? 201 : 400).end();
      });
    });
    const { sentBytes } = await clientOf(`${host}/r`).client.pushBlob(d, bytesSource(bytes));
    expect([stored, sentBytes, parts.length]).toEqual([true, 40 * MB, 4]);
  });

  test("ECR, told by its host name: what a broken upload is said to hold is not believed", async () => {
    // The status names the first chunk, whatever has been stored.
    const registry = await open(startTestRegistry({ quirks: { staleRange: true, relativeLocation: true } }));
    const proxy = await open(
      startFaultProxy(registry.host, [{ method: "PATCH", path: /uploads/, total: 1, fault: { kind: "reset", after: 5 * MB } }]),
    );
    const { bytes, d } = content(9 * MB);
    const { client } = clientOf("123456789012.dkr.ecr.eu-central-1.amazonaws.com/r", {
      plainHttp: true,
      dispatcher: await open(new Detour(proxy.host)),
    });
    await client.pushBlob(d, bytesSource(bytes));
    expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
    expect(proxy.log.kinds()).toEqual({ "POST upload": 2, "PATCH upload": 2, "GET upload": 1, "DELETE upload": 1, "PUT blob": 1 });
  });

  test.each([
    ["123456789012.dkr.ecr.us-east-1.amazonaws.com", true],
    ["123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", true],
    ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", true],
    ["123456789012.dkr-ecr.us-west-2.on.aws", true],
    ["public.ecr.aws", true],
    ["ecr.aws.example.org", false],
    ["registry.example.org", false],
    ["amazonaws.com", false],
    ["notecr.aws", false],
  ])("ECR is told by its host name: %s", (host, expected) => expect(hasStaleRange(host)).toBe(expected));

  test("a registry with a smaller limit: chunks are halved", async () => {
    const { kinds } = await pushes({ maxPut: MB, maxPatch: MB }, 4 * MB);
    expect(kinds["PATCH upload"]).toBeGreaterThanOrEqual(6);
  });

  test("OCI-Chunk-Min-Length: chunks of at least that", async () => {
    const { kinds } = await pushes({ chunkMinLength: 20 * MB }, 45 * MB);
    expect(kinds).toEqual({ "POST upload": 1, "PATCH upload": 3, "PUT blob": 1 });
  });

  test("OCI-Chunk-Min-Length over the size of the blob: one PUT", async () => {
    expect((await pushes({ chunkMinLength: 20 * MB }, MB)).kinds).toEqual({ "POST upload": 1, "PUT blob": 1 });
  });

  test("ECR: 201 for a PATCH, and a Range that stays at the first chunk", async () => {
    expect((await pushes({ maxPut: MB, maxPatch: 4 * MB, staleRange: true, patchCreated: true }, 10 * MB)).sentBytes).toBeLessThanOrEqual(
      // The PUT, which is refused after its body; the heads of two refused requests; the chunks.
      20 * MB + 128 * 1024,
    );
  });

  test("Artifactory: chunks of which only the last is stored, then one PUT", async () => {
    const parts = new Map<string, Buffer>();
    let stored: Buffer | undefined;
    // More than one chunk of 16 MiB.
    const { bytes, d } = content(21 * MB);
    const host = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        const location = { location: "/v2/r/blobs/uploads/1", "oci-chunk-min-length": String(MB) };
        if (request.method === "POST") return response.writeHead(202, location).end();
        if (request.method === "PATCH") {
          parts.set("1", body);
          return response.writeHead(202, location).end();
        }
        if (request.method === "DELETE") return response.writeHead(204).end();
        const whole = body.length > 0 ? body : (parts.get("1") ?? body);
        if (describeBytes(whole).digest !== d.digest) return response.writeHead(400).end('{"errors":[{"code":"DIGEST_INVALID"}]}');
        stored = whole;
        return response.writeHead(201).end();
      });
    });
    await clientOf(`${host}/r`).client.pushBlob(d, bytesSource(bytes));
    expect(stored?.equals(bytes)).toBe(true);
  });

  test("Artifactory of other versions: only PATCH is taken", async () => {
    const { bytes, d } = content(MB);
    let held = Buffer.alloc(0);
    let isDone = false;
    const host = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        if (request.method === "PATCH") held = Buffer.concat([held, body]);
        if (request.method === "PUT" && body.length > 0) return response.writeHead(405).end();
        isDone ||= request.method === "PUT";
        return response.writeHead(request.method === "PUT" ? 201 : 202, { location: "/v2/r/blobs/uploads/1" }).end();
      });
    });
    await clientOf(`${host}/r`).client.pushBlob(d, bytesSource(bytes));
    expect([isDone, held.equals(bytes)]).toEqual([true, true]);
  });

  test("a relative Location, and one whose query is kept as it is", async () => {
    await pushes({ relativeLocation: true }, 1000);
    const paths: string[] = [];
    const host = await serve((request, response) => {
      paths.push(request.url ?? "");
      request.resume();
      response.writeHead(request.method === "POST" ? 202 : 201, { location: "/v2/r/blobs/uploads/1?_state=a%2Bb+c==&x" }).end();
    });
    const { bytes, d } = content(10);
    await clientOf(`${host}/r`).client.pushBlob(d, bytesSource(bytes));
    expect(paths[1]).toBe(`/v2/r/blobs/uploads/1?_state=a%2Bb+c==&x&digest=${encodeURIComponent(d.digest)}`);
  });

  test("a Location at another host gets the content and no credentials", async () => {
    const { bytes, d } = content(5000);
    const got: (string | undefined)[] = [];
    const storage = await serve((request, response) => {
      got.push(request.headers.authorization);
      request.resume();
      request.on("end", () => response.writeHead(201).end());
    });
    const host = await serve((request, response) => {
      if (request.headers.authorization === undefined) return response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
      return response.writeHead(202, { location: `http://${storage}/upload?sig=secret` }).end();
    });
    const credentials = fixedCredential({ kind: "password", username: "u", password: "hunter2" });
    const { client, seen } = clientOf(`${host}/r`, { credentials });
    await client.pushBlob(d, bytesSource(bytes));
    expect(got).toEqual([undefined]);
    expect(JSON.stringify(seen)).not.toMatch(/secret|hunter2/);
  });

  test("204 for the closing PUT, 202 for repeated puts", async () => {
    const { client } = await quirky({ repeatedPut202: true, acceptsDangling: true });
    const image = manifest();
    await client.putManifest("t", image, { mediaType: IMAGE_MANIFEST });
    await client.putManifest("t", image, { mediaType: IMAGE_MANIFEST });
    const host = await serve((request, response) => {
      request.resume();
      response.writeHead(request.method === "POST" ? 202 : 204, { location: "/v2/r/blobs/uploads/1" }).end();
    });
    const { bytes, d } = content(10);
    expect(await clientOf(`${host}/r`).client.pushBlob(d, bytesSource(bytes))).toMatchObject({ how: "uploaded" });
  });

  test("mounted where the registry does, uploaded in the session it gives where it does not", async () => {
    for (const mount of [true, false]) {
      const { registry, session } = await quirky({ mount });
      const { bytes, d } = content(1000);
      registry.repository("from").putBlob(bytes);
      const result = await session.repository(`${registry.host}/to`).pushBlob(d, bytesSource(bytes), { mountFrom: "from" });
      expect(result.how).toBe(mount ? "mounted" : "uploaded");
      expect(registry.log.count("POST upload")).toBe(1);
      expect(await session.repository(`${registry.host}/other`).mountBlob(d.digest, "from")).toBe(mount);
      expect(registry.repository("other").uploads.size).toBe(0);
    }
  });

  test("distribution: a session that was cut is gone, and the blob starts over", async () => {
    const registry = await open(startTestRegistry({ quirks: { forgetsCutUploads: true } }));
    const proxy = await open(
      startFaultProxy(registry.host, [{ method: "PUT", path: /uploads/, total: 1, fault: { kind: "reset", after: MB } }]),
    );
    const { bytes, d } = content(3 * MB);
    await clientOf(`${proxy.host}/r`).client.pushBlob(d, bytesSource(bytes));
    expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
    expect(proxy.log.count("POST upload")).toBe(2);
  });

  test("olareg: a session that was cut goes on to the byte", async () => {
    const registry = await open(startTestRegistry({ quirks: { relativeLocation: true } }));
    const proxy = await open(
      startFaultProxy(registry.host, [{ method: "PUT", path: /uploads/, total: 1, fault: { kind: "reset", after: 2 * MB } }]),
    );
    const { bytes, d } = content(3 * MB);
    let told = 0;
    const { sentBytes } = await clientOf(`${proxy.host}/r`).client.pushBlob(d, bytesSource(bytes), { onBytes: (n) => (told += n) });
    expect(registry.repository("r").blobs.get(d.digest)?.equals(bytes)).toBe(true);
    expect(proxy.log.count("POST upload")).toBe(1);
    expect([told, sentBytes < 2 * 3 * MB]).toEqual([3 * MB, true]);
  });

  test("the session of an earlier process goes on; a dead one is no error", async () => {
    const registry = await open(startTestRegistry({ quirks: { relativeLocation: true } }));
    const proxy = await open(
      startFaultProxy(registry.host, [{ method: "PUT", path: /uploads/, times: 99, fault: { kind: "reset", after: 2 * MB } }]),
    );
    const { bytes, d } = content(3 * MB);
    const { client } = clientOf(`${proxy.host}/r`, { retries: 0 });
    let session = "";
    await expect(client.pushBlob(d, bytesSource(bytes), { onSession: (location) => (session = location) })).rejects.toMatchObject({
      code: "NETWORK_ERROR",
    });
    proxy.rules.length = 0;
    const { received = 0 } = (await client.uploadStatus(session)) ?? {};
    expect(received).toBeGreaterThan(0);
    expect(await client.pushBlob(d, bytesSource(bytes), { session })).toEqual({ how: "uploaded", sentBytes: 3 * MB - received });
    expect(await client.uploadStatus(session)).toBeUndefined();
    const other = content(1000);
    expect(await client.pushBlob(other.d, bytesSource(other.bytes), { session })).toMatchObject({ how: "uploaded" });
    expect(await client.pushBlob(other.d, bytesSource(other.bytes), { session: "http://127.0.0.1:1/elsewhere" })).toMatchObject({
      how: "uploaded",
    });
    await client.cancelUpload(session);
  });

  // The second: it rewrites the link file of a blob in place, and reads it while it is empty.
  test.each(["MANIFEST_BLOB_UNKNOWN", "DIGEST_INVALID"])(
    "docker-registry: %s for a blob that was just pushed is tried again",
    async (code) => {
      let refusals = 2;
      const host = await serve((request, response) => {
        request.resume();
        if (refusals-- > 0) response.writeHead(400).end(JSON.stringify({ errors: [{ code }] }));
        else response.writeHead(201).end();
      });
      await clientOf(`${host}/r`).client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
      expect(refusals).toBe(-1);
    },
  );
});

describe("reading", () => {
  test("docker-registry: 500 while a tag is rewritten passes", async () => {
    const { client } = await quirky({ errorsAfterRewrite: 3, acceptsDangling: true });
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    const second = manifest({ annotations: { a: "b" } });
    await client.putManifest("t", second, { mediaType: IMAGE_MANIFEST });
    expect((await client.getManifest("t")).descriptor.digest).toBe(describeBytes(second).digest);
  });

  test("an absent Docker-Content-Digest is none", async () => {
    const { client } = await quirky({ contentDigest: "absent", acceptsDangling: true });
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    expect((await client.getManifest("t")).descriptor.digest).toBe(subject.digest);
    expect(await client.headManifest("t")).not.toHaveProperty("digest");
  });

  test("a wrong Docker-Content-Digest is refused for a tag; for a digest the content decides", async () => {
    const { registry, client } = await quirky({ acceptsDangling: true });
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    registry.quirks.contentDigest = "wrong";
    await expect(client.getManifest("t")).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    expect((await client.getManifest(subject.digest)).descriptor.digest).toBe(subject.digest);
    await expect(client.putManifest("u", manifest(), { mediaType: IMAGE_MANIFEST })).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
  });

  test("ECR: more than 1,000 tags at once are never asked for", async () => {
    const { client } = await quirky({ maxTagsAsked: 1000, acceptsDangling: true });
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    expect(await client.listTags()).toEqual(["t"]);
  });

  test("GitLab: what a registry refuses is told with its own words", async () => {
    const { client } = await quirky({ allowedArtifactTypes: ["x/allowed"], acceptsDangling: true });
    const bytes = manifest({ artifactType: "x/other" });
    await expect(client.putManifest("t", bytes, { mediaType: IMAGE_MANIFEST })).rejects.toMatchObject({
      code: "REGISTRY_REFUSED",
      details: { status: 400, registryCode: "MANIFEST_INVALID" },
    });
  });

  test("distribution 2.8: deleting a tag is refused with a hint", async () => {
    const { client } = await quirky({ refuseDelete: "tags", acceptsDangling: true });
    await client.putManifest("t", manifest(), { mediaType: IMAGE_MANIFEST });
    await expect(client.deleteManifest("t")).rejects.toMatchObject({
      code: "REGISTRY_REFUSED",
      hint: expect.stringMatching(/do not allow/),
    });
    expect(await client.deleteManifest(subject.digest)).toBe(true);
  });
});

describe("authentication", () => {
  test("Nexus: BASIC in capitals", async () => {
    const { registry, client } = await quirky({ authorize: basicAuthorize({ me: "pw" }, "BASIC") });
    await expect(client.listTags()).rejects.toMatchObject({ code: "AUTH_FAILED" });
    const { client: known, seen } = clientOf(`${registry.host}/r`, {
      credentials: fixedCredential({ kind: "password", username: "me", password: "pw" }),
    });
    await known.listTags();
    await known.listTags();
    // Asked once, then sent along.
    expect(seen.map(({ status }) => status).filter((status) => status === 401)).toHaveLength(1);
  });

  test("Nexus: Bearer without a scope, which is made here", async () => {
    const tokens = await open(startTokenServer({ users: { me: "pw" }, capitals: true, noScope: true }));
    const { registry } = await quirky({ authorize: (request, scope) => tokens.authorize(request, scope) });
    const { client } = clientOf(`${registry.host}/r`, {
      credentials: fixedCredential({ kind: "password", username: "me", password: "pw" }),
    });
    const { bytes, d } = content(10);
    await client.pushBlob(d, bytesSource(bytes));
    expect(tokens.asked.at(-1)?.scopes).toEqual(["repository:r:pull,push"]);
  });
});
