import { IMAGE_INDEX, IMAGE_MANIFEST, digestOf } from "@ocilot/layout";
import { expect } from "vitest";
import { type Client, memoryClient } from "./client.js";

/** What the specification asks of a registry, and how it is shown. */
export interface Requirement {
  /** The heading in distribution-spec v1.1.1. */
  readonly section: string;
  readonly level: "MUST" | "SHOULD" | "MAY";
  readonly text: string;
  check(client: Client): Promise<void>;
}

const SHA512 = "sha512" as const;
const absent = digestOf(new TextEncoder().encode("absent"));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function upload(client: Client, name = "app"): Promise<string> {
  const { headers } = await client.send("POST", `/v2/${name}/blobs/uploads/`);
  return headers["location"]!;
}

export const REQUIREMENTS: readonly Requirement[] = [
  {
    section: "Determining Support",
    level: "MUST",
    text: "`GET /v2/` answers 200",
    async check(c) {
      expect((await c.send("GET", "/v2/")).status).toBe(200);
      expect((await c.send("GET", "/v2")).status).toBe(200);
    },
  },
  {
    section: "Pulling manifests",
    level: "MUST",
    text: "a repository name is matched by the grammar, slashes included; another one is refused with `NAME_INVALID`",
    async check(c) {
      await c.image("a/b/c_d/manifests/blobs", "v1");
      expect((await c.send("GET", "/v2/a/b/c_d/manifests/blobs/manifests/v1")).status).toBe(200);
      for (const name of ["A", "a//b", "-a", "a/", "a..b", "a/.b", "ä"]) {
        expect((await c.send("GET", `/v2/${name}/manifests/v1`)).status, name).toBeOneOf([400, 404]);
      }
      expect((await c.send("GET", "/v2/Upper/manifests/v1")).codes).toEqual(["NAME_INVALID"]);
    },
  },
  {
    section: "Pulling manifests",
    level: "MUST",
    text: "`GET` of a manifest by tag or digest answers 200 with exactly the bytes that were pushed",
    async check(c) {
      const image = await c.image("app", "v1");
      for (const reference of ["v1", image.digest]) {
        const { status, bytes: body } = await c.send("GET", `/v2/app/manifests/${reference}`);
        expect([status, digestOf(body)]).toEqual([200, image.digest]);
      }
    },
  },
  {
    section: "Pulling manifests",
    level: "SHOULD",
    text: "`Content-Type` is what was pushed, without parameters, and `Docker-Content-Digest` is the digest of the body",
    async check(c) {
      const image = await c.image("app", "v1", "0", {});
      const { headers } = await c.send("GET", "/v2/app/manifests/v1");
      expect(headers).toMatchObject({ "content-type": IMAGE_MANIFEST, "docker-content-digest": image.digest });
    },
  },
  {
    section: "Pulling manifests",
    level: "MUST",
    text: "a manifest that is not there answers 404 `MANIFEST_UNKNOWN`",
    async check(c) {
      await c.image("app", "v1");
      for (const reference of ["v2", absent]) {
        const { status, codes } = await c.send("GET", `/v2/app/manifests/${reference}`);
        expect([status, codes]).toEqual([404, ["MANIFEST_UNKNOWN"]]);
      }
    },
  },
  {
    section: "Pulling blobs",
    level: "MUST",
    text: "`GET` of a blob answers 200 with its bytes and `Docker-Content-Digest`; one that is not there 404 `BLOB_UNKNOWN`",
    async check(c) {
      const blob = await c.blob("app", "content");
      const { status, headers, text } = await c.send("GET", `/v2/app/blobs/${blob.digest}`);
      expect([status, text, headers["docker-content-digest"]]).toEqual([200, "content", blob.digest]);
      expect((await c.send("GET", `/v2/app/blobs/${absent}`)).codes).toEqual(["BLOB_UNKNOWN"]);
    },
  },
  {
    section: "Pulling blobs",
    level: "SHOULD",
    text: "`Range` is supported: 206 with `Content-Range`, 416 where nothing of it is there, the whole for what cannot be read",
    async check(c) {
      const { digest } = await c.blob("app", "0123456789");
      const get = async (range: string): Promise<[number, string, string | undefined]> => {
        const reply = await c.send("GET", `/v2/app/blobs/${digest}`, { headers: { range } });
        return [reply.status, reply.status === 416 ? "" : reply.text, reply.headers["content-range"]];
      };
      expect(await get("bytes=2-4")).toEqual([206, "234", "bytes 2-4/10"]);
      expect(await get("bytes=7-")).toEqual([206, "789", "bytes 7-9/10"]);
      expect(await get("bytes=-3")).toEqual([206, "789", "bytes 7-9/10"]);
      expect(await get("bytes=8-99")).toEqual([206, "89", "bytes 8-9/10"]);
      expect(await get("bytes=0-0")).toEqual([206, "0", "bytes 0-0/10"]);
      for (const range of ["bytes=10-", "bytes=5-4", "bytes=-0"]) expect(await get(range), range).toEqual([416, "", "bytes */10"]);
      for (const range of ["bytes=0-1,3-4", "lines=0-1", "bytes=-", "bytes=a-b"])
        expect(await get(range), range).toEqual([200, "0123456789", undefined]);
    },
  },
  {
    section: "Checking if content exists in the registry",
    level: "MUST",
    text: "`HEAD` answers as `GET` without a body: 200 with `Content-Length` and digest, 404 for what is not there",
    async check(c) {
      const image = await c.image("app", "v1");
      const blob = await c.blob("app", "content");
      for (const url of [`/v2/app/manifests/v1`, `/v2/app/manifests/${image.digest}`, `/v2/app/blobs/${blob.digest}`]) {
        const [head, get] = [await c.send("HEAD", url), await c.send("GET", url)];
        expect([head.status, head.headers]).toEqual([200, get.headers]);
      }
      for (const url of ["/v2/app/manifests/no", `/v2/app/manifests/${absent}`, `/v2/app/blobs/${absent}`]) {
        expect((await c.send("HEAD", url)).status).toBe(404);
      }
    },
  },
  {
    section: "Pushing blobs",
    level: "SHOULD",
    text: "a digest that is invalid, of an unknown algorithm, or not that of the content answers 400 `DIGEST_INVALID`, and nothing is stored",
    async check(c) {
      for (const digest of ["sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", "nothing", absent]) {
        const single = await c.send("POST", `/v2/app/blobs/uploads/?digest=${digest}`, { body: "x" });
        expect([single.status, single.codes], digest).toEqual([400, ["DIGEST_INVALID"]]);
        const put = await c.send("PUT", `${await upload(c)}?digest=${digest}`, { body: "x" });
        expect([put.status, put.codes], digest).toEqual([400, ["DIGEST_INVALID"]]);
      }
      expect((await c.send("PUT", await upload(c), { body: "x" })).codes).toEqual(["DIGEST_INVALID"]);
      expect((await c.send("HEAD", `/v2/app/blobs/${absent}`)).status).toBe(404);
    },
  },
  {
    section: "POST then PUT",
    level: "MUST",
    text: "`POST` answers 202 with a `Location` that holds a UUID; `PUT` there answers 201 with the `Location` of the blob",
    async check(c) {
      const started = await c.send("POST", "/v2/app/blobs/uploads/");
      expect(started.status).toBe(202);
      expect(started.headers["location"]).toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/);
      const digest = digestOf(bytes("x"));
      const ended = await c.send("PUT", `${started.headers["location"]}?digest=${digest}`, { body: "x" });
      expect(ended.status).toBe(201);
      expect((await c.send("GET", ended.headers["location"]!)).text).toBe("x");
    },
  },
  {
    section: "Single POST",
    level: "MAY",
    text: "`POST` with `digest` and the whole content answers 201 with the `Location` of the blob",
    async check(c) {
      const reply = await c.send("POST", `/v2/app/blobs/uploads/?digest=${digestOf(bytes("x"))}`, { body: "x" });
      expect(reply.status).toBe(201);
      expect((await c.send("GET", reply.headers["location"]!)).text).toBe("x");
    },
  },
  {
    section: "Single POST",
    level: "MUST",
    text: "the length that was announced must be that of the content",
    async check(c) {
      const reply = await c.send("POST", `/v2/app/blobs/uploads/?digest=${digestOf(bytes("x"))}`, {
        body: "x",
        headers: { "content-length": "2" },
      });
      expect([reply.status, reply.codes]).toEqual([400, ["SIZE_INVALID"]]);
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "MUST",
    text: "each `PATCH` answers 202 with `Location` and `Range`; the closing `PUT`, with or without a last chunk, 201",
    async check(c) {
      for (const last of ["", "cd"]) {
        const location = await upload(c);
        const first = await c.send("PATCH", location, { body: "ab", headers: { "content-range": "0-1" } });
        expect([first.status, first.headers["range"]]).toEqual([202, "0-1"]);
        const digest = digestOf(bytes(`ab${last}`));
        const headers = last === "" ? {} : { "content-range": "2-3" };
        const end = await c.send("PUT", `${first.headers["location"]}?digest=${digest}`, { body: last, headers });
        expect(end.status).toBe(201);
      }
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "MUST",
    text: "a chunk out of order answers 416, in `PATCH` and in the closing `PUT`, and the upload goes on from where it was",
    async check(c) {
      const location = await upload(c);
      await c.send("PATCH", location, { body: "ab", headers: { "content-range": "0-1" } });
      const digest = digestOf(bytes("abcd"));
      for (const [method, url] of [
        ["PATCH", location],
        ["PUT", `${location}?digest=${digest}`],
      ] as const) {
        for (const range of ["0-1", "3-4", "1-2"]) {
          const reply = await c.send(method, url, { body: "xy", headers: { "content-range": range } });
          expect([reply.status, reply.headers["range"]], `${method} ${range}`).toEqual([416, "0-1"]);
        }
      }
      expect((await c.send("PUT", `${location}?digest=${digest}`, { body: "cd", headers: { "content-range": "2-3" } })).status).toBe(201);
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "MUST",
    text: "`GET` of an upload answers 204 with `Location` and `Range`; one that has ended or never began 404 `BLOB_UPLOAD_UNKNOWN`",
    async check(c) {
      const location = await upload(c);
      await c.send("PATCH", location, { body: "abc" });
      const status = await c.send("GET", location);
      expect([status.status, status.headers["range"], status.headers["location"]]).toEqual([204, "0-2", location]);
      await c.send("PUT", `${location}?digest=${digestOf(bytes("abc"))}`);
      expect((await c.send("GET", location)).codes).toEqual(["BLOB_UPLOAD_UNKNOWN"]);
      expect((await c.send("GET", "/v2/app/blobs/uploads/..%2f..%2findex.json")).status).toBe(404);
      expect((await c.send("GET", "/v2/app/blobs/uploads/00000000-0000-4000-8000-000000000000")).codes).toEqual(["BLOB_UPLOAD_UNKNOWN"]);
    },
  },
  {
    section: "Pushing a blob in chunks",
    level: "SHOULD",
    text: "`digest-algorithm` is taken, and content is stored under sha512 as well as sha256",
    async check(c) {
      const { status, headers } = await c.send("POST", `/v2/app/blobs/uploads/?digest-algorithm=${SHA512}`);
      expect(status).toBe(202);
      const digest = digestOf(bytes("x"), SHA512);
      await c.send("PATCH", headers["location"]!, { body: "x" });
      expect((await c.send("PUT", `${headers["location"]}?digest=${digest}`)).status).toBe(201);
      expect((await c.send("GET", `/v2/app/blobs/${digest}`)).text).toBe("x");
      expect((await c.send("POST", "/v2/app/blobs/uploads/?digest-algorithm=md5")).codes).toEqual(["DIGEST_INVALID"]);
    },
  },
  {
    section: "Cancel a blob upload",
    level: "SHOULD",
    text: "`DELETE` of an upload answers 204, and it is gone",
    async check(c) {
      const location = await upload(c);
      expect((await c.send("DELETE", location)).status).toBe(204);
      expect((await c.send("PATCH", location, { body: "x" })).codes).toEqual(["BLOB_UPLOAD_UNKNOWN"]);
    },
  },
  {
    section: "Mounting a blob from another repository",
    level: "MUST",
    text: "a mount answers 201 with the `Location` of the blob; where it cannot be made, 202 as if an upload had been asked for",
    async check(c) {
      const { digest } = await c.blob("from", "shared");
      const mounted = await c.send("POST", `/v2/to/blobs/uploads/?mount=${digest}&from=from`);
      expect(mounted.status).toBe(201);
      expect((await c.send("GET", mounted.headers["location"]!)).text).toBe("shared");
      for (const query of [`mount=${absent}&from=from`, `mount=${digest}&from=nobody`, `mount=${digest}&from=../x`]) {
        const reply = await c.send("POST", `/v2/other/blobs/uploads/?${query}`);
        expect([reply.status, reply.headers["location"] !== undefined], query).toEqual([202, true]);
      }
    },
  },
  {
    section: "Mounting a blob from another repository",
    level: "MAY",
    text: "`from` is optional: a blob is found in the repositories in use that the client may read",
    async check(c) {
      const { digest } = await c.blob("from", "shared");
      expect((await c.send("POST", `/v2/to/blobs/uploads/?mount=${digest}`)).status).toBe(201);
    },
  },
  {
    section: "Pushing Manifests",
    level: "MUST",
    text: "a push answers 201 with `Location` and `Docker-Content-Digest`, by tag and by digest, sha512 included",
    async check(c) {
      const image = await c.image("app", "v1");
      expect([image.status, image.headers["location"]]).toEqual([201, "/v2/app/manifests/v1"]);
      const { bytes: body } = await c.send("GET", "/v2/app/manifests/v1");
      const digest = digestOf(body, SHA512);
      const reply = await c.send("PUT", `/v2/app/manifests/${digest}`, { body, headers: { "content-type": IMAGE_MANIFEST } });
      expect([reply.status, reply.headers["docker-content-digest"]]).toEqual([201, digest]);
      expect((await c.send("GET", `/v2/app/manifests/${digest}`)).headers["docker-content-digest"]).toBe(digest);
    },
  },
  {
    section: "Pushing Manifests",
    level: "MUST",
    text: "parameters of `Content-Type` are ignored, a type that is not the manifest's own is refused with `MANIFEST_INVALID`",
    async check(c) {
      const value = { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [] };
      expect((await c.manifest("app", "a", value, { "content-type": `${IMAGE_INDEX}; charset=utf-8` })).status).toBe(201);
      for (const type of [IMAGE_MANIFEST, "text/plain"]) {
        expect((await c.manifest("app", "b", value, { "content-type": type })).codes, type).toEqual(["MANIFEST_INVALID"]);
      }
    },
  },
  {
    section: "Pushing Manifests",
    level: "MUST",
    text: "a digest in the path that is not that of the body is refused with `DIGEST_INVALID`",
    async check(c) {
      const body = JSON.stringify({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [] });
      for (const digest of [absent, "sha256:baddigeststring"]) {
        const { codes } = await c.send("PUT", `/v2/app/manifests/${digest}`, { body, headers: { "content-type": IMAGE_INDEX } });
        expect(codes).toEqual(["DIGEST_INVALID"]);
      }
    },
  },
  {
    section: "Pushing Manifests",
    level: "MAY",
    text: "an image whose blobs are missing is refused with `MANIFEST_BLOB_UNKNOWN` that names them; a sparse index is taken",
    async check(c) {
      const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: absent, size: 6 };
      const image = await c.manifest("app", "v1", { schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [] });
      expect([image.status, image.codes, image.json.errors[0].detail]).toEqual([404, ["MANIFEST_BLOB_UNKNOWN"], [{ digest: absent }]]);
      const child = { mediaType: IMAGE_MANIFEST, digest: absent, size: 6 };
      expect((await c.manifest("app", "v1", { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [child] })).status).toBe(201);
    },
  },
  {
    section: "Pushing Manifests",
    level: "MAY",
    text: "`tag` parameters of a push by digest are taken, and each is named in `OCI-Tag`",
    async check(c) {
      const value = { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [] };
      const digest = digestOf(bytes(JSON.stringify(value)));
      const reply = await c.manifest("app", `${digest}?tag=1.2.3&tag=1.2&tag=latest`, value);
      expect([reply.status, reply.headers["oci-tag"]]).toEqual([201, "1.2.3, 1.2, latest"]);
      expect((await c.send("GET", "/v2/app/tags/list")).json.tags).toEqual(["1.2", "1.2.3", "latest"]);
      expect((await c.manifest("app", `${digest}?tag=no/tag`, value)).codes).toEqual(["MANIFEST_INVALID"]);
    },
  },
  {
    section: "Pushing Manifests",
    level: "SHOULD",
    text: "a manifest over the limit, which is at least 4 MiB, answers 413 `SIZE_INVALID`",
    async check(c) {
      const value = (size: number): object => ({
        schemaVersion: 2,
        mediaType: IMAGE_INDEX,
        manifests: [],
        annotations: { a: "x".repeat(size) },
      });
      expect((await c.manifest("app", "v1", value(4 * 1024 * 1024 - 200))).status).toBe(201);
      const reply = await c.manifest("app", "v2", value(4 * 1024 * 1024));
      expect([reply.status, reply.codes]).toEqual([413, ["SIZE_INVALID"]]);
    },
  },
  {
    section: "Pushing Manifests with Subject",
    level: "MUST",
    text: "a manifest with `subject` answers with `OCI-Subject`, and its subject need not be there",
    async check(c) {
      const image = await c.image("app", "v1");
      expect((await c.referrer("app", image, "1")).headers["oci-subject"]).toBe(image.digest);
      const missing = { mediaType: IMAGE_MANIFEST, digest: absent, size: 6 };
      const reply = await c.referrer("app", missing, "2");
      expect([reply.status, reply.headers["oci-subject"]]).toEqual([201, absent]);
      expect((await c.send("GET", `/v2/app/referrers/${absent}`)).json.manifests).toHaveLength(1);
    },
  },
  {
    section: "Listing Tags",
    level: "MUST",
    text: "tags are listed in ASCII order with the name of the repository; a repository that is not there answers 404 `NAME_UNKNOWN`",
    async check(c) {
      for (const tag of ["b", "B", "a", "10", "2", "_x"]) await c.image("app", tag);
      expect((await c.send("GET", "/v2/app/tags/list")).json).toEqual({ name: "app", tags: ["10", "2", "B", "_x", "a", "b"] });
      expect((await c.send("GET", "/v2/nobody/tags/list")).codes).toEqual(["NAME_UNKNOWN"]);
    },
  },
  {
    section: "Listing Tags",
    level: "MUST",
    text: "`n` and `last` give a part of the list with `Link`; `n=0` gives nothing and no `Link`",
    async check(c) {
      for (const tag of ["a", "b", "c", "d", "e"]) await c.image("app", tag);
      const first = await c.send("GET", "/v2/app/tags/list?n=2");
      expect([first.json.tags, first.headers["link"]]).toEqual([["a", "b"], '</v2/app/tags/list?n=2&last=b>; rel="next"']);
      expect((await c.send("GET", "/v2/app/tags/list?n=2&last=d")).json.tags).toEqual(["e"]);
      expect((await c.send("GET", "/v2/app/tags/list?last=bb")).json.tags).toEqual(["c", "d", "e"]);
      const none = await c.send("GET", "/v2/app/tags/list?n=0");
      expect([none.json.tags, none.headers["link"]]).toEqual([[], undefined]);
      expect((await c.send("GET", "/v2/app/tags/list?n=99999999999999999999")).json.tags).toHaveLength(5);
    },
  },
  {
    section: "Listing Referrers",
    level: "MUST",
    text: "the answer is an image index of descriptors with `artifactType` and annotations; empty where there are none, never 404",
    async check(c) {
      const image = await c.image("app", "v1");
      const referrer = await c.referrer("app", image, "1");
      const { status, headers, json } = await c.send("GET", `/v2/app/referrers/${image.digest}`);
      expect([status, headers["content-type"]]).toEqual([200, IMAGE_INDEX]);
      const { mediaType, digest, size } = referrer;
      const line = { mediaType, digest, size, annotations: { "org.example.seed": "1" }, artifactType: "application/vnd.example.sbom" };
      expect(json).toEqual({ schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [line] });
      for (const url of [`/v2/app/referrers/${absent}`, `/v2/nobody/referrers/${absent}`]) {
        const none = await c.send("GET", url);
        expect([none.status, none.json.manifests]).toEqual([200, []]);
      }
    },
  },
  {
    section: "Listing Referrers",
    level: "MUST",
    text: "an `artifactType` that is missing is the media type of an image's config, and is left out for an index",
    async check(c) {
      const { mediaType, digest, size } = await c.image("app", "v1");
      const subject = { mediaType, digest, size };
      await c.image("app", "sig", "s", { subject });
      await c.manifest("app", "list", { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests: [], subject });
      const { json } = await c.send("GET", `/v2/app/referrers/${digest}`);
      const types = Object.fromEntries(
        json.manifests.map((d: { mediaType: string; artifactType?: string }) => [d.mediaType, d.artifactType]),
      );
      expect(types).toEqual({ [IMAGE_MANIFEST]: "application/vnd.oci.image.config.v1+json", [IMAGE_INDEX]: undefined });
    },
  },
  {
    section: "Listing Referrers",
    level: "SHOULD",
    text: "`artifactType` filters, and `OCI-Filters-Applied` says so",
    async check(c) {
      const image = await c.image("app", "v1");
      await c.referrer("app", image, "1", "application/a");
      await c.referrer("app", image, "2", "application/b");
      const { headers, json } = await c.send("GET", `/v2/app/referrers/${image.digest}?artifactType=application/b`);
      expect([headers["oci-filters-applied"], json.manifests.map((d: { artifactType: string }) => d.artifactType)]).toEqual([
        "artifactType",
        ["application/b"],
      ]);
      expect((await c.send("GET", `/v2/app/referrers/${image.digest}`)).headers["oci-filters-applied"]).toBeUndefined();
    },
  },
  {
    section: "Listing Referrers",
    level: "MUST",
    text: "what does not fit into one answer is split, with `Link` to the next page that keeps the filter; a digest that is none answers 400",
    async check() {
      const c = await memoryClient({ limits: { maxReferrersBytes: 1000 } });
      const image = await c.image("app", "v1");
      const pushed: string[] = [];
      for (let i = 0; i < 12; i++)
        pushed.push((await c.referrer("app", image, String(i), i % 2 === 0 ? "application/a" : "application/b")).digest);
      for (const [query, count] of [
        ["", 12],
        ["?artifactType=application%2Fa", 6],
      ] as const) {
        const found: string[] = [];
        for (let url: string | undefined = `/v2/app/referrers/${image.digest}${query}`; url !== undefined;) {
          const reply = await c.send("GET", url);
          expect(reply.bytes.length).toBeLessThanOrEqual(1000);
          found.push(...reply.json.manifests.map((d: { digest: string }) => d.digest));
          url = /^<(.*)>; rel="next"$/.exec(reply.headers["link"] ?? "")?.[1];
        }
        expect(found).toHaveLength(count);
        expect(pushed).toEqual(expect.arrayContaining(found));
      }
      expect((await c.send("GET", "/v2/app/referrers/sha256:1")).status).toBe(400);
    },
  },
  {
    section: "Deleting tags",
    level: "MUST",
    text: "`DELETE` of a tag answers 202, and the manifest stays; a tag that is not there 404",
    async check(c) {
      const image = await c.image("app", "v1");
      expect((await c.send("DELETE", "/v2/app/manifests/v1")).status).toBe(202);
      expect((await c.send("GET", "/v2/app/manifests/v1")).status).toBe(404);
      expect((await c.send("GET", `/v2/app/manifests/${image.digest}`)).status).toBe(200);
      expect((await c.send("DELETE", "/v2/app/manifests/v1")).status).toBe(404);
    },
  },
  {
    section: "Deleting manifests",
    level: "MUST",
    text: "`DELETE` of a manifest answers 202, and its tags go with it; a referrer is then listed no more",
    async check(c) {
      const image = await c.image("app", "v1");
      const referrer = await c.referrer("app", image, "1");
      expect((await c.send("DELETE", `/v2/app/manifests/${referrer.digest}`)).status).toBe(202);
      expect((await c.send("GET", `/v2/app/referrers/${image.digest}`)).json.manifests).toEqual([]);
      expect((await c.send("DELETE", `/v2/app/manifests/${image.digest}`)).status).toBe(202);
      expect((await c.send("GET", "/v2/app/tags/list")).json.tags).toEqual([]);
      expect((await c.send("DELETE", `/v2/app/manifests/${image.digest}`)).status).toBe(404);
    },
  },
  {
    section: "Deleting blobs",
    level: "MUST",
    text: "`DELETE` of a blob answers 202, of one that is not there 404; one that a manifest needs stays (405)",
    async check(c) {
      const loose = await c.blob("app", "loose");
      await c.image("app", "v1", "needed");
      expect((await c.send("DELETE", `/v2/app/blobs/${loose.digest}`)).status).toBe(202);
      expect((await c.send("DELETE", `/v2/app/blobs/${loose.digest}`)).status).toBe(404);
      const needed = digestOf(bytes("layer needed"));
      expect((await c.send("DELETE", `/v2/app/blobs/${needed}`)).codes).toEqual(["UNSUPPORTED"]);
      expect((await c.send("HEAD", `/v2/app/blobs/${needed}`)).status).toBe(200);
    },
  },
  {
    section: "Content Management",
    level: "MUST",
    text: "where deleting is off it answers 405, and where pushing is off 403, and nothing changes",
    async check() {
      const c = await memoryClient({ delete: false });
      const image = await c.image("app", "v1");
      for (const url of [`/v2/app/manifests/v1`, `/v2/app/manifests/${image.digest}`, `/v2/app/blobs/${absent}`]) {
        expect((await c.send("DELETE", url)).status).toBe(405);
      }
      const readOnly = await memoryClient({ writable: false });
      expect((await readOnly.send("POST", "/v2/app/blobs/uploads/")).codes).toEqual(["DENIED"]);
      expect((await readOnly.send("PUT", "/v2/app/manifests/v1", { body: "{}" })).codes).toEqual(["DENIED"]);
    },
  },
  {
    section: "Error Codes",
    level: "MUST",
    text: "an error is JSON: `errors`, each with `code` and `message`; a method that is unknown answers 405 with `Allow`",
    async check(c) {
      const { status, headers, json } = await c.send("GET", "/v2/app/manifests/v1");
      expect([status, headers["content-type"], json.errors]).toEqual([
        404,
        "application/json",
        [{ code: "NAME_UNKNOWN", message: expect.any(String) }],
      ]);
      for (const method of ["POST", "BREW", "constructor", "__proto__", "OPTIONS"]) {
        const reply = await c.send(method, "/v2/app/manifests/v1");
        expect([reply.status, reply.codes, reply.headers["allow"]], method).toEqual([405, ["UNSUPPORTED"], "GET, HEAD, PUT, DELETE"]);
      }
    },
  },
];
