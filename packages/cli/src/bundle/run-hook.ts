import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
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
 * Has a program sign a digest: it gets the digest on standard input and the path of the signature in `OCILOT_SIGNATURE`. What it prints is
 * the signature if it writes no file.
 * @throws OcilotError `IO_ERROR` if the program fails
 */
export async function signDigest(command: string, digest: string, signature: string, signal: AbortSignal): Promise<void> {
  const { code, stdout } = await runHook(command, digest, signature, signal);
  if (code !== 0) throw failed(command, code, "Nothing is wrong with the bundle; sign it again with the same command.");
  if (!existsSync(signature)) await writeFile(signature, stdout);
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

function failed(command: string, code: number, hint: string): OcilotError<"IO_ERROR"> {
  return new OcilotError("IO_ERROR", `${command} ended with ${code}`, { path: command }, { hint });
}
