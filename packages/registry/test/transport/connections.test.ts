import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MockAgent } from "undici";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type TestCertificates, closeServer, listen, makeCertificates, startTestRegistry } from "@ocilot/testkit";
import { fixedCredential } from "@ocilot/registry";
import { clientOf, collect, content, open, serve } from "../support.js";

let root: string;
let tls: TestCertificates;
let caFile: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ocilot-connections-"));
  tls = makeCertificates();
  caFile = join(root, "ca.pem");
  writeFileSync(caFile, tls.ca);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("TLS", () => {
  test("with an own authority: refused with a hint, accepted with --ca-file, with certs.d, with --insecure", async () => {
    const registry = await open(startTestRegistry({ tls }));
    await expect(clientOf(`${registry.host}/r`, { plainHttp: false }).client.ping()).rejects.toMatchObject({
      code: "NETWORK_ERROR",
      hint: expect.stringMatching(/--ca-file/),
    });
    await clientOf(`${registry.host}/r`, { caFile }).client.ping();
    const folder = join(root, "certs.d", registry.host);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ca.crt"), tls.ca);
    await clientOf(`${registry.host}/r`, { certificateDirectories: [join(root, "certs.d")] }).client.ping();
    await clientOf(`${registry.host}/r`, { insecure: true }).client.ping();
    await clientOf(`${registry.host}/r`, { plainHttp: false, env: { SSL_CERT_FILE: caFile } }).client.ping();
  });

  test("of this machine is found out where certificates are given: a registry without TLS still works beside one with it", async () => {
    const [plain, secure] = [await open(startTestRegistry()), await open(startTestRegistry({ tls }))];
    const { client, session, seen } = clientOf(`${plain.host}/r`, { caFile });
    await client.ping();
    await session.repository(`${secure.host}/r`).ping();
    expect(seen.map(({ address }) => address)).toEqual([`http://${plain.host}/v2/`, `https://${secure.host}/v2/`]);
  });

  test("asked of a registry without it, and the other way round, is an error with a hint", async () => {
    const [plain, secure] = [await open(startTestRegistry()), await open(startTestRegistry({ tls }))];
    await expect(clientOf(`${plain.host}/r`, { plainHttp: false }).client.ping()).rejects.toMatchObject({
      hint: expect.stringMatching(/--plain-http/),
    });
    await expect(clientOf(`${secure.host}/r`, { plainHttp: true, retries: 1 }).client.ping()).rejects.toMatchObject({
      code: expect.stringMatching(/NETWORK_ERROR|RESPONSE_INVALID/),
    });
  });

  test("with a client certificate from certs.d", async () => {
    let authorized: boolean | undefined;
    const server = createTlsServer(
      { key: tls.key, cert: tls.cert, ca: tls.ca, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        authorized = (request.socket as import("node:tls").TLSSocket).authorized;
        response.end("{}");
      },
    );
    const host = await listen(server);
    onTestFinished(() => closeServer(server));
    const folder = join(root, "client.d", host);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "ca.crt"), tls.ca);
    writeFileSync(join(folder, "client.cert"), tls.cert);
    const certificateDirectories = [join(root, "client.d")];
    await expect(clientOf(`${host}/r`, { certificateDirectories }).client.ping()).rejects.toMatchObject({
      code: "CREDENTIALS_UNAVAILABLE",
    });
    writeFileSync(join(folder, "client.key"), tls.key);
    await clientOf(`${host}/r`, { certificateDirectories }).client.ping();
    expect(authorized).toBe(true);
  });

  test("is never left: a redirect to http is refused", async () => {
    const registry = await open(startTestRegistry());
    const server = createTlsServer({ key: tls.key, cert: tls.cert }, (request, response) =>
      response.writeHead(307, { location: `http://${registry.host}${request.url}` }).end(),
    );
    const host = await listen(server);
    onTestFinished(() => closeServer(server));
    await expect(clientOf(`${host}/r`, { caFile }).client.getManifest("t")).rejects.toMatchObject({ code: "RESPONSE_INVALID" });
    expect(registry.log.size).toBe(0);
  });

  test("with a file of authorities that cannot be read is an error of that file", async () => {
    await expect(clientOf("a.example/r", { caFile: join(root, "absent.pem") }).client.ping()).rejects.toMatchObject({
      code: "IO_ERROR",
      details: { path: join(root, "absent.pem") },
    });
  });
});

/** A proxy that knows where `registry.test` is. */
async function proxyTo(target: string): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const [host = "", port = ""] = target.split(":");
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? ""}`);
    const url = new URL(request.url ?? "");
    void import("node:http").then(({ request: send }) =>
      request.pipe(
        send(
          { host, port, path: url.pathname + url.search, method: request.method, headers: request.headers },
          (answer: IncomingMessage) => {
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(response);
          },
        ),
      ),
    );
  });
  server.on("connect", (request, socket) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? ""}`);
    const upstream = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  const address = await listen(server);
  onTestFinished(() => closeServer(server));
  return { url: `http://me:pw@${address}`, seen };
}

describe("a proxy", () => {
  const authorization = `Basic ${Buffer.from("me:pw").toString("base64")}`;

  test("is used for http, without a tunnel", async () => {
    const registry = await open(startTestRegistry());
    const { bytes, d } = content(1_000_000);
    registry.repository("r").putBlob(bytes);
    const proxy = await proxyTo(registry.host);
    const { client } = clientOf("registry.test:5000/r", { plainHttp: true, env: { HTTP_PROXY: proxy.url } });
    expect((await collect(client.getBlob(d))).equals(bytes)).toBe(true);
    expect(proxy.seen).toEqual([`GET http://registry.test:5000/v2/r/blobs/${d.digest} ${authorization}`]);
  });

  test("is used for https, through a tunnel, and the certificate is that of the registry", async () => {
    const registry = await open(startTestRegistry({ tls }));
    const proxy = await proxyTo(registry.host);
    const env = { HTTPS_PROXY: proxy.url };
    // The test's certificate is for localhost, which no proxy is asked for.
    await expect(clientOf("registry.test/r", { caFile, env, retries: 0 }).client.ping()).rejects.toMatchObject({
      details: { errno: "ERR_TLS_CERT_ALTNAME_INVALID" },
    });
    await clientOf("registry.test/r", { insecure: true, env }).client.ping();
    expect(proxy.seen[0]).toBe(`CONNECT registry.test:443 ${authorization}`);
  });

  test("is not used where NO_PROXY says so, nor for this machine", async () => {
    const registry = await open(startTestRegistry());
    await clientOf(`${registry.host}/r`, { env: { HTTP_PROXY: "http://127.0.0.1:1" } }).client.ping();
    await expect(
      clientOf("registry.invalid/r", { plainHttp: true, env: { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: ".invalid" } }).client.ping(),
    ).rejects.toMatchObject({
      details: { errno: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) },
    });
  });

  test("that cannot be reached is an error without its password", async () => {
    const { client } = clientOf("registry.test/r", { env: { HTTPS_PROXY: "http://me:hunter2@127.0.0.1:1" }, retries: 0 });
    const error = await client.ping().catch((e: Error) => e);
    expect(error).toMatchObject({ code: "NETWORK_ERROR" });
    expect((error as Error).message).not.toContain("hunter2");
    const bad = await clientOf("registry.test/r", { env: { HTTPS_PROXY: "http://me:hunter2@:x" } })
      .client.ping()
      .catch((e: Error) => e);
    expect((bad as Error).message).not.toContain("hunter2");
  });
});

test("a name that is looked up to an address of this machine is not called on a registry's word", async () => {
  // `localhost.` with a dot at the end is no literal that the check of addresses knows.
  const inner = await serve((_, response) => response.end("secret"));
  const proxy = await proxyTo(
    await serve((_, response) => response.writeHead(307, { location: `http://localhost.:${inner.split(":")[1]}/x` }).end()),
  );
  const { client } = clientOf("registry.test/r", { plainHttp: true, env: { HTTP_PROXY: proxy.url, NO_PROXY: "localhost." }, retries: 0 });
  await expect(client.getManifest("t")).rejects.toMatchObject({ code: expect.stringMatching(/NETWORK_ERROR|RESPONSE_INVALID/) });
  expect(proxy.seen).toHaveLength(1);
});

test("an injected dispatcher sends every request", async () => {
  const dispatcher = new MockAgent();
  dispatcher.disableNetConnect();
  dispatcher
    .get("https://registry.example")
    .intercept({ path: "/v2/a/tags/list?n=1000" })
    .reply(401, "", { headers: { "www-authenticate": "Basic realm=x" } });
  dispatcher
    .get("https://registry.example")
    .intercept({ path: "/v2/a/tags/list?n=1000", headers: { authorization: `Basic ${Buffer.from("u:p").toString("base64")}` } })
    .reply(200, '{"tags":["x"]}');
  const credentials = fixedCredential({ kind: "password", username: "u", password: "p" }, "registry.example");
  expect(await clientOf("registry.example/a", { dispatcher, credentials }).client.listTags()).toEqual(["x"]);
  await dispatcher.close();
});

test("no more requests than --jobs are under way at once", async () => {
  let now = 0;
  let most = 0;
  const held: (() => void)[] = [];
  const host = await serve((_, response) => {
    most = Math.max(most, ++now);
    held.push(() => {
      now--;
      response.writeHead(404).end();
    });
    // Nobody is answered before three are there, and then there is time for a fourth.
    if (now >= 3) setTimeout(() => held.splice(0).forEach((answer) => answer()), 20);
  });
  const { client } = clientOf(`${host}/r`, { jobs: 3 });
  await Promise.all(Array.from({ length: 12 }, async (_, i) => client.headManifest(`t${i}`)));
  expect(most).toBe(3);
});

test("one signal for many requests at once is no leak to Node", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const held: (() => void)[] = [];
  const host = await serve((_, response) => {
    held.push(() => response.writeHead(404).end());
    if (held.length === 12) for (const answer of held) answer();
  });
  const { client } = clientOf(`${host}/r`, { jobs: 12 });
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 12 }, async (_, i) => client.headManifest(`t${i}`, { signal })));
  // Node emits warnings in a later turn.
  await new Promise(setImmediate);
  expect(warnings).toEqual([]);
});
