/**
 * The text of each entry of an `index.json`, byte for byte. This is a second implementation, so that a fault of the code
 * under test is not repeated here.
 */
export function rawEntries(text: string): string[] {
  const array = arrayOf(text);
  if (array === undefined) return [];
  const entries: string[] = [];
  let start = -1;
  for (const { at, char, depth } of structure(text, array.start)) {
    if (char === "{" && depth === 1) start = at;
    if (char === "}" && depth === 1) entries.push(text.slice(start, at + 1));
    if (char === "]" && depth === 0) break;
  }
  return entries;
}

/** The text of an `index.json` before and after the array of entries. */
export function aroundEntries(text: string): { before: string; behind: string } {
  const array = arrayOf(text);
  return array === undefined ? { before: text, behind: "" } : { before: text.slice(0, array.start), behind: text.slice(array.end) };
}

function arrayOf(text: string): { start: number; end: number } | undefined {
  let start = -1;
  for (const { at, char, depth, key } of structure(text, 0)) {
    if (start < 0 && char === "[" && depth === 1 && key === "manifests") start = at;
    else if (start >= 0 && char === "]" && depth === 1) return { start, end: at + 1 };
  }
  return undefined;
}

/** The brackets of a document outside strings; `depth` is that of the bracket's own container, `key` the string before it. */
function* structure(text: string, from: number): Iterable<{ at: number; char: string; depth: number; key: string }> {
  let depth = 0;
  let key = "";
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === '"') {
      let end = at + 1;
      while (text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
      key = text.slice(at + 1, end);
      at = end;
    } else if (char === "{" || char === "[") yield { at, char, depth: depth++, key };
    else if (char === "}" || char === "]") yield { at, char, depth: --depth, key };
  }
}
