import type { Answer } from "./answer.js";
import type { RegistryRequest } from "./request.js";

type Headers = NonNullable<Answer["headers"]>;

/** Asks for a name and a password. */
export const BASIC_CHALLENGE: Headers = { "www-authenticate": 'Basic realm="ocilot", charset="UTF-8"' };
/** What may stand in the address of the token endpoint; the client itself said it. */
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/**
 * Asks for a token: by a Bearer challenge clients without an account get one as well, where Docker takes a Basic challenge to mean that there is nothing
 * without a password. The address is that under which the client reached this server.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export function bearerChallenge(
  { headers, isSecure }: RegistryRequest,
  scope?: { readonly name: string; readonly actions: string },
): Headers {
  const host = headers["host"];
  if (host === undefined || !HOST.test(host)) return BASIC_CHALLENGE;
  const scopes = scope === undefined ? "" : `,scope="repository:${scope.name}:${scope.actions}"`;
  return { "www-authenticate": `Bearer realm="${isSecure ? "https" : "http"}://${host}/token",service="${host}"${scopes}` };
}
