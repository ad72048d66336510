/** Where a member of a JSON object stands in the text. */
interface Member {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/**
 * Returns `text`, a valid JSON object, with the member at `path` set to `value`, a JSON text; objects on the way are made. Every other
 * byte stays.
 */
export function setMember(text: string, path: readonly string[], value: string): string {
  return setIn(text, 0, { path, value, depth: 1 });
}

/** Returns `text`, a valid JSON object, without the member at `path`; as it was where there is none. */
export function removeMember(text: string, path: readonly string[]): string {
  let at = 0;
  for (const [depth, key] of path.entries()) {
    const { members, end } = membersOf(text, at);
    const index = members.findLastIndex((member) => member.key === key);
    const member = members[index];
    if (member === undefined) return text;
    if (depth < path.length - 1) {
      at = member.valueStart;
      if (text[at] !== "{") return text;
      continue;
    }
    const next = members[index + 1];
    const previous = members[index - 1];
    if (next !== undefined) return text.slice(0, member.start) + text.slice(next.start);
    if (previous !== undefined) return text.slice(0, previous.end) + text.slice(member.end);
    return `${text.slice(0, text.lastIndexOf("{", member.start) + 1)}${text.slice(end - 1)}`;
  }
  return text;
}

function setIn(text: string, at: number, { path, value, depth }: { path: readonly string[]; value: string; depth: number }): string {
  const [key = "", ...rest] = path;
  const open = skipSpace(text, at);
  const { members, end } = membersOf(text, open);
  const present = members.findLast((member) => member.key === key);
  if (present !== undefined && rest.length > 0 && text[present.valueStart] === "{") {
    return setIn(text, present.valueStart, { path: rest, value, depth: depth + 1 });
  }
  const whole = rest.reduceRight((inner, name) => `{${JSON.stringify(name)}: ${inner}}`, value);
  if (present !== undefined) return text.slice(0, present.valueStart) + whole + text.slice(present.end);
  const last = members.at(-1);
  const first = members[0];
  if (last === undefined || first === undefined) {
    const indent = "\t".repeat(depth);
    return `${text.slice(0, open + 1)}\n${indent}${JSON.stringify(key)}: ${whole}\n${indent.slice(1)}${text.slice(end - 1)}`;
  }
  const space = /\s*$/.exec(text.slice(open + 1, first.start))?.[0] ?? "";
  return `${text.slice(0, last.end)},${space}${JSON.stringify(key)}: ${whole}${text.slice(last.end)}`;
}

/** The members of the object that begins at or behind `from`; `end` is behind its closing brace. The text is valid JSON. */
function membersOf(text: string, from: number): { readonly members: readonly Member[]; readonly end: number } {
  const members: Member[] = [];
  let at = skipSpace(text, skipSpace(text, from) + 1);
  while (text[at] === '"') {
    const start = at;
    const keyEnd = stringEnd(text, at);
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(text, valueStart);
    members.push({ key: JSON.parse(text.slice(start, keyEnd)) as string, start, valueStart, end });
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return { members, end: at + 1 };
}

function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const c = text[at] ?? "";
    if (c === '"') {
      at = stringEnd(text, at) - 1;
      if (depth === 0) return at + 1;
    } else if (c === "{" || c === "[") depth++;
    else if (c === "}" || c === "]") {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && /[\s,]/.test(c)) return at;
  }
  return text.length;
}

function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (/\s/.test(text[at] ?? "x")) at++;
  return at;
}
