import { dirname } from "node:path";
import { watchCalls } from "./fs-calls.mjs";

/*
 * Loaded with --import. Lists what a power cut could undo although it should be on the disk: a file that gets its name
 * before its content is synced, an index.json that names blobs whose directory is not, and a name in the layout that
 * is not durable when the operation is over.
 */

const contents = new Set();
const names = new Set();
const isPassing = (path) => path.includes(".ocilot-") || path.endsWith("index.json.lock");

let unsynced = [];

const AFTER = {
  write: ({ path }) => contents.add(path),
  fsync: ({ path }) => contents.delete(path),
  "handle.write": ({ path }) => contents.add(path),
  "handle.writeFile": ({ path }) => contents.add(path),
  "handle.sync": ({ path }) => contents.delete(path) || names.delete(path),
  mkdir: ({ path }) => isPassing(path) || names.add(dirname(path)),
  rename: ({ to }) => isPassing(to) || names.add(dirname(to)),
};

watchCalls({
  before({ name, path, to }) {
    if (name !== "rename") return;
    if (contents.has(path)) unsynced.push(to);
    if (to.endsWith("/index.json")) unsynced.push(...names);
  },
  after(call) {
    AFTER[call.name]?.(call);
  },
});

globalThis.ocilotWatch = {
  begin() {
    contents.clear();
    names.clear();
    unsynced = [];
  },
  end: () => [...unsynced, ...names],
};
