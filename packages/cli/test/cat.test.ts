import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { blobPath } from "@ocilot/layout";
import { runCli } from "../src/cli.js";
import { FIXTURES, LayoutBuilder, run, sinkOf } from "./helpers.js";

const ORAS = join(FIXTURES, "layouts/oras");
const IMAGE = "sha256:002f58e9ebb1f5e433aa038484fe65d7179a0409c689ba5184c9d5a8418c49b8";

describe("cat", () => {
  test.each([":v1", `@${IMAGE}`, `:v1@${IMAGE}`])("prints the bytes of %s", async (rest) => {
    const { code, bytes } = await run("cat", ORAS + rest);
    expect(code).toBe(0);
    expect(bytes).toEqual(readFileSync(join(ORAS, "blobs/sha256", IMAGE.slice(7))));
  });

  test("a large blob is streamed whole", async () => {
    const builder = new LayoutBuilder();
    const content = Buffer.alloc(9 * 1024 * 1024, "ocelot");
    const { digest } = builder.blob(content);
    const { code, bytes } = await run("cat", `${builder.write('{"schemaVersion":2,"manifests":[]}')}@${digest}`);
    expect(code).toBe(0);
    expect(bytes.equals(content)).toBe(true);
  });

  test("of a corrupt blob up to 8 MiB nothing is printed; a larger one ends with exit 4", async () => {
    const builder = new LayoutBuilder();
    const small = builder.blob("right");
    const large = builder.blob(Buffer.alloc(9 * 1024 * 1024));
    writeFileSync(join(builder.dir, blobPath(small.digest)), "wrong");
    writeFileSync(join(builder.dir, blobPath(large.digest)), Buffer.alloc(9 * 1024 * 1024, 1));
    const dir = builder.write('{"schemaVersion":2,"manifests":[]}');
    const first = await run("cat", `${dir}@${small.digest}`);
    expect(first).toMatchObject({ code: 4, stdout: "" });
    expect(first.stderr).toMatch(/^ocilot: sha256:[0-9a-f]{64} is corrupt: its content has the digest sha256:/);
    const second = await run("cat", `${dir}@${large.digest}`);
    expect(second.code).toBe(4);
    expect(second.stderr).toContain(large.digest);
  });

  test("a reader that goes away is no failure", async () => {
    const stdout = new Writable({
      write(_chunk, _encoding, done): void {
        done(Object.assign(new Error("write EPIPE"), { code: "EPIPE", syscall: "write" }));
      },
    });
    stdout.on("error", () => undefined);
    const said: Buffer[] = [];
    const io = { stdin: Readable.from([]), stdout, stderr: sinkOf(said), isTTY: false, env: {} };
    expect(await runCli(["cat", `${ORAS}:v1`], { io, signal: new AbortController().signal })).toBe(0);
    expect(said).toEqual([]);
  });
});
