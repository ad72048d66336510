import { type Stats, createReadStream, realpathSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { OcilotError, ioError, isRecord, replaceFile } from "@ocilot/layout";
import { RECEIPT_TYPE, type Receipt, commonName, receiptText, splitTarName } from "@ocilot/referrers";
import { usageError } from "../command-line/usage-error.js";
import type { Io } from "../io.js";

/** What a bundle run reads and writes besides its receipt. */
export interface BundleFiles {
  /** `-` is standard output. */
  readonly output: string;
  readonly isSplit: boolean;
  readonly signature?: string;
  /** Paths of layouts and archives that are bundled. */
  readonly sources: readonly string[];
}

/** Names of standard output: a file behind it is appended to, and not replaced. */
const STDOUT: ReadonlySet<string> = new Set(["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]);

/**
 * Refuses a file for a receipt before any work is done: one that is there and is no receipt, or that cannot be made.
 * @throws OcilotError `USAGE` for `-`, `PATH_NOT_FOUND` where the directory does not exist, `OUTPUT_EXISTS`
 */
export async function checkReceiptFile(path: string): Promise<void> {
  if (path === "-") throw usageError("--receipt takes a file, not standard output", "receipt", "Print a receipt with: ocilot receipt REF");
  await refuseOtherFile(path);
}

/**
 * As {@link checkReceiptFile}, for the receipt of a bundle.
 * @throws OcilotError also `USAGE` for a file that the same run writes or reads
 */
export async function checkBundleReceipt(path: string, { output, isSplit, signature, sources }: BundleFiles): Promise<void> {
  const own = realPath(path);
  const [directory, name] = [dirname(own), basename(own)];
  const target = output === "-" ? undefined : realPath(output);
  const { base } = splitTarName(basename(target ?? ""));
  const common = commonName(name);
  const isPart = common !== name && splitTarName(common).base === base;
  const isOfSet = target !== undefined && isSplit && directory === dirname(target) && (isPart || name === `${base}.sha256`);
  if (output === "-" && STDOUT.has(path)) throw taken(path, "is standard output, where the bundle goes");
  if (own === target || isOfSet) throw taken(path, "is a file of the bundle itself");
  if (signature !== undefined && own === realPath(signature)) throw taken(path, "is the signature of the bundle");
  if (sources.some((source) => realPath(source) === own)) throw taken(path, "is what is bundled");
  await checkReceiptFile(path);
}

/**
 * Writes a receipt. A file gets its name when it is whole, so that nobody reads half of one; a pipe or a device is written to.
 * @throws OcilotError `OUTPUT_EXISTS` for a file that is no receipt, `ACCESS_DENIED`, `IO_ERROR`
 */
export async function writeReceipt(path: string, receipt: Receipt, io: Io): Promise<void> {
  const text = receiptText(receipt);
  if (STDOUT.has(path)) return void io.stdout.write(text);
  // Whatever has come under that name since the check stays as it is.
  const there = await refuseOtherFile(path);
  try {
    if (there !== undefined && !there.isFile()) return await writeFile(path, text);
    // A symbolic link stays, and the file that it names is replaced.
    const target = realPath(path);
    await replaceFile(dirname(target), target, new TextEncoder().encode(text), { sync: true });
  } catch (error) {
    throw ioError(error, path);
  }
}

async function refuseOtherFile(path: string): Promise<Stats | undefined> {
  if (STDOUT.has(path)) return undefined;
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined) {
    const directory = dirname(path);
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new OcilotError("PATH_NOT_FOUND", `${path} cannot be written: the directory ${directory} does not exist`, { path: directory });
    return undefined;
  }
  if (there.isDirectory())
    throw new OcilotError("OUTPUT_EXISTS", `${path} is a directory`, { path }, { hint: "Name a file for the receipt." });
  if (there.isFile() && there.size > 0 && !(await isReceipt(path)))
    throw new OcilotError(
      "OUTPUT_EXISTS",
      `${path} already exists and is not a receipt; only an older receipt is replaced`,
      { path },
      { hint: "Name another file for the receipt, or remove this one first." },
    );
  return there;
}

/** Tells whether a file is a receipt, of whatever content. An archive is not read whole. */
async function isReceipt(path: string): Promise<boolean> {
  try {
    for await (const start of createReadStream(path, { end: 255, encoding: "utf8" })) if (!/^\s*\{/.test(String(start))) return false;
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return isRecord(value) && value["type"] === RECEIPT_TYPE;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return false;
    throw ioError(error, path);
  }
}

/** The path without symbolic links; of a file that does not exist, below the real path of its directory. */
function realPath(path: string): string {
  for (const [directory, name] of [[path, ""] as const, [dirname(path), basename(path)] as const])
    try {
      return join(realpathSync(directory), name);
    } catch {
      // The one or the other does not exist.
    }
  return path;
}

function taken(path: string, what: string): OcilotError<"USAGE"> {
  return usageError(`--receipt ${path} ${what}`, "receipt", "Name another file for the receipt.");
}
