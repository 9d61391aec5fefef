/** Programs that run the others under an agent, as its guide says. Each ends with a line that says whether the agent watched. */

const both = ["native.js", "driver.js"]

const runBoth = `for (const program of ${JSON.stringify(both)}) await (await import("./" + program)).done`

/** An address at which nobody listens: agents that report find nothing there, and go on. */
const nobody = { host: "127.0.0.1", port: "9" }

export interface Agent {
  readonly name: string
  readonly args: ReadonlyArray<string>
  readonly env: NodeJS.ProcessEnv
  readonly text: string
}

/** What the last line is. */
export const watched = "watched: true"

export const agents: ReadonlyArray<Agent> = [
  {
    name: "New Relic",
    args: ["--import", "newrelic/esm-loader.mjs", "--require", "newrelic"],
    env: {
      NEW_RELIC_APP_NAME: "effect-cassandra",
      NEW_RELIC_LICENSE_KEY: "0".repeat(40),
      NEW_RELIC_HOST: nobody.host,
      NEW_RELIC_PORT: nobody.port,
      NEW_RELIC_LOG_ENABLED: "false",
      NEW_RELIC_NO_CONFIG_FILE: "true"
    },
    text: `
import newrelic from "newrelic"
await newrelic.startBackgroundTransaction("job", async () => {
  ${runBoth}
  console.log("watched:", newrelic.getTraceMetadata().traceId !== "")
})
`
  },
  {
    name: "dd-trace",
    args: ["--import", "dd-trace/initialize.mjs"],
    env: {
      DD_TRACE_AGENT_URL: `http://${nobody.host}:${nobody.port}`,
      DD_TRACE_STARTUP_LOGS: "false",
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: "false",
      DD_REMOTE_CONFIGURATION_ENABLED: "false"
    },
    text: `
import tracer from "dd-trace"
await tracer.trace("job", async () => {
  ${runBoth}
  console.log("watched:", tracer.scope().active() !== null)
})
`
  },
  {
    name: "OpenTelemetry",
    args: [],
    env: {},
    text: `
import { registerInstrumentations } from "@opentelemetry/instrumentation"
import { CassandraDriverInstrumentation } from "@opentelemetry/instrumentation-cassandra-driver"
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node"
import { register } from "node:module"
register("@opentelemetry/instrumentation/hook.mjs", import.meta.url)
const exporter = new InMemorySpanExporter()
const tracerProvider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
registerInstrumentations({ tracerProvider, instrumentations: [new CassandraDriverInstrumentation()] })
${runBoth}
console.log("watched:", exporter.getFinishedSpans().some(({ name }) => name === "cassandra-driver.execute"))
`
  }
]
