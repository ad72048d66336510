/** A command line as far as it is typed. */
export interface TypedLine {
  /** Without quotes; the last is the word that is being typed. */
  readonly words: readonly string[];
  /** The last word as it stands in the line; undefined where quotes or backslashes make it differ from its value. */
  readonly raw?: string;
}

/** Splits a line as a POSIX shell does, up to the last command in it; what follows an open quote is one word. */
export function shellWords(line: string): TypedLine {
  let words: string[] = [];
  let word: string | undefined;
  let isPlain = true;
  let quote: string | undefined;
  const end = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
    isPlain = true;
  };
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quote !== undefined) {
      if (c === quote) quote = undefined;
      else if (c === "\\" && quote === '"' && i + 1 < line.length) word += line[++i]!;
      else word += c;
    } else if (c === "'" || c === '"') {
      [quote, word, isPlain] = [c, word ?? "", false];
    } else if (c === "\\") {
      [word, isPlain] = [(word ?? "") + (line[++i] ?? ""), false];
    } else if (/\s/.test(c)) end();
    else if (/[;&|()]/.test(c)) {
      end();
      words = [];
    } else word = (word ?? "") + c;
  }
  const last = word ?? "";
  return { words: [...words, last], ...(isPlain && { raw: last }) };
}

/** Returns what of a candidate bash puts in place of the last piece of a word, which it breaks at some characters. */
export function lastPiece(raw: string, candidate: string, breaks: string): string {
  let at = 0;
  for (let i = 0; i < raw.length; i++) if (breaks.includes(raw[i]!)) at = i + 1;
  return candidate.slice(at);
}
