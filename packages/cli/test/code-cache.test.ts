import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Descriptor, digestOf } from "@ocilot/layout";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { openCodeCache } from "../src/start/code-cache.js";
import { FIXTURES } from "./helpers.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const ORAS = join(FIXTURES, "layouts/oras");
const DIST = mkdtempSync(join(tmpdir(), "ocilot-dist-"));
const CHUNK = "core-AbCd_-12.js";
let home: string;

beforeAll(() => {
  const built = spawnSync(process.execPath, [join(PACKAGE, "build.mjs"), DIST], { encoding: "utf8" });
  expect(built).toMatchObject({ status: 0, stderr: "" });
  return () => rmSync(DIST, { recursive: true, force: true });
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ocilot-cache-"));
  return () => rmSync(home, { recursive: true, force: true });
});

function ocilot(argv: readonly string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof spawnSync> {
  const { NODE_V8_COVERAGE: _, ...inherited } = process.env;
  return spawnSync(process.execPath, [join(DIST, "ocilot.js"), ...argv], {
    encoding: "utf8",
    env: { ...inherited, XDG_CACHE_HOME: home, ...env },
  });
}
/** The modules of Node itself that a run has loaded. */
function loadedBy(argv: readonly string[]): string[] {
  const script = join(home, "loaded.cjs");
  const list = join(home, "loaded.txt");
  const names = 'process.moduleLoadList.filter((m) => m.startsWith("NativeModule ")).map((m) => m.slice(13)).join("\\n")';
  writeFileSync(script, `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(list)}, ${names}));`);
  const run = spawnSync(process.execPath, ["-r", script, join(DIST, "ocilot.js"), ...argv], { encoding: "utf8" });
  expect(run).toMatchObject({ status: 0, stderr: "" });
  return readFileSync(list, "utf8").split("\n");
}
const cached = (): string[] => (existsSync(join(home, "ocilot")) ? readdirSync(join(home, "ocilot")) : []);

test("the first run of a command keeps its bytecode, and the next gives the same answer from it", () => {
  const first = ocilot(["ls", ORAS]);
  expect(first).toMatchObject({ status: 0, stderr: "" });
  const files = cached();
  expect(files.length).toBeGreaterThanOrEqual(4);
  for (const name of files) expect(name).toMatch(/^ls\.[\w-]+\.node\d+$/);
  const times = files.map((name) => statSync(join(home, "ocilot", name)).mtimeMs);
  expect(ocilot(["ls", ORAS])).toMatchObject({ status: 0, stderr: "", stdout: first.stdout });
  // Nothing is written again, so the bytecode was accepted.
  expect(files.map((name) => statSync(join(home, "ocilot", name)).mtimeMs)).toEqual(times);
});

test("damaged bytecode is compiled anew and replaced", () => {
  const { stdout } = ocilot(["ls", ORAS]);
  for (const damage of [
    (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length / 2),
    (bytes: Buffer): Buffer => Buffer.concat([bytes.subarray(0, -8), Buffer.alloc(8, 7)]),
    (): Buffer => Buffer.alloc(0),
  ]) {
    for (const name of cached()) writeFileSync(join(home, "ocilot", name), damage(readFileSync(join(home, "ocilot", name))));
    const damaged = cached().map((name) => readFileSync(join(home, "ocilot", name)));
    expect(ocilot(["ls", ORAS])).toMatchObject({ status: 0, stderr: "", stdout });
    for (const [i, name] of cached().entries()) expect(readFileSync(join(home, "ocilot", name)).equals(damaged[i]!)).toBe(false);
  }
});

test("help, version, words that are no command and failures leave no file", () => {
  for (const argv of [["--version"], ["--help"], ["ls", "--help"], ["help", "ls"], ["lss", ORAS], ["ls", join(home, "none")], ["../ls"]]) {
    ocilot(argv);
    expect(cached()).toEqual([]);
  }
});

test("where the cache cannot be kept, or is not wanted, commands run all the same", () => {
  writeFileSync(join(home, "file"), "");
  for (const env of [
    { XDG_CACHE_HOME: join(home, "file") },
    { XDG_CACHE_HOME: "/proc" },
    { XDG_CACHE_HOME: "", HOME: "", LOCALAPPDATA: "" },
    { NODE_DISABLE_COMPILE_CACHE: "1" },
  ]) {
    expect(ocilot(["ls", ORAS], env)).toMatchObject({ status: 0, stderr: "" });
    expect(cached()).toEqual([]);
  }
});

test.skipIf(process.platform === "win32")("a directory that others can write to is neither read nor written", () => {
  const directory = join(home, "ocilot");
  mkdirSync(directory);
  for (const mode of [0o777, 0o770, 0o702]) {
    chmodSync(directory, mode);
    ocilot(["ls", ORAS]);
    expect(cached()).toEqual([]);
  }
  chmodSync(directory, 0o700);
  const cache = openCodeCache("ls", { XDG_CACHE_HOME: home })!;
  cache.write(CHUNK, Buffer.from("code"));
  expect(cache.read(CHUNK)?.toString()).toBe("code");
  expect(statSync(join(directory, cached()[0]!)).mode & 0o777).toBe(0o600);
  chmodSync(directory, 0o777);
  expect(cache.read(CHUNK)).toBeUndefined();
});

test.runIf(process.geteuid?.() === 0)("the directory of another user is not used: root runs nothing that somebody else wrote", () => {
  const cache = openCodeCache("ls", { HOME: home })!;
  cache.write(CHUNK, Buffer.from("code"));
  expect(cache.read(CHUNK)).toBeDefined();
  expect(spawnSync("chown", ["65534", join(home, ".cache/ocilot")]).status).toBe(0);
  expect(cache.read(CHUNK)).toBeUndefined();
});

test("bytecode belongs to one build of a chunk", () => {
  const cache = openCodeCache("ls", { XDG_CACHE_HOME: home })!;
  cache.write(CHUNK, Buffer.from("code"));
  expect(cache.read(CHUNK.replace("12", "13"))).toBeUndefined();
  expect(cache.read("program.js")).toBeUndefined();
  expect(openCodeCache("../ls", { XDG_CACHE_HOME: home })).toBeUndefined();
  cache.write(CHUNK.replace("12", "13"), Buffer.from("newer"));
  expect(cached()).toHaveLength(1);
});

test("ls and referrers load no module of Node that they have no use for", () => {
  for (const argv of [
    ["ls", ORAS],
    ["referrers", `${ORAS}:v1`],
  ]) {
    const loaded = loadedBy(argv);
    expect(loaded).toContain("fs");
    const large = ["perf_hooks", "child_process", "worker_threads", "zlib", "http", "internal/fs/promises", "timers/promises"];
    expect(large.filter((name) => loaded.includes(name))).toEqual([]);
  }
});

test("the bundle computes blake3, of bytes at hand and piece by piece", () => {
  const layout = join(home, "layout");
  mkdirSync(join(layout, "blobs/blake3"), { recursive: true });
  const put = (mediaType: string, text: string): Descriptor => {
    const digest = digestOf(Buffer.from(text), "blake3");
    writeFileSync(join(layout, "blobs/blake3", digest.slice("blake3:".length)), text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  };
  const layer = put("application/vnd.oci.image.layer.v1.tar", "x".repeat(2 << 20));
  const config = put("application/vnd.oci.image.config.v1+json", '{"architecture":"amd64","os":"linux"}');
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const image = put(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [image] }));
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  expect(ocilot(["verify", layout])).toMatchObject({ status: 0, stderr: "" });
  writeFileSync(join(layout, "blobs/blake3", layer.digest.slice("blake3:".length)), "y".repeat(2 << 20));
  expect(ocilot(["verify", layout])).toMatchObject({ status: 4 });
});
