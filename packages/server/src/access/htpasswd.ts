import { OcilotError } from "@ocilot/layout";

/** User names and the bcrypt hashes of their passwords. */
export type Accounts = ReadonlyMap<string, string>;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** A check at cost 15 takes seconds; a client that sends many passwords could keep the server busy. */
const MAX_COST = 14;

/**
 * Returns the accounts of an htpasswd file. Only bcrypt hashes are taken (`htpasswd -B`): the other forms can be guessed.
 * @throws OcilotError `USAGE` that names the line
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { parseHtpasswd } from "@ocilot/server";
 *
 * const accounts = parseHtpasswd(await readFile("./htpasswd", "utf8"));
 * console.log(accounts);
 * ```
 */
export function parseHtpasswd(text: string): Accounts {
  const accounts = new Map<string, string>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const [user, hash] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    const cost = BCRYPT.exec(hash)?.[1];
    if (colon < 1 || cost === undefined) throw refused(i + 1, "is not USER:HASH with a bcrypt hash");
    if (Number(cost) > MAX_COST) throw refused(i + 1, `has a cost of ${Number(cost)}; at most ${MAX_COST} is taken`);
    if (accounts.has(user)) throw refused(i + 1, `names ${JSON.stringify(user)} again`);
    accounts.set(user, hash);
  }
  if (accounts.size === 0) throw new OcilotError("USAGE", "the htpasswd file has no accounts", {}, { hint: HINT });
  return accounts;
}

const HINT = "Make one with: htpasswd -B -c FILE USER";

function refused(line: number, why: string): OcilotError<"USAGE"> {
  return new OcilotError("USAGE", `htpasswd: line ${line} ${why}`, {}, { hint: HINT });
}
