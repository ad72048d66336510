import { readFileSync, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { OcilotError } from "@ocilot/layout/spec";
import type { Environment } from "../environment.js";

/** Authorities and client certificate of a TLS connection. */
export interface TlsMaterial {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

/** The directories in which docker and podman look for certificates by host. */
export function defaultCertificateDirectories(env: Environment): readonly string[] {
  const config = env["XDG_CONFIG_HOME"] ?? join(env["HOME"] ?? homedir(), ".config");
  return [join(config, "containers/certs.d"), "/etc/containers/certs.d", "/etc/docker/certs.d"];
}

/**
 * Reads the first of `directories` that has a folder `HOST[:PORT]`: `*.crt` are authorities, `*.cert` with `*.key` of the same name is
 * the client's own certificate. `caFile` is added. Undefined where there is neither.
 * @throws OcilotError `IO_ERROR`, `CREDENTIALS_UNAVAILABLE` for a certificate without its key
 */
export function tlsMaterial(
  host: string,
  { caFile, directories, env }: { readonly caFile: string | undefined; readonly directories: readonly string[]; readonly env: Environment },
): TlsMaterial | undefined {
  const extra = caFile === undefined ? [] : [read(caFile)];
  const folder = directories.map((directory) => join(directory, host)).find(isFolder);
  let client: { cert: string; key: string } | undefined;
  if (folder !== undefined) {
    const names = readdirSync(folder).toSorted();
    extra.push(...names.filter((name) => name.endsWith(".crt")).map((name) => read(join(folder, name))));
    const certName = names.find((name) => name.endsWith(".cert"));
    if (certName !== undefined) {
      const keyName = `${certName.slice(0, -".cert".length)}.key`;
      if (!names.includes(keyName)) {
        const source = join(folder, certName);
        throw new OcilotError("CREDENTIALS_UNAVAILABLE", `${source} has no ${keyName} beside it`, { source, reason: "no key" });
      }
      client = { cert: read(join(folder, certName)), key: read(join(folder, keyName)) };
    }
  }
  if (extra.length === 0 && client === undefined) return undefined;
  return { ...(extra.length > 0 && { ca: [...rootCertificates, ...environmentAuthorities(env), ...extra] }), ...client };
}

/** Additional authorities that the environment names; Node ignores them once authorities are passed explicitly. */
export function environmentAuthorities(env: Environment): string[] {
  return [env["NODE_EXTRA_CA_CERTS"], env["SSL_CERT_FILE"]].flatMap((file) => (file === undefined || file === "" ? [] : [read(file)]));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).code;
    throw new OcilotError(
      "IO_ERROR",
      `${path}: cannot be read (${errno ?? "unknown error"})`,
      { path, ...(errno !== undefined && { errno }) },
      { hint: "It is needed to check the registry's certificate.", cause },
    );
  }
}
