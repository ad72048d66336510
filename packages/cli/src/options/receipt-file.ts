import { basename, dirname } from "node:path";
import { isRecord } from "@ocilot/layout";
import { RECEIPT_TYPE, type Receipt, commonName, receiptText, splitTarName } from "@ocilot/referrers";
import { usageError } from "../command-line/usage-error.js";
import type { Io } from "../io.js";
import { type OwnedKind, checkOwnedFile, realPath, writeOwnedFile } from "../owned-file.js";

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

const RECEIPT: OwnedKind = {
  noun: "receipt",
  begins: /^\s*\{/,
  matches(text) {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && value["type"] === RECEIPT_TYPE;
  },
};

/**
 * Refuses a file for a receipt before any work is done: one that is there and is no receipt, or that cannot be made.
 * @throws OcilotError `USAGE` for `-`, `PATH_NOT_FOUND` where the directory does not exist, `OUTPUT_EXISTS`
 */
export async function checkReceiptFile(path: string): Promise<void> {
  if (path === "-") throw usageError("--receipt takes a file, not standard output", "receipt", "Print a receipt with: ocilot receipt REF");
  if (!STDOUT.has(path)) await checkOwnedFile(path, RECEIPT);
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
  if (STDOUT.has(path)) io.stdout.write(text);
  else await writeOwnedFile(path, text, RECEIPT);
}

function taken(path: string, what: string): ReturnType<typeof usageError> {
  return usageError(`--receipt ${path} ${what}`, "receipt", "Name another file for the receipt.");
}
