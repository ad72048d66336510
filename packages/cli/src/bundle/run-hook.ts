import { spawn } from "node:child_process";
import { existsSync, lstatSync, statSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { dirname, join, basename } from "node:path";
import { text } from "node:stream/consumers";
import { OcilotError } from "@ocilot/layout";
import { commonName, splitTarName } from "@ocilot/referrers";

/** Where the signature of a bundle is: beside its files, `NAME.sig`; of a stream `bundle.sig` in the working directory. */
export function signaturePath(file: string): string {
  if (file === "-") return "bundle.sig";
  return join(dirname(file), `${splitTarName(commonName(basename(file))).base}.sig`);
}

/**
 * Refuses a signature that is there already: it is not of the bundle that is to be written.
 * @throws OcilotError `OUTPUT_EXISTS`
 */
export function refuseOldSignature(signature: string, force: boolean): void {
  const there = lstatSync(signature, { throwIfNoEntry: false });
  if (there === undefined || (force && !there.isDirectory())) return;
  throw new OcilotError(
    "OUTPUT_EXISTS",
    there.isDirectory() ? `${signature} is a directory` : `${signature} already exists; it is the signature of another run`,
    { path: signature },
    { hint: "Name another --output, or replace it with --force." },
  );
}

/**
 * Has a program sign a digest: it gets the digest on standard input and the path of the signature in `OCILOT_SIGNATURE`. What it prints is
 * the signature if it writes no file. A signature that was there is removed first; after a failure there is none.
 * @throws OcilotError `IO_ERROR` if the program fails or gives no signature
 */
export async function signDigest(command: string, digest: string, signature: string, signal: AbortSignal): Promise<void> {
  await rm(signature, { force: true });
  const { code, stdout } = await runHook(command, digest, signature, signal);
  if (code === 0 && !existsSync(signature)) await writeFile(signature, stdout);
  if (code === 0 && statSync(signature).size > 0) return;
  await rm(signature, { force: true });
  const reason = code === 0 ? `wrote no signature: neither a file ${signature} nor anything on standard output` : `ended with ${code}`;
  throw new OcilotError(
    "IO_ERROR",
    `the bundle is not signed: the command of --sign-with ${reason}`,
    { path: signature },
    { hint: `The bundle is written and whole. Sign ${digest} and keep the signature as ${signature}, or repeat the command with --force.` },
  );
}

/** Has a program check the signature of a digest. @throws OcilotError `WRITE_REFUSED` if the program fails */
export async function checkSignature(command: string, digest: string, signature: string, signal: AbortSignal): Promise<void> {
  const { code } = await runHook(command, digest, signature, signal);
  if (code === 0) return;
  throw new OcilotError(
    "WRITE_REFUSED",
    `the signature of the bundle was not accepted: the command of --verify-with ended with ${code}`,
    { reason: "signature", file: signature },
    { hint: `It gets the receipt's digest ${digest} on standard input and OCILOT_SIGNATURE=${signature}. Nothing was stored.` },
  );
}

async function runHook(command: string, digest: string, signature: string, signal: AbortSignal): Promise<{ code: number; stdout: string }> {
  const child = spawn(command, {
    shell: true,
    signal,
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OCILOT_RECEIPT: digest, OCILOT_SIGNATURE: signature },
  });
  // A program that does not read the digest ends before it is written.
  child.stdin.on("error", () => undefined);
  child.stdin.end(digest);
  const ended = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
  const [stdout, code] = await Promise.all([text(child.stdout), ended]);
  return { code, stdout };
}
