// The measurements as a page.

/** How many times longer ocilot takes for the `large` size than for the `small` one, for each group that has both. */
export function growthOf(rows, small, large) {
  const groups = [...new Set(rows.map((r) => r.group))];
  return groups.flatMap((group) => {
    const [before, after] = [small, large].map((size) => rows.find((r) => r.group === group && r.size === size)?.medians.ocilot);
    return before && after ? [{ group, factor: after / before }] : [];
  });
}

export function renderTable(rows, versions, runs) {
  const lines = [
    "# Benchmarks",
    "",
    "Whole processes, run in turn on one machine; median of the counted runs after one warm-up (a program that takes minutes runs once).",
    "crane and umoci have none of these jobs between two layouts on the disk; regctl is measured where it is installed. Repeat it with:",
    "",
    "```sh",
    `npm run bench -- --runs ${runs} --save`,
    "```",
    "",
    `Versions: ${versions.map(([name, version]) => `${name} ${version.replace(`${name} `, "")}`).join(" · ")}`,
    "",
    "| job | size | ocilot | peak MB | peers | ratio to the fastest |",
    "|---|---|---|---|---|---|",
  ];
  for (const { group, size, medians, peaks, failed } of rows) {
    const own = Object.entries(medians).filter(([name]) => name.startsWith("ocilot"));
    const peers = Object.entries(medians).filter(([name]) => !name.startsWith("ocilot") && name !== "node -e 0");
    const fastest = Math.min(...peers.map(([, ms]) => ms));
    const refused = Object.entries(failed).map(([name, why]) => (name === "" ? why : `${name}: ${why.slice(0, 60)}`));
    for (const [name, ms] of own) {
      const ratio = peers.length === 0 ? "" : `${(ms / fastest).toFixed(2)} ×`;
      const others = [
        ...Object.entries(medians)
          .filter(([p]) => !p.startsWith("ocilot"))
          .map(([p, t]) => `${p} ${seconds(t)}${peaks[p] > 0 ? ` (${Math.round(peaks[p])} MB)` : ""}`),
        ...refused,
      ];
      lines.push(
        `| ${group}${name === "ocilot" ? "" : ` (${name.slice(6).replace(/^[, ]+/, "")})`} | ${size} | ${seconds(ms)} | ${Math.round(peaks[name])} | ${others.join(", ")} | ${ratio} |`,
      );
    }
    if (own.length === 0) lines.push(`| ${group} | ${size} | | | ${refused.join("; ")} | |`);
  }
  const growth = growthOf(rows, "10k", "100k");
  if (growth.length > 0) {
    const fromSmall = new Map(growthOf(rows, "1k", "100k").map((g) => [g.group, g.factor]));
    lines.push("", "| growth of the time | 10k to 100k, linear would be 10 | 1k to 100k, linear would be 100 |", "|---|---|---|");
    for (const { group, factor } of growth) lines.push(`| ${group} | ${factor.toFixed(1)} | ${fromSmall.get(group)?.toFixed(0) ?? ""} |`);
  }
  return `${lines.join("\n")}\n`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(ms < 100 ? 3 : 2)} s`;
}
