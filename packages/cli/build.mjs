// Bundles the command and all that it needs into dist/: one small entry, and a chunk for each command that is loaded
// only when it runs. Types come from `tsc -b`, which must have built the libraries before.
import { chmodSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

for (const name of readdirSync(root).includes("dist") ? readdirSync(dist) : []) {
  if (name.endsWith(".js")) rmSync(join(dist, name));
}
await build({
  absWorkingDir: root,
  entryPoints: ["src/ocilot.ts"],
  outdir: dist,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  chunkNames: "[name]-[hash]",
  minifySyntax: true,
  define: { OCILOT_VERSION: JSON.stringify(version) },
  // What is CommonJS inside (fs-extra) asks for Node's modules by `require`, which an ES module does not have.
  banner: {
    js: 'import { createRequire as ocilotRequire } from "node:module"; const require = ocilotRequire(import.meta.url);',
  },
  logLevel: "warning",
});
chmodSync(join(dist, "ocilot.js"), 0o755);
