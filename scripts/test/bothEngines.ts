/**
 * The test files that run on both engines: as they are in the project `integration`, and over `cassandra-driver` in the project
 * `integration-driver`. With each, the tests that ask for what the driver cannot do, which are skipped there, and why.
 */

/** Why a test is native. */
const because = {
  prepare: "the driver does not tell the variables of a statement",
  values: "the driver checks values less strictly, and does not tell which one it refuses",
  prepareHost: "the driver does not tell which host refused to prepare",
  count: "the server counts the values, and tells",
  columns: "the driver does not tell the keyspace and table of a column",
  dates: "the driver reads dates from text in the years 0 to 9999 only",
  wire: "the driver does not count its bytes and prepared statements",
  breaker: "the driver has no breaker",
  cancelling: "the driver cannot cancel a request",
  pools: "the sizes of the pools are set in the client's options"
} as const

type Reason = (typeof because)[keyof typeof because]

/** A pattern for names of tests, and why those are native. */
type Exception = readonly [pattern: RegExp, reason: Reason]

const files: Readonly<Record<string, ReadonlyArray<Exception>>> = {
  "session.it.ts": [
    [/^prepares ahead/, because.prepare],
    [/^tells how the request was answered/, because.columns]
  ],
  "paging.it.ts": [],
  "errors.it.ts": [
    [/^an unknown table is/, because.prepareHost],
    [/^a syntax error is/, because.prepareHost],
    [/^a value that does not fit/, because.values],
    [/^too few and too many values/, because.count],
    [/^values for a statement without markers/, because.count]
  ],
  "retrying.it.ts": [],
  "CqlType.it.ts": [
    [/refuses a value that does not fit/, because.values],
    [/^date comes back/, because.dates]
  ],
  "Query.it.ts": [
    [
      /^(tells whether a conditional write|gives a page and where|prepares |sees that a table|shows both sides)/,
      because.prepare
    ],
    [
      /^(compares the request|knows aliases|reads the text and the table|finds columns|fails when a layer)/,
      because.prepare
    ],
    [
      /^(reports a table|asks for a sample|asks once for|caches where|puts requests|sends every write)/,
      because.prepare
    ],
    [/^(fails the requests of|does not start when)/, because.prepare]
  ],
  "metrics.it.ts": [
    [/^operations are counted/, because.prepare],
    [/^interruption, deadlines/, because.cancelling],
    [/^speculative executions/, because.pools],
    [/^hosts, prepared statements/, because.wire],
    [/^a host that hangs/, because.breaker]
  ],
  "tracing.it.ts": [],
  "trace.it.ts": []
}

const folder = "packages/cassandra/test"

export const onBothEngines: ReadonlyArray<string> = Object.keys(files).map((name) => `${folder}/${name}`)

/** Why a test is skipped over the driver; undefined for one that is not. */
export const reasonToSkip = (path: string, test: string): string | undefined => {
  const name = path.slice(path.lastIndexOf("/") + 1)
  return files[name]?.find(([pattern]) => pattern.test(test))?.[1]
}
