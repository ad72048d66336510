import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Digest, Layout } from "@ocilot/layout";
import { describe, expect, test } from "vitest";
import { SCRIPTS } from "./harness/scripts.js";
import { runScript } from "./harness/stages.js";
import { tempRoot } from "./harness/temp.js";

const root = tempRoot();

describe("when success is reported all is on the disk", () => {
  test.each(SCRIPTS)("in a layout: $name", async ({ name, prepare, operations }) => {
    const dir = join(root, name);
    await prepare(dir);
    for (const { operation, watched } of await runScript(dir, operations, "sync-witness.mjs"))
      expect({ operation, unsynced: watched }).toEqual({ operation, unsynced: [] });
  });

  test("in a layout without blobs/ yet", async () => {
    const dir = join(root, "bare");
    await Layout.create(dir);
    rmSync(join(dir, "blobs"), { recursive: true });
    const subject = `sha256:${"1".repeat(64)}` as Digest;
    const [done] = await runScript(
      dir,
      [{ op: "attach", subject, artifactType: "application/vnd.example", text: "x", size: 5 }],
      "sync-witness.mjs",
    );
    expect(done!.watched).toEqual([]);
  });
});
