import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { digestOf } from "@ocilot/layout";
import {
  type AccessRecord,
  type Answer,
  type RegistryServer,
  type ServerOptions,
  type Source,
  createServer,
  isLoopbackHost,
} from "@ocilot/server";
import { tempDir } from "@ocilot/testkit";

async function started(source?: Source, options: ServerOptions = {}): Promise<RegistryServer> {
  const server = await createServer(source, { sync: false, stopTimeout: 200, ...options });
  onTestFinished(async () => await server.close());
  return server;
}

async function push(server: RegistryServer, name: string, content: Uint8Array): Promise<Response> {
  return await fetch(`${server.url}/v2/${name}/blobs/uploads/?digest=${digestOf(content)}`, {
    method: "POST",
    body: content as Uint8Array<ArrayBuffer>,
  });
}

/** Everything that a connection answers to what is written to it, until it is closed. */
async function raw(server: RegistryServer, text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = "";
  socket.setEncoding("latin1").on("data", (piece: string) => (answer += piece));
  socket.on("error", () => undefined);
  socket.write(text);
  await once(socket, "close");
  return answer;
}

describe("createServer", () => {
  test("is a registry in memory in one line", async () => {
    const registry = await started();
    const content = new TextEncoder().encode("hello");
    expect((await push(registry, "app", content)).status).toBe(201);
    const response = await fetch(`${registry.url}/v2/app/blobs/${digestOf(content)}`);
    expect([await response.text(), response.headers.get("content-length")]).toEqual(["hello", "5"]);
    expect(await (await registry.layout("app"))?.blobs.has(digestOf(content))).toBe(true);
  });

  test("of files it is read-only unless told", async () => {
    const root = tempDir();
    const reading = await started(root);
    expect((await push(reading, "app", new Uint8Array([1]))).status).toBe(403);
    const writing = await started(root, { writable: true });
    expect((await push(writing, "app", new Uint8Array([1]))).status).toBe(201);
    expect((await fetch(`${writing.url}/v2/app/manifests/v1`, { method: "DELETE" })).status).toBe(405);
  });

  test("an address that others reach needs TLS or a word, and accounts to be written to", async () => {
    await expect(createServer(undefined, { host: "0.0.0.0" })).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("could push"),
    });
    await expect(createServer(undefined, { host: "0.0.0.0", writable: false })).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("TLS"),
    });
    await expect(createServer(undefined, { host: "::", anonymousWrite: true })).rejects.toMatchObject({ code: "USAGE" });
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) expect(isLoopbackHost(host), host).toBe(true);
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "localhost.example.com", "example.com", ""])
      expect(isLoopbackHost(host), host).toBe(false);
  });

  test("an address that is taken is an error that says so", async () => {
    const server = await started();
    const { port } = new URL(server.url);
    await expect(createServer(undefined, { port: Number(port) })).rejects.toMatchObject({
      code: "IO_ERROR",
      details: { errno: "EADDRINUSE" },
    });
  });

  test("large content goes both ways, with ranges", async () => {
    const server = await started(tempDir(), { writable: true });
    const content = new Uint8Array(5_000_000).map((_, i) => i % 251);
    expect((await push(server, "app", content)).status).toBe(201);
    const url = `${server.url}/v2/app/blobs/${digestOf(content)}`;
    expect(digestOf(new Uint8Array(await (await fetch(url)).arrayBuffer()))).toBe(digestOf(content));
    const part = await fetch(url, { headers: { range: "bytes=1000000-3999999" } });
    expect(part.status).toBe(206);
    expect(digestOf(new Uint8Array(await part.arrayBuffer()))).toBe(digestOf(content.subarray(1_000_000, 4_000_000)));
  });

  test("TLS, with the certificate that is given", async () => {
    const dir = tempDir();
    const args = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-keyout",
      "key.pem",
      "-out",
      "cert.pem",
      "-days",
      "2",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
    ];
    execFileSync("openssl", args, { cwd: dir, stdio: "ignore" });
    const [cert, key] = [readFileSync(join(dir, "cert.pem")), readFileSync(join(dir, "key.pem"))];
    const server = await started(undefined, { tls: { cert, key } });
    expect(server.url).toMatch(/^https:/);
    const status = await new Promise((resolve, reject) => {
      httpsRequest(`${server.url}/v2/`, { ca: cert }, (response) => resolve(response.statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(200);
    await expect(createServer(undefined, { tls: { cert: "no", key: "no" } })).rejects.toMatchObject({ code: "USAGE" });
  });

  test("requests are logged without passwords and queries, and counted without names", async () => {
    const records: AccessRecord[] = [];
    const server = await started(undefined, { log: (record) => records.push(record) });
    const headers = { authorization: `Basic ${Buffer.from("user:secret-password").toString("base64")}`, "user-agent": "test" };
    await fetch(`${server.url}/v2/secret-name/tags/list?token=secret-token`, { headers });
    await fetch(`${server.url}/v2/`, { method: "PURGE" });
    await expect.poll(() => records.length).toBe(2);
    expect(records[0]).toMatchObject({
      method: "GET",
      path: "/v2/secret-name/tags/list",
      route: "tags",
      status: 404,
      agent: "test",
      error: "NAME_UNKNOWN",
      remote: "127.0.0.1",
    });
    expect(JSON.stringify(records)).not.toMatch(/secret-password|secret-token|c2VjcmV0/);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain('ocilot_requests_total{route="tags",method="GET",status="404"} 1');
    expect(metrics).toContain('method="other"');
    expect(metrics).not.toContain("secret-name");
    for (const line of metrics.trimEnd().split("\n")) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? [\d.e+-]+)$/);
  });

  test("it stops gracefully: running requests end, health says so, uploads stay to be resumed", async () => {
    const root = tempDir();
    const server = await createServer(root, { writable: true, sync: false, stopTimeout: 60_000 });
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: "ok" });
    const begun = await fetch(`${server.url}/v2/app/blobs/uploads/`, { method: "POST" });
    const location = begun.headers.get("location")!;
    await fetch(server.url + location, { method: "PATCH", body: "abc" });
    let send!: (text: string) => void;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("de"));
        send = (text) => {
          controller.enqueue(new TextEncoder().encode(text));
          controller.close();
        };
      },
    });
    const running = fetch(server.url + location, { method: "PATCH", body, duplex: "half" } as RequestInit);
    await expect.poll(async () => server.registry.uploads.open).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closing = server.close();
    send("f");
    expect((await running).headers.get("range")).toBe("0-5");
    await closing;
    await expect(fetch(`${server.url}/v2/`)).rejects.toThrow();
    const again = await started(root, { writable: true });
    expect((await fetch(again.url + location)).headers.get("range")).toBe("0-5");
  });

  test("close ends what does not end by itself", async () => {
    let ask: () => void;
    const asked = new Promise<void>((resolve) => (ask = resolve));
    const pages = (): Promise<Answer> => {
      ask();
      return new Promise(() => undefined);
    };
    const server = await createServer(undefined, { stopTimeout: 50, pages });
    const open = raw(server, "GET /never HTTP/1.1\r\nhost: x\r\n\r\n");
    await asked;
    await server.close();
    expect(await open).toBe("");
  });
});

describe("hostile clients", () => {
  test("headers that trickle in, and silence, end the connection", async () => {
    const server = await started(undefined, { limits: { headersTimeout: 200, idleTimeout: 200 } });
    expect(await raw(server, "GET /v2/ HTTP/1.1\r\nhost: x\r\nx-slow: ")).toMatch(/^(HTTP\/1.1 408 .*)?/s);
    expect(await raw(server, "PUT /v2/app/manifests/v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")).toBe("");
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  test("an answer may take its time to be ready, but a client that does not read it is cut off", async () => {
    let ended: () => void;
    const end = new Promise<void>((resolve) => (ended = resolve));
    const slow = async function* (): AsyncIterable<Uint8Array> {
      yield new TextEncoder().encode("a");
      await new Promise((resolve) => setTimeout(resolve, 500));
      yield new TextEncoder().encode("b");
    };
    const endless = async function* (): AsyncIterable<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(1 << 20);
      } finally {
        ended();
      }
    };
    const pages = async ({ path }: { path: string }): Promise<Answer> => ({
      status: 200,
      body: path === "/slow" ? { size: 2, open: slow } : { size: Number.MAX_SAFE_INTEGER, open: endless },
    });
    const server = await started(undefined, { pages, limits: { idleTimeout: 100 } });
    expect(await (await fetch(`${server.url}/slow`)).text()).toBe("ab");
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
    socket.on("error", () => undefined);
    socket.write("GET /endless HTTP/1.1\r\nhost: x\r\n\r\n");
    await end;
    socket.destroy();
  });

  test("a connection that breaks in the middle of an upload leaves what had arrived", async () => {
    const server = await started(tempDir(), { writable: true });
    const location = (await fetch(`${server.url}/v2/app/blobs/uploads/`, { method: "POST" })).headers.get("location")!;
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(server.url).port) });
    socket.on("error", () => undefined);
    const text = `PATCH ${location} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n${"x".repeat(250_000)}`;
    await new Promise((resolve) => socket.write(text, resolve));
    socket.destroy();
    await expect.poll(async () => (await fetch(server.url + location)).headers.get("range")).toBe("0-249999");
    const digest = digestOf(new TextEncoder().encode(`${"x".repeat(250_000)}yz`));
    const end = await fetch(`${server.url}${location}?digest=${digest}`, {
      method: "PUT",
      body: "yz",
      headers: { "content-range": "250000-250001" },
    });
    expect(end.status).toBe(201);
  });

  test("what is no HTTP, or too much of it, is answered or cut, and the server lives", async () => {
    const server = await started();
    expect(await raw(server, "\x16\x03\x01\x02\x00nonsense\r\n\r\n")).toContain("400 Bad Request");
    expect(await raw(server, `GET /v2/${"a".repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`)).toContain("431");
    const close = "connection: close\r\n";
    expect(await raw(server, `GET /../../etc/passwd HTTP/1.1\r\nhost: x\r\n${close}\r\n`)).toContain("404");
    expect(await raw(server, `GET http://elsewhere/v2/ HTTP/1.1\r\nhost: x\r\n${close}\r\n`)).toContain("404");
    expect(await raw(server, `GET /v2/x/blobs/..%2f..%2fetc HTTP/1.1\r\nhost: x\r\n${close}\r\n`)).toContain("404");
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  test("a body over the limit is refused before it is sent, and the answer arrives", async () => {
    const server = await started(undefined, { limits: { maxManifestBytes: 1000, maxBlobBytes: 1000 } });
    for (const [method, url] of [
      ["PUT", "/v2/app/manifests/v1"],
      ["POST", `/v2/app/blobs/uploads/?digest=${digestOf(new Uint8Array())}`],
    ] as const) {
      const answer = await raw(server, `${method} ${url} HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\nabc`);
      expect(answer).toContain("413");
      expect(answer).toContain("SIZE_INVALID");
    }
  });
});
