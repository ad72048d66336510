import { AccessRules, type Right, defaultRules } from "./access/access-rules.js";
import { Authenticator } from "./access/authenticate.js";
import type { Identity } from "./access/identity.js";
import { BASIC_CHALLENGE, bearerChallenge } from "./protocol/challenge.js";
import { parseHtpasswd } from "./access/htpasswd.js";
import { Tokens } from "./access/tokens.js";
import type { Answer } from "./protocol/answer.js";
import { RegistryError, toRegistryError } from "./protocol/registry-error.js";
import type { RegistryRequest } from "./protocol/request.js";
import { Metrics } from "./observe/metrics.js";
import { DEFAULT_LIMITS, type PageHandler, type RegistryOptions, type ServerLimits } from "./options.js";
import type { Repositories } from "./repositories/repositories.js";
import { checkName, isRepositoryName } from "./repositories/repository-name.js";
import type { RegistryParts } from "./routes/endpoint.js";
import { ENDPOINTS, type EndpointRow } from "./routes/endpoints.js";
import { type Route, matchRoute } from "./routes/match-route.js";
import { Uploads } from "./uploads/uploads.js";

const READING = new Set(["GET", "HEAD"]);

/** What was answered, and what the log says of it. */
export interface Handled {
  readonly answer: Answer;
  readonly route: string;
  readonly user?: string;
}

/**
 * A registry without a socket: requests in, answers out.
 * @example
 * ```ts
 * import { Registry, makeRequest, openRepositories } from "@ocilot/server";
 *
 * const registry = new Registry(await openRepositories("./layouts", { sync: true, lockWait: 30_000 }));
 * const { answer } = await registry.handle(makeRequest("GET", "/v2/_catalog"));
 * console.log(answer.status);
 * ```
 */
export class Registry {
  readonly repositories: Repositories;
  readonly uploads: Uploads;
  readonly metrics: Metrics = new Metrics();
  readonly limits: ServerLimits;
  readonly #parts: RegistryParts;
  readonly #authenticator: Authenticator | undefined;
  readonly #rules: AccessRules;
  /** Only where something is there for clients without an account, which cannot answer a Basic challenge. */
  readonly #tokens: Tokens | undefined;
  readonly #pages: PageHandler | undefined;
  #stopping: string | undefined;

  /** @throws OcilotError `USAGE` if the htpasswd text cannot be used */
  constructor(repositories: Repositories, options: RegistryOptions = {}) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const accounts = options.htpasswd === undefined ? undefined : parseHtpasswd(options.htpasswd);
    const hasAccounts = accounts !== undefined;
    this.repositories = repositories;
    this.limits = limits;
    this.uploads = new Uploads({
      maxBlobBytes: limits.maxBlobBytes,
      maxOpen: limits.maxUploads,
      idleMs: limits.uploadIdle,
      ageMs: limits.uploadAge,
      minDiskFree: limits.minDiskFree,
      sync: options.sync ?? true,
    });
    this.#rules = new AccessRules(options.access ?? defaultRules(hasAccounts), { hasAccounts });
    const tokens = hasAccounts && this.#rules.allowsAnonymous ? new Tokens() : undefined;
    this.#tokens = tokens;
    this.#authenticator = accounts && new Authenticator(accounts, tokens);
    this.#pages = options.pages;
    const mayWrite = options.writable ?? false;
    this.#parts = {
      repositories,
      uploads: this.uploads,
      limits,
      metrics: this.metrics,
      mayWrite,
      mayDelete: mayWrite && (options.delete ?? false),
      issueToken: tokens && ((who) => tokens.issue(who)),
      health: () => (this.#stopping === undefined ? { ok: true } : { ok: false, reason: this.#stopping }),
      isAllowed: (who, right, name) => this.#rules.decide(who, right, name) === "allow",
    };
    this.metrics.gauge("uploads_open", () => this.uploads.open);
  }

  /**
   * Answers a request.
   * @throws RegistryError a refusal, which is to be answered; anything else is a fault of ours
   */
  async handle(request: RegistryRequest): Promise<Handled> {
    const route = matchRoute(request.path);
    if (route === undefined) return await this.#page(request);
    const row = this.#row(route, request);
    refuseForeignPage(request);
    const who = await this.#identify(request, row, route);
    const named = await this.#named(route, request);
    this.#checkRight(who, row, { route: named, request });
    this.#checkMode(row);
    const user = who.kind === "account" ? { user: who.user } : {};
    const answer = await row.endpoint({ request, route: named, who, parts: this.#parts });
    return { answer: echoNamespace(request, answer), route: route.id, ...user };
  }

  /** As {@link handle}, with refusals and faults as answers too. */
  async answer(request: RegistryRequest): Promise<Answer> {
    try {
      return (await this.handle(request)).answer;
    } catch (error) {
      return toRegistryError(error).answer();
    }
  }

  /** From now on the server says that it is not well, so that no new work is sent to it. */
  stopping(reason: string): void {
    this.#stopping = reason;
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Removes uploads that nobody goes on with. */
  async sweep(): Promise<void> {
    this.metrics.swept(await this.uploads.sweep([...this.repositories.opened()]));
  }

  /** Lets go of all files; uploads stay to be resumed by a later process. */
  async close(): Promise<void> {
    await this.uploads.close();
    await this.repositories.close();
  }

  #row(route: Route, { method }: RegistryRequest): EndpointRow {
    const rows = ENDPOINTS[route.id];
    const row = Object.hasOwn(rows, method) ? rows[method] : undefined;
    if (row !== undefined) return row;
    throw new RegistryError("UNSUPPORTED", `${method.slice(0, 20)} is not supported here`, {
      headers: { allow: Object.keys(rows).join(", ") },
    });
  }

  async #identify(request: RegistryRequest, row: EndpointRow, route: Route): Promise<Identity> {
    if (this.#authenticator === undefined || row.right === "none") return { kind: "anonymous" };
    const header = request.headers["authorization"];
    const who = await this.#authenticator.identify(header);
    if (who.kind === "refused") {
      const headers = route.id === "token" ? BASIC_CHALLENGE : this.#challenge(request, row, route);
      throw new RegistryError("UNAUTHORIZED", "the name or the password is wrong, or the token has ended", { headers });
    }
    // Clients send a password, or ask for a token, only where they were asked to, and they ask here first.
    if (route.id === "ping" && header === undefined) {
      throw new RegistryError("UNAUTHORIZED", "log in, or go on without", { headers: this.#challenge(request, row, route) });
    }
    return who;
  }

  #challenge(request: RegistryRequest, { right }: EndpointRow, { name }: Route): NonNullable<Answer["headers"]> {
    if (this.#tokens === undefined) return BASIC_CHALLENGE;
    const actions = right === "read" ? "pull" : right === "write" ? "pull,push" : right;
    return bearerChallenge(request, isRepositoryName(name) ? { name, actions } : undefined);
  }

  /**
   * With `ns` a client that uses this server as a mirror says which registry it means: then a repository under that registry's name
   * comes first.
   */
  async #named(route: Route, request: RegistryRequest): Promise<Route> {
    if (route.name === "") return route;
    const name = checkName(route.name);
    const namespace = request.query.get("ns");
    if (namespace === null || !READING.has(request.method)) return route;
    const full = `${namespace}/${name}`;
    return isRepositoryName(full) && (await this.repositories.find(full)) !== undefined ? { ...route, name: full } : route;
  }

  #checkRight(who: Identity, row: EndpointRow, { route, request }: { readonly route: Route; readonly request: RegistryRequest }): void {
    const { name } = route;
    if (row.right === "none" || row.right === "account") return;
    const right: Right = row.right;
    const decision = this.#rules.decide(who, right, name);
    if (decision === "allow") return;
    if (decision === "authenticate")
      throw new RegistryError("UNAUTHORIZED", "log in to do this", { headers: this.#challenge(request, row, route) });
    throw new RegistryError("DENIED", `no right to ${right} ${name}`);
  }

  #checkMode({ right }: EndpointRow): void {
    if (right === "write" && !this.#parts.mayWrite) throw new RegistryError("DENIED", "this server is read-only");
    if (right === "delete" && !this.#parts.mayDelete) throw new RegistryError("UNSUPPORTED", "this server does not delete");
  }

  async #page(request: RegistryRequest): Promise<Handled> {
    if (this.#pages !== undefined && READING.has(request.method)) {
      const who: Identity = (await this.#authenticator?.identify(request.headers["authorization"])) ?? { kind: "anonymous" };
      if (who.kind === "refused" || (this.#authenticator !== undefined && who.kind === "anonymous" && !this.#isOpen())) {
        throw new RegistryError("UNAUTHORIZED", "log in to see this", { headers: BASIC_CHALLENGE });
      }
      const mayRead = (name: string): boolean => this.#rules.decide(who, "read", name) === "allow";
      const answer = await this.#pages(request, {
        names: async () => (await this.repositories.names()).filter(mayRead),
        repository: async (name) => (isRepositoryName(name) && mayRead(name) ? await this.repositories.find(name) : undefined),
      });
      if (answer !== undefined) return { answer, route: "page", ...(who.kind === "account" && { user: who.user }) };
    }
    throw new RegistryError("UNSUPPORTED", "there is nothing at this path", { status: 404 });
  }

  /** Tells whether anything may be read without an account. */
  #isOpen(): boolean {
    return this.#rules.allowsAnonymous;
  }
}

/** A page of another site in somebody's browser must not write here: it can send a POST without being asked, but not hide its origin. */
function refuseForeignPage({ method, headers }: RegistryRequest): void {
  const origin = headers["origin"];
  if (origin === undefined || READING.has(method)) return;
  if (origin === `http://${headers["host"]}` || origin === `https://${headers["host"]}`) return;
  throw new RegistryError("DENIED", "a page of another site may not write here");
}

function echoNamespace(request: RegistryRequest, answer: Answer): Answer {
  const namespace = request.query.get("ns");
  if (namespace === null || !/^[A-Za-z0-9.:-]{1,255}$/.test(namespace)) return answer;
  return { ...answer, headers: { ...answer.headers, "oci-namespace": namespace } };
}
