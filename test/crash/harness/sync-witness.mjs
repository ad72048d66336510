import { writeSync } from "node:fs";
import { dirname } from "node:path";
import { watchCalls } from "./fs-calls.mjs";

/*
 * Loaded with --import. Says `unsynced <path>` where a power cut could undo what should be on the disk: a file that gets
 * its name before its content is synced, an index.json that names blobs whose directory is not, and a name in the
 * layout that is not durable when the process ends.
 */

const contents = new Set();
const names = new Set();
const isPassing = (path) => path.includes(".ocilot-") || path.endsWith("index.json.lock");

function say(paths) {
  for (const path of paths) writeSync(1, `unsynced ${path}\n`);
}

const AFTER = {
  "handle.write": ({ path }) => contents.add(path),
  "handle.writeFile": ({ path }) => contents.add(path),
  "handle.sync": ({ path }) => contents.delete(path) || names.delete(path),
  mkdir: ({ path }) => isPassing(path) || names.add(dirname(path)),
  rename: ({ to }) => isPassing(to) || names.add(dirname(to)),
};

watchCalls({
  before({ name, path, to }) {
    if (name !== "rename") return;
    if (contents.has(path)) say([to]);
    if (to.endsWith("/index.json")) say(names);
  },
  after(call) {
    AFTER[call.name]?.(call);
  },
});

process.on("exit", () => say(names));
