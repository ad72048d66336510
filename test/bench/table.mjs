// The measurements as a page.

/** Growth of ocilot's time from 10k to 100k, for each group that has both. */
export function growthOf(rows) {
  const groups = [...new Set(rows.map((r) => r.group))];
  return groups.flatMap((group) => {
    const at = (size) => rows.find((r) => r.group === group && r.size === size)?.medians.ocilot;
    const [small, large] = [at("10k"), at("100k")];
    return small && large ? [{ group, factor: large / small }] : [];
  });
}

export function renderTable(rows, versions, runs) {
  const lines = [
    "# Benchmarks",
    "",
    "Whole processes, run in turn on one machine; median of the counted runs after one warm-up. Repeat it with:",
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
    const refused = Object.entries(failed).map(([name, why]) => `${name}: ${why.slice(0, 60)}`);
    for (const [name, ms] of own) {
      const ratio = peers.length === 0 ? "" : `${(ms / fastest).toFixed(2)} ×`;
      const others = [
        ...Object.entries(medians)
          .filter(([p]) => !p.startsWith("ocilot"))
          .map(([p, t]) => `${p} ${seconds(t)} (${Math.round(peaks[p])} MB)`),
        ...refused,
      ];
      lines.push(
        `| ${group}${name === "ocilot" ? "" : ` (${name.slice(6).replace(/^[, ]+/, "")})`} | ${size} | ${seconds(ms)} | ${Math.round(peaks[name])} | ${others.join(", ")} | ${ratio} |`,
      );
    }
    if (own.length === 0) lines.push(`| ${group} | ${size} | failed: ${refused.join("; ")} | | | |`);
  }
  const growth = growthOf(rows);
  if (growth.length > 0) {
    lines.push("", "Growth from 10k to 100k referrers (10 would be linear):", "");
    for (const { group, factor } of growth) lines.push(`- ${group}: ${factor.toFixed(1)}`);
  }
  return `${lines.join("\n")}\n`;
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(ms < 100 ? 3 : 2)} s`;
}
