import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_MAX_MEMBERS, openArchive } from "../../src/index.js";
import { errorOf, tempDir } from "../helpers.js";
import { archiveWith, header, layoutMembers, refusal, tar } from "./tar-maker.js";

test("a million tiny members are refused once the limit is reached", async () => {
  const path = join(tempDir(), "many.tar");
  const fd = openSync(path, "w");
  const batch = Buffer.concat(Array.from({ length: 10_000 }, (_, i) => header({ name: `tiny/${i}` })));
  for (let i = 0; i < 100; i++) writeSync(fd, batch);
  closeSync(fd);
  const error = await errorOf(openArchive(path));
  expect(error).toMatchObject({ code: "LIMIT_EXCEEDED", details: { what: "members", limit: DEFAULT_MAX_MEMBERS } });
});

test("the limit can be set, and counts directories and headers of headers", async () => {
  const bytes = tar([{ name: "blobs/", type: "5" }, ...layoutMembers()]);
  expect(await refusal(bytes, { maxMembers: 3 })).toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit: 3, found: 4 } });
  const layout = await openArchive(archiveWith(bytes), { maxMembers: 4 });
  await layout.close();
});
