import { writeSync } from "node:fs";
import { Layout, cloneLayout, layoutMembers, openArchive, openLayout, writeArchive } from "@ocilot/layout";

/*
 * <task> <source> <target> <directory for temporary files>: makes an output that did not exist. Loaded with `killer.mjs`, it says
 * `watched <writes to the file system>` at the end.
 */
const [task, source, target, tempDir] = process.argv.slice(2);

const TASKS = {
  create: async () => await Layout.create(target),
  clone: async () => await cloneLayout(source, target),
  "clone an archive": async () => {
    const archive = await openLayout(source);
    await cloneLayout(archive, target);
    await archive.close();
  },
  "write an archive": async () => await writeArchive(target, await layoutMembers(await Layout.open(source))),
  "read a compressed archive": async () => {
    const archive = await openArchive(source, { tempDir });
    await archive.index.read();
    await archive.close();
  },
};

globalThis.ocilotWatch?.begin();
await TASKS[task]();
writeSync(1, `watched ${JSON.stringify(globalThis.ocilotWatch?.end() ?? {})}\n`);
