import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Layout, digestOf } from "@ocilot/layout";
import { makeRequest } from "@ocilot/server";
import { tempDir } from "@ocilot/testkit";
import { Client, clientOf, memoryClient } from "./client.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function folder(): Promise<{ root: string; client: () => Promise<Client> }> {
  const root = tempDir();
  return { root, client: async () => await clientOf(root) };
}

async function begin(c: Client, name = "app"): Promise<string> {
  return (await c.send("POST", `/v2/${name}/blobs/uploads/`)).headers["location"]!;
}

/** A body that comes in pieces and may break off. */
function broken(c: Client, location: string, pieces: readonly string[]): Promise<unknown> {
  const request = makeRequest("PATCH", location, { headers: { "content-length": "1000" } });
  const body = (async function* () {
    for (const piece of pieces) yield bytes(piece);
    throw new Error("the connection was reset");
  })();
  return c.registry.answer({ ...request, body });
}

describe("uploads", () => {
  test("what arrived before a cut stays, to the byte, and after a restart of the server", async () => {
    const { root, client } = await folder();
    const first = await client();
    const location = await begin(first);
    await broken(first, location, ["abc", "de"]);
    expect((await first.send("GET", location)).headers["range"]).toBe("0-4");
    // Another process: nothing is shared with the first but the folder.
    const second = await client();
    const status = await second.send("GET", location);
    expect([status.status, status.headers["range"]]).toEqual([204, "0-4"]);
    expect((await second.send("PATCH", location, { body: "fgh", headers: { "content-range": "5-7" } })).status).toBe(202);
    const digest = digestOf(bytes("abcdefgh"));
    expect((await second.send("PUT", `${location}?digest=${digest}`)).status).toBe(201);
    expect((await second.send("GET", `/v2/app/blobs/${digest}`)).text).toBe("abcdefgh");
    expect(readdirSync(join(root, "app")).filter((name) => name.startsWith(".ocilot-"))).toEqual([]);
  });

  test("a session that was begun and never written to outlives a restart too", async () => {
    const { client } = await folder();
    const location = await begin(await client());
    expect((await (await client()).send("PUT", `${location}?digest=${digestOf(bytes("x"))}`, { body: "x" })).status).toBe(201);
  });

  test("any way of cutting content into chunks, with restarts in between, gives the blob", async () => {
    const { client } = await folder();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.array(fc.record({ size: fc.nat(500), restart: fc.boolean() }), { maxLength: 8 }),
        fc.constantFrom("sha256" as const, "sha512" as const),
        async (content, cuts, algorithm) => {
          let c = await client();
          const location = await begin(c);
          let at = 0;
          for (const { size, restart } of cuts) {
            if (restart) c = await client();
            const piece = content.subarray(at, at + size);
            const headers: Record<string, string> = piece.length === 0 ? {} : { "content-range": `${at}-${at + piece.length - 1}` };
            expect((await c.send("PATCH", location, { body: piece, headers })).status).toBe(202);
            at += piece.length;
          }
          const digest = digestOf(content, algorithm);
          expect((await c.send("PUT", `${location}?digest=${digest}`, { body: content.subarray(at) })).status).toBe(201);
          expect(digestOf((await c.send("GET", `/v2/app/blobs/${digest}`)).bytes, algorithm)).toBe(digest);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("a request that comes while another still waits for bytes takes the upload over", async () => {
    const c = await memoryClient();
    const location = await begin(c);
    const hanging = makeRequest("PATCH", location);
    const never = (async function* () {
      yield bytes("ab");
      await new Promise(() => undefined);
    })();
    const old = c.registry.answer({ ...hanging, body: never });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await c.send("GET", location)).headers["range"]).toBe("0-1");
    expect((await old).status).toBe(409);
    expect((await c.send("PUT", `${location}?digest=${digestOf(bytes("abc"))}`, { body: "c" })).status).toBe(201);
  });

  test("a session belongs to its repository", async () => {
    const c = await memoryClient();
    const location = await begin(c);
    await c.blob("other", "x");
    expect((await c.send("GET", location.replace("/app/", "/other/"))).codes).toEqual(["BLOB_UPLOAD_UNKNOWN"]);
  });

  test("idle sessions are removed with their files, those of an earlier process too", async () => {
    const { root, client } = await folder();
    const first = await client();
    const old = await begin(first);
    const limits = { uploadIdle: 1000 };
    const c = await clientOf(root, { limits });
    const fresh = await begin(c);
    const file = readdirSync(join(root, "app")).find((name) => name.endsWith(old.split("/").at(-1)!))!;
    utimesSync(join(root, "app", file), 1, 1);
    await c.registry.sweep();
    expect(existsSync(join(root, "app", file))).toBe(false);
    expect((await c.send("GET", fresh)).status).toBe(204);
    expect((await c.send("GET", "/metrics")).text).toContain("ocilot_uploads_expired_total 1");
    const short = await clientOf(root, { limits: { uploadIdle: 0 } });
    const gone = await begin(short);
    await short.registry.sweep();
    expect((await short.send("GET", gone)).codes).toEqual(["BLOB_UPLOAD_UNKNOWN"]);
  });

  test("limits: size of a blob, open sessions, room on the disk", async () => {
    const { root } = await folder();
    const small = await clientOf(root, { limits: { maxBlobBytes: 10, maxUploads: 2 } });
    const location = await begin(small);
    const over = await small.send("PATCH", location, { body: "12345678901" });
    expect([over.status, over.codes]).toEqual([413, ["SIZE_INVALID"]]);
    expect((await small.send("POST", "/v2/app/blobs/uploads/", { headers: { "content-length": "11" } })).status).toBe(413);
    await begin(small);
    const many = await small.send("POST", "/v2/app/blobs/uploads/");
    expect([many.status, many.codes, many.headers["retry-after"]]).toEqual([429, ["TOOMANYREQUESTS"], "10"]);
    const full = await clientOf(root, { limits: { minDiskFree: Number.MAX_SAFE_INTEGER } });
    expect((await full.send("POST", "/v2/app/blobs/uploads/")).status).toBe(507);
  });

  test("a blob is the uploaded file itself, readable by others and of the right mode; a second push of it changes nothing", async () => {
    const { root, client } = await folder();
    const c = await client();
    const { digest } = await c.blob("app", "content");
    const path = join(root, "app", "blobs", "sha256", digest.slice(7));
    expect(readFileSync(path, "utf8")).toBe("content");
    expect(statSync(path).mode & 0o777).toBe(0o644);
    await c.blob("app", "content");
    expect(readFileSync(path, "utf8")).toBe("content");
  });

  test("where files cannot get a second name the content is copied", async () => {
    const root = tempDir();
    const layout = await Layout.create(join(root, "app"), { sync: false });
    Object.defineProperty(layout.blobs, "putFile", { value: async () => false });
    const c = await clientOf({ app: layout });
    const { digest } = await c.blob("app", "content");
    expect((await c.send("GET", `/v2/app/blobs/${digest}`)).text).toBe("content");
    expect(readdirSync(join(root, "app")).filter((name) => name.startsWith(".ocilot-"))).toEqual([]);
  });

  test("a mount is a second name of the same file, and never of a damaged one", async () => {
    const { root, client } = await folder();
    const c = await client();
    const big = "x".repeat(100);
    const { digest } = await c.blob("from", big);
    expect((await c.send("POST", `/v2/to/blobs/uploads/?mount=${digest}&from=from`)).status).toBe(201);
    const inode = (name: string): number => statSync(join(root, name, "blobs", "sha256", digest.slice(7))).ino;
    expect(inode("to")).toBe(inode("from"));
  });
});
