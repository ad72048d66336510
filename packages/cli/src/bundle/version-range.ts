/** A version of a tag; missing numbers are 0. */
interface Version {
  readonly numbers: readonly [major: number, minor: number, patch: number];
  readonly pre: readonly string[];
  /** How many numbers were written: 1.x has one. */
  readonly known: number;
}

type Test = (version: Version) => boolean;

const VERSION = String.raw`v?(\d{1,15}|[xX*])(?:\.(\d{1,15}|[xX*]))?(?:\.(\d{1,15}|[xX*]))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?`;
const WHOLE = new RegExp(`^${VERSION}$`);
const CONSTRAINT = new RegExp(String.raw`^\s*(=|!=|>=|=>|<=|=<|>|<|~>|~|\^)?\s*(${VERSION})\s*,?`);
const HYPHEN = new RegExp(String.raw`^\s*(${VERSION})\s+-\s+(${VERSION})(?=\s|,|$)`);

/**
 * Returns a test for tags that are versions in a range, as `images-by-semver` of `skopeo sync` takes them: `>=1.2, <2`, `~1.2`, `^1`, `1.x`,
 * `1.2 - 1.4`, alternatives after `||`. A tag may begin with `v` and leave out numbers; one that is no version is in no range, one with a
 * pre-release only in a range that names one. Undefined if the text is no range.
 */
export function parseVersionRange(text: string): ((tag: string) => boolean) | undefined {
  const alternatives: Test[][] = [];
  for (const alternative of text.split("||")) {
    const tests = parseAll(alternative);
    if (tests === undefined) return undefined;
    alternatives.push(tests);
  }
  return (tag) => {
    const version = parseVersion(tag);
    if (version === undefined || version.known === 0 || /[xX*]/.test(tag.split(/[-+]/)[0]!)) return false;
    return alternatives.some((tests) => tests.every((test) => test(version)));
  };
}

function parseAll(text: string): Test[] | undefined {
  const tests: Test[] = [];
  for (let rest = text; rest.trim() !== "" || tests.length === 0;) {
    const hyphen = HYPHEN.exec(rest);
    const found = hyphen ?? CONSTRAINT.exec(rest);
    if (found === null) return undefined;
    if (hyphen !== null) {
      const [, from, , , , , to] = hyphen;
      tests.push(...[comparison(">=", from!), comparison("<=", to!)].flatMap((t) => t ?? []));
    } else {
      const test = comparison(found[1] ?? "=", found[2]!);
      if (test === undefined) return undefined;
      tests.push(test);
    }
    rest = rest.slice(found[0].length);
  }
  return tests;
}

function parseVersion(text: string): Version | undefined {
  const found = WHOLE.exec(text);
  if (found === null) return undefined;
  const written = found.slice(1, 4);
  const unknown = written.findIndex((part) => part === undefined || !/^\d/.test(part));
  const known = unknown === -1 ? 3 : unknown;
  const [major = 0, minor = 0, patch = 0] = written.slice(0, known).map(Number);
  return { numbers: [major, minor, patch], pre: found[4]?.split(".") ?? [], known };
}

function comparison(operator: string, text: string): Test | undefined {
  const limit = parseVersion(text);
  if (limit === undefined) return undefined;
  const test = OPERATORS[operator]!;
  const isExact = limit.known === 3;
  return (v) => {
    // Nobody who asks for 1.x means the release candidate of 1.2.
    const isOther = v.pre.length > 0 && limit.pre.length === 0 && !(operator === "!=" && isExact);
    return !isOther && test(v, limit);
  };
}

const OPERATORS: Readonly<Record<string, (v: Version, limit: Version) => boolean>> = {
  "=": (v, limit) => (limit.known === 3 ? compare(v, limit) === 0 : compareNumbers(v, limit, limit.known) === 0),
  "!=": (v, limit) => (limit.known === 3 ? compare(v, limit) !== 0 : compareNumbers(v, limit, limit.known) !== 0),
  ">": (v, limit) => (limit.known === 3 ? compare(v, limit) > 0 : compareNumbers(v, limit, limit.known) > 0),
  "<": (v, limit) => compare(v, limit) < 0,
  ">=": (v, limit) => compare(v, limit) >= 0,
  "=>": (v, limit) => compare(v, limit) >= 0,
  "<=": (v, limit) => (limit.known === 3 ? compare(v, limit) <= 0 : compareNumbers(v, limit, limit.known) <= 0),
  "=<": (v, limit) => (limit.known === 3 ? compare(v, limit) <= 0 : compareNumbers(v, limit, limit.known) <= 0),
  "~": (v, limit) => compare(v, limit) >= 0 && compareNumbers(v, limit, Math.min(2, limit.known)) === 0,
  "~>": (v, limit) => compare(v, limit) >= 0 && compareNumbers(v, limit, Math.min(2, limit.known)) === 0,
  "^": (v, limit) => compare(v, limit) >= 0 && compareNumbers(v, limit, Math.min(firstSignificant(limit), limit.known)) === 0,
};

/** How many numbers must stay the same for versions to be compatible: up to the first that is not 0. */
function firstSignificant({ numbers }: Version): number {
  const at = numbers.findIndex((n) => n > 0);
  return at === -1 ? 3 : at + 1;
}

function compareNumbers(a: Version, b: Version, count: number): number {
  for (let i = 0; i < count; i++) if (a.numbers[i] !== b.numbers[i]) return a.numbers[i]! - b.numbers[i]!;
  return 0;
}

function compare(a: Version, b: Version): number {
  return compareNumbers(a, b, 3) || comparePre(a.pre, b.pre);
}

/** A release comes after its pre-releases; of their identifiers numbers come first, by value. */
function comparePre(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i], b[i]];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const [isX, isY] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (isX && isY && Number(x) !== Number(y)) return Number(x) - Number(y);
    if (isX !== isY) return isX ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}
