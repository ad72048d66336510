import { type Stats, createReadStream, realpathSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcilotError, ioError, replaceFile } from "@ocilot/layout";

/** A kind of file that ocilot writes beside its work, and replaces; no other file is replaced by it. */
export interface OwnedKind {
  /** `receipt` */
  readonly noun: string;
  /** How every file of the kind begins: another one is not read whole. */
  readonly begins: RegExp;
  /** Tells whether a text that begins so is of this kind. A `SyntaxError` or `RangeError` means no. */
  readonly matches: (text: string) => boolean;
}

/**
 * Writes a file. It gets its name when it is whole, so that nobody reads half of one; a pipe or a device is written to.
 * @throws OcilotError `OUTPUT_EXISTS` for a file of another kind, `ACCESS_DENIED`, `IO_ERROR`
 */
export async function writeOwnedFile(path: string, text: string, kind: OwnedKind): Promise<void> {
  // Whatever has come under that name since the check stays as it is.
  const there = await checkOwnedFile(path, kind);
  try {
    if (there !== undefined && !there.isFile()) return await writeFile(path, text);
    // A symbolic link stays, and the file that it names is replaced.
    const target = realPath(path);
    await replaceFile(dirname(target), target, new TextEncoder().encode(text), { sync: true });
  } catch (error) {
    throw ioError(error, path);
  }
}

/** The path without symbolic links; of a file that does not exist, below the real path of its directory. */
export function realPath(path: string): string {
  for (const [directory, name] of [[path, ""] as const, [dirname(path), basename(path)] as const])
    try {
      return join(realpathSync(directory), name);
    } catch {
      // The one or the other does not exist.
    }
  return path;
}

/**
 * Refuses a file, also before any work is done: one that is there and of another kind, or that cannot be made. Returns what is there.
 * @throws OcilotError `PATH_NOT_FOUND` where the directory does not exist, `OUTPUT_EXISTS`
 */
export async function checkOwnedFile(path: string, kind: OwnedKind): Promise<Stats | undefined> {
  const { noun } = kind;
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) {
    const directory = dirname(path);
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new OcilotError("PATH_NOT_FOUND", `${path} cannot be written: the directory ${directory} does not exist`, { path: directory });
    return undefined;
  }
  if (there.isDirectory())
    throw new OcilotError("OUTPUT_EXISTS", `${path} is a directory`, { path }, { hint: `Name a file for the ${noun}.` });
  if (there.isFile() && there.size > 0 && !(await isOwn(path, kind)))
    throw new OcilotError(
      "OUTPUT_EXISTS",
      `${path} already exists and is not a ${noun}; only an older ${noun} is replaced`,
      { path },
      { hint: `Name another file for the ${noun}, or remove this one first.` },
    );
  return there;
}

async function isOwn(path: string, { begins, matches }: OwnedKind): Promise<boolean> {
  try {
    for await (const start of createReadStream(path, { end: 255, encoding: "utf8" })) if (!begins.test(String(start))) return false;
    return matches(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return false;
    throw ioError(error, path);
  }
}
