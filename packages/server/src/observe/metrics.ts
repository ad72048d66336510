/** Upper bounds of the buckets of durations, in seconds. */
const BUCKETS: readonly number[] = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60];

interface Timing {
  count: number;
  seconds: number;
  readonly buckets: number[];
}

/**
 * Counts what the server does, for Prometheus. No label names a repository or a user: a client that may read the figures may not read
 * those.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class Metrics {
  readonly #requests: Map<string, number> = new Map();
  readonly #durations: Map<string, Timing> = new Map();
  readonly #gauges: Map<string, () => number> = new Map();
  #received = 0;
  #sent = 0;
  #commits = 0;
  #manifests = 0;
  #swept = 0;

  /** Counts one request that has been answered. */
  request(route: string, method: string, answer: { readonly status: number; readonly seconds: number; readonly sent: number }): void {
    const { status, seconds, sent } = answer;
    const key = `route="${route}",method="${method}",status="${status}"`;
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1);
    this.#sent += sent;
    let timing = this.#durations.get(route);
    if (timing === undefined) this.#durations.set(route, (timing = { count: 0, seconds: 0, buckets: BUCKETS.map(() => 0) }));
    timing.count++;
    timing.seconds += seconds;
    for (const [i, bound] of BUCKETS.entries()) if (seconds <= bound) timing.buckets[i]!++;
  }

  /** Counts bytes of blobs that have arrived. */
  received(bytes: number): void {
    this.#received += bytes;
  }

  /** Counts one write of `index.json`, with the manifests that went in. */
  commit(manifests: number): void {
    this.#commits++;
    this.#manifests += manifests;
  }

  /** Counts uploads that were removed because nobody went on with them. */
  swept(uploads: number): void {
    this.#swept += uploads;
  }

  /** Shows a figure that is asked for when it is needed. */
  gauge(name: string, value: () => number): void {
    this.#gauges.set(name, value);
  }

  /** The figures in the text format. */
  text(): string {
    const lines: string[] = [];
    const counter = (name: string, help: string, value: number): void => {
      lines.push(`# HELP ocilot_${name} ${help}`, `# TYPE ocilot_${name} counter`, `ocilot_${name} ${value}`);
    };
    lines.push("# HELP ocilot_requests_total Requests answered.", "# TYPE ocilot_requests_total counter");
    for (const [labels, count] of this.#requests) lines.push(`ocilot_requests_total{${labels}} ${count}`);
    lines.push("# HELP ocilot_request_duration_seconds Time from request to the end of the answer.");
    lines.push("# TYPE ocilot_request_duration_seconds histogram");
    for (const [route, { count, seconds, buckets }] of this.#durations) {
      for (const [i, bound] of BUCKETS.entries())
        lines.push(`ocilot_request_duration_seconds_bucket{route="${route}",le="${bound}"} ${buckets[i]}`);
      lines.push(`ocilot_request_duration_seconds_bucket{route="${route}",le="+Inf"} ${count}`);
      lines.push(`ocilot_request_duration_seconds_sum{route="${route}"} ${seconds}`);
      lines.push(`ocilot_request_duration_seconds_count{route="${route}"} ${count}`);
    }
    counter("received_bytes_total", "Bytes of uploads that arrived.", this.#received);
    counter("sent_bytes_total", "Bytes of answers that were sent.", this.#sent);
    counter("index_writes_total", "Writes of index.json.", this.#commits);
    counter("manifests_recorded_total", "Manifests that those writes recorded.", this.#manifests);
    counter("uploads_expired_total", "Uploads removed because nobody went on with them.", this.#swept);
    for (const [name, value] of this.#gauges) lines.push(`# TYPE ocilot_${name} gauge`, `ocilot_${name} ${value()}`);
    return `${lines.join("\n")}\n`;
  }
}
