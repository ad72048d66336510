// Builds the program for a machine without npm, or without Node, from the chunks in dist/ (build.mjs has to run before):
//   ocilot.mjs        every chunk in one file, for any Node that ocilot runs on
//   ocilot-OS-ARCH    the Node that runs this script, with the chunks as assets of a single executable application
// Licences, bill of materials, manual pages and SHA256SUMS stand beside them.
//   node packages/cli/build-single.mjs [DIRECTORY] [--only-file]
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";
import { inject } from "postject";
import { build } from "rolldown";

const root = fileURLToPath(new URL(".", import.meta.url));
const dist = join(root, "dist");
const named = process.argv.slice(2).find((arg) => arg !== "--only-file");
const directory = named ?? join(root, "../../build");
/** Node runs as a single executable application if this is in it, followed by `:1`. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
/** Chunks of this size and more are compressed: `--version` needs none of them, and Node scans the whole file at each start. */
const DEFLATED_FROM = 32 * 1024;
const OS = { darwin: "macos", win32: "win" }[process.platform] ?? process.platform;
const executable = `ocilot-${OS}-${process.arch}${process.platform === "win32" ? ".exe" : ""}`;

/** Returns a start module (src/) with what it imports, as one text. */
async function bundle(entry, format) {
  const options = { cwd: root, platform: "node", transform: { target: "node20.19" }, logLevel: "warn" };
  const { output } = await build({ ...options, input: entry, write: false, output: { format, minify: true, codeSplitting: false } });
  return output[0].code;
}

/** Returns the licence of the Node that runs this script: beside it in an archive of nodejs.org or the npm package, else where Debian keeps it. */
function licenceOfNode() {
  const home = dirname(process.execPath);
  const fromNpm = `../node_modules/node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}/LICENSE`;
  const places = ["LICENSE", "../LICENSE", fromNpm, "../share/doc/nodejs/LICENSE", "../share/doc/nodejs/copyright"];
  const found = places.map((place) => join(home, place)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no LICENSE of Node near ${process.execPath}; use a Node from nodejs.org, or --only-file`);
  return found;
}

/** Returns the program as one module: what starts it, then the chunks as comments, whose positions it counts from the end. */
async function singleFile(chunks) {
  const parts = chunks.map((name) => {
    const text = readFileSync(join(dist, name), "latin1");
    if (/[\r\x80-\xff]/.test(text)) throw new Error(`${name} holds a character that cannot be in a comment as it stands`);
    const isDeflated = text.length >= DEFLATED_FROM;
    return { comment: isDeflated ? deflateRawSync(text, { level: 9 }).toString("base64") : text.replaceAll("\n", "\n//"), isDeflated };
  });
  const positions = {};
  let beforeEnd = 0;
  for (let i = chunks.length - 1; i >= 0; i--) {
    const { comment, isDeflated } = parts[i];
    beforeEnd += comment.length + 1;
    positions[chunks[i]] = [beforeEnd, comment.length, Number(isDeflated)];
    beforeEnd += 2;
  }
  const start = await bundle("src/ocilot-single.ts", "esm");
  const data = parts.map(({ comment }) => `//${comment}\n`).join("");
  return `#!/usr/bin/env node\nconst OCILOT_CHUNKS=${JSON.stringify(positions)};\n${start.trimEnd()}\n${data}`;
}

async function writeExecutable(chunks) {
  const temp = mkdtempSync(join(tmpdir(), "ocilot-single-"));
  try {
    const [main, blob, config] = ["main.cjs", "program.blob", "config.json"].map((name) => join(temp, name));
    writeFileSync(main, await bundle("src/ocilot-executable.ts", "cjs"));
    const assets = Object.fromEntries(chunks.map((name) => [name, join(dist, name)]));
    writeFileSync(config, JSON.stringify({ main, output: blob, assets, disableExperimentalSEAWarning: true }));
    execFileSync(process.execPath, ["--experimental-sea-config", config], { stdio: ["ignore", "ignore", "inherit"] });
    const path = join(directory, executable);
    copyFileSync(process.execPath, path);
    chmodSync(path, 0o755);
    // macOS runs no file whose signature is broken; the new one names nobody.
    if (OS === "macos") execFileSync("codesign", ["--remove-signature", path]);
    await inject(path, "NODE_SEA_BLOB", readFileSync(blob), {
      sentinelFuse: FUSE,
      ...(OS === "macos" && { machoSegmentName: "NODE_SEA" }),
    });
    if (OS === "macos") execFileSync("codesign", ["--sign", "-", path]);
    copyFileSync(licenceOfNode(), join(directory, "LICENSE-NODE.txt"));
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}

const chunks = readdirSync(dist).filter((name) => name.endsWith(".js") && name !== "ocilot.js");
if (!chunks.includes("program.js")) throw new Error(`${dist} holds no program; run npm run build`);
if (named === undefined) rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
if (readdirSync(directory).length > 0) throw new Error(`${directory} is not empty`);
writeFileSync(join(directory, "ocilot.mjs"), await singleFile(chunks));
chmodSync(join(directory, "ocilot.mjs"), 0o755);
if (!process.argv.includes("--only-file")) await writeExecutable(chunks);
copyFileSync(join(root, "LICENSE"), join(directory, "LICENSE.txt"));
for (const name of ["THIRD-PARTY-LICENSES.txt", "sbom.cdx.json"]) copyFileSync(join(dist, name), join(directory, name));
cpSync(join(dist, "man"), join(directory, "man"), { recursive: true });

const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const sums = files
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .toSorted()
  .map((path) => {
    const digest = createHash("sha256").update(readFileSync(path)).digest("hex");
    return `${digest}  ${relative(directory, path).replaceAll("\\", "/")}\n`;
  });
writeFileSync(join(directory, "SHA256SUMS"), sums.join(""));
