/**
 * The dashboard and the alerts in a real Prometheus that scrapes the HTTP example under load: every query must have an answer.
 * Needs `prometheus` and `promtool` in the PATH, and fails without them.
 *
 * node --conditions=effect-cassandra-source --import tsx examples/observability/prometheus.ts
 */
import * as Command from "@effect/platform/Command"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import { run } from "../support/main.ts"
import { clientOf, together } from "./load.ts"
import { alertQueries, dashboardQueries, directory, type TitledQuery } from "./queries.ts"
import * as Running from "./Running.ts"

class CheckFailed extends Data.TaggedError("CheckFailed")<{ readonly message: string }> {}

const port = 19090
const alerts = fileURLToPath(new URL("prometheus-alerts.yml", directory))
const alertTests = fileURLToPath(new URL("prometheus-alerts.test.yml", directory))

const promtool = (...args: ReadonlyArray<string>) =>
  Effect.filterOrFail(
    Command.exitCode(Command.make("promtool", ...args).pipe(Command.stdout("inherit"), Command.stderr("inherit"))),
    (code) => Number(code) === 0,
    () => new CheckFailed({ message: `promtool ${args.join(" ")} failed` })
  )

const config = (target: string) => `
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(alerts)}]
scrape_configs:
  - job_name: users
    static_configs: [{ targets: [${JSON.stringify(target)}] }]
`

/** How many series a query has. */
const answers = ({ expr }: TitledQuery) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expr)}`)
    const { data, error } = (await response.json()) as {
      readonly data?: { readonly result: ReadonlyArray<unknown> }
      error?: string
    }
    if (data === undefined) throw new Error(`${expr}: ${error}`)
    return data.result.length
  })

const program = Effect.gen(function* () {
  yield* promtool("check", "rules", alerts)
  yield* promtool("test", "rules", alertTests)

  const fs = yield* FileSystem.FileSystem
  const { proxy, url } = yield* Running.make()
  const client = clientOf(url)
  const home = yield* fs.makeTempDirectoryScoped()
  yield* fs.writeFileString(`${home}/prometheus.yml`, config(new URL(url).host))
  yield* Command.make(
    "prometheus",
    `--config.file=${home}/prometheus.yml`,
    `--storage.tsdb.path=${home}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=error"
  ).pipe(Command.stderr("inherit"), Command.start)

  const ids = yield* together(50, client.create, 4)
  const calm = Effect.zipRight(
    Effect.forEach(ids, client.get, { concurrency: 4, discard: true }),
    Effect.zipRight(client.export, Effect.sleep("1 second"))
  )
  yield* Effect.repeatN(calm, 3)
  yield* proxy.pause()
  yield* together(200, client.get(ids[0]!))
  yield* proxy.heal
  yield* Effect.repeatN(calm, 3)

  const dashboard = dashboardQueries("1m")
  const counts = yield* Effect.forEach(dashboard, answers)
  const silent = dashboard.filter((_, i) => counts[i] === 0)
  yield* Console.log(
    `${dashboard.length - silent.length} of ${dashboard.length} queries of the dashboard have an answer`
  )
  yield* Effect.forEach(alertQueries(), answers)
  yield* Console.log(`${alertQueries().length} alerts are evaluated`)
  if (silent.length > 0) {
    return yield* new CheckFailed({ message: silent.map(({ expr, title }) => `${title}: ${expr}`).join("\n") })
  }
}).pipe(Effect.scoped)

run(program.pipe(Effect.provide([NodeContext.layer, CassandraServer.layer()])))
