/** One way in which a server asks for credentials. The scheme is in lower case, as are the names of the parameters. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const MAX_LENGTH = 16 * 1024;
const MAX_CHALLENGES = 16;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;
const SEPARATOR = /[\s,]*/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;

/**
 * Parses the values of `WWW-Authenticate`: several headers, several challenges in one. What cannot be read ends that header;
 * what was read before it counts.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(values: readonly string[]): readonly Challenge[] {
  return values.flatMap((value) => parseValue(value.slice(0, MAX_LENGTH))).slice(0, MAX_CHALLENGES);
}

function parseValue(value: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(value);
    if (match !== null) at += match[0].length;
    return match;
  };
  for (;;) {
    take(SEPARATOR);
    if (at >= value.length) return challenges;
    const current = challenges.at(-1);
    const parameter = current === undefined ? null : take(PARAMETER);
    if (parameter !== null && current !== undefined) {
      const name = (parameter[1] ?? "").toLowerCase();
      // The first of two wins, and a name like __proto__ is a name.
      if (!Object.hasOwn(current.parameters, name)) {
        Object.defineProperty(current.parameters, name, {
          value: parameter[2]?.replaceAll(/\\(.)/g, "$1") ?? parameter[3] ?? "",
          enumerable: true,
        });
      }
      continue;
    }
    const scheme = take(TOKEN);
    if (scheme === null) return challenges;
    challenges.push({ scheme: scheme[0].toLowerCase(), parameters: {} });
    const space = /[ \t]+/y;
    if (take(space) === null) continue;
    // `Negotiate YII=`: a value without a name.
    take(TOKEN68);
  }
}
