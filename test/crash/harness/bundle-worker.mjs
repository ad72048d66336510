import { writeSync } from "node:fs";
import { join } from "node:path";
import { Layout } from "@ocilot/layout";
import { planBundle, stageBundle, writeParts } from "@ocilot/referrers";
import { watchCalls } from "./fs-calls.mjs";

/*
 * <layout> <directory for the parts> [<errno> <n>]: writes a bundle in parts. Loaded with `killer.mjs`, it says `watched <writes>`; with an
 * errno its nth write below the directory fails, and it says `failed <JSON of the error>`.
 */
const NUMBERS = { ENOSPC: -28, EIO: -5 };
const [source, out, errno, n] = process.argv.slice(2);
let count = 0;
const options = { name: "b.tar", limit: 60_000, created: "2026-01-01T00:00:00Z" };
const plan = await planBundle(await stageBundle([{ layout: await Layout.open(source) }]), options);
if (errno !== undefined) {
  watchCalls({
    before(call) {
      if (!call.isWrite || !String(call.path).startsWith(out) || ++count !== Number(n)) return;
      throw Object.assign(new Error(`${errno}: made to fail, ${call.name}`), { errno: NUMBERS[errno], code: errno, syscall: call.name });
    },
    after() {},
  });
}
globalThis.ocilotWatch?.begin();
try {
  await writeParts(plan, join(out, "b.tar"));
} catch (error) {
  const { name, code, message, hint } = error;
  writeSync(1, `failed ${JSON.stringify({ name, code, message, hint })}\n`);
}
writeSync(1, `watched ${JSON.stringify(globalThis.ocilotWatch?.end() ?? { count })}\n`);
