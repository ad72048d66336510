import { writeSync } from "node:fs";
import { Layout } from "@ocilot/layout";
import { runOperation } from "./operations.mjs";

// <directory> <operations as JSON>; says `ready`, then `done <digest>` after each operation.
const [dir, operations] = process.argv.slice(2);

function say(...words) {
  writeSync(1, `${words.join(" ")}\n`);
}

const layout = await Layout.open(dir);
say("ready");
for (const operation of JSON.parse(operations)) {
  const digest = await runOperation(layout, operation);
  say("done", digest ?? "-");
}
