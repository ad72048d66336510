import { usageError } from "../command-line/usage-error.js";

/** The endings of the archives that can be written. */
export const ARCHIVE_SUFFIXES = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"] as const;

const KNOWN = /\.(?:tar|tar\.gz|tgz|tar\.zst|tzst)$/i;
/** Endings that say "archive" to a person, and that nothing here writes. */
const FOREIGN = /\.(?:tar\.(?:xz|bz2?|lz4?|lzma|lzo|br|z|zstd|sz|7z)|t[bxl]z2?|tlz4|zip|oci|7z|rar|gz|xz|bz2|lz4|zst|zstd|br)$/i;

/** Tells whether a path ends like an archive that can be written. */
export function isArchiveName(path: string): boolean {
  return KNOWN.test(path);
}

/**
 * Refuses a name that says it is an archive of a kind that cannot be written: it would become a directory.
 * @throws OcilotError `USAGE`
 */
export function refuseForeignArchive(path: string, argument: string): void {
  if (!FOREIGN.test(path)) return;
  const hint = `Archives end in ${ARCHIVE_SUFFIXES.join(", ")}. For a directory of that name, write ${path}/`;
  throw usageError(`${path} ends like an archive of an unknown kind`, argument, hint);
}

/**
 * As {@link refuseForeignArchive}, where only an archive is written: it would be a plain tar of that name.
 * @throws OcilotError `USAGE`
 */
export function refuseForeignSuffix(path: string, argument: string): void {
  if (!FOREIGN.test(path) || KNOWN.test(path)) return;
  throw usageError(`${path} ends like an archive of an unknown kind`, argument, `Archives end in ${ARCHIVE_SUFFIXES.join(", ")}.`);
}

/**
 * As {@link refuseForeignArchive}, where only a directory is written.
 * @throws OcilotError `USAGE`
 */
export function refuseArchive(path: string, argument: string): void {
  if (!FOREIGN.test(path) && !KNOWN.test(path)) return;
  throw usageError(
    `${path} ends like an archive, but a directory is written`,
    argument,
    "To write an archive: ocilot copy --all LAYOUT FILE.tar",
  );
}
