import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "@ocilot/layout";
import type { Receipt } from "@ocilot/referrers";
import { sealedReceipt } from "../src/receipt/receipt.js";
import { RootsByName, pairNames, splitName } from "../src/receipt/root-names.js";

const digest = (name: string): Digest => digestOf(new TextEncoder().encode(name));
const names = (...pairs: (readonly [string, string])[]): Map<string, Digest[]> => new Map(pairs.map(([n, d]) => [n, [digest(d)]]));
const receipt = (...roots: (readonly [string, string])[]): Receipt =>
  sealedReceipt(
    roots.map(([tag, d]) => ({ tag, digest: digest(d) })),
    [],
    [],
  );

describe("names of roots", () => {
  it.each([
    ["v1", { tag: "v1" }],
    ["registry.example:5000/shop/app:v1", { repository: "registry.example:5000/shop/app", tag: "v1" }],
    ["alpine:3", { repository: "docker.io/library/alpine", tag: "3" }],
    ["not a name:", { tag: "not a name:" }],
  ])("%s", (text, name) => expect(splitName(text)).toEqual(name));

  it.each([
    ["the same", [["v1", "a"]], [["v1", "b"]], [["v1", "v1"]]],
    ["one side has no repository", [["here.example/app:v1", "a"]], [["v1", "b"]], [["here.example/app:v1", "v1"]]],
    [
      "a prefix at another host",
      [["here.example/app:v1", "a"]],
      [["far.example/site/app:v1", "a"]],
      [["here.example/app:v1", "far.example/site/app:v1"]],
    ],
    ["another repository", [["here.example/app:v1", "a"]], [["far.example/web:v1", "a"]], []],
    ["the end of a word is not the end of a path", [["here.example/app:v1", "a"]], [["far.example/webapp:v1", "a"]], []],
    ["another tag", [["here.example/app:v1", "a"]], [["here.example/app:v2", "a"]], []],
    [
      "the closest first",
      [
        ["here.example/app:v1", "a"],
        ["here.example/team/app:v1", "b"],
      ],
      [
        ["far.example/team/app:v1", "a"],
        ["far.example/app:v1", "c"],
      ],
      [
        ["here.example/app:v1", "far.example/app:v1"],
        ["here.example/team/app:v1", "far.example/team/app:v1"],
      ],
    ],
    [
      "of two that agree, the one on the same digest",
      [
        ["here.example/app:v1", "a"],
        ["here.example/web:v1", "b"],
      ],
      [["v1", "b"]],
      [["here.example/web:v1", "v1"]],
    ],
    [
      "of two that agree on other digests, neither",
      [
        ["here.example/app:v1", "a"],
        ["here.example/web:v1", "b"],
      ],
      [["v1", "c"]],
      [],
    ],
  ] as const)("pairs: %s", (_, before, now, pairs) => {
    expect([...pairNames(names(...before), names(...now))].toSorted()).toEqual(pairs);
  });

  it("finds what receipts have under a name, by the closest agreement in each", () => {
    const roots = new RootsByName([
      receipt(["here.example/app:v1", "a"], ["v1", "b"]),
      receipt(["far.example/site/app:v1", "c"], ["far.example/site/web:v1", "d"], ["far.example/site/app:v2", "e"]),
    ]);
    expect(roots.digests("here.example/app:v1")).toEqual([digest("a"), digest("c")]);
    expect(roots.digests("v1")).toEqual([digest("b"), digest("c"), digest("d")]);
    expect(roots.digests("here.example/app:v3")).toEqual([]);
  });
});
