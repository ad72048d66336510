import { OcilotError, isRecord } from "@ocilot/layout/spec";
import type { Credential } from "../credentials/credential.js";
import { isLoopback } from "../reference/host.js";
import { type RequestLabel, networkError, printable } from "../transport/errors.js";
import type { HttpRequest } from "../transport/exchange.js";
import { checkAddress } from "../transport/redirect.js";
import type { BufferedResponse, Transport } from "../transport/transport.js";
import type { Endpoint } from "../transport/endpoint.js";
import type { Challenge } from "./challenge.js";
import { type Scope, formatScope } from "./scope.js";

/** The size limit of responses of token servers. */
export const MAX_TOKEN_BYTES: number = 128 * 1024;
/** The lifetime of a token whose response has no `expires_in`. */
const DEFAULT_LIFE_S = 60;
const MAX_LIFE_S = 24 * 3600;

/** A bearer token, and the time by `Date.now()` after which it is renewed. */
export interface Token {
  readonly value: string;
  readonly renewAt: number;
}

/** What a token is requested for. */
export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly Scope[];
  readonly credential: Credential | undefined;
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal | undefined;
}

/**
 * Fetches a token: by GET, with a name and a password or anonymously; with an identity token by POST, as OAuth2 has it.
 * The realm must be https, or http on this machine.
 * @throws OcilotError `AUTH_FAILED`, `NETWORK_ERROR`, `LIMIT_EXCEEDED`, `RESPONSE_INVALID`, `ABORTED`
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
export async function fetchToken(transport: Transport, request: TokenRequest): Promise<Token> {
  const { endpoint, signal, credential } = request;
  const { host } = endpoint;
  const label: RequestLabel = { host, operation: "get a token" };
  const realm = checkRealm(request.challenge.parameters["realm"], endpoint, label);
  const http = credential?.kind === "identity-token" ? oauthRequest(realm, credential.token, request) : getRequest(realm, request);
  const backoff = transport.backoff();
  for (;;) {
    const outcome = await transport
      .read(http, { endpoint, label, signal, what: "response of the token server", limit: MAX_TOKEN_BYTES })
      .catch((error: Error) => error);
    if (await backoff.next(outcome, signal)) continue;
    if (outcome instanceof Error) throw networkError(outcome, label, backoff.attempts);
    if (outcome.status !== 200) throw refused(host, outcome, credential !== undefined);
    return readToken(outcome.bytes, host);
  }
}

function checkRealm(realm: string | undefined, endpoint: Endpoint, label: RequestLabel): URL {
  const { host } = endpoint;
  if (realm === undefined || !URL.canParse(realm)) throw authFailed(host, "the challenge has no valid realm");
  const url = new URL(realm);
  const shown = printable(`${url.protocol}//${url.host}`, 100);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.host))) {
    throw authFailed(host, `the token server ${shown} does not use https`, "Credentials are sent over http to this machine only.");
  }
  if (url.username !== "" || url.password !== "") throw authFailed(host, `the address of the token server ${shown} holds a password`);
  checkAddress(url, { home: endpoint.url, label });
  url.hash = "";
  return url;
}

function getRequest(realm: URL, { challenge, scopes, credential }: TokenRequest): HttpRequest {
  const url = new URL(realm);
  const service = challenge.parameters["service"];
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", formatScope(scope));
  if (credential?.kind !== "password") return { method: "GET", url, headers: {} };
  url.searchParams.set("account", credential.username);
  return { method: "GET", url, headers: { authorization: basic(credential.username, credential.password) } };
}

function oauthRequest(realm: URL, token: string, { challenge, scopes }: TokenRequest): HttpRequest {
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: token, client_id: "ocilot" });
  const service = challenge.parameters["service"];
  if (service !== undefined) form.set("service", service);
  if (scopes.length > 0) form.set("scope", scopes.map(formatScope).join(" "));
  return {
    method: "POST",
    url: realm,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: Buffer.from(form.toString()),
  };
}

function readToken(bytes: Uint8Array, host: string): Token {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw authFailed(host, "the response of the token server is not JSON");
  }
  const value = isRecord(json) ? (json["token"] ?? json["access_token"]) : undefined;
  // Sending an invalid header value would fail with the token in the error message.
  if (!isRecord(json) || typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value))
    throw authFailed(host, "the token server sent no token");
  const said = json["expires_in"];
  const life = typeof said === "number" && said > 0 ? Math.min(said, MAX_LIFE_S) : DEFAULT_LIFE_S;
  // Renewed with a tenth of the lifetime left, a fifth for short ones: part of it has passed when the response arrives.
  return { value, renewAt: Date.now() + life * (life > 60 ? 900 : 800) };
}

function refused(host: string, { status }: BufferedResponse, hadCredential: boolean): OcilotError<"AUTH_FAILED"> {
  const reason = hadCredential ? "the token server refused the credentials" : "the token server refuses anonymous access";
  return authFailed(host, `${reason} (status ${status})`, `Log in with \`ocilot login ${host}\`.`, status);
}

/** The value of an `Authorization` header for a name and a password. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Returns the error for denied access; `reason` contains no secret. */
export function authFailed(host: string, reason: string, hint?: string, status?: number): OcilotError<"AUTH_FAILED"> {
  return new OcilotError(
    "AUTH_FAILED",
    `${host}: ${reason}`,
    { host, reason, ...(status !== undefined && { status }) },
    hint === undefined ? {} : { hint },
  );
}
