// The measurements as a page.

/** With which power of the size the time of ocilot grows between two sizes, for each group that has both. */
export function exponentsOf(rows, [small, few], [large, many]) {
  const groups = [...new Set(rows.map((r) => r.group))];
  return groups.flatMap((group) => {
    const [before, after] = [small, large].map((size) => rows.find((r) => r.group === group && r.size === size)?.measured.ocilot?.ms);
    return before && after ? [{ group, exponent: Math.log(after / before) / Math.log(many / few) }] : [];
  });
}

export function renderTable(rows, { versions, args, sizes }) {
  const lines = [
    "# Benchmarks",
    "",
    "Whole processes, run in turn on one machine; medians of the counted runs after one warm-up (a program that takes minutes runs once). Time is",
    "by the clock; processor time is that of all threads, of which the kernel's part is in brackets. Ratios are those to the fastest peer;",
    "`node -e 0` is no peer but what every program in Node costs. crane and umoci have none of these jobs between two layouts on the disk; regctl",
    "is measured where `OCILOT_BENCH_REGCTL` names it. Repeat it with:",
    "",
    "```sh no-run",
    `npm run bench -- ${args.map((arg) => (arg.includes(" ") ? `"${arg}"` : arg)).join(" ")}`,
    "```",
    "",
    `Versions: ${versions.map(([name, version]) => `${name} ${version.replace(`${name} `, "").replace(/(?:Version|VCSTag):\s*/, "")}`).join(" · ")}`,
    "",
    "| job | size | ocilot | processor s (kernel) | peak MB | peers: time, processor s (kernel) | ratio, time | ratio, processor |",
    "|---|---|---|---|---|---|---|---|",
    ...rows.flatMap(rowLines),
    ...startLines(rows),
    ...growthLines(rows, sizes),
  ];
  return `${lines.join("\n")}\n`;
}

function rowLines({ group, size, measured, failed }) {
  const all = Object.entries(measured);
  const own = all.filter(([name]) => name.startsWith("ocilot"));
  const others = all.filter(([name]) => !name.startsWith("ocilot"));
  const peers = others.filter(([name]) => name !== "node -e 0").map(([, m]) => m);
  const refused = Object.entries(failed).map(([name, why]) => (name === "" ? why : `${name}: ${why.slice(0, 60)}`));
  if (own.length === 0) return [`| ${group} | ${size} | | | | ${refused.join("; ")} | | |`];
  const ratio = (m, of) => (peers.length === 0 ? "" : `${(of(m) / Math.min(...peers.map(of))).toFixed(2)} ×`);
  return own.map(([name, m]) => {
    const beside = [...others.map(([p, o]) => `${p} ${seconds(o.ms)}, ${processor(o)}`), ...refused].join("; ");
    const variant = name === "ocilot" ? "" : ` (${name.slice(6).replace(/^[, ]+/, "")})`;
    const ratios = `${ratio(m, (x) => x.ms)} | ${ratio(m, (x) => x.cpu)}`;
    return `| ${group}${variant} | ${size} | ${seconds(m.ms)} | ${processor(m)} | ${Math.round(m.peak)} | ${beside} | ${ratios} |`;
  });
}

function startLines(rows) {
  const starts = rows.filter(({ measured }) => measured.ocilot && measured["node -e 0"]);
  if (starts.length === 0) return [];
  const lines = ["", "| start | time, against `node -e 0` | processor time, against `node -e 0` |", "|---|---|---|"];
  for (const { group, measured } of starts) {
    const { ocilot, "node -e 0": node } = measured;
    lines.push(`| ${group} | ${(ocilot.ms / node.ms).toFixed(2)} × | ${(ocilot.cpu / node.cpu).toFixed(2)} × |`);
  }
  return lines;
}

/** Growth between neighbouring sizes, and from the smallest to the largest. */
function growthLines(rows, sizes) {
  const pairs = [...sizes.slice(1).map((to, i) => [sizes[i], to]), [sizes[0], sizes.at(-1)]];
  const columns = pairs.map(([from, to]) => new Map(exponentsOf(rows, from, to).map(({ group, exponent }) => [group, exponent])));
  const groups = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  if (groups.length === 0) return [];
  const titles = pairs.map(([[from], [to]]) => `${from} to ${to}`);
  return [
    "",
    "How the time grows: the exponent of the size (1 is linear, 0 does not grow; below 1 since every start costs the same).",
    "",
    `| job | ${titles.join(" | ")} |`,
    `|---|${titles.map(() => "---|").join("")}`,
    ...groups.map((group) => `| ${group} | ${columns.map((c) => c.get(group)?.toFixed(2) ?? "").join(" | ")} |`),
  ];
}

const seconds = (ms) => `${(ms / 1000).toFixed(ms < 100 ? 3 : 2)} s`;
const processor = ({ cpu, sys }) => `${cpu.toFixed(2)} (${sys.toFixed(2)})`;
