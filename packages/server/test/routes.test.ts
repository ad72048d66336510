import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ENDPOINTS, makeRequest, matchRoute } from "@ocilot/server";
import { LayoutBuilder } from "@ocilot/testkit";
import { clientOf, memoryClient } from "./client.js";

const component = fc.stringMatching(/^[a-z0-9]+([._-][a-z0-9]+)*$/).filter((s) => s.length < 12);
const words = fc.constantFrom("manifests", "blobs", "uploads", "tags", "list", "referrers", "v2", "_catalog");
const name = fc.array(fc.oneof(component, words), { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
const reference = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/);

describe("matchRoute", () => {
  test("whatever words a repository name is made of, the end of the path decides", () => {
    fc.assert(
      fc.property(name, reference, (repository, ref) => {
        expect(matchRoute(`/v2/${repository}/manifests/${ref}`)).toEqual({ id: "manifest", name: repository, reference: ref });
        expect(matchRoute(`/v2/${repository}/tags/list`)).toEqual({ id: "tags", name: repository, reference: "" });
        expect(matchRoute(`/v2/${repository}/referrers/${ref}`)).toEqual({ id: "referrers", name: repository, reference: ref });
        expect(matchRoute(`/v2/${repository}/blobs/uploads/`)).toEqual({ id: "uploads", name: repository, reference: "" });
        expect(matchRoute(`/v2/${repository}/blobs/uploads/${ref}`)).toEqual({ id: "upload", name: repository, reference: ref });
        if (ref !== "uploads" && !repository.endsWith("/blobs") && repository !== "blobs") {
          expect(matchRoute(`/v2/${repository}/blobs/${ref}`)).toEqual({ id: "blob", name: repository, reference: ref });
        }
      }),
    );
  });

  test("a path that hides a separator is nothing", () => {
    for (const path of [
      "/v2/..%2fx/manifests/v1",
      "/v2/x/manifests/..%2f..%2fetc",
      "/v2/x%5cy/tags/list",
      "/v2/x%00/tags/list",
      "/v2/%zz/tags/list",
      "/v2/%/tags/list",
      "/v2/manifests/v1",
      "/v2/tags/list",
      "/v3/",
      "//v2/",
      "",
    ]) {
      expect(matchRoute(path), path).toBeUndefined();
    }
    expect(matchRoute("/v2/x/manifests/sha256%3Aab")).toEqual({ id: "manifest", name: "x", reference: "sha256:ab" });
  });

  test("every route has its endpoints, and every endpoint of the specification is there", () => {
    const spec = new Set(Object.values(ENDPOINTS).flatMap((rows) => Object.values(rows).flatMap((row) => row.spec)));
    const all = ["1", "2", "3", "4a", "4b", "5", "6", "7", "8a", "8b", "9", "10", "11", "12a", "12b", "13", "14"].map((n) => `end-${n}`);
    expect([...spec].toSorted()).toEqual(all.toSorted());
  });
});

const hostile = fc.constantFrom(
  "..",
  "%2e%2e",
  "..%2f",
  "%00",
  "sha256:",
  `sha256:${"a".repeat(64)}`,
  `sha512:${"a".repeat(128)}`,
  "__proto__",
  "constructor",
  "\u{1f600}",
  "%f0%9f%98%80",
  "a".repeat(3000),
  "",
  ".",
  "blobs",
  "uploads",
  "app",
);
const segment = fc.oneof(component, words, hostile, fc.string({ maxLength: 10 }).map(encodeURIComponent));
const query = fc.dictionary(
  fc.constantFrom("n", "last", "digest", "mount", "from", "artifactType", "tag", "ns", "digest-algorithm"),
  fc.oneof(fc.string({ maxLength: 20 }), hostile, fc.nat().map(String)),
);
const method = fc.constantFrom("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "toString");
const headers = fc.dictionary(
  fc.constantFrom(
    "range",
    "content-range",
    "if-match",
    "if-none-match",
    "if-range",
    "content-type",
    "content-length",
    "authorization",
    "origin",
    "accept",
  ),
  fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom(
      "bytes=0-",
      "bytes=-1",
      "0-0",
      "5-1",
      "*",
      "application/vnd.oci.image.index.v1+json",
      "Basic Og==",
      "99999999999999999999",
    ),
  ),
);

describe("anything", () => {
  test("is answered by an error of the specification or a success, never by a fault, and what was there stays", async () => {
    const c = await memoryClient();
    const image = await c.image("app", "v1");
    await fc.assert(
      fc.asyncProperty(
        method,
        fc.array(segment, { maxLength: 6 }),
        query,
        headers,
        fc.oneof(fc.string({ maxLength: 50 }), fc.json()),
        async (verb, parts, q, h, body) => {
          const url = `/v2/${parts.join("/")}?${new URLSearchParams(q).toString()}`;
          const reply = await c.send(verb, url, { headers: h, body });
          expect(reply.status, `${verb} ${url}`).toBeLessThan(500);
          if (reply.status < 400 || verb === "HEAD") return;
          expect(reply.codes, `${verb} ${url}`).toHaveLength(1);
          expect(reply.headers["content-type"]).toBe("application/json");
        },
      ),
      { numRuns: 1500 },
    );
    // Nothing that was generated names what is deleted here.
    expect((await c.send("GET", `/v2/app/manifests/${image.digest}`)).status).toBe(200);
  });

  test("pushed as a manifest, hostile JSON is refused or kept as it is", async () => {
    const c = await memoryClient();
    const type = "application/vnd.oci.image.manifest.v1+json";
    const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
    const texts = [
      "",
      "null",
      "[]",
      "{",
      deep,
      `{"a":${deep}}`,
      '{"schemaVersion":2,"mediaType":1}',
      '{"schemaVersion":2,"layers":[{}]}',
      '{"subject":{"digest":"../x"}}',
      '{"config":{"mediaType":"a","digest":"sha256:x","size":-1}}',
      '{"manifests":[],"layers":[]}',
    ];
    for (const body of texts) {
      const reply = await c.send("PUT", "/v2/app/manifests/v1", { body, headers: { "content-type": type } });
      expect([reply.status, reply.codes], body.slice(0, 60)).toEqual([400, [expect.stringMatching(/MANIFEST_INVALID|DIGEST_INVALID/)]]);
    }
  });

  test("huge pages are cut to what the server gives", async () => {
    const builder = new LayoutBuilder();
    const image = builder.image();
    for (let i = 0; i < 500; i++) builder.entry(image, { tag: `t${String(i).padStart(4, "0")}` });
    const c = await clientOf({ app: builder.layout() }, { limits: { maxPage: 100 } });
    const found: string[] = [];
    for (let url: string | undefined = "/v2/app/tags/list?n=1000000000"; url !== undefined;) {
      const reply = await c.send("GET", url);
      expect(reply.json.tags.length).toBeLessThanOrEqual(100);
      found.push(...reply.json.tags);
      url = /^<(.*)>; rel="next"$/.exec(reply.headers["link"] ?? "")?.[1];
    }
    expect(found).toHaveLength(500);
  });

  test("a body that ends early or lasts too long ends the request, not the server", async () => {
    const c = await memoryClient({ limits: { manifestTimeout: 30 } });
    const never = (async function* () {
      yield new Uint8Array([1]);
      await new Promise(() => undefined);
    })();
    const answer = await c.registry.answer({ ...makeRequest("PUT", "/v2/app/manifests/v1"), body: never });
    expect(answer.status).toBe(408);
  });
});
