import type { Identity } from "./identity.js";

/** What may be done with a repository; each includes those before it. */
export type Right = "read" | "write" | "delete";

/** Who may do what where. */
export interface AccessRule {
  /** Repository names: `*` stands for anything within one part of the path, `**` for anything. */
  readonly repositories: string;
  /** Accounts; every account if left out. */
  readonly users?: readonly string[];
  /** Applies to clients without an account too. */
  readonly anonymous?: boolean;
  readonly right: Right;
}

/** How a request is answered: it goes on, the client is asked who it is, or it is refused. */
export type Decision = "allow" | "authenticate" | "deny";

const RIGHTS: readonly Right[] = ["read", "write", "delete"];

/** Rights to repositories. The answer for one that may not be read is the same whether it is there or not. */
export class AccessRules {
  readonly #rules: readonly (AccessRule & { readonly matches: RegExp })[];
  /** False where nobody has an account, so that asking for one makes no sense. */
  readonly #hasAccounts: boolean;

  constructor(rules: readonly AccessRule[], { hasAccounts }: { readonly hasAccounts: boolean }) {
    this.#rules = rules.map((rule) => ({ ...rule, matches: patternOf(rule.repositories) }));
    this.#hasAccounts = hasAccounts;
  }

  /** Tells whether there is anything that may be read without an account. */
  get allowsAnonymous(): boolean {
    return this.#rules.some((rule) => rule.anonymous === true);
  }

  decide(who: Identity, right: Right, repository: string): Decision {
    if (who.kind === "refused") return "authenticate";
    const isAllowed = this.#rules.some((rule) => {
      if (RIGHTS.indexOf(rule.right) < RIGHTS.indexOf(right) || !rule.matches.test(repository)) return false;
      if (rule.anonymous === true) return true;
      return who.kind === "account" && (rule.users === undefined || rule.users.includes(who.user));
    });
    if (isAllowed) return "allow";
    return who.kind === "anonymous" && this.#hasAccounts ? "authenticate" : "deny";
  }
}

/** Without accounts everybody may do everything (as far as the server does it); with accounts, every account. */
export function defaultRules(hasAccounts: boolean): readonly AccessRule[] {
  return [{ repositories: "**", right: "delete", ...(!hasAccounts && { anonymous: true }) }];
}

function patternOf(glob: string): RegExp {
  const parts = glob
    .split(/(\*\*|\*)/)
    .map((part) => (part === "**" ? ".*" : part === "*" ? "[^/]*" : part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")));
  return new RegExp(`^${parts.join("")}$`);
}
