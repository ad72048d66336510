import { get } from "node:https";
import { afterEach, describe, expect, test } from "vitest";
import {
  type FaultProxy,
  type FaultRule,
  type RegistryQuirks,
  type TestRegistry,
  basicAuthorize,
  digestOfBytes,
  identityToken,
  makeCertificates,
  startFaultProxy,
  startTestRegistry,
  startTokenServer,
} from "@ocilot/testkit";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const BYTES = Buffer.alloc(100_000, "content");

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (o) => await o.close()));
});

async function registryWith(quirks: RegistryQuirks = {}): Promise<TestRegistry> {
  const registry = await startTestRegistry({ quirks });
  open.push(registry);
  return registry;
}

async function proxyWith(registry: TestRegistry, ...rules: FaultRule[]): Promise<FaultProxy> {
  const proxy = await startFaultProxy(registry.host, rules);
  open.push(proxy);
  return proxy;
}

async function upload(base: string, bytes: Buffer): Promise<Response> {
  const started = await fetch(`${base}/v2/r/blobs/uploads/`, { method: "POST" });
  const url = new URL(started.headers.get("location")!, base);
  url.searchParams.set("digest", digestOfBytes(bytes));
  return await fetch(`${base}${url.pathname}${url.search}`, { method: "PUT", body: bytes });
}

async function put(base: string, reference: string, document: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const { mediaType } = document as { mediaType: string };
  return await fetch(`${base}/v2/r/manifests/${reference}`, {
    method: "PUT",
    body: JSON.stringify(document),
    headers: { "content-type": mediaType, ...headers },
  });
}

function referrer(subject: string, no = 0): Record<string, unknown> {
  const link = { mediaType: INDEX, digest: subject, size: 1 };
  return { schemaVersion: 2, mediaType: INDEX, artifactType: "a/b", manifests: [], subject: link, annotations: { no: String(no) } };
}

describe("the registry", () => {
  test("takes blobs in one piece and in chunks, and gives them whole and in ranges", async () => {
    const { url, log } = await registryWith();
    expect((await upload(url, BYTES)).status).toBe(201);
    const started = await fetch(`${url}/v2/r/blobs/uploads/`, { method: "POST" });
    const first = await fetch(started.headers.get("location")!, { method: "PATCH", body: "half ", headers: { "content-range": "0-4" } });
    expect([first.status, first.headers.get("range")]).toEqual([202, "0-4"]);
    const wrong = await fetch(first.headers.get("location")!, { method: "PATCH", body: "half", headers: { "content-range": "9-12" } });
    expect(wrong.status).toBe(416);
    const done = await fetch(`${first.headers.get("location")}&digest=${digestOfBytes(Buffer.from("half whole"))}`, {
      method: "PUT",
      body: "whole",
    });
    expect(done.status).toBe(201);
    const blob = await fetch(`${url}/v2/r/blobs/${digestOfBytes(BYTES)}`, { headers: { range: "bytes=99990-" } });
    expect([blob.status, blob.headers.get("content-range"), await blob.text()]).toEqual([
      206,
      "bytes 99990-99999/100000",
      BYTES.subarray(99_990).toString(),
    ]);
    expect(log.kinds()).toMatchObject({ "POST upload": 2, "PATCH upload": 2, "PUT blob": 2, "GET blob": 1 });
    expect(log.bytes).toBeGreaterThan(100_000);
  });

  test("refuses a blob of another digest and a manifest without its blobs", async () => {
    const { url } = await registryWith();
    const started = await fetch(`${url}/v2/r/blobs/uploads/`, { method: "POST" });
    const wrong = await fetch(`${started.headers.get("location")}&digest=${digestOfBytes(BYTES)}`, { method: "PUT", body: "x" });
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { errors: [{ code: "DIGEST_INVALID" }] }]);
    const layer = { mediaType: "a/b", digest: digestOfBytes(BYTES), size: BYTES.length };
    expect((await put(url, "v1", { mediaType: MANIFEST, config: layer, layers: [] })).status).toBe(400);
  });

  test("lists referrers, filters them, and says so", async () => {
    const { url } = await registryWith({ referrersPage: 1 });
    const image = { schemaVersion: 2, mediaType: INDEX, manifests: [] };
    const subject = digestOfBytes(Buffer.from(JSON.stringify(image)));
    await put(url, "v1", image);
    const pushed = await put(url, digestOfBytes(Buffer.from(JSON.stringify(referrer(subject)))), referrer(subject));
    expect(pushed.headers.get("oci-subject")).toBe(subject);
    await put(url, digestOfBytes(Buffer.from(JSON.stringify(referrer(subject, 1)))), referrer(subject, 1));
    const page = await fetch(`${url}/v2/r/referrers/${subject}?artifactType=a/b`);
    expect([page.headers.get("oci-filters-applied"), page.headers.get("link")]).toMatchObject([
      "artifactType",
      expect.stringContaining("start=1"),
    ]);
    expect(((await page.json()) as { manifests: unknown[] }).manifests).toHaveLength(1);
  });

  test.each([
    [404, 404, "application/json"],
    [405, 405, "application/json"],
    [400, 400, "application/json"],
    ["html", 200, "text/html"],
    ["false-200", 200, "application/json"],
  ] as const)("without a Referrers API of its kind: %s", async (referrers, status, type) => {
    const { url } = await registryWith({ referrers });
    const answer = await fetch(`${url}/v2/r/referrers/${digestOfBytes(BYTES)}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, type]);
  });

  test("honours or ignores If-Match, and answers 500 for a tag that is being rewritten", async () => {
    const { url, quirks } = await registryWith({ etag: "enforced", errorsAfterRewrite: 2 });
    const [one, two] = [1, 2].map((no) => ({ mediaType: INDEX, manifests: [], annotations: { no: String(no) } }));
    expect((await put(url, "t", one, { "if-none-match": "*" })).status).toBe(201);
    expect((await put(url, "t", two, { "if-none-match": "*" })).status).toBe(412);
    const { headers } = await fetch(`${url}/v2/r/manifests/t`, { method: "HEAD" });
    expect((await put(url, "t", two, { "if-match": headers.get("etag")! })).status).toBe(201);
    expect((await fetch(`${url}/v2/r/manifests/t`)).status).toBe(500);
    expect((await fetch(`${url}/v2/r/manifests/t`)).status).toBe(500);
    expect((await fetch(`${url}/v2/r/manifests/t`)).status).toBe(200);
    quirks.etag = "ignored";
    expect((await put(url, "t", one, { "if-match": '"other"' })).status).toBe(201);
  });

  test("pages through tags, and never comes to an end where it is to", async () => {
    const { url, quirks } = await registryWith({ tagsPage: 2, maxTagsAsked: 1000 });
    for (const tag of ["a", "b", "c"]) await put(url, tag, { mediaType: INDEX, manifests: [] });
    const page = await fetch(`${url}/v2/r/tags/list`);
    expect(await page.json()).toEqual({ name: "r", tags: ["a", "b"] });
    const next = await fetch(new URL(/<(.*)>/.exec(page.headers.get("link")!)![1]!, url));
    expect([await next.json(), next.headers.get("link")]).toEqual([{ name: "r", tags: ["c"] }, null]);
    expect((await fetch(`${url}/v2/r/tags/list?n=1001`)).status).toBe(400);
    quirks.endlessLink = true;
    expect((await fetch(`${url}/v2/r/tags/list?last=c`)).headers.get("link")).not.toBeNull();
  });

  test("mounts from another repository", async () => {
    const registry = await registryWith();
    const digest = registry.repository("other").putBlob(BYTES);
    const mounted = await fetch(`${registry.url}/v2/r/blobs/uploads/?mount=${digest}&from=other`, { method: "POST" });
    expect([mounted.status, registry.repository("r").blobs.has(digest)]).toEqual([201, true]);
  });

  test("wants a token, by GET or by POST, or a password", async () => {
    const registry = await registryWith();
    const tokens = await startTokenServer({ users: { me: "secret" }, uses: 2 });
    open.push(tokens);
    registry.quirks.authorize = tokens.authorize;
    const refused = await fetch(`${registry.url}/v2/r/tags/list`);
    expect(refused.headers.get("www-authenticate")).toBe(`Bearer realm="${tokens.realm}",service="test",scope="repository:r:pull"`);
    const body = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: identityToken("me"),
      service: "test",
      scope: "repository:r:pull",
    });
    const { access_token } = (await (await fetch(tokens.realm, { method: "POST", body })).json()) as { access_token: string };
    const authorization = `Bearer ${access_token}`;
    const ask = async (): Promise<number> => (await fetch(`${registry.url}/v2/r/tags/list`, { headers: { authorization } })).status;
    expect([await ask(), await ask(), await ask()]).toEqual([404, 404, 401]);
    expect((await fetch(tokens.realm, { headers: { authorization: `Basic ${btoa("me:wrong")}` } })).status).toBe(401);
    registry.quirks.authorize = basicAuthorize({ me: "secret" });
    const basic = await fetch(`${registry.url}/v2/`, { headers: { authorization: `Basic ${btoa("me:secret")}` } });
    expect(basic.status).toBe(200);
  });

  test("serves https with a certificate of an authority of its own", async () => {
    const { ca, key, cert } = makeCertificates();
    const registry = await startTestRegistry({ tls: { key, cert } });
    open.push(registry);
    const ask = async (options: { ca?: string }): Promise<unknown> =>
      await new Promise((resolve) => get(`${registry.url}/v2/`, options, (r) => resolve(r.resume().statusCode)).on("error", resolve));
    expect(await ask({ ca })).toBe(200);
    expect(await ask({})).toBeInstanceOf(Error);
  });
});

describe("the fault proxy", () => {
  test("cuts, flips, answers in the registry's place, and then lets things pass", async () => {
    const registry = await registryWith();
    const digest = registry.repository("r").putBlob(BYTES);
    const proxy = await proxyWith(
      registry,
      { path: /blobs/, fault: { kind: "cut" } },
      { path: /blobs/, fault: { kind: "flip" } },
      { path: /blobs/, times: 2, fault: { kind: "status", status: 429, headers: { "retry-after": "1" } } },
      { path: /blobs/, fault: { kind: "redirect", to: registry.url } },
    );
    const ask = async (): Promise<Response> => await fetch(`http://${proxy.host}/v2/r/blobs/${digest}`, { redirect: "manual" });
    await expect((await ask()).arrayBuffer()).rejects.toThrow();
    expect(digestOfBytes(Buffer.from(await (await ask()).arrayBuffer()))).not.toBe(digest);
    const refused = [await ask(), await ask()];
    expect(refused.map((r) => [r.status, r.headers.get("retry-after")])).toEqual([
      [429, "1"],
      [429, "1"],
    ]);
    const redirect = await ask();
    expect([redirect.status, redirect.headers.get("location")]).toEqual([307, `${registry.url}/v2/r/blobs/${digest}`]);
    expect(digestOfBytes(Buffer.from(await (await ask()).arrayBuffer()))).toBe(digest);
    expect(proxy.faults()).toBe(5);
    expect(proxy.log.bytes).toBe(250_000);
  });

  test("resets an upload in the middle; what came so far is in the upload's status", async () => {
    const registry = await registryWith();
    const proxy = await proxyWith(registry, { method: "PUT", path: /uploads/, total: 1, fault: { kind: "reset", after: 50_000 } });
    const base = `http://${proxy.host}`;
    await expect(upload(base, BYTES)).rejects.toThrow();
    const [session] = registry.repository("r").uploads.values();
    await expect.poll(() => session?.size).toBe(50_000);
    const status = await fetch(`${registry.url}/v2/r/blobs/uploads/${session!.id}`);
    expect([status.status, status.headers.get("range")]).toEqual([204, "0-49999"]);
    expect((await upload(base, BYTES)).status).toBe(201);
  });
});
