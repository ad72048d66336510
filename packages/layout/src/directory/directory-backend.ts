import { type Stats, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { type NotALayoutReason, OcilotError } from "../errors.js";
import { type Durability, replaceFile } from "../filesystem/atomic-write.js";
import { errnoOf, ioError } from "../filesystem/io-error.js";
import { type LinkRule, readInside } from "../filesystem/safe-open.js";
import { shellWord } from "../filesystem/shell-word.js";
import { DOCKER_FILES, type DockerDocuments } from "../spec/docker-images.js";
import { isRecord } from "../spec/guards.js";
import { INDEX_FILE, MAX_INDEX_BYTES } from "../spec/index-snapshot.js";
import { readJson } from "../spec/json.js";
import { LAYOUT_VERSION, MARKER_FILE, MARKER_TEXT, MAX_MARKER_BYTES, layoutVersion } from "../spec/layout-marker.js";
import { MAX_MANIFEST_BYTES } from "../spec/manifest.js";
import type { LayoutBackend, LayoutWarning } from "../storage.js";
import { DirectoryBlobs } from "./directory-blobs.js";
import { DirectoryIndex } from "./directory-index.js";

/** How a layout directory is opened. */
export interface DirectoryOptions extends Durability {
  /** Read files that are links out of the layout. */
  readonly followLinks?: boolean;
}

/**
 * Opens a layout directory. Writes nothing. Without `oci-layout`, a directory with `index.json` and `blobs/` is read with a warning, and
 * every write is refused.
 * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `LAYOUT_INVALID`, `LINK_OUTSIDE`, `LIMIT_EXCEEDED`, `ACCESS_DENIED`, `IO_ERROR`
 */
export function openDirectory(path: string, { followLinks = false, sync }: DirectoryOptions): LayoutBackend {
  const root = realRoot(path);
  const rule: LinkRule = { root, followLinks };
  const marker = readMarker(rule);
  if (marker === undefined) refuseOtherFormats(rule, path);
  const version = layoutVersion(marker ?? MARKER_TEXT);
  const checkWritable = (): void => {
    if (marker === undefined) throw withoutMarker(path);
    if (version !== LAYOUT_VERSION) throw unknownVersion(version);
  };
  const blobs = new DirectoryBlobs(rule, { sync }, checkWritable);
  const index = new DirectoryIndex(rule, { sync }, checkWritable, () => blobs.sync());
  return {
    location: path,
    blobs,
    index,
    marker: marker ?? MARKER_TEXT,
    warnings: marker === undefined ? [markerMissing(path)] : [],
    dockerDocuments: async () => readDockerDocuments(rule),
    putDockerDocument: async (file, bytes) => {
      checkWritable();
      await replaceFile(root, join(root, file), bytes, { sync }).catch((error: unknown) => {
        throw ioError(error, file);
      });
    },
  };
}

/**
 * Returns true if `path` is a directory that {@link openDirectory} may open: with `oci-layout`, or with `index.json` and `blobs/`.
 * @example
 * ```ts
 * import { isLayoutDirectory } from "@ocilot/layout";
 *
 * console.log(isLayoutDirectory("./layout"));
 * ```
 */
export function isLayoutDirectory(path: string): boolean {
  return isFile(join(path, MARKER_FILE)) || (isFile(join(path, INDEX_FILE)) && isDirectory(join(path, "blobs")));
}

function realRoot(path: string): string {
  try {
    const root = realpathSync(path);
    if (statSync(root).isDirectory()) return root;
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errnoOf(error) ?? "")) throw ioError(error, path);
    throw new OcilotError("PATH_NOT_FOUND", `${path} does not exist`, { path });
  }
  throw notALayout(path, "is not a directory", "not-a-directory");
}

function readMarker(rule: LinkRule): Uint8Array | undefined {
  try {
    return readInside(rule, join(rule.root, MARKER_FILE), MAX_MARKER_BYTES).bytes;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw ioError(error, MARKER_FILE);
  }
}

function readDockerDocuments(rule: LinkRule): DockerDocuments {
  const documents: Record<string, Uint8Array> = {};
  for (const file of DOCKER_FILES) {
    try {
      documents[file] = readInside(rule, join(rule.root, file), MAX_MANIFEST_BYTES).bytes;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw ioError(error, file);
    }
  }
  return documents;
}

/**
 * Refuses a directory without `oci-layout`, unless it has `index.json` and `blobs/`.
 * @throws OcilotError `NOT_A_LAYOUT`
 */
function refuseOtherFormats(rule: LinkRule, path: string): void {
  if (isLayoutDirectory(rule.root) && isIndex(rule)) return;
  const docker = documentAt(rule, "manifest.json", MAX_MANIFEST_BYTES);
  const word = shellWord(path);
  if (isRecord(docker) && docker["schemaVersion"] !== undefined) {
    throw notALayout(
      path,
      `is in the dir: format of skopeo: manifest.json is one image manifest, and there is no ${MARKER_FILE}`,
      "skopeo-dir",
      `Make a layout of it with: skopeo copy dir:${word} oci:NEW-DIRECTORY:TAG`,
    );
  }
  if (Array.isArray(docker)) {
    throw notALayout(
      path,
      `is an unpacked docker archive: it has manifest.json and no ${MARKER_FILE}`,
      "docker-archive",
      `Pack the docker archive again with: tar -C ${word} -cf NEW.tar . ; ocilot reads NEW.tar`,
    );
  }
  const below = readdirSync(rule.root).find((name) => isLayoutDirectory(join(rule.root, name)));
  if (below !== undefined) {
    throw notALayout(
      path,
      `has no ${MARKER_FILE}; the layout is one folder below`,
      "layout-below",
      `Name it: ${shellWord(join(path, below))}`,
    );
  }
  throw notALayout(path, `has no ${MARKER_FILE} file`, "no-index");
}

/** True unless `index.json` is a valid document of another kind. A broken one is reported when it is read. */
function isIndex(rule: LinkRule): boolean {
  const index = documentAt(rule, INDEX_FILE, MAX_INDEX_BYTES);
  return index === undefined || (isRecord(index) && ("manifests" in index || index["schemaVersion"] === 2));
}

/** The value of a JSON file; undefined if there is none that can be read. */
function documentAt(rule: LinkRule, file: string, maxBytes: number): unknown {
  try {
    return readJson(readInside(rule, join(rule.root, file), maxBytes).bytes, file).value;
  } catch {
    return undefined;
  }
}

function markerMissing(path: string): LayoutWarning {
  return {
    code: "MARKER_MISSING",
    message: `${path}: ${MARKER_FILE} is missing; ${INDEX_FILE} is read as that of a layout of version ${LAYOUT_VERSION}, and nothing is written`,
    hint: `Write the file with: ${markerCommand(path)}`,
  };
}

function withoutMarker(path: string): OcilotError<"WRITE_REFUSED"> {
  return new OcilotError(
    "WRITE_REFUSED",
    `${path}: ${MARKER_FILE} is missing, so the version of the layout is unknown`,
    { reason: "marker-missing", file: MARKER_FILE },
    { hint: `Write the file with: ${markerCommand(path)}` },
  );
}

function markerCommand(path: string): string {
  return `printf '{"imageLayoutVersion":"${LAYOUT_VERSION}"}' > ${shellWord(join(path, MARKER_FILE))}`;
}

function unknownVersion(version: string): OcilotError<"WRITE_REFUSED"> {
  return new OcilotError(
    "WRITE_REFUSED",
    `${MARKER_FILE}: the layout has version ${version}; ocilot writes only ${LAYOUT_VERSION}`,
    { reason: "layout-version", file: MARKER_FILE },
    { hint: "Use a newer ocilot, or copy the images out with the tool that wrote the layout." },
  );
}

function notALayout(
  path: string,
  why: string,
  reason: NotALayoutReason,
  hint = `Name the directory that holds ${MARKER_FILE}, ${INDEX_FILE} and blobs/.`,
): OcilotError<"NOT_A_LAYOUT"> {
  return new OcilotError("NOT_A_LAYOUT", `${path} ${why}`, { path, reason }, { hint });
}

function isFile(path: string): boolean {
  return kindOf(path)?.isFile() ?? false;
}

function isDirectory(path: string): boolean {
  return kindOf(path)?.isDirectory() ?? false;
}

function kindOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
