const FRAME = 0xfd2fb528;
/** The four low bits of the magic number of a skippable frame are free. */
const SKIPPABLE = 0x184d2a5;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

type Field = "magic" | "skippable size" | "descriptor" | "block";
const FIELD_BYTES: Readonly<Record<Field, number>> = { magic: 4, "skippable size": 4, descriptor: 1, block: 3 };

/**
 * Follows the frames of a zstd stream (RFC 8878, 3.1) without decompressing them, to tell whether it was cut off: the zstd of Node 22
 * ends without an error then.
 */
export class ZstdFrames {
  #field: Field = "magic";
  /** The field that is being read, little-endian, and how many of its bytes are known. */
  #value = 0;
  #known = 0;
  /** How many bytes belong to nothing that has to be read. */
  #skip = 0;
  #hasChecksum = false;

  /** True if the bytes so far are whole frames. */
  get isComplete(): boolean {
    return this.#field === "magic" && this.#known === 0 && this.#skip === 0;
  }

  /** Takes the next bytes of the stream. */
  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#skip > 0) {
        const n = Math.min(this.#skip, bytes.length - at);
        this.#skip -= n;
        at += n;
        continue;
      }
      this.#value += bytes[at++]! * 2 ** (8 * this.#known++);
      if (this.#known < FIELD_BYTES[this.#field]) continue;
      const value = this.#value;
      this.#value = this.#known = 0;
      this.#take(value);
    }
  }

  #take(value: number): void {
    if (this.#field === "magic") {
      if (value === FRAME) this.#field = "descriptor";
      else if (value >>> 4 === SKIPPABLE) this.#field = "skippable size";
      else this.#skip = Number.POSITIVE_INFINITY;
    } else if (this.#field === "skippable size") {
      this.#skip = value;
      this.#field = "magic";
    } else if (this.#field === "descriptor") {
      const isSingleSegment = (value & 0x20) !== 0;
      const contentSize = CONTENT_SIZE_BYTES[value >>> 6]! || (isSingleSegment ? 1 : 0);
      this.#hasChecksum = (value & 0x04) !== 0;
      this.#skip = (isSingleSegment ? 0 : 1) + DICTIONARY_BYTES[value & 0x03]! + contentSize;
      this.#field = "block";
    } else {
      const isRepeatedByte = ((value >>> 1) & 0x03) === 1;
      this.#skip = isRepeatedByte ? 1 : value >>> 3;
      if ((value & 0x01) === 0) return;
      if (this.#hasChecksum) this.#skip += 4;
      this.#field = "magic";
    }
  }
}
