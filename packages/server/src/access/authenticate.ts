import { createHmac, randomBytes } from "node:crypto";
import { compare } from "bcryptjs";
import type { Accounts } from "./htpasswd.js";
import type { Identity } from "./identity.js";
import type { Tokens } from "./tokens.js";

const ANONYMOUS: Identity = { kind: "anonymous" };
const REFUSED: Identity = { kind: "refused" };
/** The hash of a password that was thrown away, so that an unknown name takes as long as a known one. */
const NOBODY = "$2b$10$yY40L9FGXz/tF0BZWHVCP.rpz8BH.9SiIDqsrwCrgP11yR5UL0y/u";
const KNOWN_MS = 5 * 60_000;
const MAX_KNOWN = 1000;
/** Checks at once; more wait, so that guessing does not take the whole machine. */
const MAX_CHECKS = 4;

/**
 * Checks names and passwords of HTTP Basic authentication, and tokens. bcrypt is slow on purpose, so a pair that was right is remembered for
 * five minutes, by a keyed hash that cannot be turned back.
 * @see https://www.rfc-editor.org/rfc/rfc7617
 */
export class Authenticator {
  readonly #accounts: Accounts;
  readonly #tokens: Tokens | undefined;
  readonly #key: Buffer = randomBytes(32);
  readonly #known: Map<string, number> = new Map();
  readonly #running: Map<string, Promise<boolean>> = new Map();
  #free: number = MAX_CHECKS;
  readonly #waiting: (() => void)[] = [];

  constructor(accounts: Accounts, tokens?: Tokens) {
    this.#accounts = accounts;
    this.#tokens = tokens;
  }

  /** @param header the value of `Authorization` */
  async identify(header: string | undefined): Promise<Identity> {
    if (header === undefined) return ANONYMOUS;
    const token = /^bearer +(\S{1,2000})$/i.exec(header.trim())?.[1];
    if (token !== undefined) return this.#tokens?.read(token) ?? REFUSED;
    const pair = /^basic +([A-Za-z0-9+/=_-]{1,2000})$/i.exec(header.trim())?.[1];
    const text = pair === undefined ? "" : Buffer.from(pair, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon < 0) return REFUSED;
    const [user, password] = [text.slice(0, colon), text.slice(colon + 1)];
    return (await this.#isRight(user, password)) ? { kind: "account", user } : REFUSED;
  }

  async #isRight(user: string, password: string): Promise<boolean> {
    // bcrypt looks at 72 bytes only: longer passwords would be equal to others.
    if (Buffer.byteLength(password) > 72) return false;
    const mark = createHmac("sha256", this.#key).update(`${user}\0${password}`).digest("base64");
    const until = this.#known.get(mark);
    if (until !== undefined && until > Date.now()) return true;
    const running = this.#running.get(mark) ?? this.#compare(user, password).finally(() => this.#running.delete(mark));
    this.#running.set(mark, running);
    if (!(await running)) return false;
    if (this.#known.size >= MAX_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(mark, Date.now() + KNOWN_MS);
    return true;
  }

  async #compare(user: string, password: string): Promise<boolean> {
    const hash = this.#accounts.get(user);
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return (await compare(password, hash ?? NOBODY)) && hash !== undefined;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
