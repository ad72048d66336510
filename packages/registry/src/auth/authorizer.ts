import type { Credential, CredentialSource } from "../credentials/credential.js";
import type { Endpoint } from "../transport/endpoint.js";
import { aborted } from "../transport/exchange.js";
import type { Transport } from "../transport/transport.js";
import { type Challenge, parseChallenges } from "./challenge.js";
import { type Scope, covers, formatScope, joinScopes, parseScopes } from "./scope.js";
import { type Token, authFailed, basic, fetchToken } from "./token.js";

/** A request for access. */
export interface AccessRequest {
  readonly endpoint: Endpoint;
  readonly repository: string | undefined;
  readonly scopes: readonly Scope[];
  readonly signal: AbortSignal | undefined;
}

interface HeldToken extends Token {
  readonly scopes: readonly Scope[];
  readonly owner: string;
}

/** Tokens cached per host; the oldest are dropped. */
const MAX_TOKENS_PER_HOST = 1000;

/**
 * Provides the `Authorization` header of each request. After the first challenge of a repository the header is sent with every request; tokens are
 * cached by host and scopes, renewed before they expire, and fetched once for all requests that wait for the same one.
 */
export class Authorizer {
  readonly #transport: Transport;
  readonly #source: CredentialSource;
  readonly #challenges: Map<string, Challenge> = new Map();
  readonly #tokens: Map<string, HeldToken[]> = new Map();
  readonly #pending: Map<string, Promise<HeldToken>> = new Map();
  readonly #closing: AbortController = new AbortController();
  readonly #credentials: Map<string, Promise<Credential | undefined>> = new Map();

  constructor(transport: Transport, source: CredentialSource) {
    this.#transport = transport;
    this.#source = source;
  }

  /**
   * The header for the first attempt; undefined before the first challenge.
   * @throws OcilotError `AUTH_FAILED`, `CREDENTIALS_UNAVAILABLE`, and those of the network
   */
  async header(access: AccessRequest): Promise<string | undefined> {
    const challenge = this.#challenges.get(ownerKey(access));
    return challenge === undefined ? undefined : this.#answer(challenge, access, []);
  }

  /**
   * The header to send after a 401: a new token if the previous one expired or lacked a scope.
   * @param options `sent`: the header that was refused; `values`: those of `WWW-Authenticate`
   * @throws OcilotError `AUTH_FAILED` if there is nothing new to send
   */
  async renew(
    access: AccessRequest,
    { sent, values }: { readonly sent: string | undefined; readonly values: readonly string[] },
  ): Promise<string> {
    const { host, url } = access.endpoint;
    const challenges = parseChallenges(values);
    const challenge =
      challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters["realm"] !== undefined) ??
      challenges.find(({ scheme }) => scheme === "basic");
    if (challenge === undefined) {
      const asked = challenges.map(({ scheme }) => scheme.slice(0, 30)).join(", ");
      throw authFailed(host, asked === "" ? "access denied (status 401)" : `unsupported authentication: ${asked}`, loginHint(host), 401);
    }
    this.#challenges.set(ownerKey(access), challenge);
    if (sent !== undefined) this.#forget(url.host, sent);
    const header = await this.#answer(challenge, access, parseScopes(challenge.parameters["scope"] ?? ""));
    if (header === undefined) throw authFailed(host, "credentials are required and none were found", loginHint(host), 401);
    if (header === sent) throw authFailed(host, "the credentials were refused (status 401)", loginHint(host), 401);
    return header;
  }

  /** Aborts token requests and credential helpers in progress. */
  close(): void {
    this.#closing.abort();
  }

  async #answer(challenge: Challenge, access: AccessRequest, hinted: readonly Scope[]): Promise<string | undefined> {
    const credential = await this.#credential(access);
    if (credential?.kind === "registry-token") return `Bearer ${credential.token}`;
    if (challenge.scheme === "bearer") return `Bearer ${(await this.#token(challenge, access, { credential, hinted })).value}`;
    return credential?.kind === "password" ? basic(credential.username, credential.password) : undefined;
  }

  #credential(access: AccessRequest): Promise<Credential | undefined> {
    const { endpoint, repository, signal } = access;
    const key = ownerKey(access);
    let credential = this.#credentials.get(key);
    if (credential === undefined) {
      // Not bound to the signal of one request: others wait for the same credential.
      credential = this.#source.get(endpoint.host, repository, { signal: this.#closing.signal });
      this.#credentials.set(key, credential);
      credential.catch(() => this.#credentials.delete(key));
    }
    return orAbort(credential, signal);
  }

  async #token(
    challenge: Challenge,
    access: AccessRequest,
    { credential, hinted }: { credential: Credential | undefined; hinted: readonly Scope[] },
  ): Promise<HeldToken> {
    const { endpoint, signal } = access;
    const owner = ownerKey(access);
    const scopes = joinScopes(access.scopes, hinted);
    const held = this.#tokens.get(endpoint.url.host) ?? [];
    const usable = held.find((token) => token.owner === owner && token.renewAt > Date.now() && covers(token.scopes, scopes));
    if (usable !== undefined) return usable;
    const key = `${owner} ${scopes.map(formatScope).join(" ")}`;
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      // Not bound to the signal of one request: others wait for the same token.
      pending = fetchToken(this.#transport, { challenge, scopes, credential, endpoint, signal: this.#closing.signal }).then((token) => {
        const fresh: HeldToken = { ...token, scopes, owner };
        const others = (this.#tokens.get(endpoint.url.host) ?? []).filter((other) => other.renewAt > Date.now());
        this.#tokens.set(endpoint.url.host, [...others, fresh].slice(-MAX_TOKENS_PER_HOST));
        return fresh;
      });
      const stored = pending;
      const forget = (): void => void (this.#pending.get(key) === stored && this.#pending.delete(key));
      pending.then(forget, forget);
      this.#pending.set(key, pending);
    }
    return orAbort(pending, signal);
  }

  #forget(host: string, header: string): void {
    const held = this.#tokens.get(host);
    if (held !== undefined)
      this.#tokens.set(
        host,
        held.filter((token) => `Bearer ${token.value}` !== header),
      );
  }
}

/** Token servers and credentials may differ by repository. */
function ownerKey({ endpoint, repository }: AccessRequest): string {
  return `${endpoint.url.host} ${repository ?? ""}`;
}

function loginHint(host: string): string {
  return `Log in with \`ocilot login ${host}\`.`;
}

function orAbort<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(aborted(signal));
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
