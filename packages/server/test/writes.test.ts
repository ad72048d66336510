import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Layout } from "@ocilot/layout";
import { attach, planConversion } from "@ocilot/referrers";
import { tempDir } from "@ocilot/testkit";
import { clientOf, memoryClient } from "./client.js";

describe("compare-and-swap", () => {
  test("If-None-Match: * makes a tag only where there is none, If-Match moves it only from where the client saw it", async () => {
    const c = await memoryClient();
    const first = await c.image("app", "v1", "1", {});
    expect((await c.image("app", undefined, "2")).status).toBe(201);
    const put = async (seed: string, headers: Record<string, string>): Promise<number> => {
      const { text } = await c.send("GET", `/v2/app/manifests/${(await c.image("app", undefined, seed)).digest}`);
      return (await c.send("PUT", "/v2/app/manifests/v1", { body: text, headers })).status;
    };
    expect(await put("2", { "if-none-match": "*" })).toBe(412);
    expect(await put("2", { "if-match": '"sha256:00"' })).toBe(412);
    expect((await c.send("GET", "/v2/app/manifests/v1")).headers["docker-content-digest"]).toBe(first.digest);
    const etag = (await c.send("HEAD", "/v2/app/manifests/v1")).headers["etag"]!;
    expect(await put("2", { "if-match": etag })).toBe(201);
    expect(await put("3", { "if-match": etag })).toBe(412);
    expect(await put("3", { "if-match": "*" })).toBe(201);
    const { text } = await c.send("GET", "/v2/app/manifests/v1");
    expect((await c.send("PUT", "/v2/app/manifests/new", { body: text, headers: { "if-none-match": "*" } })).status).toBe(201);
    expect((await c.send("PUT", "/v2/app/manifests/newer", { body: text, headers: { "if-match": "*" } })).status).toBe(412);
  });

  test("of many that swap at once exactly one wins each time", async () => {
    const c = await clientOf(tempDir());
    await c.image("app", "v1", "0");
    const images = await Promise.all(Array.from({ length: 12 }, async (_, i) => (await c.image("app", undefined, String(i + 1))).digest));
    const etag = (await c.send("HEAD", "/v2/app/manifests/v1")).headers["etag"]!;
    const results = await Promise.all(
      images.map(async (digest) => {
        const { text } = await c.send("GET", `/v2/app/manifests/${digest}`);
        return (await c.send("PUT", "/v2/app/manifests/v1", { body: text, headers: { "if-match": etag } })).status;
      }),
    );
    expect(results.toSorted()).toEqual([201, ...Array.from({ length: 11 }, () => 412)]);
    const winner = images[results.indexOf(201)];
    expect((await c.send("HEAD", "/v2/app/manifests/v1")).headers["docker-content-digest"]).toBe(winner);
  });

  test("a client that knows the content gets 304", async () => {
    const c = await memoryClient();
    const image = await c.image("app", "v1");
    for (const url of ["/v2/app/manifests/v1", `/v2/app/blobs/${image.digest}`]) {
      const { headers } = await c.send("GET", url);
      expect(headers["etag"]).toBe(`"${image.digest}"`);
      for (const tag of [headers["etag"]!, `"x", ${headers["etag"]}`, `W/${headers["etag"]}`, "*"]) {
        const reply = await c.send("GET", url, { headers: { "if-none-match": tag } });
        expect([reply.status, reply.bytes.length], tag).toEqual([304, 0]);
      }
      expect((await c.send("GET", url, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    }
  });
});

describe("group commit", () => {
  test("pushes that arrive together go in as few writes, and every one that was acknowledged is there", async () => {
    const root = tempDir();
    const c = await clientOf(root);
    const image = await c.image("app", "v1");
    const before = writesOf((await c.send("GET", "/metrics")).text);
    const pushed = await Promise.all(Array.from({ length: 200 }, async (_, i) => await c.referrer("app", image, String(i))));
    expect(pushed.map((p) => p.status)).toEqual(pushed.map(() => 201));
    expect(writesOf((await c.send("GET", "/metrics")).text) - before).toBeLessThan(60);
    const listed = (await c.send("GET", `/v2/app/referrers/${image.digest}`)).json.manifests.map((d: { digest: string }) => d.digest);
    expect(listed).toEqual(pushed.map((p) => p.digest).toSorted());
    // Another process reads the same from the disk, and finds nothing to repair.
    const again = await clientOf(root);
    expect((await again.send("GET", `/v2/app/referrers/${image.digest}`)).json.manifests).toHaveLength(200);
    expect((await planConversion(await Layout.open(join(root, "app")), { to: "universal" })).steps).toEqual([]);
  });

  test("beside other programs that attach to the same layout nothing is lost", async () => {
    const root = tempDir();
    const c = await clientOf(root);
    const image = await c.image("app", "v1");
    const beside = await Promise.all(Array.from({ length: 3 }, async () => await Layout.open(join(root, "app"), { sync: false })));
    const attached = beside.map(async (layout, j) => {
      for (let i = 0; i < 10; i++) await attach(layout, image.digest, { artifactType: "application/x", annotations: { n: `${j} ${i}` } });
    });
    const pushed = Array.from({ length: 5 }, async (_, j) => {
      for (let i = 0; i < 10; i++) expect((await c.referrer("app", image, `${j} ${i}`)).status).toBe(201);
    });
    await Promise.all([...attached, ...pushed]);
    expect((await c.send("GET", `/v2/app/referrers/${image.digest}`)).json.manifests).toHaveLength(80);
  });

  test("first pushes that arrive together make one repository, and each is in it", async () => {
    const c = await clientOf(tempDir());
    for (let round = 0; round < 5; round++) {
      const name = `new/app-${round}`;
      const blobs = await Promise.all(Array.from({ length: 8 }, async (_, i) => await c.blob(name, `blob ${i}`)));
      for (const { digest } of blobs) expect((await c.send("HEAD", `/v2/${name}/blobs/${digest}`)).status).toBe(200);
    }
  });

  test("what is refused makes no repository, and asking for an upload neither", async () => {
    const c = await clientOf(tempDir());
    const absent = { mediaType: "application/x", digest: `sha256:${"0".repeat(64)}`, size: 1 };
    const image = { schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: absent, layers: [] };
    expect((await c.manifest("app", "v1", image)).codes).toEqual(["MANIFEST_BLOB_UNKNOWN"]);
    expect((await c.send("GET", "/v2/app/blobs/uploads/00000000-0000-4000-8000-000000000000")).codes).toEqual(["NAME_UNKNOWN"]);
    expect((await c.send("GET", "/v2/_catalog")).json.repositories).toEqual([]);
  });

  test("a subject that was deleted is not listed again when something refers to it", async () => {
    const root = tempDir();
    const c = await clientOf(root);
    const image = await c.image("app", "v1");
    await c.referrer("app", image, "1");
    await c.send("GET", `/v2/app/referrers/${image.digest}`);
    expect((await c.send("DELETE", `/v2/app/manifests/${image.digest}`)).status).toBe(202);
    await c.referrer("app", image, "2");
    expect((await c.send("GET", `/v2/app/referrers/${image.digest}`)).json.manifests).toHaveLength(2);
    const { entries } = await (await Layout.open(join(root, "app"))).index.read();
    expect(entries.filter((e) => e.descriptor.digest === image.digest)).toEqual([]);
    expect((await c.send("GET", `/v2/app/manifests/${image.digest}`)).status).toBe(404);
  });

  test("one manifest that is refused does not keep the others out", async () => {
    const c = await memoryClient();
    const image = await c.image("app", "v1");
    const results = await Promise.all([
      c.referrer("app", image, "a"),
      c.manifest(
        "app",
        "v1",
        { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] },
        { "if-none-match": "*" },
      ),
      c.referrer("app", image, "b"),
    ]);
    expect(results.map((r) => r.status)).toEqual([201, 412, 201]);
  });
});

function writesOf(metrics: string): number {
  return Number(/^ocilot_index_writes_total (\d+)$/m.exec(metrics)![1]);
}
