import type { Headers } from "tar-stream";
// @ts-expect-error -- tar-stream does not export this file, and its types leave it out.
import * as codec from "tar-stream/headers.js";

type MemberType = NonNullable<Headers["type"]>;

/** A decoded header. `type` is null for a type that tar-stream does not know. */
export interface DecodedHeader {
  readonly name: string;
  readonly size: number;
  readonly type: MemberType | null;
  readonly linkname: string | null;
}

export interface EncodableHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: Date;
  readonly type: MemberType;
}

interface HeaderCodec {
  decode(block: Uint8Array, encoding: string, allowUnknownFormat: boolean): DecodedHeader | null;
  decodePax(body: Uint8Array): Record<string, string>;
  decodeLongPath(body: Uint8Array): string;
  encode(header: EncodableHeader): Uint8Array | null;
  encodePax(options: { name: string }): Uint8Array;
}

const tar = codec as HeaderCodec;

/**
 * Decodes a header. Returns null for a block of zeros. The oldest format, without magic, is accepted.
 * @throws an error if the checksum is wrong
 */
export function decodeHeader(block: Uint8Array): DecodedHeader | null {
  return tar.decode(block, "utf-8", true);
}

export function decodePax(body: Uint8Array): Readonly<Record<string, string>> {
  return tar.decodePax(body);
}

export function decodeLongName(body: Uint8Array): string {
  return tar.decodeLongPath(body);
}

/** Encodes a header. Returns null if the name does not fit. */
export function encodeHeader(header: EncodableHeader): Uint8Array | null {
  return tar.encode(header);
}

export function encodePax(name: string): Uint8Array {
  return tar.encodePax({ name });
}
