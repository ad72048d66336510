import { randomUUID } from "node:crypto";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { readBody, send } from "./exchange.js";
import { closeServer, listen } from "./test-registry.js";

export interface TokenServerOptions {
  /** Passwords by user; a request without a credential gets a token that may pull. */
  readonly users: Readonly<Record<string, string>>;
  /** Lifetime of a token in seconds, as the answer says (default: 60). */
  readonly lifetime?: number;
  /** How many requests a token is good for, whatever its lifetime: it ends in mid-transfer. */
  readonly uses?: number;
  /** `POST` is answered with 405. */
  readonly onlyGet?: boolean;
  /** Spell the challenge as Nexus does: scheme in capitals, no scope. */
  readonly capitals?: boolean;
  readonly noScope?: boolean;
  /** Answer with that many bytes of white space before the document. */
  readonly padding?: number;
}

/** A token server of the Docker kind, by GET and OAuth2 POST, that a test registry trusts. */
export interface TokenServer {
  /** Its address without a path. */
  readonly url: string;
  readonly realm: string;
  /** What was asked for: method, scopes, and who asked. */
  readonly asked: readonly { readonly method: string; readonly scopes: readonly string[]; readonly user: string | undefined }[];
  /** For {@link RegistryQuirks.authorize}. */
  authorize(request: IncomingMessage, scope: string): string | undefined;
  /** No token that was given out is good any more. */
  revokeAll(): void;
  close(): Promise<void>;
}

interface Token {
  readonly scopes: readonly string[];
  readonly ends: number;
  uses: number;
}

const REFRESH = "refresh-";

/** The challenge for a request without the right password. */
export function basicAuthorize(
  users: Readonly<Record<string, string>>,
  scheme = "Basic",
): (request: IncomingMessage) => string | undefined {
  return (request) => (userOf(request, users) === undefined ? `${scheme} realm="test"` : undefined);
}

export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const { users, lifetime = 60, uses = Infinity } = options;
  const tokens = new Map<string, Token>();
  const asked: { method: string; scopes: readonly string[]; user: string | undefined }[] = [];
  const server = createServer((request, response) => {
    issue(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  const host = await listen(server);
  const url = `http://${host}`;

  async function issue(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { searchParams } = new URL(request.url ?? "/", url);
    const { bytes } = await readBody(request);
    const isPost = request.method === "POST";
    if (isPost && options.onlyGet === true) return send({ request, response }, 405);
    const fields = isPost ? new URLSearchParams(bytes.toString()) : searchParams;
    const scopes = fields.getAll("scope").flatMap((s) => s.split(" "));
    const user = isPost ? grantedUser(fields, users) : userOf(request, users);
    asked.push({ method: request.method ?? "", scopes, user });
    const isWrong = user === undefined && (isPost || request.headers.authorization !== undefined);
    if (isWrong)
      return send({ request, response }, 401, { "content-type": "application/json" }, '{"details":"incorrect username or password"}');
    const token = randomUUID();
    const granted = user === undefined ? scopes.map((s) => s.replace(/:[^:]*$/, ":pull")) : scopes;
    tokens.set(token, { scopes: granted, ends: Date.now() + lifetime * 1000, uses });
    const answer = JSON.stringify({
      ...(isPost ? { access_token: token } : { token }),
      expires_in: lifetime,
      ...(user !== undefined && { refresh_token: REFRESH + user }),
    });
    send({ request, response }, 200, { "content-type": "application/json" }, " ".repeat(options.padding ?? 0) + answer);
  }

  return {
    url,
    realm: `${url}/token`,
    asked,
    authorize(request, scope) {
      const [, value = ""] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "") ?? [];
      const token = tokens.get(value);
      const isGood = token !== undefined && token.ends > Date.now() && token.uses > 0 && covers(token.scopes, scope);
      if (isGood) {
        token.uses--;
        return undefined;
      }
      const wanted = scope === "" || options.noScope === true ? "" : `,scope="${scope}"`;
      return `${options.capitals === true ? "BEARER" : "Bearer"} realm="${url}/token",service="test"${wanted}`;
    },
    revokeAll: () => tokens.clear(),
    close: async () => await closeServer(server),
  };
}

function userOf(request: IncomingMessage, users: Readonly<Record<string, string>>): string | undefined {
  const [, text = ""] = /^Basic (.+)$/i.exec(request.headers.authorization ?? "") ?? [];
  const [, user = "", password] = /^([^:]*):(.*)$/s.exec(Buffer.from(text, "base64").toString()) ?? [];
  return password !== undefined && users[user] === password ? user : undefined;
}

function grantedUser(fields: URLSearchParams, users: Readonly<Record<string, string>>): string | undefined {
  if (fields.get("grant_type") === "refresh_token") {
    const [, user = ""] = /^refresh-(.+)$/.exec(fields.get("refresh_token") ?? "") ?? [];
    return users[user] === undefined ? undefined : user;
  }
  const user = fields.get("username") ?? "";
  return users[user] !== undefined && users[user] === fields.get("password") ? user : undefined;
}

/** The identity token of a user, as a credential helper would hold it. */
export function identityToken(user: string): string {
  return REFRESH + user;
}

function covers(granted: readonly string[], wanted: string): boolean {
  if (wanted === "") return true;
  const [, name = "", actions = ""] = /^(repository:.+):([^:]*)$/.exec(wanted) ?? [];
  const allowed = new Set(granted.filter((s) => s.startsWith(`${name}:`)).flatMap((s) => s.slice(name.length + 1).split(",")));
  return actions.split(",").every((action) => allowed.has(action) || allowed.has("*"));
}
