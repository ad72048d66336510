import { connect } from "node:tls";
import { hostname, isLoopback } from "../reference/host.js";
import { apiHost } from "../reference/hub.js";

/** The address of a registry. */
export interface Endpoint {
  /** As in a reference. */
  readonly host: string;
  /** `https://HOST/`, or http for a registry without TLS. */
  readonly url: URL;
  /** Put before each repository name; of a mirror only. */
  readonly prefix?: string;
}

/** How the scheme of a registry is chosen. */
export interface SchemeOptions {
  /** True: http; false: https; undefined: http for this machine, https for others. */
  readonly plainHttp: boolean | undefined;
  /** Whether TLS is configured for this host: then a registry on this machine is probed for TLS. */
  readonly hasTlsMaterial: boolean;
  readonly timeout: number;
}

/** The endpoint of a registry. Sends no request; at most it attempts a TLS handshake with this machine. */
export async function resolveEndpoint(host: string, { plainHttp, hasTlsMaterial, timeout }: SchemeOptions): Promise<Endpoint> {
  const address = apiHost(host);
  const https: Endpoint = { host, url: new URL(`https://${address}/`) };
  const http: Endpoint = { host, url: new URL(`http://${address}/`) };
  if (plainHttp !== undefined) return plainHttp ? http : https;
  if (!isLoopback(address)) return https;
  return hasTlsMaterial && (await answersTls(https.url, timeout)) ? https : http;
}

/** No data is sent over this connection, so its certificate is not checked. */
function answersTls(url: URL, timeout: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      host: hostname(url.host),
      port: url.port === "" ? 443 : Number(url.port),
      rejectUnauthorized: false,
      timeout,
    });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("secureConnect", () => finish(true));
    socket.once("error", () => finish(false));
    socket.once("timeout", () => finish(false));
  });
}
