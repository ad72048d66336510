// Prints the rooms of each package (folders and single files directly below `src`), the imports between them as arrows, and the
// circles among rooms. Usage: npm run rooms [-- --arrows] [-- PACKAGE...]. Exits 1 where rooms import each other in a circle.
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cruise } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);
const words = process.argv.slice(2);
const showArrows = words.includes("--arrows");
const wanted = words.filter((word) => !word.startsWith("--"));
const packages = readdirSync("packages").filter((name) => wanted.length === 0 || wanted.includes(name));

/** `convert` for packages/referrers/src/convert/plan.ts, `index.ts` for packages/referrers/src/index.ts. */
const roomOf = (path) => /^packages\/[^/]+\/src\/([^/]+)/.exec(path)?.[1];

let hasCircle = false;
for (const name of packages.toSorted()) {
  const source = `packages/${name}/src`;
  const { output } = await cruise(
    [source],
    { tsPreCompilationDeps: true, doNotFollow: { path: "node_modules|/dist/" }, includeOnly: `^${source}/` },
    undefined,
    { tsConfig: extractTSConfig("tsconfig.base.json") },
  );
  const arrows = new Map();
  for (const module of output.modules) {
    const from = roomOf(module.source);
    if (!arrows.has(from)) arrows.set(from, new Map());
    for (const { resolved } of module.dependencies) {
      const to = roomOf(resolved);
      if (to === undefined || to === from) continue;
      const ties = arrows.get(from).get(to) ?? [];
      arrows.get(from).set(to, [...ties, `${module.source.slice(source.length + 1)} -> ${resolved.slice(source.length + 1)}`]);
    }
  }
  const count = [...arrows.values()].reduce((sum, targets) => sum + targets.size, 0);
  const circles = circlesOf(arrows);
  hasCircle ||= circles.length > 0;
  console.log(`${name}: ${arrows.size} rooms, ${count} arrows, ${circles.length} circles`);
  if (showArrows)
    for (const [from, targets] of arrows) console.log(`  ${from} -> ${[...targets.keys()].toSorted().join(", ") || "nothing"}`);
  for (const circle of circles) {
    console.log(`  circle: ${circle.join(" <-> ")}`);
    for (const from of circle) for (const to of circle) for (const tie of arrows.get(from)?.get(to) ?? []) console.log(`    ${tie}`);
  }
}
process.exitCode = hasCircle ? 1 : 0;

/** Groups of rooms that can all reach each other. */
function circlesOf(arrows) {
  const reach = (start) => {
    const seen = new Set();
    const queue = [...(arrows.get(start)?.keys() ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(...(arrows.get(next)?.keys() ?? []));
    }
    return seen;
  };
  const reached = new Map([...arrows.keys()].map((room) => [room, reach(room)]));
  const done = new Set();
  const circles = [];
  for (const room of arrows.keys()) {
    if (done.has(room) || !reached.get(room).has(room)) continue;
    const circle = [...arrows.keys()].filter((other) => reached.get(room).has(other) && reached.get(other)?.has(room));
    for (const member of circle) done.add(member);
    circles.push(circle);
  }
  return circles;
}
