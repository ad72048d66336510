/** How widely a layout is searched for referrers. */
export const scanOption = {
  scan: {
    type: "boolean",
    describe: "Read every blob, to find referrers that are not listed or are listed under another subject",
  },
} as const;
