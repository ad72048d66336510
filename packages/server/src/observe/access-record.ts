/** One line of the access log. No header is in it, and no query: neither a password nor a token can get there. */
export interface AccessRecord {
  /** RFC 3339, when the request came in. */
  readonly time: string;
  readonly remote: string;
  readonly method: string;
  /** The path as it was sent, without the query, at most 512 characters. */
  readonly path: string;
  readonly route: string;
  readonly status: number;
  /** Bytes of the answer's content that were sent. */
  readonly sent: number;
  readonly milliseconds: number;
  readonly user?: string;
  readonly agent?: string;
  /** True where the client was gone before the answer was complete. */
  readonly aborted?: boolean;
  /** The code of an error, and what is not told to the client. */
  readonly error?: string;
  readonly cause?: string;
}
