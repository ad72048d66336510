import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { BUILT_CLI as BUNDLE, buildCli } from "./built-cli.js";
import { FIXTURES, copyOf } from "./helpers.js";

const ORAS = join(FIXTURES, "layouts/oras");

const ocilot = (...argv: string[]): ReturnType<typeof spawnSync> => spawnSync(process.execPath, [BUNDLE, ...argv], { encoding: "utf8" });

describe("the bundle", () => {
  beforeAll(buildCli);

  test("is executable and prints its version", () => {
    if (process.platform !== "win32") expect(statSync(BUNDLE).mode & 0o111).not.toBe(0);
    expect(ocilot("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("runs every command", () => {
    expect(ocilot("ls", ORAS)).toMatchObject({ status: 0, stderr: "" });
    expect(ocilot("referrers", `${ORAS}:v1`).stdout).toContain("application/spdx+json");
    expect(ocilot("cat", `${ORAS}:v1`).stdout).toContain("schemaVersion");
    const dir = copyOf("layouts/oras");
    expect(ocilot("extract", `${dir}:v1`, "--artifact-type", "application/spdx+json", "--output", `${dir}-files`).status).toBe(0);
    expect(ocilot("convert", dir, "--to", "universal", "--output", `${dir}-copy`).status).toBe(0);
    expect(ocilot("convert", dir, "--to", "universal", "--check").status).toBe(7);
    expect(ocilot("ls", `${dir}-none`)).toMatchObject({ status: 3, stdout: "" });
    // The client of registries is loaded, and there is no registry at that port.
    expect(ocilot("ls", "docker://127.0.0.1:1/app").stderr).toContain("connection refused");
    expect(ocilot("convrt")).toMatchObject({ status: 2 });
    expect(ocilot()).toMatchObject({ status: 2 });
  });

  test.skipIf(!existsSync("/dev/full"))("standard output that takes no more is one clear error, and exit 1", () => {
    const full = openSync("/dev/full", "w");
    onTestFinished(() => closeSync(full));
    const message = "ocilot: standard output: ENOSPC: no space left on the device\n  hint: What was printed is not complete";
    for (const argv of [
      ["bundle", ORAS, "-o", "-"],
      ["copy", "--all", ORAS, "-"],
      ["receipt", ORAS],
      ["cat", `${ORAS}:v1`],
      ["referrers", `${ORAS}:v1`, "--json"],
      ["ls", ORAS],
      ["--version"],
      ["help", "bundle"],
    ]) {
      const { status, stderr } = spawnSync(process.execPath, [BUNDLE, ...argv], { encoding: "utf8", stdio: ["ignore", full, "pipe"] });
      const lines = stderr.trimEnd().split("\n");
      if (argv.includes("--json")) expect(JSON.parse(stderr)).toMatchObject({ error: { code: "IO_ERROR", details: { errno: "ENOSPC" } } });
      else expect([argv[0], lines.length, stderr]).toEqual([argv[0], 2, expect.stringContaining(message)]);
      expect([argv[0], status]).toEqual([argv[0], 1]);
    }
  });

  test.skipIf(process.platform === "win32")("a reader that goes away early is no failure", () => {
    const command = `"${process.execPath}" "${BUNDLE}" bundle "${ORAS}" -o -; echo "exit $?" >&2`;
    expect(spawnSync("sh", ["-c", `{ ${command}; } | true`], { encoding: "utf8" }).stderr).toBe("exit 0\n");
  });

  test.skipIf(process.platform === "win32")("an interrupt while it waits for a lock exits 130", async () => {
    const dir = copyOf("layouts/oras");
    writeFileSync(join(dir, ".ocilot-lock"), JSON.stringify({ host: "elsewhere", pid: 1, nonce: "00" }));
    const child = spawn(process.execPath, [BUNDLE, "convert", dir, "--to", "universal"], { stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(child, "exit");
    // It has a place in the queue once it waits.
    while (child.exitCode === null && !readdirSync(dir).some((name) => name.startsWith(".ocilot-wait-"))) await sleep(10);
    child.kill("SIGINT");
    const [code] = (await ended) as [number];
    expect(code).toBe(130);
  });
});
