/** A credential of a registry. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, which docker calls an identity token. */
  | { readonly kind: "identity-token"; readonly token: string }
  /** A bearer token that is sent unchanged. */
  | { readonly kind: "registry-token"; readonly token: string };

/** Where credentials come from. */
export interface CredentialSource {
  /**
   * The credential for a repository; undefined for an anonymous request. Called once for each repository of a session.
   * @param options `signal`: aborted when the session is closed
   * @throws OcilotError `CREDENTIALS_UNAVAILABLE`
   */
  get(
    host: string,
    repository: string | undefined,
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<Credential | undefined>;
}

/**
 * A source that knows one credential, for one host or for every host.
 * @example
 * ```ts
 * import { fixedCredential, openRepository } from "@ocilot/registry";
 *
 * const credentials = fixedCredential({ kind: "password", username: "ci", password: process.env["TOKEN"] ?? "" }, "ghcr.io");
 * const layout = await openRepository("docker://ghcr.io/team/app:v1", { credentials });
 * await layout.close();
 * ```
 */
export function fixedCredential(credential: Credential, host?: string): CredentialSource {
  return { get: async (asked) => (host === undefined || asked === host ? credential : undefined) };
}

/** No credentials at all. */
export const anonymous: CredentialSource = { get: async () => undefined };
