const MAX_LENGTH = 16 * 1024;

/**
 * The target of the first link with the relation `next`, as it stands there; undefined where there is none.
 * @see https://www.rfc-editor.org/rfc/rfc8288
 */
export function nextLink(values: readonly string[]): string | undefined {
  for (const value of values) {
    const text = value.slice(0, MAX_LENGTH);
    let at = 0;
    for (;;) {
      const open = text.indexOf("<", at);
      const close = open < 0 ? -1 : text.indexOf(">", open);
      if (close < 0) break;
      at = close + 1;
      const parameter = /\s*;\s*([^\s=;,"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/y;
      parameter.lastIndex = at;
      let relation: string | undefined;
      for (let match = parameter.exec(text); match !== null; match = parameter.exec(text)) {
        at = parameter.lastIndex;
        // Only the first counts, RFC 8288 says.
        if (match[1]?.toLowerCase() === "rel") relation ??= match[2] ?? match[3] ?? "";
      }
      if (relation?.toLowerCase().split(/\s+/).includes("next") === true) return text.slice(open + 1, close).trim();
    }
  }
  return undefined;
}
