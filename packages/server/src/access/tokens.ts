import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Identity } from "./identity.js";

/** Seconds for which a token is good; clients ask for a new one by themselves. */
export const TOKEN_SECONDS = 300;
const NOBODY = "-";

/**
 * Tokens that say who somebody is, or that somebody has no account. What the bearer may do is decided at each request, as for a password. They are signed
 * with a key of this process: after a restart a client is told to ask again, and clients do.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export class Tokens {
  readonly #key: Buffer = randomBytes(32);

  /** @param now milliseconds since 1970 */
  issue(who: Exclude<Identity, { kind: "refused" }>, now: number = Date.now()): string {
    const user = who.kind === "account" ? Buffer.from(who.user).toString("base64url") : NOBODY;
    const text = `${user}.${Math.floor(now / 1000) + TOKEN_SECONDS}`;
    return `${text}.${this.#sign(text)}`;
  }

  /** Who a token was issued to; `refused` if it is not ours or too old. */
  read(token: string, now: number = Date.now()): Identity {
    const [user = "", end = "", signature = ""] = token.split(".");
    const [given, right] = [Buffer.from(signature), Buffer.from(this.#sign(`${user}.${end}`))];
    if (given.length !== right.length || !timingSafeEqual(given, right)) return { kind: "refused" };
    if (Number(end) * 1000 <= now) return { kind: "refused" };
    return user === NOBODY ? { kind: "anonymous" } : { kind: "account", user: Buffer.from(user, "base64url").toString() };
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#key).update(text).digest("base64url");
  }
}
