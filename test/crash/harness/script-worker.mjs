import { cpSync, writeSync } from "node:fs";
import { Layout } from "@ocilot/layout";
import { runOperation } from "./operations.mjs";

/*
 * <layout> <operations as JSON>: carries the operations out one after another, each in a new copy of the layout, so that
 * `<layout>`, `<layout>.1`, `<layout>.2`… are what it was between them. A digest `$2` is what the third operation was
 * about. After each it says `done <what the preload has to say, as JSON> <the operation as JSON>`.
 */

const [dir, script] = process.argv.slice(2);
const digests = [];

for (const [i, operation] of JSON.parse(script).entries()) {
  const told = JSON.parse(JSON.stringify(operation), (_, value) => (/^\$\d+$/.test(value) ? digests[value.slice(1)] : value));
  const copy = `${dir}.${i + 1}`;
  cpSync(i === 0 ? dir : `${dir}.${i}`, copy, { recursive: true });
  globalThis.ocilotWatch?.begin();
  digests.push(await runOperation(await Layout.open(copy), told));
  writeSync(1, `done ${JSON.stringify(globalThis.ocilotWatch?.end() ?? null)} ${JSON.stringify(told)}\n`);
}
