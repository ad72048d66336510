import { type Dirent, lstatSync } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { DOCKER_FILES, isDigest } from "@ocilot/layout";
import { type Finding, finding } from "./finding.js";

/** A file of a layout directory; `path` is relative to it, with `/`. */
export interface LayoutFile {
  readonly path: string;
  readonly isDirectory: boolean;
  /** Permission bits; undefined where the system has none. */
  readonly mode?: number;
}

/** Files looked at synchronously between two turns of the event loop. */
const SLICE = 256;

/** Most files: part of any layout. */
const SHA256_BLOB = /^blobs\/sha256\/[0-9a-f]{64}$/;

/** Names that programs give to temporary files. */
const LEFTOVERS: readonly RegExp[] = [
  /^\.ocilot-/,
  /^\.umoci-/,
  /^index\.json\..+/,
  /^oci-put-blob/,
  /^(ingest|_uploads|\.uploads)\/./,
  /^blobs\/[^/]+\/.+\.(tmp|partial)$/,
];

/** Returns findings about files that are not part of the layout. Pure: it takes what {@link listFiles} returns. */
export function fileFindings(files: readonly LayoutFile[]): Finding[] {
  const findings: Finding[] = [];
  const closed = files.filter((f) => f.mode !== undefined && isClosed(f));
  for (const { path, isDirectory } of files) {
    if (SHA256_BLOB.test(path)) continue;
    const steps = [{ kind: "file" as const, file: path }];
    const name = path.split("/");
    const isBlobPath = name[0] === "blobs" && name.length === 3;
    const isPart =
      ["oci-layout", "index.json", "blobs", ...DOCKER_FILES].includes(path) ||
      (name[0] === "blobs" && name.length < 3) ||
      (isBlobPath && isDigest(`${name[1]}:${name[2]}`));
    if (isPart || name[0] === ".ocilot-bundles") continue;
    if (LEFTOVERS.some((form) => form.test(path)) || isBlobPath) {
      const isLock = path.startsWith(".ocilot-") || path === "index.json.lock";
      const own = isLock ? {} : { fix: "rm LAYOUT/FILE" };
      findings.push(
        finding("LEFTOVER_FILE", {
          steps,
          message: `${path} is not part of the layout: an interrupted program may have left it; remove it only while no tool uses the layout`,
          ...own,
        }),
      );
    } else if (!isDirectory)
      findings.push(finding("FOREIGN_FILE", { steps, message: `${path} is not part of an OCI image layout; it is left alone` }));
  }
  const [first, ...more] = closed;
  if (first !== undefined) {
    const message = `${first.path}${more.length > 0 ? ` and ${more.length} more` : ""} can only be read by the owner`;
    findings.push(finding("PERMISSION", { steps: [{ kind: "file", file: first.path }], message }));
  }
  return findings;
}

function isClosed({ mode = 0o777, isDirectory, path }: LayoutFile): boolean {
  const needed = isDirectory ? 0o005 : 0o004;
  return (mode & needed) !== needed && !path.startsWith(".ocilot-");
}

/** Returns the files of a layout directory, three levels deep; undefined if there is no such directory, as for an archive. */
export async function listFiles(location: string): Promise<LayoutFile[] | undefined> {
  const files: LayoutFile[] = [];
  try {
    await visit(await realpath(location), "", 1);
  } catch {
    return undefined;
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));

  async function visit(directory: string, prefix: string, depth: number): Promise<void> {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      const path = prefix + entry.name;
      if (files.length % SLICE === SLICE - 1) await breathe();
      const isDirectory = entry.isDirectory();
      const mode = modeOf(directory + sep + entry.name, entry);
      files.push(mode === undefined ? { path, isDirectory } : { path, isDirectory, mode });
      if (isDirectory && depth < 3 && /^(blobs|ingest|_uploads|\.uploads)$/.test(path.split("/")[0]!)) {
        // What cannot be entered shows in the mode of the directory itself.
        await visit(join(directory, entry.name), `${path}/`, depth + 1).catch(() => undefined);
      }
    }
  }
}

/** A link has no mode of its own, and Windows has none at all. */
function modeOf(path: string, entry: Dirent): number | undefined {
  if (process.platform === "win32" || entry.isSymbolicLink()) return undefined;
  return lstatSync(path).mode & 0o777;
}
