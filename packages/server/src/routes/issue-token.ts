import { TOKEN_SECONDS } from "../access/tokens.js";
import { json } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import type { Endpoint } from "./endpoint.js";

/**
 * Gives a token to an account, or to somebody without one. The scope that is asked for is not looked at: rights are checked at each request.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export const issueToken: Endpoint = async ({ who, parts }) => {
  const token = who.kind === "refused" ? undefined : parts.issueToken?.(who);
  if (token === undefined) throw new RegistryError("UNSUPPORTED", "this server gives no tokens", { status: 404 });
  const about = { expires_in: TOKEN_SECONDS, issued_at: new Date().toISOString() };
  return json(200, { token, access_token: token, ...about }, { "cache-control": "no-store" });
};
