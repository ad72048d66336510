import type { Descriptor, Layout } from "@ocilot/layout";

/** Where the bytes of one upload are until it ends. */
export interface UploadStorage {
  /** Bytes that are there. */
  readonly size: number;
  /** When it was begun, in milliseconds since 1970. */
  readonly started: number;
  /** Appends pieces; when it resolves they would survive the end of this process. */
  append(pieces: readonly Uint8Array[]): Promise<void>;
  /** What is there, from the beginning. */
  read(): AsyncIterable<Uint8Array>;
  /** Makes it a blob of a layout; the digest has been computed by the caller. The storage is gone then. */
  store(layout: Layout, descriptor: Descriptor): Promise<void>;
  remove(): Promise<void>;
  /** Lets go of the file; what has arrived stays. */
  close(): Promise<void>;
}

/** Makes and finds storages for the uploads of one repository. */
export interface UploadArea {
  create(id: string): Promise<UploadStorage>;
  /** One that was begun before, by this process or another; undefined if there is none. */
  reopen(id: string): Promise<UploadStorage | undefined>;
  /** Removes what nobody has written to since `before`, in milliseconds since 1970, but for `inUse`. Returns how many there were. */
  sweep(before: number, inUse: ReadonlySet<string>): Promise<number>;
}
