/** The rows of docs/coverage.json: what a client for Cassandra can be asked for, and what has become of each. */

/** The areas, by the letters that the ids of their rows begin with, and how many rows each has. */
export const areas: Readonly<Record<string, { readonly title: string; readonly rows: number }>> = {
  CL: { title: "Cluster: configuration and lifecycle", rows: 83 },
  PV: { title: "Protocol version", rows: 17 },
  SE: { title: "Session", rows: 46 },
  ST: { title: "Statements, prepared statements, batches", rows: 26 },
  RS: { title: "Results", rows: 28 },
  SM: { title: "Streaming and paging", rows: 23 },
  RT: { title: "Retrying", rows: 17 },
  ER: { title: "Errors", rows: 29 },
  PP: { title: "Policies and execution profiles", rows: 21 },
  MD: { title: "Metadata and hosts", rows: 9 },
  EV: { title: "Events and listeners", rows: 12 },
  TR: { title: "Query traces", rows: 6 },
  TY: { title: "Types and user defined types", rows: 11 },
  MO: { title: "Monitoring and health", rows: 7 },
  BU: { title: "Bulk", rows: 4 },
  EX: { title: "Examples and environment", rows: 27 }
}

/** The subjects of open issues, which rows may be left to. */
export const subjects = ["bulk", "metrics", "examples", "traces", "fault lab"] as const

interface Capability {
  readonly id: string
  /** What it is, in a few words. */
  readonly what: string
}

export interface Done extends Capability {
  /** Names of the public API: `Cluster.make`, `ClusterOptions.port`, `Session#stream`, `cql.id`. */
  readonly api: ReadonlyArray<string>
  /**
   * Tests that prove it: `session.it.ts: the title of the test`, with `…` where the title has a `${…}`. Where an example is what is
   * asked for, the example: `examples/basic.ts`.
   */
  readonly tests: ReadonlyArray<string>
}

export interface NotApplicable extends Capability {
  /** Why there is no such thing here. */
  readonly notApplicable: string
}

export interface Elsewhere extends Capability {
  /** The subject of the open issue that it is left to. */
  readonly elsewhere: (typeof subjects)[number]
}

export interface Pending extends Capability {
  /** What it waits for. No row stays like this. */
  readonly pending: string
}

export type Row = Done | NotApplicable | Elsewhere | Pending

/** Every id that there must be a row for. */
export const ids: ReadonlyArray<string> = Object.entries(areas).flatMap(([area, { rows }]) =>
  Array.from({ length: rows }, (_, i) => `${area}-${String(i + 1).padStart(2, "0")}`)
)
