import type { AccessRule } from "@ocilot/server";
import { usageError } from "../command-line/usage-error.js";

/** Who may do what with which repository. */
export const accessOptions = {
  htpasswd: {
    type: "string",
    placeholder: "FILE",
    complete: "file",
    group: "Access",
    describe: "Accounts, as made by htpasswd -B",
  },
  read: {
    type: "string",
    array: true,
    placeholder: "USER:PATTERN",
    complete: "none",
    group: "Access",
    describe: "Let USER (* for every account) pull from matching repositories; * matches within a path segment, ** across",
  },
  write: {
    type: "string",
    array: true,
    placeholder: "USER:PATTERN",
    complete: "none",
    group: "Access",
    describe: "Let USER pull from and push to matching repositories",
  },
  "anonymous-pull": { type: "boolean", group: "Access", describe: "Let anyone pull from every repository" },
  "anonymous-write": {
    type: "boolean",
    group: "Access",
    describe: "Allow pushes without accounts on an address that other machines can reach",
  },
} as const;

/** Returns the rules; undefined where no option asks for any. @throws OcilotError `USAGE` */
export function accessRulesOf(args: {
  readonly htpasswd: string | undefined;
  readonly read: readonly string[] | undefined;
  readonly write: readonly string[] | undefined;
  readonly "anonymous-pull": boolean;
}): readonly AccessRule[] | undefined {
  const given = [
    ...(args.read ?? []).map((text) => ruleOf(text, "read")),
    // Whether anything is deleted is up to the server as a whole.
    ...(args.write ?? []).map((text) => ruleOf(text, "write")),
  ];
  const option = given.length > 0 ? (args.read === undefined ? "write" : "read") : args["anonymous-pull"] ? "anonymous-pull" : undefined;
  if (option === undefined) return undefined;
  if (args.htpasswd === undefined) throw usageError(`--${option} needs --htpasswd: without accounts everyone has every right`, option);
  const everyAccount: AccessRule = { repositories: "**", right: "delete" };
  return [
    ...(given.length > 0 ? given : [everyAccount]),
    ...(args["anonymous-pull"] ? [{ repositories: "**", right: "read", anonymous: true } as const] : []),
  ];
}

function ruleOf(text: string, option: "read" | "write"): AccessRule {
  const colon = text.indexOf(":");
  const [user, repositories] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 1 || repositories === "")
    throw usageError(`--${option} is ${JSON.stringify(text)}, not USER:PATTERN`, option, "Write it like ci:team/** or *:public/*.");
  return { repositories, right: option === "read" ? "read" : "delete", ...(user !== "*" && { users: [user] }) };
}
