import fs from "node:fs";
import { watchCalls } from "../crash/harness/fs-calls.mjs";

/*
 * Loaded with --import. Says `lost <digest>` if this process replaces index.json by one without an entry that was there
 * when it read the file last, and `replaced` each time.
 */

const { readFileSync, writeSync } = fs;
const isIndex = (path) => String(path).endsWith("/index.json");
const entriesOf = (bytes) => JSON.parse(String(bytes)).manifests.map((m) => m.digest);
let lastRead;

watchCalls({
  before(call) {
    if (call.name !== "rename" || !isIndex(call.to)) return;
    const next = new Set(entriesOf(readFileSync(call.path)));
    for (const digest of entriesOf(lastRead)) if (!next.has(digest)) writeSync(1, `lost ${digest}\n`);
    writeSync(1, "replaced\n");
  },
  after(call) {
    if (call.name === "readFile" && isIndex(call.path)) lastRead = call.result;
  },
});
