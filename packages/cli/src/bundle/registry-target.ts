import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { type BundleTarget, type RepositoryRule, mapRepository } from "@ocilot/referrers";
import type { RegistrySession } from "@ocilot/registry";
import { usageError } from "../command-line/usage-error.js";

/** How a registry is reached and where its state is kept. */
export interface RegistryTargetOptions {
  readonly rules: readonly RepositoryRule[];
  readonly session: () => Promise<RegistrySession>;
  /** A directory instead of the usual one. */
  readonly state?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * Returns the repositories below `docker://HOST[/PREFIX]` as the destination of bundles. The host of a source is left out; rules replace
 * the beginning of its name. What is not complete yet is kept on this machine: a registry has no place for it.
 * @throws OcilotError `USAGE`
 */
export function registryTarget(into: string, { rules, session, state, env, signal }: RegistryTargetOptions): BundleTarget {
  const [host = "", ...path] = into
    .replace(/^docker:\/\//, "")
    .replace(/\/+$/, "")
    .split("/");
  const prefix = path.join("/");
  if (host === "" || /@/.test(into) || /:/.test(prefix))
    throw usageError(`${into} is no registry with a prefix`, "into", "Write docker://HOST or docker://HOST/PREFIX, without a tag.");
  return {
    location: into,
    state: state ?? join(stateHome(env), "ocilot", createHash("sha256").update(`${host}/${prefix}`).digest("hex").slice(0, 16)),
    prepare: async () => undefined,
    placeOf({ repository, tag }) {
      const name = repository === undefined ? "" : (mapRepository(repository, rules) ?? withoutHost(repository));
      const place = [prefix, name].filter((part) => part !== "").join("/");
      if (place === "")
        throw usageError(
          `the bundle has images without a repository, such as ${tag ?? "an untagged one"}`,
          "into",
          `Name the repository: ${into}/REPOSITORY`,
        );
      return { place: `${host}/${place}`, ...(tag !== undefined && { tag }) };
    },
    async open(place, tags) {
      const { openRepository } = await import("@ocilot/registry");
      return await openRepository(place, { session: await session(), focus: { tags }, signal });
    },
  };
}

function withoutHost(repository: string): string {
  return repository.slice(repository.indexOf("/") + 1);
}

function stateHome(env: RegistryTargetOptions["env"]): string {
  return env["XDG_STATE_HOME"] || join(env["HOME"] || homedir(), ".local", "state");
}

/** Returns the rules of `--map FROM=TO`. @throws OcilotError `USAGE` */
export function rulesOf(map: readonly string[] | undefined): RepositoryRule[] {
  return (map ?? []).map((text) => {
    const at = text.indexOf("=");
    if (at < 1)
      throw usageError(`--map is ${JSON.stringify(text)}, not FROM=TO`, "map", "Write it like registry.example/team=mirror/team.");
    return { from: text.slice(0, at).replace(/\/+$/, ""), to: text.slice(at + 1).replace(/^\/+|\/+$/g, "") };
  });
}
