/** What a request needs a token for. */
export interface Scope {
  /** `repository` for every operation of this client. */
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

const MAX_SCOPES = 64;

/** The scope of an operation on a repository. */
export function repositoryScope(name: string, ...actions: readonly ("pull" | "push" | "delete")[]): Scope {
  return { type: "repository", name, actions };
}

/**
 * Parses the `scope` of a challenge: scopes separated by spaces, each `type:name:action,action`; a name may hold colons.
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 */
export function parseScopes(text: string): readonly Scope[] {
  return text.split(/\s+/, MAX_SCOPES).flatMap((part) => {
    const first = part.indexOf(":");
    const last = part.lastIndexOf(":");
    if (first <= 0 || last <= first + 1) return [];
    const actions = part
      .slice(last + 1)
      .split(",")
      .filter((action) => /^[\w*-]+$/.test(action));
    return actions.length === 0 ? [] : [{ type: part.slice(0, first), name: part.slice(first + 1, last), actions }];
  });
}

/** Joins scopes: one for each resource, with the actions of all, in one order whatever the order given. */
export function joinScopes(...sets: readonly (readonly Scope[])[]): readonly Scope[] {
  const actions = new Map<string, Set<string>>();
  for (const { type, name, actions: more } of sets.flat()) {
    const key = `${type}:${name}`;
    const known = actions.get(key) ?? new Set();
    for (const action of more) known.add(action);
    actions.set(key, known);
  }
  return [...actions]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, known]) => {
      const colon = key.indexOf(":");
      return { type: key.slice(0, colon), name: key.slice(colon + 1), actions: [...known].toSorted() };
    });
}

/** A scope as it stands in a request for a token. */
export function formatScope({ type, name, actions }: Scope): string {
  return `${type}:${name}:${actions.join(",")}`;
}

/** Tells whether a token for `held` serves for `needed` too. */
export function covers(held: readonly Scope[], needed: readonly Scope[]): boolean {
  return needed.every((need) =>
    held.some(
      (have) =>
        have.type === need.type &&
        have.name === need.name &&
        need.actions.every((action) => have.actions.includes(action) || have.actions.includes("*")),
    ),
  );
}
