/** The arrows of ARCHITECTURE.md, as rules. */
const pure =
  "^packages/(layout/src/(spec/|errors|index-edit|index-snapshot|tag)|referrers/src/(conventions/|tools/|graph|view|edge|convention|lists|individual|marks|records|nested|losses|index-draft|response-index|referrers-tag|reader-tool|convert/(check|grid)))";

module.exports = {
  forbidden: [
    { name: "no-circles", severity: "error", from: {}, to: { circular: true, dependencyTypesNot: ["type-only"] } },
    {
      name: "layout-knows-nothing-of-referrers",
      severity: "error",
      from: { path: "^packages/layout/src" },
      to: { path: "^packages/(referrers|cli|testkit)" },
    },
    {
      name: "referrers-knows-nothing-of-the-cli",
      severity: "error",
      from: { path: "^packages/referrers/src" },
      to: { path: "^packages/(cli|testkit)" },
    },
    {
      name: "spec-stands-alone",
      severity: "error",
      from: { path: "^packages/layout/src/spec/", pathNot: "spec/index.ts$" },
      to: { path: "^packages/layout/src/", pathNot: "^packages/layout/src/(spec/|errors)" },
    },
    { name: "pure-code-does-no-io", severity: "error", from: { path: pure }, to: { dependencyTypes: ["core"] } },
    {
      name: "pure-code-uses-the-pure-entry",
      severity: "error",
      from: {
        path: "^packages/referrers/src/(conventions/|tools/|graph|view|edge|convention\\.|lists|individual|marks|records|nested|losses|index-draft|response-index|referrers-tag)",
      },
      to: { path: "^packages/layout/(src|dist)/index" },
    },
    {
      name: "no-foreign-src",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/([^/]+)/src", pathNot: "^packages/$1/" },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    doNotFollow: { path: "node_modules|/dist/" },
    exclude: { path: "/test/" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "default"] },
  },
};
