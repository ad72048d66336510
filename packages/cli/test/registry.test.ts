import { join } from "node:path";
import { Layout, parseReference } from "@ocilot/layout";
import {
  LayoutBuilder,
  type RegistryQuirks,
  type TestRegistry,
  basicAuthorize,
  makeCertificates,
  startTestRegistry,
} from "@ocilot/testkit";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { parseDestination } from "../src/reference/destination.js";
import { run, runIn, tempDir } from "./helpers.js";

const D = `sha256:${"a".repeat(64)}`;

test.each([
  ["docker://alpine", "docker://alpine", ""],
  ["docker://alpine:3", "docker://alpine", ":3"],
  ["docker://localhost:5000/a/b", "docker://localhost:5000/a/b", ""],
  ["docker://localhost:5000/a/b:v1", "docker://localhost:5000/a/b", ":v1"],
  [`docker://localhost:5000/a@${D}`, "docker://localhost:5000/a", `@${D}`],
  [`docker://h/a:v1@${D}`, "docker://h/a", `:v1@${D}`],
])("the reference %s", (text, path, rest) => {
  expect(parseReference(text)).toMatchObject({ text, path, rest });
});

test("destinations in a registry", () => {
  expect(parseDestination("docker://h:5000/a:v1")).toEqual({ kind: "registry", path: "docker://h:5000/a", tag: "v1" });
  expect(parseDestination("docker://h:5000/a")).toEqual({ kind: "registry", path: "docker://h:5000/a" });
  expect(() => parseDestination(`docker://h/a@${D}`)).toThrow(/names a digest/);
});

async function registryWith(quirks: RegistryQuirks = {}, tls?: { key: string; cert: string }): Promise<TestRegistry> {
  const registry = await startTestRegistry({ quirks, ...(tls && { tls }) });
  onTestFinished(async () => await registry.close());
  return registry;
}

async function signedLayout(): Promise<string> {
  const content = new LayoutBuilder();
  const image = content.image();
  content.entry(image, { tag: "v1" }).listed(content.referrer(image, { artifactType: "application/spdx+json" }));
  const path = join(tempDir(), "layout");
  await content.directory(path);
  return path;
}

test.each([
  ["the Referrers API", {}],
  ["referrers tags", { referrers: 404 as const }],
])("every command takes docker://, with %s", async (_, quirks) => {
  const registry = await registryWith(quirks);
  const source = await signedLayout();
  const there = `docker://${registry.host}/team/app`;
  expect(await run("copy", `${source}:v1`, `${there}:v1`)).toMatchObject({ code: 0, stdout: expect.stringContaining("1 referrer") });
  expect((await run("ls", there)).stdout).toMatch(/v1 .*1 sbom[\s\S]*Referrers listed by: referrers-(api|tag) \(1\)/);
  expect((await run("referrers", `${there}:v1`)).stdout).toMatch(/application\/spdx\+json +referrers-(api|tag)/);
  const file = join(tempDir(), "scan.json");
  writeFileSync(file, "{}");
  const attached = await run("attach", `${there}:v1`, `${file}:application/json`, "--artifact-type", "application/vnd.example.scan");
  expect(attached.code).toBe(0);
  const digest = attached.stdout.trim();
  expect((await run("cat", `${there}@${digest}`)).stdout).toContain("application/vnd.example.scan");
  const out = join(tempDir(), "out");
  expect(await run("extract", `${there}@${digest}`, "-o", out)).toMatchObject({ code: 0 });
  expect(await run("verify", `${there}:v1`)).toMatchObject({ code: 0, stdout: expect.stringContaining("2 referrers") });
  expect(await run("doctor", `${there}:v1`)).toMatchObject({ code: 0, stdout: expect.stringContaining("Referrers API:") });
  expect(await run("tag", `${there}:v1`, "latest")).toMatchObject({ code: 0 });
  const pulled = join(tempDir(), "pulled");
  expect(await run("copy", `${there}:latest`, pulled)).toMatchObject({ code: 0, stdout: expect.stringContaining("2 referrers") });
  expect((await (await Layout.open(pulled)).resolve("latest")).digest).toBe((await (await Layout.open(source)).resolve("v1")).digest);
  expect(await run("detach", `${there}@${digest}`)).toMatchObject({ code: 0 });
  expect((await run("referrers", `${there}:v1`)).stdout).not.toContain(digest);
  expect(await run("untag", `${there}:latest`)).toMatchObject({ code: 0 });
  expect(registry.repository("team/app").tags.has("latest")).toBe(false);
  expect(await run("copy", "--all", there, join(tempDir(), "all.tar"))).toMatchObject({ code: 0 });
  for (const verb of ["gc", "lift"]) expect(await run(verb, there)).toMatchObject({ code: 6 });
  expect(await run("convert", there, "--to", "oras")).toMatchObject({ code: 6 });
});

test("what is not there, not reachable or not valid is said in one line, with its exit code", async () => {
  const registry = await registryWith();
  expect(await run("ls", `docker://${registry.host}/none`)).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("has no repository none"),
  });
  expect(await run("copy", `docker://${registry.host}/none:v1`, join(tempDir(), "x"))).toMatchObject({ code: 3 });
  expect(await run("ls", "docker://127.0.0.1/UPPER")).toMatchObject({ code: 2 });
  expect(await run("ls", `docker://${registry.host}/a`, "--jobs", "none")).toMatchObject({ code: 2 });
});

test("TLS of an own authority, and a password from a file of credentials", async () => {
  const { ca, key, cert } = makeCertificates();
  const registry = await registryWith({ authorize: basicAuthorize({ me: "secret" }) }, { key, cert });
  const source = await signedLayout();
  const there = `docker://${registry.host}/app:v1`;
  const directory = tempDir();
  writeFileSync(join(directory, "ca.pem"), ca);
  writeFileSync(join(directory, "auth.json"), JSON.stringify({ auths: { [registry.host]: { auth: btoa("me:secret") } } }));
  const options = ["--ca-file", join(directory, "ca.pem"), "--authfile", join(directory, "auth.json")];
  expect(await run("copy", `${source}:v1`, there, ...options)).toMatchObject({ code: 0 });
  expect(await run("referrers", there, ...options)).toMatchObject({ code: 0 });
  const refused = await runIn({ env: {} }, "referrers", there, "--insecure", "--authfile", join(directory, "ca.pem"));
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).not.toContain("secret");
});

test("a digest that cannot be checked is refused as a usage error", async () => {
  const outcome = await run("ls", `docker://127.0.0.1:1/a@md5:${"a".repeat(32)}`);
  expect(outcome).toMatchObject({ code: 2, stderr: expect.stringContaining("has a md5 digest, which ocilot cannot check") });
});

test("a pull that fails leaves no empty layout behind, and keeps what it did not make", async () => {
  const registry = await registryWith();
  const source = await signedLayout();
  expect(await run("copy", `${source}:v1`, `docker://${registry.host}/a:v1`)).toMatchObject({ code: 0 });
  registry.repository("a").blobs.clear();
  const target = join(tempDir(), "pulled");
  expect(await run("copy", `docker://${registry.host}/a:v1`, target)).toMatchObject({ code: 3 });
  expect(existsSync(target)).toBe(false);
  mkdirSync(target);
  expect(await run("copy", `docker://${registry.host}/a:v1`, target)).toMatchObject({ code: 3 });
  expect(readdirSync(target)).toEqual([]);
  writeFileSync(join(target, "notes.txt"), "mine");
  expect((await run("copy", `docker://${registry.host}/a:v1`, target)).code).not.toBe(0);
  expect(readdirSync(target)).toEqual(["notes.txt"]);
});

test("credentials come from the environment that the program was given", async () => {
  const registry = await registryWith({ authorize: basicAuthorize({ me: "hunter2" }) });
  const config = tempDir();
  const auth = Buffer.from("me:hunter2").toString("base64");
  writeFileSync(join(config, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const copy = ["copy", `${await signedLayout()}:v1`, `docker://${registry.host}/a:v1`];
  expect(await runIn({ env: { HOME: tempDir() } }, ...copy)).toMatchObject({ code: 1 });
  expect(await runIn({ env: { HOME: tempDir(), DOCKER_CONFIG: config } }, ...copy)).toMatchObject({ code: 0 });
});

test("doctor asks a registry, and changes nothing there", async () => {
  const registry = await registryWith();
  const there = `docker://${registry.host}/a:v1`;
  expect(await run("copy", `${await signedLayout()}:v1`, there)).toMatchObject({ code: 0 });
  registry.log.clear();
  expect(await run("doctor", there)).toMatchObject({ code: 0 });
  expect(registry.log.requests.filter((r) => r.method !== "GET" && r.method !== "HEAD")).toEqual([]);
  expect(registry.log.size).toBeGreaterThan(0);
});
