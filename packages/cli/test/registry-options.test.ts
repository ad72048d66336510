import { createServer } from "node:http";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import {
  LayoutBuilder,
  type RegistryQuirks,
  type TestRegistry,
  basicAuthorize,
  closeServer,
  listen,
  makeCertificates,
  startTestRegistry,
} from "@ocilot/testkit";
import { describe, expect, onTestFinished, test } from "vitest";
import { registrySettings } from "../src/options/registry.js";
import { run, runIn, tempDir } from "./helpers.js";

async function registryWith(quirks: RegistryQuirks = {}, tls?: { key: string; cert: string }): Promise<TestRegistry> {
  const registry = await startTestRegistry({ quirks, ...(tls && { tls }) });
  onTestFinished(async () => await registry.close());
  return registry;
}

async function pushed(registry: TestRegistry, repository: string): Promise<void> {
  const content = new LayoutBuilder();
  const image = content.image();
  content.entry(image, { tag: "v1" }).listed(content.referrer(image, { artifactType: "application/spdx+json" }));
  const path = join(tempDir(), "layout");
  await content.directory(path);
  expect(await run("copy", `${path}:v1`, `docker://${registry.host}/${repository}:v1`)).toMatchObject({ code: 0 });
}

describe("the message names the option or the command that helps", () => {
  test("a certificate of an unknown authority: --ca-file", async () => {
    const { ca, key, cert } = makeCertificates();
    const { host } = await registryWith({}, { key, cert });
    const other = join(tempDir(), "other.pem");
    writeFileSync(other, makeCertificates().ca);
    const outcome = await run("ls", `docker://${host}/a`, "--ca-file", other, "--retries", "0");
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/hint: .*--ca-file/) });
    const right = join(tempDir(), "ca.pem");
    writeFileSync(right, ca);
    expect(await run("ls", `docker://${host}/a`, "--ca-file", right)).toMatchObject({ code: 3 });
    expect(await run("ls", `docker://${host}/a`, "--insecure")).toMatchObject({ code: 3 });
  });

  test("a registry without TLS: --plain-http", async () => {
    const { host } = await registryWith();
    // The address of this machine in another form, which is not taken for it: https is tried.
    const name = host.replace("127.0.0.1", "0.0.0.0");
    const outcome = await run("ls", `docker://${name}/a`, "--retries", "0");
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/hint: .*--plain-http/) });
    expect(await run("ls", `docker://${name}/a`, "--plain-http")).toMatchObject({ code: 3 });
  });

  test("401: ocilot login", async () => {
    const { host } = await registryWith({ authorize: basicAuthorize({ me: "pw" }) });
    const env = { HOME: tempDir() };
    const file = join(env.HOME, "auth.json");
    writeFileSync(file, "{}");
    const outcome = await runIn({ env }, "ls", `docker://${host}/a`, "--authfile", file);
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining(`hint: Log in with \`ocilot login ${host}\``) });
  });
});

test("a mirror is asked for content, and the registry itself for tags", async () => {
  const [origin, mirror] = [await registryWith(), await registryWith()];
  await pushed(origin, "team/app");
  await pushed(mirror, "cache/team/app");
  const before = [origin.log.count("GET blob"), mirror.log.count("GET blob")];
  const target = join(tempDir(), "out");
  const option = ["--mirror", `${origin.host}=${mirror.host}/cache`];
  expect(await run("copy", `docker://${origin.host}/team/app:v1`, target, ...option)).toMatchObject({ code: 0 });
  expect([origin.log.count("GET blob") - before[0]!, mirror.log.count("GET blob") - before[1]!]).toEqual([
    0,
    expect.toSatisfy((n) => n > 0),
  ]);
});

test("a registry that does not answer is given up after --idle-timeout and --retries", async () => {
  let asked = 0;
  const server = createServer(() => void asked++);
  const host = await listen(server);
  onTestFinished(async () => await closeServer(server));
  const outcome = await run("ls", `docker://${host}/a`, "--idle-timeout", "50ms", "--retries", "1", "--jobs", "1");
  expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining("no response within the time limit") });
  expect(asked).toBe(2);
});

const ENV = { HOME: "/home/me" };
const NOTHING = {
  "plain-http": false,
  insecure: false,
  "ca-file": undefined,
  authfile: undefined,
  jobs: undefined,
  mirror: undefined,
  "connect-timeout": undefined,
  "idle-timeout": undefined,
  retries: undefined,
};

test("each option reaches the transport", () => {
  expect(registrySettings(NOTHING, ENV)).toEqual({ env: ENV });
  const given = {
    "plain-http": true,
    insecure: true,
    "ca-file": "ca.pem",
    authfile: "auth.json",
    jobs: "3",
    mirror: ["docker.io=a.example/hub", "Docker.IO=localhost:5000", "quay.io=[::1]:5000/x/y/"],
    "connect-timeout": "2s",
    "idle-timeout": "1m",
    retries: "0",
  };
  expect(registrySettings(given, ENV)).toEqual({
    env: ENV,
    plainHttp: true,
    insecure: true,
    caFile: "ca.pem",
    authFile: "auth.json",
    jobs: 3,
    mirrors: { "docker.io": ["a.example/hub", "localhost:5000"], "quay.io": ["[::1]:5000/x/y/"] },
    connectTimeout: 2000,
    idleTimeout: 60_000,
    headersTimeout: 60_000,
    retries: 0,
  });
});

test.each([
  ["jobs", "0"],
  ["jobs", "1000"],
  ["jobs", "x"],
  ["retries", "-1"],
  ["retries", "1e2"],
  ["connect-timeout", "15"],
  ["connect-timeout", "0s"],
  ["idle-timeout", "99d"],
  ["mirror", "docker.io"],
  ["mirror", "docker.io=mirror"],
  ["mirror", "docker.io=https://m.example/x"],
  ["mirror", "=m.example"],
  ["mirror", "a/b=m.example"],
])("--%s %s is wrong usage", (name, value) => {
  const args = { ...NOTHING, [name]: name === "mirror" ? [value] : value };
  expect(() => registrySettings(args, ENV)).toThrow(
    expect.objectContaining({ code: "USAGE", message: expect.stringContaining(`--${name}`) }),
  );
});
