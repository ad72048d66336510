import type { Credential } from "./credentials/credential.js";
import { fixedCredential } from "./credentials/credential.js";
import { type CredentialPlace, type StoreCredentialOptions, storeCredential } from "./credentials/credential-store.js";
import { RegistrySession, type RegistrySessionOptions } from "./session.js";
import { canonicalHost } from "./reference/hub.js";

/**
 * Checks a credential with the registry, and keeps it where docker and podman find it too.
 * @returns where it was stored
 * @throws OcilotError `AUTH_FAILED` where the registry refuses it, `CREDENTIALS_UNAVAILABLE`, `NETWORK_ERROR`, `IO_ERROR`, `REFERENCE_INVALID`
 * @example
 * ```ts
 * import { login } from "@ocilot/registry";
 *
 * await login("ghcr.io", { kind: "password", username: "me", password: process.env["TOKEN"] ?? "" });
 * ```
 */
export async function login(
  host: string,
  credential: Credential,
  options: Omit<RegistrySessionOptions, "credentials"> & StoreCredentialOptions = {},
): Promise<CredentialPlace> {
  const session = new RegistrySession({ ...options, credentials: fixedCredential(credential) });
  try {
    // The name of the repository does not matter: the check is sent to the registry's root.
    const client = session.repository(`${canonicalHost(host.toLowerCase())}/login`);
    await client.ping(options.signal === undefined ? {} : { signal: options.signal });
    return await storeCredential(client.host, credential, options);
  } finally {
    await session.close();
  }
}
