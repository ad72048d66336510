const NAME_PART = "(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])";
const HOST_PATTERN: RegExp = new RegExp(`^(?:${NAME_PART}(?:\\.${NAME_PART})*|\\[[0-9a-f:.]+\\])(?::([0-9]{1,5}))?$`);

/**
 * Tells whether `value`, in lower case, is a host name, IPv4 address or bracketed IPv6 address, with or without a port.
 * @example
 * ```ts
 * import { isHost } from "@ocilot/registry";
 *
 * console.log(isHost("localhost:5000"), isHost("local host")); // true false
 * ```
 */
export function isHost(value: string): boolean {
  if (value.length > 255) return false;
  const match = HOST_PATTERN.exec(value);
  if (match === null || (match[1] !== undefined && Number(match[1]) > 65_535)) return false;
  return URL.canParse(`http://${value}/`);
}

/** The host without its port and without the brackets of an IPv6 address. */
export function hostname(host: string): string {
  if (host.startsWith("[")) return host.slice(1, host.indexOf("]"));
  const colon = host.indexOf(":");
  return colon < 0 ? host : host.slice(0, colon);
}

/**
 * Tells whether a host, with or without a port, is this machine: `localhost`, `*.localhost`, 127.0.0.0/8 or ::1.
 * @example
 * ```ts
 * import { isLoopback } from "@ocilot/registry";
 *
 * console.log(isLoopback("127.0.0.1:5000"), isLoopback("registry.example")); // true false
 * ```
 */
export function isLoopback(host: string): boolean {
  const name = hostname(host).toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  return isLoopbackAddress(name);
}

/** Tells whether an IP address without brackets is in 127.0.0.0/8 or is ::1, written as IPv4-mapped IPv6 or not. */
export function isLoopbackAddress(address: string): boolean {
  const v4 = mappedV4(address);
  return v4 === undefined ? /^(?:0{0,4}:){2,7}0{0,3}1$/.test(address) : v4.startsWith("127.");
}

/**
 * Tells whether an IP address is link-local (169.254.0.0/16, fe80::/10), unspecified, or the IPv6 metadata address of a cloud:
 * no registry has a reason to send a client there.
 */
export function isLinkLocalAddress(address: string): boolean {
  const v4 = mappedV4(address);
  if (v4 !== undefined) return v4.startsWith("169.254.") || v4.startsWith("0.") || v4 === "100.100.100.200";
  return /^fe[89ab][0-9a-f]:/i.test(address) || /^(?:0{0,4}:){2,7}0{0,4}$/.test(address) || /^fd00:ec2::254$/i.test(address);
}

function mappedV4(address: string): string | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(address)) return address;
  const dotted = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address);
  if (dotted !== null) return dotted[1];
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (hex === null) return undefined;
  const [high, low] = [Number.parseInt(hex[1] ?? "", 16), Number.parseInt(hex[2] ?? "", 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
