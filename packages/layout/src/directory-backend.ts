import { existsSync, realpathSync, statSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Durability, syncDirectory } from "./atomic-write.js";
import { DirectoryBlobs } from "./directory-blobs.js";
import { DirectoryIndex } from "./directory-index.js";
import { OcilotError } from "./errors.js";
import { INDEX_FILE } from "./index-snapshot.js";
import { errnoOf, ioError } from "./io-error.js";
import { LAYOUT_VERSION, MARKER_FILE, MAX_MARKER_BYTES, layoutVersion } from "./layout-marker.js";
import { readInside } from "./safe-open.js";
import type { LayoutBackend } from "./storage.js";

/**
 * Opens a layout directory; nothing is written.
 * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `LAYOUT_INVALID`, `LINK_OUTSIDE`, `LIMIT_EXCEEDED`, `IO_ERROR`
 */
export function openDirectory(path: string, durability: Durability): LayoutBackend {
  const root = realRoot(path);
  const marker = readMarker(root, path);
  const version = layoutVersion(marker);
  const checkWritable = (): void => {
    if (version !== LAYOUT_VERSION) {
      throw new OcilotError(
        "WRITE_REFUSED",
        `${MARKER_FILE}: the layout has version ${version}; ocilot writes only ${LAYOUT_VERSION}`,
        {
          reason: "layout-version",
          file: MARKER_FILE,
        },
        { hint: "Use a newer ocilot, or copy the images out with the tool that wrote the layout." },
      );
    }
  };
  const blobs = new DirectoryBlobs(root, durability, checkWritable);
  const index = new DirectoryIndex(root, durability, checkWritable, () => blobs.sync());
  return { location: path, blobs, index, marker };
}

/**
 * Makes an empty layout in a directory that is empty or not there yet. `oci-layout` comes last: before it stands, the
 * directory is not a layout to anybody.
 * @throws OcilotError `OUTPUT_EXISTS`, `IO_ERROR`
 */
export async function createDirectory(path: string, durability: Durability): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    if ((await readdir(path)).length > 0) throw outputExists(path, "is not empty");
    await mkdir(join(path, "blobs", "sha256"), { recursive: true });
    await writeFile(join(path, INDEX_FILE), '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', {
      flag: "wx",
      flush: durability.sync,
    });
    await writeFile(join(path, MARKER_FILE), `{"imageLayoutVersion":"${LAYOUT_VERSION}"}`, { flag: "wx", flush: durability.sync });
    if (durability.sync) for (const directory of [join(path, "blobs"), path]) await syncDirectory(directory);
  } catch (error) {
    // A file stands where a directory should, or another process was faster here.
    if (["EEXIST", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw outputExists(path, "is taken already");
    throw ioError(error, path);
  }
}

function outputExists(path: string, why: string): OcilotError<"OUTPUT_EXISTS"> {
  return new OcilotError("OUTPUT_EXISTS", `${path} ${why}`, { path }, { hint: "Name a directory that is empty or does not exist yet." });
}

function realRoot(path: string): string {
  try {
    const root = realpathSync(path);
    if (statSync(root).isDirectory()) return root;
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw ioError(error, path);
    throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path });
  }
  throw new OcilotError(
    "NOT_A_LAYOUT",
    `${path} is not a directory`,
    { path },
    { hint: "Name the directory that holds oci-layout, index.json and blobs/." },
  );
}

function readMarker(root: string, path: string): Uint8Array {
  try {
    return readInside(root, join(root, MARKER_FILE), MAX_MARKER_BYTES).bytes;
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw ioError(error, MARKER_FILE);
    const hint = existsSync(join(root, "manifest.json"))
      ? "manifest.json says that this is a docker archive without an OCI layout; save it again with a newer docker, or with skopeo copy."
      : "Name the directory that holds oci-layout, index.json and blobs/.";
    throw new OcilotError("NOT_A_LAYOUT", `${path} has no ${MARKER_FILE} file`, { path }, { hint });
  }
}
