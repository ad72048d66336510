import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@ocilot/layout";
import { openRepository } from "@ocilot/registry";
import { startTestRegistry } from "@ocilot/testkit";
import { expect, onTestFinished, test } from "vitest";
import { content, open } from "../support.js";

test("the address of an upload under way is kept in the runtime directory of the given environment, for this user alone", async () => {
  const registry = await open(startTestRegistry());
  const runtime = mkdtempSync(join(tmpdir(), "ocilot-runtime-"));
  onTestFinished(() => rmSync(runtime, { recursive: true, force: true }));
  const layout = await open(openRepository(`${registry.host}/r`, { env: { XDG_RUNTIME_DIR: runtime } }));
  const { bytes } = content(5 << 20);
  const kept = join(runtime, "ocilot", "uploads");
  let during: string[] = [];
  await layout.blobs.putReplayable!(
    { mediaType: "application/octet-stream", digest: digestOf(bytes), size: bytes.length },
    async function* (from) {
      during = readdirSync(kept);
      yield bytes.subarray(from);
    },
  );
  expect(during).toHaveLength(1);
  expect(readdirSync(kept)).toEqual([]);
  expect(statSync(join(runtime, "ocilot")).mode & 0o077).toBe(0);
});
