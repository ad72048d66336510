import { writeSync } from "node:fs";
import { directoryTarget, unbundle } from "@ocilot/referrers";

/*
 * <layout directory> <file>...: brings files of bundles in. Loaded with `killer.mjs`, it says `watched <writes>`. In the end it says
 * `sets <their states>`.
 */
const [into, ...files] = process.argv.slice(2);
globalThis.ocilotWatch?.begin();
const { sets, damaged } = await unbundle(files, directoryTarget(into));
writeSync(1, `sets ${JSON.stringify([...sets.map((s) => s.state), ...damaged.map((d) => d.message)])}\n`);
writeSync(1, `watched ${JSON.stringify(globalThis.ocilotWatch?.end() ?? {})}\n`);
