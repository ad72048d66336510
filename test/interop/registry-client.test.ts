import { spawnSync } from "node:child_process";
import { createHash, randomBytes, randomUUID, sign } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Descriptor, EMPTY_JSON, IMAGE_MANIFEST } from "@ocilot/layout";
import {
  type RegistrySessionOptions,
  RegistrySession,
  anonymous,
  bytesSource,
  eraseCredential,
  fixedCredential,
  login,
  type RepositoryClient,
} from "@ocilot/registry";
import { type TestCertificates, closeServer, listen, makeCertificates, startFaultProxy } from "@ocilot/testkit";
import { HTPASSWD } from "./makers.js";
import { type Registry, startRegistry } from "./registry.js";
import { locate, must, place, run } from "./tools.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url));
const MB = 1024 * 1024;
/** The request that brings a large blob, and the empty one that ends it; that of a small blob comes first, and is left alone. */
const CONTENT = { method: "PATCH", path: /uploads/ } as const;
const END = { method: "PUT", path: /uploads/ } as const;
const ME = fixedCredential({ kind: "password", username: "me", password: "hunter2" });

let folder: string;
let certificates: TestCertificates;
let caFile: string;
let tls: { certificate: string; key: string };

beforeAll(async () => {
  folder = await mkdtemp(join(place(), "registry-client-"));
  certificates = makeCertificates();
  caFile = join(folder, "ca.crt");
  tls = { certificate: join(folder, "server.crt"), key: join(folder, "server.key") };
  await Promise.all([
    writeFile(caFile, certificates.ca),
    writeFile(tls.certificate, certificates.cert),
    writeFile(tls.key, certificates.key),
  ]);
});

function describeBytes(bytes: Uint8Array, mediaType = "application/octet-stream"): Descriptor {
  return { mediaType, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Descriptor["digest"], size: bytes.length };
}

function clientOf(name: string, options: RegistrySessionOptions = {}): RepositoryClient {
  const session = new RegistrySession({ credentials: anonymous, env: {}, retryDelay: 20, ...options });
  onTestFinished(() => session.close());
  return session.repository(name);
}

/** Pushes an image with one layer, reads it back by every way, and returns its manifest's digest. */
async function roundTrip(client: RepositoryClient, layer: Buffer): Promise<string> {
  const config = Buffer.from("{}");
  await client.pushBlob(describeBytes(config), bytesSource(config));
  await client.pushBlob(describeBytes(layer), bytesSource(layer));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      artifactType: "x/y",
      config: describeBytes(config, EMPTY_JSON),
      layers: [describeBytes(layer)],
    }),
  );
  const { digest } = await client.putManifest("v1", manifest, { mediaType: IMAGE_MANIFEST });
  expect((await client.getManifest("v1")).descriptor.digest).toBe(digest);
  expect(await client.listTags()).toEqual(["v1"]);
  expect(await client.listReferrers(describeBytes(manifest).digest)).toEqual({ hasApi: false, reason: "404" });
  const file = join(folder, randomUUID());
  await client.downloadBlob(describeBytes(layer), file);
  expect((await readFile(file)).equals(layer)).toBe(true);
  return digest;
}

describe.runIf(locate("docker-registry") !== undefined)("docker-registry", () => {
  describe("with TLS by an own authority, and htpasswd", () => {
    let registry: Registry;
    beforeAll(async () => {
      const path = join(folder, "secure");
      await mkdir(path);
      await writeFile(join(path, "htpasswd"), HTPASSWD);
      registry = await startRegistry(path, { tls, auth: { htpasswd: { realm: "test", path: join(path, "htpasswd") } } });
    });
    afterAll(() => registry.stop());

    test("is written and read, and crane finds what was written", async () => {
      const digest = await roundTrip(clientOf(`${registry.address}/a/b`, { caFile, credentials: ME }), randomBytes(5 * MB));
      const config = join(folder, "crane");
      await mkdir(config, { recursive: true });
      await writeFile(
        join(config, "config.json"),
        JSON.stringify({ auths: { [registry.address]: { auth: Buffer.from("me:hunter2").toString("base64") } } }),
      );
      const env = { DOCKER_CONFIG: config, SSL_CERT_FILE: caFile };
      expect((await must("crane", ["digest", `${registry.address}/a/b:v1`], { env })).trim()).toBe(digest);
    });

    test("refuses a wrong password, and nobody who does not know its authority is sent there", async () => {
      const credentials = fixedCredential({ kind: "password", username: "me", password: "wrong" });
      await expect(clientOf(`${registry.address}/a/b`, { caFile, credentials }).listTags()).rejects.toMatchObject({ code: "AUTH_FAILED" });
      await expect(clientOf(`${registry.address}/a/b`, { plainHttp: false, credentials: ME }).listTags()).rejects.toMatchObject({
        code: "NETWORK_ERROR",
      });
    });

    test("is logged in to by a file that oras and crane read too, and out again", async () => {
      const env = { HOME: join(folder, "home") };
      await expect(login(registry.address, { kind: "password", username: "me", password: "no" }, { env, caFile })).rejects.toMatchObject({
        code: "AUTH_FAILED",
      });
      const where = await login(registry.address, { kind: "password", username: "me", password: "hunter2" }, { env, caFile });
      expect(where).toEqual({ kind: "file", file: join(env.HOME, ".docker/config.json") });
      const session = new RegistrySession({ env, caFile });
      onTestFinished(() => session.close());
      await session.repository(`${registry.address}/login-test`).listTags();
      const tool = { env: { DOCKER_CONFIG: join(env.HOME, ".docker"), SSL_CERT_FILE: caFile } };
      await roundTrip(session.repository(`${registry.address}/login-test`), randomBytes(1000));
      expect(await must("oras", ["repo", "tags", "--ca-file", caFile, `${registry.address}/login-test`], tool)).toContain("v1");
      expect(await must("crane", ["ls", `${registry.address}/login-test`], tool)).toContain("v1");
      expect((await eraseCredential(registry.address, { env })).removed).toHaveLength(1);
      const after = new RegistrySession({ env, caFile });
      onTestFinished(() => after.close());
      await expect(after.repository(`${registry.address}/login-test`).listTags()).rejects.toMatchObject({ code: "AUTH_FAILED" });
    });

    test("ocilot login on the command line: oras and crane read what it stores; logout takes it away", async () => {
      const home = join(folder, "home-cli");
      const env = { HOME: home, DOCKER_CONFIG: join(home, ".docker"), SSL_CERT_FILE: caFile };
      const ocilot = (input: string, ...argv: string[]): { status: number | null; text: string } => {
        const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...argv], {
          env: { PATH: process.env["PATH"], ...env },
          input,
          encoding: "utf8",
        });
        return { status, text: stdout + stderr };
      };
      const options = ["-u", "me", "--password-stdin", "--ca-file", caFile];
      expect(ocilot("wrong", "login", registry.address, ...options).status).toBe(1);
      const { status, text } = ocilot("hunter2\n", "login", registry.address, ...options);
      expect(status, text).toBe(0);
      expect(text).not.toContain("hunter2");
      await roundTrip(clientOf(`${registry.address}/cli-login`, { caFile, credentials: ME }), randomBytes(1000));
      expect(await must("oras", ["repo", "tags", "--ca-file", caFile, `${registry.address}/cli-login`], { env })).toContain("v1");
      expect(await must("crane", ["ls", `${registry.address}/cli-login`], { env })).toContain("v1");
      expect(ocilot("", "logout", registry.address).status).toBe(0);
      expect((await run("crane", ["ls", `${registry.address}/cli-login`], { env })).code).not.toBe(0);
    });

    test("is read with the credential of a helper", async () => {
      const bin = join(folder, "helper-bin");
      await mkdir(bin);
      const helper = join(bin, "docker-credential-test");
      await writeFile(
        helper,
        `#!/bin/sh\nread key\n[ "$1 $key" = "get ${registry.address}" ] && echo '{"Username":"me","Secret":"hunter2"}'\n`,
      );
      await chmod(helper, 0o755);
      const docker = join(folder, "helper-config");
      await mkdir(docker);
      await writeFile(join(docker, "config.json"), JSON.stringify({ credHelpers: { [registry.address]: "test" } }));
      const env = { DOCKER_CONFIG: docker, PATH: `${bin}${delimiter}${process.env["PATH"]}` };
      const session = new RegistrySession({ env, caFile });
      onTestFinished(() => session.close());
      await roundTrip(session.repository(`${registry.address}/helper`), randomBytes(1000));
    });
  });

  describe("with a token server", () => {
    let registry: Registry;
    const asked: string[] = [];
    const server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? "", "http://x");
      const scopes = searchParams.getAll("scope");
      asked.push(...scopes);
      const isKnown = request.headers.authorization === `Basic ${Buffer.from("me:hunter2").toString("base64")}`;
      response.end(JSON.stringify({ token: jwt(searchParams.get("service") ?? "", isKnown ? scopes : []), expires_in: 300 }));
    });
    beforeAll(async () => {
      const path = join(folder, "token");
      await mkdir(path);
      const realm = `http://${await listen(server)}/token`;
      registry = await startRegistry(path, { auth: { token: { realm, service: "the registry", issuer: "test", rootcertbundle: caFile } } });
    });
    afterAll(async () => {
      await registry.stop();
      await closeServer(server);
    });

    /** A token as docker-registry checks it. */
    function jwt(service: string, scopes: readonly string[]): string {
      const now = Math.floor(Date.now() / 1000);
      const der = certificates.cert.replaceAll(/-----[^-]+-----|\s/g, "");
      const access = scopes.map((scope) => {
        const [type, name, actions = ""] = scope.split(":");
        return { type, name, actions: actions.split(",") };
      });
      const text = [
        { typ: "JWT", alg: "ES256", x5c: [der] },
        { iss: "test", sub: "me", aud: service, exp: now + 300, nbf: now - 10, iat: now, jti: randomUUID(), access },
      ]
        .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
        .join(".");
      return `${text}.${sign("sha256", Buffer.from(text), { key: certificates.key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    }

    test("is written, read and mounted in, with tokens for just that", async () => {
      const client = clientOf(`${registry.address}/a/b`, { credentials: ME });
      const layer = randomBytes(2 * MB);
      await roundTrip(client, layer);
      expect(await clientOf(`${registry.address}/c`, { credentials: ME }).mountBlob(describeBytes(layer).digest, "a/b")).toBe(true);
      expect(new Set(asked)).toEqual(new Set(["repository:a/b:pull", "repository:a/b:pull,push", "repository:c:pull,push"]));
    });

    test("refuses whoever the token server gives no rights", async () => {
      await expect(clientOf(`${registry.address}/a/b`).listTags()).rejects.toMatchObject({ code: "AUTH_FAILED" });
    });
  });

  describe("behind a proxy that does harm", () => {
    let registry: Registry;
    beforeAll(async () => {
      const path = join(folder, "harmed");
      await mkdir(path);
      registry = await startRegistry(path);
    });
    afterAll(() => registry.stop());

    test.each([
      // The registry throws away what it got of a request that was cut.
      ["a reset in mid upload", [{ ...CONTENT, total: 3, times: 3, fault: { kind: "reset", after: 7 * MB } }], 21],
      ["500 at the end of an upload", [{ ...END, total: 2, times: 2, fault: { kind: "status", status: 500, afterBody: true } }], 0],
      ["a reset at the end of an upload", [{ ...END, total: 2, times: 2, fault: { kind: "reset", after: 0 } }], 0],
      ["429 for content", [{ ...CONTENT, total: 2, times: 2, fault: { kind: "status", status: 429 } }], 0],
      [
        "413 for a PATCH, then for a PUT",
        [
          { ...CONTENT, total: 1, fault: { kind: "status", status: 413 } },
          { ...END, total: 1, fault: { kind: "status", status: 413 } },
        ],
        0,
      ],
      ["cuts in mid download", [{ method: "GET", path: /blobs\/sha256/, times: 9, fault: { kind: "cut", after: 2 * MB } }], 0],
      ["a flipped bit", [{ method: "GET", path: /blobs\/sha256/, total: 1, fault: { kind: "flip" } }], 10],
    ] as const)("gets what it should: %s", async (name, rules, lost) => {
      const proxy = await startFaultProxy(registry.address, rules);
      onTestFinished(() => proxy.close());
      await roundTrip(clientOf(`${proxy.host}/${createHash("md5").update(name).digest("hex")}`), randomBytes(10 * MB));
      expect(proxy.faults()).toBeGreaterThan(0);
      // Sent once and fetched once.
      expect(proxy.log.bytes).toBeLessThanOrEqual((20 * 1.1 + lost) * MB);
    });
  });
});
