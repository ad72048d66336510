import { appendFileSync, cpSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Digest, Layout, digestOf } from "@ocilot/layout";
import { attach } from "@ocilot/referrers";
import { openRepositories } from "@ocilot/server";
import { FIXTURES, LayoutBuilder, fixtureNames, fixtureTruths, tempDir } from "@ocilot/testkit";
import { type Client, clientOf } from "./client.js";

/** Every file below a directory with its content, time and inode. */
function stateOf(root: string): Record<string, string> {
  const state: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { ino, mtimeMs, size, mode } = statSync(path);
    state[path] = `${ino} ${mtimeMs} ${size} ${mode} ${entry.isFile() ? digestOf(readFileSync(path)) : ""}`;
  }
  return state;
}

async function referrersOf(c: Client, name: string, subject: string): Promise<string[]> {
  return (await c.send("GET", `/v2/${name}/referrers/${subject}`)).json.manifests.map((d: { digest: string }) => d.digest);
}

describe("a folder of layouts", () => {
  test("every link of every fixture is served, whatever convention keeps it, and reading changes not a byte", async () => {
    const root = tempDir();
    cpSync(join(FIXTURES, "layouts"), join(root, "layouts"), { recursive: true });
    const before = stateOf(root);
    const c = await clientOf(root);
    let served = 0;
    for (const [name, truth] of Object.entries(fixtureTruths())) {
      for (const [subject, referrers] of Object.entries(truth)) {
        expect(await referrersOf(c, `layouts/${name}`, subject), `${name} ${subject}`).toEqual([...referrers].toSorted());
        served += referrers.length;
        for (const digest of [subject, ...referrers]) await c.send("GET", `/v2/layouts/${name}/manifests/${digest}`);
      }
      await c.send("GET", `/v2/layouts/${name}/tags/list`);
    }
    expect(served).toBe(34);
    expect(stateOf(root)).toEqual(before);
  });

  test.each(["", '{"imageLayoutVersion":'])(
    "what a killed process left half made (oci-layout is %j) is absent until a push completes it",
    async (marker) => {
      const root = tempDir();
      mkdirSync(join(root, "app/blobs/sha256"), { recursive: true });
      writeFileSync(join(root, "app/index.json"), "");
      writeFileSync(join(root, "app/oci-layout"), marker);
      const c = await clientOf(root);
      const blob = new TextEncoder().encode("{}");
      const path = `/v2/app/blobs/${digestOf(blob)}`;
      expect((await c.send("HEAD", path)).status).toBe(404);
      expect((await c.send("GET", "/v2/app/tags/list")).codes).toEqual(["NAME_UNKNOWN"]);
      expect((await c.send("GET", "/v2/_catalog")).json).toEqual({ repositories: [] });
      await c.blob("app", blob);
      expect((await c.send("GET", path)).bytes).toEqual(Buffer.from(blob));
      expect((await Layout.open(join(root, "app"))).warnings).toEqual([]);
    },
  );

  test("tars are repositories too, and take no pushes", async () => {
    const root = tempDir();
    mkdirSync(join(root, "tars"));
    for (const name of ["oras-backup", "skopeo-archive"])
      cpSync(join(FIXTURES, "layouts", `${name}.tar`), join(root, "tars", `${name}.tar`));
    const c = await clientOf(root);
    expect((await c.send("GET", "/v2/_catalog")).json).toEqual({ repositories: ["tars/oras-backup", "tars/skopeo-archive"] });
    const { tags } = (await c.send("GET", "/v2/tars/oras-backup/tags/list")).json;
    expect(tags.length).toBeGreaterThan(0);
    const manifest = await c.send("GET", `/v2/tars/oras-backup/manifests/${tags[0]}`);
    for (const layer of manifest.json.layers ?? []) {
      const blob = await c.send("GET", `/v2/tars/oras-backup/blobs/${layer.digest}`);
      expect(digestOf(blob.bytes)).toBe(layer.digest);
    }
    expect((await c.send("POST", "/v2/tars/oras-backup/blobs/uploads/")).codes).toEqual(["DENIED"]);
    expect((await c.send("DELETE", `/v2/tars/oras-backup/manifests/${tags[0]}`)).codes).toEqual(["DENIED"]);
  });

  test("folders at any depth, made on the first push; nested repositories keep out of each other's files", async () => {
    const root = tempDir();
    const c = await clientOf(root);
    for (const name of ["a", "a/b", "a/b/c", "z"]) await c.image(name, "v1", name);
    expect((await c.send("GET", "/v2/_catalog")).json.repositories).toEqual(["a", "a/b", "a/b/c", "z"]);
    expect((await c.send("GET", "/v2/_catalog?n=2")).headers["link"]).toBe('</v2/_catalog?n=2&last=a%2Fb>; rel="next"');
    for (const name of ["a/blobs", "a/blobs/sha256", "a/index.json", "a/oci-layout", "blobs"]) {
      expect((await c.send("POST", `/v2/${name}/blobs/uploads/`)).codes, name).toEqual(["NAME_INVALID"]);
    }
    expect((await (await Layout.open(join(root, "a"))).index.read()).entries).toHaveLength(1);
  });

  test.each(["con", "a/nul", "aux.1/b", "com1"])("on Windows no repository is called %s, which is a device there", async (name) => {
    const root = tempDir();
    const c = await clientOf(root);
    const push = async (): Promise<readonly string[]> => (await c.send("POST", `/v2/${name}/blobs/uploads/`)).codes;
    vi.stubGlobal("process", { ...process, platform: "win32" });
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(await push()).toEqual(["NAME_INVALID"]);
    expect(readdirSync(root)).toEqual([]);
    vi.unstubAllGlobals();
    expect(await push()).toEqual([]);
  });

  test("no name and no link leads out of the folder", async () => {
    const outside = tempDir();
    const secret = new LayoutBuilder();
    const image = secret.image();
    await secret.entry(image, { tag: "v1" }).directory(join(outside, "secret"));
    const root = join(outside, "root");
    mkdirSync(root);
    symlinkSync(join(outside, "secret"), join(root, "linked"));
    symlinkSync(outside, join(root, "up"));
    const c = await clientOf(root);
    for (const name of [
      "linked",
      "up/secret",
      "../secret",
      "..%2fsecret",
      "%2e%2e/secret",
      "x/../../secret",
      "x/..%5c..%5csecret",
      "up%2fsecret",
    ]) {
      const reply = await c.send("GET", `/v2/${name}/manifests/v1`);
      expect(reply.status, name).toBeOneOf([400, 404]);
      const push = await c.send("POST", `/v2/${name}/blobs/uploads/?digest=${digestOf(new Uint8Array())}`);
      expect(push.status, name).toBeGreaterThanOrEqual(400);
    }
    expect((await c.send("GET", "/v2/_catalog")).json.repositories).toEqual([]);
    expect(readdirSync(join(outside, "secret")).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  test("what another program writes is seen at once, and what is removed is gone", async () => {
    const root = tempDir();
    const c = await clientOf(root);
    const image = await c.image("app", "v1");
    const beside = await Layout.open(join(root, "app"), { sync: false });
    const found: string[] = [];
    for (let i = 0; i < 6; i++) {
      const d = await attach(beside, image.digest, { artifactType: "application/x", annotations: { i: String(i) } });
      found.push(d.digest, (await c.referrer("app", image, `s${i}`)).digest);
      expect(await referrersOf(c, "app", image.digest)).toEqual(found.toSorted());
    }
    await beside.untag("v1");
    expect((await c.send("GET", "/v2/app/manifests/v1")).status).toBe(404);
  });

  test("a folder that stands in for a registry is found by `ns`, as containerd asks a mirror", async () => {
    const root = tempDir();
    const c = await clientOf(root);
    await c.image("docker.io/library/alpine", "3", "a");
    await c.image("library/alpine", "3", "b");
    const mirrored = await c.send("GET", "/v2/library/alpine/manifests/3?ns=docker.io");
    const own = await c.send("GET", "/v2/library/alpine/manifests/3");
    expect(mirrored.headers["oci-namespace"]).toBe("docker.io");
    expect(mirrored.text).not.toBe(own.text);
    expect((await c.send("GET", "/v2/library/alpine/manifests/3?ns=ghcr.io")).text).toBe(own.text);
  });
});

describe("a single layout", () => {
  test("is named by its path, or as told, or by the full names in it", async () => {
    const path = join(tempDir(), "My Layout");
    const builder = new LayoutBuilder();
    const one = builder.image();
    await builder.entry(one, { tag: "v1" }).directory(path);
    expect(await (await openRepositories(path, { sync: false, lockWait: 1 })).names()).toEqual(["my-layout"]);
    expect(await (await openRepositories(path, { sync: false, lockWait: 1, name: "team/app" })).names()).toEqual(["team/app"]);
    await expect(openRepositories(path, { sync: false, lockWait: 1, name: "Team" })).rejects.toMatchObject({ code: "USAGE" });

    const named = join(tempDir(), "named");
    const full = new LayoutBuilder();
    const [a, b] = [full.image(), full.image()];
    await full
      .entry(a, { tag: "docker.io/library/a:latest" })
      .entry(b, { tag: "latest", annotations: { "io.containerd.image.name": "localhost:5000/b:latest" } })
      .directory(named);
    const c = await clientOf(named);
    expect((await c.send("GET", "/v2/_catalog")).json.repositories).toEqual(["b", "library/a"]);
    expect((await c.send("GET", "/v2/library/a/manifests/latest")).headers["docker-content-digest"]).toBe(a.digest);
    expect((await c.send("GET", "/v2/b/manifests/latest")).headers["docker-content-digest"]).toBe(b.digest);
  });

  test("a push to a tag that stands in the layout as a full name moves that name", async () => {
    const path = join(tempDir(), "named");
    const builder = new LayoutBuilder();
    const old = builder.image();
    await builder.entry(old, { tag: "v1", annotations: { "io.containerd.image.name": "docker.io/library/a:v1" } }).directory(path);
    const c = await clientOf(path);
    const image = await c.image("library/a", "v1", "new");
    const entries = (await (await Layout.open(path)).index.read()).entries;
    expect(entries.find((e) => e.descriptor.digest === image.digest)?.descriptor.annotations).toMatchObject({
      "io.containerd.image.name": "docker.io/library/a:v1",
    });
    expect(entries.filter((e) => e.descriptor.digest === old.digest && e.tag !== undefined)).toEqual([]);
  });

  test("several are served under their names, and not two under one", async () => {
    const dir = tempDir();
    for (const name of ["x", "y"]) await Layout.create(join(dir, name), { sync: false });
    const both = await openRepositories([join(dir, "x"), join(dir, "y")], { sync: false, lockWait: 1 });
    expect(await both.names()).toEqual(["x", "y"]);
    await expect(openRepositories([join(dir, "x"), `${dir}/./x`], { sync: false, lockWait: 1 })).rejects.toMatchObject({ code: "USAGE" });
    await expect(openRepositories(join(dir, "nothing"), { sync: false, lockWait: 1 })).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
  });
});

describe("damage", () => {
  async function damaged(size: number): Promise<{ c: Client; path: string; digest: Digest }> {
    const root = tempDir();
    const content = new Uint8Array(size).fill(7);
    const { digest } = await (await clientOf(root)).blob("app", content);
    const path = join(root, "app", "blobs", "sha256", digest.slice(7));
    content[size >> 1] = 8;
    writeFileSync(path, content);
    return { c: await clientOf(root), path, digest };
  }

  test("a small blob that is damaged is not sent", async () => {
    const { c, digest } = await damaged(1000);
    const reply = await c.send("GET", `/v2/app/blobs/${digest}`);
    expect([reply.status, reply.codes]).toEqual([404, ["BLOB_UNKNOWN"]]);
    expect(reply.text).toContain("corrupt");
  });

  test("a large one never arrives whole, is refused from then on, and is repaired by a push", async () => {
    const size = 3 << 20;
    const { c, digest } = await damaged(size);
    await expect(c.send("GET", `/v2/app/blobs/${digest}`)).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    expect((await c.send("GET", `/v2/app/blobs/${digest}`)).status).toBe(404);
    expect((await c.send("GET", `/v2/app/blobs/${digest}`, { headers: { range: "bytes=0-9" } })).status).toBe(404);
    expect((await c.send("HEAD", `/v2/app/blobs/${digest}`)).status).toBe(404);
    await c.blob("app", new Uint8Array(size).fill(7));
    expect((await c.send("GET", `/v2/app/blobs/${digest}`)).status).toBe(200);
  });

  test("a part of a large blob is not sent either before the whole was checked", async () => {
    const { c, digest } = await damaged(3 << 20);
    await expect(c.send("GET", `/v2/app/blobs/${digest}`, { headers: { range: "bytes=0-99" } })).rejects.toMatchObject({
      code: "BLOB_CORRUPT",
    });
  });

  test("a file that was checked is checked again once it has changed", async () => {
    const root = tempDir();
    const content = new Uint8Array(2 << 20).fill(1);
    const { digest } = await (await clientOf(root)).blob("app", content);
    const c = await clientOf(root);
    expect((await c.send("GET", `/v2/app/blobs/${digest}`)).status).toBe(200);
    const path = join(root, "app", "blobs", "sha256", digest.slice(7));
    content[5] = 2;
    writeFileSync(path, content);
    utimesSync(path, 5, 5);
    await expect(c.send("GET", `/v2/app/blobs/${digest}`)).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
  });

  test("a manifest that is damaged or missing answers 404, an index.json that cannot be read 500 without telling paths", async () => {
    const root = tempDir();
    const c = await clientOf(root);
    const image = await c.image("app", "v1");
    appendFileSync(join(root, "app", "blobs", "sha256", image.digest.slice(7)), " ");
    expect((await c.send("GET", "/v2/app/manifests/v1")).codes).toEqual(["MANIFEST_UNKNOWN"]);
    writeFileSync(join(root, "app", "index.json"), "[]");
    const reply = await c.send("GET", "/v2/app/tags/list");
    expect([reply.status, reply.codes]).toEqual([500, ["UNKNOWN"]]);
    expect(reply.text).not.toContain(root);
  });
});

test("the fixtures are what the count above is of", () => {
  expect(fixtureNames("layouts").length).toBeGreaterThan(15);
});
