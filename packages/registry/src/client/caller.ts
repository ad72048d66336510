import type { OcilotError } from "@ocilot/layout/spec";
import type { Authorizer } from "../auth/authorizer.js";
import { type Scope, repositoryScope } from "../auth/scope.js";
import { authFailed } from "../auth/token.js";
import type { RepositoryName } from "../reference/reference.js";
import { parseRegistryReference } from "../reference/reference.js";
import type { Backoff } from "../transport/backoff.js";
import type { Endpoint } from "../transport/endpoint.js";
import { type RequestLabel, invalidResponse, networkCode, networkError, readRefusal, refusal } from "../transport/errors.js";
import { type HttpResponse, type HttpRequest, headerValues } from "../transport/exchange.js";
import { MAX_ERROR_BYTES, type BufferedResponse, type Transport } from "../transport/transport.js";
import type { RefusedForms } from "./upload-form.js";

/** One operation on the repository. */
export interface Call {
  /** For a person, without the repository: `get manifest v1`. */
  readonly operation: string;
  readonly method: HttpRequest["method"];
  /** Behind `/v2/REPOSITORY`, or the address of a session or a next page. */
  readonly target: string | URL;
  readonly actions: readonly ("pull" | "push" | "delete")[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest["body"];
  /** Other repositories that have to be readable. */
  readonly from?: string;
  readonly signal: AbortSignal | undefined;
}

/** A call whose answer is read whole. */
export interface ReadCall extends Call {
  /** Statuses that are no error; every other one is thrown. */
  readonly accept: readonly number[];
  /** For a person, what the body is. */
  readonly what: string;
  readonly limit: number;
  /** Whether mirrors are asked first. */
  readonly isMirrored?: boolean;
  /** Said along with a refusal. */
  readonly hint?: string;
}

/** A repository at a registry or mirror. */
export interface Place {
  readonly endpoint: Endpoint;
  readonly repository: string;
}

/** One renewal for a request without a token, one for an expired token. */
const MAX_RENEWALS = 2;

/** Sends the requests of one repository's client: addresses, authentication, retries, mirrors. */
export class Caller {
  readonly host: string;
  readonly repository: string;
  readonly transport: Transport;
  /** Ways to upload that this registry has refused. */
  readonly refusedForms: RefusedForms = { stream: false };
  readonly #authorizer: Authorizer;
  readonly #deadMirrors: Set<string>;

  constructor(
    name: RepositoryName,
    { transport, authorizer, deadMirrors }: { transport: Transport; authorizer: Authorizer; deadMirrors: Set<string> },
  ) {
    this.host = name.host;
    this.repository = name.repository;
    this.transport = transport;
    this.#authorizer = authorizer;
    this.#deadMirrors = deadMirrors;
  }

  /** The registry itself. */
  async origin(): Promise<Place> {
    return { endpoint: await this.transport.endpoint(this.host), repository: this.repository };
  }

  /** The label of an operation in messages. */
  label(operation: string): RequestLabel {
    return { host: this.host, operation: `${operation} (${this.repository})` };
  }

  /**
   * Sends a request, with retries, and reads the whole response.
   * @throws OcilotError as every method of a client
   */
  async read(call: ReadCall): Promise<BufferedResponse> {
    for (const mirror of call.isMirrored === true ? await this.mirrors() : []) {
      const answer = await this.#readFrom(mirror, call).catch((error: OcilotError) => this.mirrorFailed(mirror, error));
      if (answer !== undefined && answer.status < 300) return answer;
    }
    return this.#readFrom(await this.origin(), call);
  }

  /**
   * Sends a request without retries, except with a renewed token after a 401. The body of the response is unread.
   * @throws network errors unchanged; OcilotError `AUTH_FAILED`, `RESPONSE_INVALID`, `ABORTED`; `SourceError`
   */
  attempt(place: Place, call: Call): Promise<HttpResponse> {
    const context = { endpoint: place.endpoint, label: this.label(call.operation), signal: call.signal };
    return this.#authorized(place, call, async (request) => this.transport.send(request, context));
  }

  /** The error for an answer that is not accepted. */
  async rejected(answer: HttpResponse, said: { operation: string; backoff?: Backoff }): Promise<OcilotError> {
    const bytes = (await answer.body.bytes(MAX_ERROR_BYTES).catch(() => undefined)) ?? new Uint8Array();
    return this.refused({ status: answer.status, bytes }, said);
  }

  /** As {@link rejected}, for an answer that has been read. */
  refused(
    { status, bytes }: { status: number; bytes: Uint8Array },
    { operation, hint, backoff }: { operation: string; hint?: string | undefined; backoff?: Backoff },
  ): OcilotError {
    const label = this.label(operation);
    if (status === 401 || status === 403) {
      const { code, message } = readRefusal(bytes);
      const words = [code, message].filter((word) => word !== undefined).join(": ");
      return authFailed(
        this.host,
        `${label.operation}: access denied (status ${status}${words === "" ? "" : `, ${words}`})`,
        `Check the rights of the account, or log in with \`ocilot login ${this.host}\`.`,
        status,
      );
    }
    const longWait = backoff?.longWait;
    const wait =
      longWait === undefined
        ? undefined
        : `The registry asks to wait ${Math.ceil(longWait / 1000)} s, longer than the limit; try again later.`;
    return refusal(label, status, bytes, wait ?? hint);
  }

  /** Records an unreachable mirror, which is not used again in this session. @throws OcilotError `ABORTED` */
  mirrorFailed(mirror: Place, error: Error): undefined {
    if ((error as OcilotError).code === "ABORTED") throw error;
    if ((error as OcilotError).code === "NETWORK_ERROR" || networkCode(error) !== undefined) this.#deadMirrors.add(mirror.endpoint.host);
    return undefined;
  }

  /** The mirrors of this registry that can be reached. */
  async mirrors(): Promise<readonly Place[]> {
    const places: Place[] = [];
    for (const mirror of this.transport.mirrors[this.host] ?? []) {
      const { host, repository } = parseRegistryReference(`${mirror.replace(/\/+$/, "")}/${this.repository}`);
      if (!this.#deadMirrors.has(host)) places.push({ endpoint: await this.transport.endpoint(host), repository });
    }
    return places;
  }

  async #readFrom(place: Place, call: ReadCall): Promise<BufferedResponse> {
    const label = this.label(call.operation);
    const { signal, what, limit } = call;
    const context = { endpoint: place.endpoint, label, signal, what, limit };
    const backoff = this.transport.backoff();
    for (;;) {
      const outcome = await this.#authorized(place, call, (request) => this.transport.read(request, context)).catch(
        (error: Error) => error,
      );
      if (!(outcome instanceof Error) && call.accept.includes(outcome.status)) return outcome;
      if (await backoff.next(outcome, signal)) continue;
      if (outcome instanceof Error) throw networkError(outcome, label, backoff.attempts);
      throw this.#rejectedRead(outcome, call, backoff);
    }
  }

  #rejectedRead(answer: BufferedResponse, call: ReadCall, backoff: Backoff): OcilotError {
    const { operation, hint } = call;
    if (answer.status >= 200 && answer.status < 400) return invalidResponse(this.label(operation), `unexpected status ${answer.status}`);
    return this.refused(answer, { operation, hint, backoff });
  }

  async #authorized<Answer extends Omit<HttpResponse, "body"> & { readonly body?: HttpResponse["body"] }>(
    { endpoint, repository }: Place,
    call: Call,
    send: (request: HttpRequest) => Promise<Answer>,
  ): Promise<Answer> {
    const url = call.target instanceof URL ? call.target : new URL(`/v2/${repository}${call.target}`, endpoint.url);
    const request: HttpRequest = {
      method: call.method,
      url,
      headers: call.headers ?? {},
      ...(call.body !== undefined && { body: call.body }),
    };
    // A session may be at another host; the registry's credentials are not for that one.
    if (url.origin !== endpoint.url.origin) return send(request);
    const access = { endpoint, repository, scopes: scopesOf(call, repository), signal: call.signal };
    let sent = await this.#authorizer.header(access);
    for (let renewals = 0; ; renewals++) {
      const answer = await send(sent === undefined ? request : { ...request, headers: { ...request.headers, authorization: sent } });
      if (answer.status !== 401 || answer.url.origin !== endpoint.url.origin || renewals === MAX_RENEWALS) return answer;
      answer.body?.discard();
      sent = await this.#authorizer.renew(access, { sent, values: headerValues(answer, "www-authenticate") });
    }
  }
}

function scopesOf({ actions, from }: Call, repository: string): readonly Scope[] {
  if (actions.length === 0) return [];
  const own = repositoryScope(repository, ...actions);
  return from === undefined ? [own] : [own, repositoryScope(from, "pull")];
}
