// Bundles the command and all that it needs into dist/: one small entry, a chunk for each command that is loaded only
// when it runs, and what most commands share in one file, for each file costs time at every start. Types come from
// `tsc -b`, which must have built the libraries before.
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = process.argv[2] ?? join(root, "dist");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

for (const name of existsSync(dist) ? readdirSync(dist) : []) if (name.endsWith(".js")) rmSync(join(dist, name));
await build({
  cwd: root,
  input: { ocilot: "src/ocilot.ts" },
  platform: "node",
  transform: { target: "node20.19", define: { OCILOT_VERSION: JSON.stringify(version) } },
  output: {
    dir: dist,
    format: "esm",
    chunkFileNames: "[name]-[hash].js",
    codeSplitting: {
      groups: [
        {
          name: "main",
          test: /cli.src.(main|cli|command|exit-code|help|io|parse|printable|report-error|suggest|usage-error|version)\.ts$|errors\.js$/,
          priority: 2,
        },
        { name: "shared", minShareCount: 2, priority: 1 },
      ],
    },
  },
  logLevel: "warn",
});
chmodSync(join(dist, "ocilot.js"), 0o755);
