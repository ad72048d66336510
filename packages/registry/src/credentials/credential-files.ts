import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { OcilotError, isRecord } from "@ocilot/layout/spec";
import type { Environment } from "../environment.js";
import type { Credential } from "./credential.js";

/** Files larger than this are refused. */
const MAX_FILE_BYTES: number = 4 * 1024 * 1024;

/** What a credential file of docker or podman says, as far as it is used here. */
export interface CredentialFile {
  readonly path: string;
  readonly text: string;
  readonly auths: Readonly<Record<string, unknown>>;
  readonly credsStore: string | undefined;
  readonly credHelpers: Readonly<Record<string, string>>;
}

/** Where credential files are looked for. */
export interface CredentialFileOptions {
  /** Used alone, before `REGISTRY_AUTH_FILE`. */
  readonly authFile?: string;
  readonly env?: Environment;
}

/**
 * The files to look into, in their order. One that was named, by option or by `REGISTRY_AUTH_FILE`, is the only one;
 * else docker's, then podman's of this session, then podman's of this user.
 */
export function credentialFilePaths({ authFile, env = process.env }: CredentialFileOptions): readonly string[] {
  const named = authFile ?? env["REGISTRY_AUTH_FILE"];
  if (named !== undefined && named !== "") return [named];
  const home = env["HOME"] ?? homedir();
  const runtime = env["XDG_RUNTIME_DIR"];
  const uid = process.getuid?.();
  return [
    join(env["DOCKER_CONFIG"] ?? join(home, ".docker"), "config.json"),
    ...(runtime !== undefined && runtime !== ""
      ? [join(runtime, "containers/auth.json")]
      : uid === undefined
        ? []
        : [`/run/containers/${uid}/auth.json`]),
    join(env["XDG_CONFIG_HOME"] ?? join(home, ".config"), "containers/auth.json"),
  ];
}

/**
 * Reads a credential file; undefined if there is none.
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`
 */
export function readCredentialFile(path: string): CredentialFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code;
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw broken(path, `cannot be read (${errno ?? "unknown error"})`);
  }
  return parseCredentialFile(text, path);
}

/**
 * Parses a credential file; an empty one is one without members.
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`, which repeats nothing of its content
 */
export function parseCredentialFile(text: string, path: string): CredentialFile {
  if (text.length > MAX_FILE_BYTES) throw broken(path, "is too large for a credential file");
  let json: unknown;
  try {
    json = text.trim() === "" ? {} : JSON.parse(text);
  } catch {
    throw broken(path, "is not valid JSON");
  }
  if (!isRecord(json)) throw broken(path, "is not a JSON object");
  const { auths, credsStore, credHelpers } = json;
  const helpers = isRecord(credHelpers)
    ? Object.entries(credHelpers).filter((entry): entry is [string, string] => typeof entry[1] === "string")
    : [];
  return {
    path,
    text,
    auths: isRecord(auths) ? auths : {},
    credsStore: typeof credsStore === "string" && credsStore !== "" ? credsStore : undefined,
    credHelpers: Object.fromEntries(helpers),
  };
}

/**
 * The credential of an entry of `auths`; undefined where it holds none, as where a helper keeps it.
 * @throws OcilotError `CREDENTIALS_UNAVAILABLE`
 */
export function entryCredential(entry: unknown, path: string, key: string): Credential | undefined {
  if (!isRecord(entry)) return undefined;
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (typeof identitytoken === "string" && identitytoken !== "") return { kind: "identity-token", token: identitytoken };
  if (typeof registrytoken === "string" && registrytoken !== "") return { kind: "registry-token", token: registrytoken };
  if (typeof auth === "string" && auth !== "") {
    // Docker pads with zero bytes.
    const pair = Buffer.from(auth, "base64").toString("utf8").replaceAll("\0", "");
    const colon = pair.indexOf(":");
    if (colon < 0) throw broken(path, `holds no name and password for ${key}`);
    return { kind: "password", username: pair.slice(0, colon), password: pair.slice(colon + 1) };
  }
  if (typeof username === "string" && username !== "" && typeof password === "string") return { kind: "password", username, password };
  return undefined;
}

function broken(source: string, reason: string): OcilotError<"CREDENTIALS_UNAVAILABLE"> {
  return new OcilotError(
    "CREDENTIALS_UNAVAILABLE",
    `${source} ${reason}`,
    { source, reason },
    { hint: "Repair the file, or name another with --authfile." },
  );
}
