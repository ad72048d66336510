import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EarlySync } from "../src/filesystem/early-sync.js";
import { tempDir } from "./helpers.js";

/** As large as a descriptor can be. */
const NO_FILE = 2 ** 31 - 1;

test("a sync that fails on the way is not forgotten", async () => {
  const fd = openSync(join(tempDir(), "x"), "w");
  const good = new EarlySync(fd);
  good.note(1 << 30);
  good.note(1 << 30);
  await good.settle();
  const bad = new EarlySync(NO_FILE);
  bad.note(1);
  await bad.settle();
  bad.note(1 << 30);
  await bad.end();
  await expect(bad.settle()).rejects.toMatchObject({ code: "EBADF" });
  closeSync(fd);
});
