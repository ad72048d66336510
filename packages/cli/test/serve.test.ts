import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { digestOf } from "@ocilot/layout";
import { runCli } from "../src/cli.js";
import { FIXTURES, run, sinkOf, tempDir } from "./helpers.js";

/** What `htpasswd -nbB -C 4 x pw` gives. */
const PW = "$2b$04$bgZvDpY.nLKm1im7hMnZn.WknoMM4lnyRA7WH1u./kXg37FfKYsLC";

interface Serving {
  readonly url: string;
  stop(): Promise<{ code: number; stdout: string }>;
}

/** Starts `ocilot serve` on a free port and waits until it says where. */
async function serve(...argv: string[]): Promise<Serving> {
  const abort = new AbortController();
  const out: Buffer[] = [];
  const io = { stdin: Readable.from([]), stdout: sinkOf(out), stderr: sinkOf(out), isTTY: false, env: {} };
  const running = runCli(["serve", ...argv, "--addr", "127.0.0.1:0"], { io, signal: abort.signal });
  const stdout = (): string => Buffer.concat(out).toString("utf8");
  const stop = async (): Promise<{ code: number; stdout: string }> => {
    abort.abort();
    return { code: await running, stdout: stdout() };
  };
  onTestFinished(async () => void (await stop()));
  await expect.poll(() => /http:\S+/.exec(stdout())?.[0]).toBeDefined();
  return { url: /http:\/\/[\d.:]+/.exec(stdout())![0], stop };
}

describe("serve", () => {
  test("a folder is read-only unless told; an interrupt stops it with exit 0", async () => {
    const { url, stop } = await serve(join(FIXTURES, "layouts"));
    const { repositories } = (await (await fetch(`${url}/v2/_catalog`)).json()) as { repositories: string[] };
    expect(repositories).toEqual(expect.arrayContaining(["oras", "regclient", "skopeo-archive"]));
    expect((await fetch(`${url}/v2/oras/blobs/uploads/`, { method: "POST" })).status).toBe(403);
    const { code, stdout } = await stop();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Serving .*layouts at http:\/\/127\.0\.0\.1:\d+ \(read-only\)\nStopped\n$/);
  });

  test("shows the page at /, unless --no-page", async () => {
    const layouts = join(FIXTURES, "layouts");
    const { url } = await serve(layouts);
    const page = await fetch(`${url}/`);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await (await fetch(`${url}/ui/layout?repository=oras`)).json()).toMatchObject({ name: "oras", images: [{ tags: ["v1"] }] });
    const { url: bare } = await serve(layouts, "--no-page");
    expect((await fetch(`${bare}/`)).status).toBe(404);
  });

  test("takes pushes with --writable, deletes with --delete, and writes an access log", async () => {
    const dir = tempDir();
    const log = join(tempDir(), "access.log");
    const { url, stop } = await serve(dir, "--writable", "--delete", "--access-log", log, "--no-sync");
    const digest = digestOf(new TextEncoder().encode("x"));
    expect((await fetch(`${url}/v2/team/app/blobs/uploads/?digest=${digest}`, { method: "POST", body: "x" })).status).toBe(201);
    expect(existsSync(join(dir, "team", "app", "oci-layout"))).toBe(true);
    expect((await fetch(`${url}/v2/team/app/blobs/${digest}`, { method: "DELETE" })).status).toBe(202);
    await stop();
    const lines = readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { method: string; status: number });
    expect(lines.map((l) => [l.method, l.status])).toEqual([
      ["POST", 201],
      ["DELETE", 202],
    ]);
  });

  test("accounts and rights", async () => {
    const users = join(tempDir(), "users");
    writeFileSync(users, `ci:${PW}\nguest:${PW}\n`);
    const { url } = await serve(tempDir(), "--writable", "--htpasswd", users, "--write", "ci:team/**", "--read", "*:team/**");
    const as = (user: string): { Authorization: string } => ({ Authorization: `Basic ${Buffer.from(`${user}:pw`).toString("base64")}` });
    const post = async (user: string, name: string): Promise<number> =>
      (await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: "POST", headers: as(user) })).status;
    expect([await post("ci", "team/app"), await post("guest", "team/app"), await post("ci", "other")]).toEqual([202, 403, 403]);
    expect((await fetch(`${url}/v2/team/app/tags/list`, { headers: as("guest") })).status).toBe(200);
    expect((await fetch(`${url}/v2/`)).status).toBe(401);
  });

  test("what is not safe or makes no sense is refused before anything is served", async () => {
    const dir = tempDir();
    const refused: [string[], RegExp][] = [
      [["--addr", "0.0.0.0:0"], /without TLS/],
      [["--addr", "0.0.0.0:0", "--insecure-http", "--writable"], /could push/],
      [["--addr", "nonsense"], /not an address/],
      [["--addr", "127.0.0.1:99999"], /not an address/],
      [["--delete"], /writable/],
      [["--anonymous-pull"], /--htpasswd/],
      [["--read", "x", "--htpasswd", "y"], /USER:PATTERN/],
      [["--max-uploads", "0"], /whole number/],
      [["--max-blob", "big"], /not a size/],
      [["--tls-cert", "x"], /tls-key/],
    ];
    for (const [argv, message] of refused) {
      const { code, stderr } = await run("serve", dir, ...argv);
      expect([code, stderr], argv.join(" ")).toEqual([2, expect.stringMatching(message)]);
    }
    expect((await run("serve", join(dir, "nothing"))).code).toBe(3);
    expect((await run("serve", dir, "--htpasswd", join(dir, "none"))).code).toBe(3);
    expect((await run("serve")).code).toBe(2);
  });
});
