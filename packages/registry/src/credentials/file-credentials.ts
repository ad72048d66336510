import { OcilotError } from "@ocilot/layout/spec";
import type { Credential, CredentialSource } from "./credential.js";
import {
  type CredentialFile,
  type CredentialFileOptions,
  credentialFilePaths,
  entryCredential,
  readCredentialFile,
} from "./credential-files.js";
import { helperGet } from "./credential-helper.js";
import { matchingKeys, storageKey } from "./credential-key.js";

/** How credentials of docker and podman are found. */
export interface FileCredentialOptions extends CredentialFileOptions {
  /** Milliseconds that a credential helper may take; 60,000 by default. */
  readonly helperTimeout?: number;
}

/**
 * Credentials as docker and podman keep them: the first file with a match counts. In a file a helper of the host comes before the
 * general helper, and that before an entry with the secret in it; of several entries the most specific path is taken.
 * @example
 * ```ts
 * import { fileCredentials } from "@ocilot/registry";
 *
 * const credentials = fileCredentials({ authFile: "./auth.json" });
 * console.log((await credentials.get("ghcr.io", "team/app", {})) !== undefined);
 * ```
 */
export function fileCredentials(options: FileCredentialOptions = {}): CredentialSource {
  return {
    get: async (host, repository, { signal }) => {
      for (const path of credentialFilePaths(options)) {
        const file = readCredentialFile(path);
        if (file === undefined) {
          if (path === options.authFile) throw missing(path);
          continue;
        }
        const credential = await fromFile(file, { host, repository, signal, options });
        if (credential !== undefined) return credential;
      }
      return undefined;
    },
  };
}

async function fromFile(
  file: CredentialFile,
  {
    host,
    repository,
    signal,
    options,
  }: { host: string; repository: string | undefined; signal: AbortSignal | undefined; options: FileCredentialOptions },
): Promise<Credential | undefined> {
  const helperOptions = {
    signal,
    ...(options.env !== undefined && { env: options.env }),
    ...(options.helperTimeout !== undefined && { timeout: options.helperTimeout }),
  };
  for (const key of matchingKeys(Object.keys(file.credHelpers), host, repository)) {
    const name = file.credHelpers[key];
    const credential = name === undefined || name === "" ? undefined : await helperGet(name, storageKey(host), helperOptions);
    if (credential !== undefined) return credential;
  }
  if (file.credsStore !== undefined) {
    const credential = await helperGet(file.credsStore, storageKey(host), helperOptions);
    if (credential !== undefined) return credential;
  }
  for (const key of matchingKeys(Object.keys(file.auths), host, repository)) {
    const credential = entryCredential(file.auths[key], file.path, key);
    if (credential !== undefined) return credential;
  }
  return undefined;
}

function missing(source: string): OcilotError<"CREDENTIALS_UNAVAILABLE"> {
  return new OcilotError("CREDENTIALS_UNAVAILABLE", `${source} does not exist`, { source, reason: "does not exist" });
}
