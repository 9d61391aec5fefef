/**
 * A real OpenTelemetry Collector that the HTTP example sends its traces and metrics to: what it printed must have them.
 * Needs `otelcol` in the PATH (any distribution with the OTLP receiver and the debug exporter), and fails without it.
 *
 * node --conditions=effect-cassandra-source --import tsx examples/observability/collector.ts
 */
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { run } from "../support/main.ts"
import { clientOf, together } from "./load.ts"
import * as Running from "./Running.ts"

class CheckFailed extends Data.TaggedError("CheckFailed")<{ readonly message: string }> {}

const endpoint = "127.0.0.1:14318"

const config = `
receivers: { otlp: { protocols: { http: { endpoint: "${endpoint}" } } } }
exporters: { debug: { verbosity: detailed } }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], exporters: [debug] }
    metrics: { receivers: [otlp], exporters: [debug] }
`

/** What the debug exporter prints of a request of each kind, of its attempts, of the streamed pages and of the metrics. */
const expected: ReadonlyArray<RegExp> = [
  /Name +: INSERT users\n/,
  /Name +: SELECT users\n/,
  /Name +: http\.server GET\n/,
  /-> Name: cassandra\.attempt\n/,
  /-> db\.system\.name: Str\(cassandra\)\n/,
  /-> db\.query\.text: Str\(.*\?/,
  /-> Name: db\.client\.operation\.duration\n.*\n.*\n +-> DataType: Histogram\n/,
  /-> Name: db\.client\.connection\.count\n/,
  /-> Name: cassandra\.client\.stream\.pages\n/
]

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const home = yield* fs.makeTempDirectoryScoped()
  yield* fs.writeFileString(`${home}/otelcol.yaml`, config)
  const collector = yield* Command.start(Command.make("otelcol", `--config=${home}/otelcol.yaml`))
  let printed = ""
  yield* Stream.merge(collector.stdout, collector.stderr).pipe(
    Stream.decodeText(),
    Stream.runForEach((text) => Effect.sync(() => (printed += text))),
    Effect.forkScoped
  )

  const { stop, url } = yield* Running.make({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://${endpoint}` })
  const client = clientOf(url)
  const ids = yield* together(20, client.create, 4)
  yield* Effect.forEach(ids, client.get, { concurrency: 4, discard: true })
  yield* client.export
  // What is left is sent when the service ends.
  yield* stop
  yield* Effect.sleep("1 second")

  const missing = expected.filter((part) => !part.test(printed))
  const spans = printed.match(/^Span #/gm)?.length ?? 0
  yield* Console.log(
    `The collector has ${spans} spans, and ${expected.length - missing.length} of ${expected.length} parts`
  )
  if (missing.length > 0) return yield* new CheckFailed({ message: `It printed nothing of ${missing.join(", ")}` })
}).pipe(Effect.scoped)

run(program.pipe(Effect.provide([NodeContext.layer, CassandraServer.layer()])))
