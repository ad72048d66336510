/** How widely a layout is searched for referrers. */
export const scanOption = {
  scan: {
    type: "boolean",
    default: false,
    describe: "Read every blob, for referrers that nothing lists or that are listed under a wrong mark",
  },
} as const;
