import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Digest, parseDigest } from "@ocilot/layout";
import { copyOf, edgeName, fixture, fixtureNames, inScratch, tagsOf, trueEdges } from "./layouts.js";
import { notationFinds, orasFinds, orasOpens } from "./readers.js";
import { suite } from "./suite.js";
import { runProgram } from "./tools.js";

const CLI = fileURLToPath(new URL("../../packages/cli/dist/ocilot.js", import.meta.url));
const LAYOUTS = fixtureNames().filter((name) => !name.startsWith("edge/"));

async function ocilot(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(process.execPath, [CLI, ...argv]);
  if (code !== 0) throw new Error(`ocilot ${argv.join(" ")}: exit ${code}\n${stderr}`);
  return stdout.trim();
}

/** What real programs find of each link that the bytes state. */
async function found(layout: string): Promise<{ oras: string[]; notation: string[] }> {
  const truth = await trueEdges(layout);
  const answer: { oras: string[]; notation: string[] } = { oras: [], notation: [] };
  for (const subject of new Set(truth.map((e) => e.subject))) {
    for (const referrer of await orasFinds(layout, subject)) answer.oras.push(edgeName({ subject, referrer }));
    for (const referrer of await notationFinds(layout, subject)) answer.notation.push(edgeName({ subject, referrer }));
  }
  return { oras: answer.oras.toSorted(), notation: answer.notation.toSorted() };
}

suite(
  "attach, tag, untag and detach, on each layout of a real program",
  { needs: ["oras", "notation"], built: CLI, concurrent: true },
  (check) => {
    for (const name of LAYOUTS) {
      check(name, async ({ expect }) => {
        await inScratch(async (here) => {
          const layout = await copyOf(fixture(name), join(here, "layout"));
          const before = await found(layout);
          const keeps = async (after: string): Promise<void> => {
            const now = await found(layout);
            expect(await orasOpens(layout), after).toBe(true);
            expect(now.oras, after).toEqual(expect.arrayContaining(before.oras));
            expect(now.notation, after).toEqual(expect.arrayContaining(before.notation));
          };
          const subject = await imageOf(layout);
          const file = join(here, "sbom.json");
          await writeFile(file, "{}");
          const attach = async (to: Digest, type: string): Promise<Digest> =>
            parseDigest(await ocilot("attach", `${layout}@${to}`, file, "--artifact-type", type, "--convention", "universal"));
          const sbom = await attach(subject, "application/spdx+json");
          const signature = await attach(sbom, "application/vnd.example.signature");
          await keeps("attach");
          expect(await orasFinds(layout, subject)).toContain(sbom);
          expect(await orasFinds(layout, sbom)).toEqual([signature]);
          await ocilot("tag", `${layout}@${subject}`, "new-name");
          await keeps("tag");
          await ocilot("untag", `${layout}:new-name`);
          await keeps("untag");
          expect(await orasFinds(layout, subject)).toContain(sbom);
          await ocilot("detach", `${layout}@${sbom}`, "--recursive");
          await keeps("detach");
          expect(await orasFinds(layout, subject)).not.toContain(sbom);
        });
      });
    }
  },
);

async function imageOf(layout: string): Promise<Digest> {
  const tagged = (await tagsOf(layout)).find((t) => !/^sha(256|512)-/.test(t.tag));
  const all = JSON.parse(await ocilot("ls", layout, "--json")) as object;
  return parseDigest(tagged?.descriptor.digest ?? /sha256:[0-9a-f]{64}/.exec(JSON.stringify(all))![0]);
}
