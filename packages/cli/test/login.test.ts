import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { type TestRegistry, basicAuthorize, startTestRegistry, startTokenServer } from "@ocilot/testkit";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { runCli } from "../src/cli.js";
import { type Outcome, runIn, sinkOf, tempDir } from "./helpers.js";

const SECRET = "hunter2-§";
let home: string;
let env: Record<string, string>;
let registry: TestRegistry;

beforeEach(async () => {
  home = tempDir();
  env = { HOME: home, XDG_RUNTIME_DIR: join(home, "run"), PATH: `${join(home, "bin")}:${process.env["PATH"]}` };
  registry = await startTestRegistry({ quirks: { authorize: basicAuthorize({ me: SECRET }) } });
  onTestFinished(async () => await registry.close());
});

const config = (): string => join(home, ".docker/config.json");
const login = async (stdin: string, ...more: string[]): Promise<Outcome> =>
  await runIn({ env, stdin }, "login", registry.host, "--username", "me", "--password-stdin", ...more);

/** Runs a command as on a terminal where these keys are typed, a line at each question, as soon as it is shown; by then keys must not be echoed. */
async function typed(keys: string, ...argv: string[]): Promise<Outcome & { raw: boolean[] }> {
  const raw: boolean[] = [];
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => raw.push(on) });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const lines = keys.match(/[^\r]+\r?/g) ?? [];
  const stderr = new Writable({
    write(chunk: Buffer, _, done) {
      err.push(chunk);
      if (chunk.toString().endsWith(": ")) {
        expect(raw.at(-1)).toBe(true);
        stdin.write(lines.shift());
      }
      done();
    },
  });
  const io = { stdin, stdout: sinkOf(out), stderr, isTTY: true, env };
  const code = await runCli(argv, { io, signal: new AbortController().signal });
  expect(lines).toEqual([]);
  const bytes = Buffer.concat(out);
  return { code, stdout: bytes.toString(), stderr: Buffer.concat(err).toString(), bytes, raw };
}

describe("login", () => {
  test.each(["", "\n", "\r\n"])("stores what the registry accepts, in a file for this user alone (line end %j)", async (end) => {
    const outcome = await login(`${SECRET}${end}`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining(`Logged in to ${registry.host} as me.`) });
    expect(outcome.stdout).toContain(config());
    expect(JSON.parse(readFileSync(config(), "utf8"))).toEqual({
      auths: { [registry.host]: { auth: Buffer.from(`me:${SECRET}`).toString("base64") } },
    });
    expect(statSync(config()).mode & 0o777).toBe(0o600);
    expect(outcome.stdout).not.toContain(SECRET);
  });

  test("what is stored is used afterwards, until logout", async () => {
    await login(SECRET);
    const authfile = ["--authfile", config()];
    expect(await runIn({ env }, "ls", `docker://${registry.host}/none`, ...authfile)).toMatchObject({ code: 3 });
    expect(await runIn({ env }, "logout", registry.host)).toMatchObject({ code: 0, stdout: expect.stringContaining(config()) });
    expect(JSON.parse(readFileSync(config(), "utf8"))).toEqual({ auths: {} });
    const refused = await runIn({ env }, "ls", `docker://${registry.host}/none`, ...authfile);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`ocilot login ${registry.host}`) });
    expect(await runIn({ env }, "logout", registry.host)).toMatchObject({ code: 0, stdout: expect.stringContaining("No password") });
  });

  test("refused credentials are not stored, and what was stored stays", async () => {
    await login(SECRET);
    const before = readFileSync(config());
    const outcome = await login("wrong-password");
    expect(outcome).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("refused") });
    expect(outcome.stderr).not.toContain("wrong-password");
    expect(readFileSync(config())).toEqual(before);
  });

  test("a token server is asked, with the account", async () => {
    const tokens = await startTokenServer({ users: { me: SECRET } });
    onTestFinished(async () => await tokens.close());
    const other = await startTestRegistry({ quirks: { authorize: (request, scope) => tokens.authorize(request, scope) } });
    onTestFinished(async () => await other.close());
    const argv = ["login", other.host, "-u", "me", "--password-stdin"];
    expect(await runIn({ env, stdin: "wrong" }, ...argv)).toMatchObject({ code: 1 });
    expect(await runIn({ env, stdin: SECRET }, ...argv)).toMatchObject({ code: 0 });
  });

  test("the helper of the configuration stores it, and no file does", async () => {
    mkdirSync(join(home, "bin"));
    const store = join(home, "kept");
    const script = `#!/bin/sh\ncase $1 in store) cat >${store};; erase) cat >/dev/null; rm -f ${store};; get) cat >/dev/null; cat ${store};; esac\n`;
    writeFileSync(join(home, "bin/docker-credential-test"), script);
    chmodSync(join(home, "bin/docker-credential-test"), 0o755);
    mkdirSync(join(home, ".docker"));
    writeFileSync(config(), '{"credsStore":"test","x":1}');
    const outcome = await login(SECRET, "--json");
    expect(JSON.parse(outcome.stdout)).toEqual({
      host: registry.host,
      username: "me",
      stored: { kind: "helper", helper: "test", file: config() },
    });
    expect(JSON.parse(readFileSync(store, "utf8"))).toEqual({ ServerURL: registry.host, Username: "me", Secret: SECRET });
    expect(readFileSync(config(), "utf8")).toBe('{"credsStore":"test","x":1}');
    expect(await runIn({ env }, "logout", registry.host)).toMatchObject({ code: 0 });
    expect(() => statSync(store)).toThrow();
  });

  test("logout says which other file still holds a password, and exits 8", async () => {
    const file = join(home, "run/containers/auth.json");
    mkdirSync(join(home, "run/containers"), { recursive: true });
    writeFileSync(file, JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from("me:x").toString("base64") } } }));
    const outcome = await runIn({ env }, "logout", registry.host);
    expect(outcome).toMatchObject({ code: 8, stderr: expect.stringContaining(`--authfile ${file}`) });
    expect(await runIn({ env }, "logout", registry.host, "--authfile", file)).toMatchObject({ code: 0 });
    expect(await runIn({ env }, "logout", registry.host)).toMatchObject({ code: 0 });
  });
});

describe("on a terminal", () => {
  test("the name is shown and the password is not", async () => {
    const outcome = await typed(`me\r${SECRET}\r`, "login", registry.host);
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain(`Username for ${registry.host}: `);
    expect(outcome.stderr + outcome.stdout).not.toContain(SECRET);
    expect(outcome.raw.at(-1)).toBe(false);
    expect(statSync(config()).mode & 0o777).toBe(0o600);
  });

  test.each([
    ["Ctrl-C", "pass\u0003"],
    ["Ctrl-D", "\u0004"],
  ])("%s stores nothing", async (_, keys) => {
    const outcome = await typed(keys, "login", registry.host, "-u", "me");
    expect(outcome.code).toBe(130);
    expect(outcome.raw.at(-1)).toBe(false);
    expect(() => statSync(config())).toThrow();
  });
});

test.each<[string, string[], string, RegExp]>([
  ["no password", ["-u", "me", "--password-stdin"], "\n", /holds no password/],
  ["several lines", ["-u", "me", "--password-stdin"], "a\nb\n", /more than one line/],
  ["too much", ["-u", "me", "--password-stdin"], "x".repeat(70_000), /more than 65536 bytes/],
  ["no name", ["--password-stdin"], "x", /username/],
  ["a colon in the name", ["-u", "a:b", "--password-stdin"], "x", /colon/],
  ["no terminal", ["-u", "me"], "x", /no terminal/],
])("login with %s is wrong usage", async (_, options, stdin, message) => {
  const outcome = await runIn({ env, stdin }, "login", registry.host, ...options);
  expect(outcome).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  expect(() => statSync(config())).toThrow();
});

test.each([["h/path"], ["a b"], ["docker://"], ["h:99999"], ["../x"]])("%s is no host of a registry", async (host) => {
  expect(await runIn({ env, stdin: "x" }, "login", host, "-u", "me", "--password-stdin")).toMatchObject({ code: 2 });
  expect(await runIn({ env }, "logout", host)).toMatchObject({ code: 2 });
});

test.each(["https://index.docker.io/v1/", "Docker.IO", "registry-1.docker.io"])("%s is Docker Hub", async (name) => {
  mkdirSync(join(home, ".docker"));
  writeFileSync(config(), JSON.stringify({ auths: { "https://index.docker.io/v1/": { auth: "bWU6eA==" } } }));
  expect(await runIn({ env }, "logout", name)).toMatchObject({ code: 0, stdout: expect.stringContaining("Logged out of docker.io") });
  expect(JSON.parse(readFileSync(config(), "utf8"))).toEqual({ auths: {} });
});
