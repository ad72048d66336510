import { randomBytes } from "node:crypto";
import { readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makeDirectory, renameOverSync } from "@ocilot/layout";
import { OcilotError } from "@ocilot/layout/spec";
import type { Credential } from "./credential.js";
import { type CredentialFile, credentialFilePaths, entryCredential, parseCredentialFile, readCredentialFile } from "./credential-files.js";
import { helperErase, helperStore } from "./credential-helper.js";
import { matchingKeys, storageKey } from "./credential-key.js";
import type { FileCredentialOptions } from "./file-credentials.js";
import { removeMember, setMember } from "./json-members.js";

/** Where a credential is kept. */
export type CredentialPlace =
  | { readonly kind: "helper"; readonly helper: string; readonly file: string }
  | { readonly kind: "file"; readonly file: string };

/** How a credential is stored. */
export interface StoreCredentialOptions extends FileCredentialOptions {
  readonly signal?: AbortSignal;
}

const ATTEMPTS = 10;

/**
 * Keeps the credential for a host where {@link fileCredentials} finds it: with the helper that the first file names for the host, or in
 * that file, which only its owner can read. Other members of the file keep their bytes. A crash leaves the old file or the new one.
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`, `IO_ERROR`
 * @example
 * ```ts
 * import { storeCredential } from "@ocilot/registry";
 *
 * await storeCredential("ghcr.io", { kind: "password", username: "me", password: process.env["TOKEN"] ?? "" });
 * ```
 */
export async function storeCredential(
  host: string,
  credential: Credential,
  options: StoreCredentialOptions = {},
): Promise<CredentialPlace> {
  const path = firstPath(options);
  const file = readCredentialFile(path);
  const helper = file === undefined ? undefined : helperOf(file, host);
  if (helper !== undefined) {
    await helperStore(helper, storageKey(host), { ...helperOptions(options), credential });
    return { kind: "helper", helper, file: path };
  }
  const entry =
    credential.kind === "password"
      ? { auth: Buffer.from(`${credential.username}:${credential.password}`).toString("base64") }
      : credential.kind === "identity-token"
        ? { identitytoken: credential.token }
        : { registrytoken: credential.token };
  rewrite(path, (text) => setMember(text, ["auths", storageKey(host)], JSON.stringify(entry)));
  return { kind: "file", file: path };
}

/**
 * Removes the credential for a host from the place where {@link storeCredential} keeps it.
 * @returns where one was removed, and the other files that still hold one
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`, `IO_ERROR`
 * @example
 * ```ts
 * import { eraseCredential } from "@ocilot/registry";
 *
 * await eraseCredential("ghcr.io");
 * ```
 */
export async function eraseCredential(
  host: string,
  options: StoreCredentialOptions = {},
): Promise<{ readonly removed: readonly CredentialPlace[]; readonly remaining: readonly string[] }> {
  const removed: CredentialPlace[] = [];
  const path = firstPath(options);
  const file = readCredentialFile(path);
  if (file !== undefined) {
    const helper = helperOf(file, host);
    if (helper !== undefined) {
      await helperErase(helper, storageKey(host), helperOptions(options));
      removed.push({ kind: "helper", helper, file: path });
    }
    const keys = hostKeys(file, host);
    if (keys.length > 0) {
      rewrite(path, (text) => keys.reduce((rest, key) => removeMember(rest, ["auths", key]), text));
      removed.push({ kind: "file", file: path });
    }
  }
  const remaining = credentialFilePaths(options).filter((other) => {
    const content = other === path ? undefined : readCredentialFile(other);
    return content !== undefined && hostKeys(content, host).some((key) => entryCredential(content.auths[key], other, key) !== undefined);
  });
  return { removed, remaining };
}

function firstPath(options: StoreCredentialOptions): string {
  return credentialFilePaths(options)[0] ?? "config.json";
}

function helperOf(file: CredentialFile, host: string): string | undefined {
  const key = hostMatches(Object.keys(file.credHelpers), host)[0];
  return (key === undefined ? undefined : file.credHelpers[key]) || file.credsStore;
}

function hostKeys(file: CredentialFile, host: string): readonly string[] {
  return hostMatches(Object.keys(file.auths), host);
}

/** Keys of the host itself, not of paths below it. */
function hostMatches(keys: readonly string[], host: string): readonly string[] {
  return matchingKeys(keys, host, undefined);
}

function helperOptions({ env, signal, helperTimeout }: StoreCredentialOptions): Parameters<typeof helperErase>[2] & object {
  return {
    ...(env !== undefined && { env }),
    ...(signal !== undefined && { signal }),
    ...(helperTimeout !== undefined && { timeout: helperTimeout }),
  };
}

/** Replaces a file in one step, starting over where another process did so meanwhile. */
function rewrite(path: string, edit: (text: string) => string): void {
  try {
    makeDirectory(dirname(path), 0o700);
    // A link, as those who keep their configuration elsewhere have, stays one.
    const target = resolved(path);
    for (let attempt = 1; ; attempt++) {
      const before = textOf(target);
      const text = before.trim() === "" ? "{}\n" : before;
      parseCredentialFile(text, path);
      const after = edit(text);
      if (after === before) return;
      const temp = join(dirname(target), `.ocilot-${randomBytes(6).toString("hex")}`);
      try {
        writeFileSync(temp, after, { mode: 0o600, flag: "wx", flush: true });
        if (textOf(target) === before || attempt === ATTEMPTS) {
          renameOverSync(temp, target);
          return;
        }
      } finally {
        rmSync(temp, { force: true });
      }
    }
  } catch (cause) {
    if (cause instanceof OcilotError) throw cause;
    const errno = (cause as NodeJS.ErrnoException).code;
    throw new OcilotError(
      "IO_ERROR",
      `${path}: cannot be written (${errno ?? "unknown error"})`,
      { path, ...(errno !== undefined && { errno }) },
      { cause },
    );
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
