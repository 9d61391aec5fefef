/**
 * A simulated cluster that answers what it is told to: every error of the protocol, delays, silence, broken connections.
 *
 * It is Simulacron of DataStax, a Java program fetched through Maven as Cassandra's jars are. It speaks protocol v3 and v4
 * only, without compression or TLS, and stores nothing.
 *
 * @since 0.1.0
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { CassandraServer } from "./CassandraServer.ts"
import * as Json from "./internal/simulacronJson.ts"
import * as Process from "./internal/simulacronProcess.ts"
import type { CloseType, Result, When } from "./SimulacronPrime.ts"
import type { DownloadError, NoServerError, ServerStartError } from "./TestkitError.ts"
import { OptionsError, SimulacronError, UnknownNodeError } from "./TestkitError.ts"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  CloseType,
  /**
   * @since 0.1.0
   * @category models
   */
  Common,
  /**
   * @since 0.1.0
   * @category models
   */
  Consistency,
  /**
   * @since 0.1.0
   * @category models
   */
  FailureReason,
  /**
   * @since 0.1.0
   * @category models
   */
  QueryPattern,
  /**
   * @since 0.1.0
   * @category models
   */
  Result,
  /**
   * @since 0.1.0
   * @category models
   */
  When,
  /**
   * @since 0.1.0
   * @category models
   */
  WriteType
} from "./SimulacronPrime.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface SimulacronOptions {
  /** How many nodes in which data centre. They are called `dc1`, `dc2` and so on. Default: `[1]`. */
  readonly dataCenters?: ReadonlyArray<number> | undefined
  /** The release that the nodes say they are. Default: `4.1.0`. */
  readonly cassandraVersion?: string | undefined
  /** How long it may take until it serves. Default: 1 minute. */
  readonly startTimeout?: Duration.DurationInput | undefined
  /** Where progress goes, a line at a time. Default: a line on stderr. */
  readonly onProgress?: ((line: string) => Effect.Effect<void>) | undefined
}

/**
 * A simulated node.
 *
 * @since 0.1.0
 * @category models
 */
export interface SimulatedNode {
  /** `dc1/node1` and so on. */
  readonly name: string
  readonly address: string
  readonly dataCenter: string
}

/**
 * A request that arrived.
 *
 * @since 0.1.0
 * @category models
 */
export interface Activity {
  /** The node's name. */
  readonly node: string
  /** The kind of request: `QUERY`, `PREPARE`, `EXECUTE`, `BATCH`, `OPTIONS`, `STARTUP`, `REGISTER`. */
  readonly type: string
  /** The text, where it is known: not of a batch, nor of what was executed without being primed. */
  readonly query: Option.Option<string>
  readonly consistency: Option.Option<string>
  /** The client's side of the connection. */
  readonly connection: string
  /** When it arrived, in milliseconds since the epoch. */
  readonly receivedAt: number
  /** Whether a primed answer was given. */
  readonly primed: boolean
}

/**
 * How a listener stops.
 *
 * - `stop`: as when a node is stopped: no new connections, and the open ones are closed.
 * - `unbind`: no new connections; the open ones stay.
 * - `reject_startup`: connections are accepted, and their STARTUP is not answered.
 *
 * @since 0.1.0
 * @category models
 */
export type StopType = "stop" | "unbind" | "reject_startup"

/**
 * What an operation is about: a data centre (`dc1`), a node (`dc1/node2`); without it, the whole cluster.
 *
 * @since 0.1.0
 * @category models
 */
export type Target = string

type Done = Effect.Effect<void, SimulacronError | UnknownNodeError>

/**
 * A running simulation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Simulacron extends Pick<CassandraServer, "contactPoints" | "port" | "localDataCenter"> {
  readonly nodes: ReadonlyArray<SimulatedNode>
  /**
   * Answers requests so from now on. For a request that several primes are for, what was primed for the node comes before
   * what was for the data centre, and that before the cluster; among these the first one primed wins: to change an answer,
   * `clearPrimes`. A text should be primed before a client prepares it.
   */
  readonly prime: (when: When, then: Result, target?: Target | undefined) => Done
  /** Forgets everything that was primed, and every prepared statement: executing one is answered with UNPREPARED. */
  readonly clearPrimes: Effect.Effect<void, SimulacronError>
  /** Lets nobody in any more, after so many more connections (0). Default: `stop`. */
  readonly stop: (
    target?: Target | undefined,
    options?: { readonly type?: StopType | undefined; readonly after?: number | undefined }
  ) => Done
  /** Lets clients in again. */
  readonly start: (target?: Target | undefined) => Done
  /**
   * Reads nothing from its connections any more: a node that hangs. What a connection gets next may still be answered, since
   * a read was already asked for.
   */
  readonly pause: (target?: Target | undefined) => Done
  /** Reads on. */
  readonly resume: (target?: Target | undefined) => Done
  /** Ends the open connections. */
  readonly disconnect: (target?: Target | undefined, how?: CloseType | undefined) => Done
  /** The open connections: the node's name, and the client's side. */
  readonly connections: Effect.Effect<
    ReadonlyArray<{ readonly node: string; readonly client: string }>,
    SimulacronError
  >
  /** What arrived since the start or `clearLog`, in the order of its arrival, which is known to the millisecond. */
  readonly log: Effect.Effect<ReadonlyArray<Activity>, SimulacronError>
  readonly clearLog: Effect.Effect<void, SimulacronError>
}

/**
 * The service of a running simulation.
 *
 * @since 0.1.0
 * @category tags
 */
export const Simulacron = Context.GenericTag<Simulacron>("effect-cassandra-testkit/Simulacron")

const maxNodes = 200

/** The name of the cluster within its process, which has no other. */
const clusterName = "simulation"

const dataCentersOf = (options: SimulacronOptions): Effect.Effect<ReadonlyArray<number>, OptionsError> => {
  const counts = options.dataCenters ?? [1]
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.length > 0 && counts.every((count) => Number.isInteger(count) && count > 0) && total <= maxNodes
    ? Effect.succeed(counts)
    : Effect.fail(
        new OptionsError({
          option: "dataCenters",
          reason: `at least one node in each data centre, at most ${maxNodes} in all`
        })
      )
}

/**
 * Starts a simulated cluster, gone with the scope. Its nodes listen on loopback addresses `127.x.y.1` and up, port 9042.
 * Clients must be content with protocol v4: `minimumProtocolVersion: 4`.
 *
 * Fails with `NoServerError` when Java (8 or later) or Maven (needed once) is missing, `DownloadError` when the jar cannot
 * be fetched, `ServerStartError` when it does not come up, and `OptionsError` when the options make no sense.
 *
 * @example
 * ```ts
 * import { Simulacron } from "effect-cassandra-testkit"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const simulacron = yield* Simulacron.make({ dataCenters: [3, 2] })
 *   yield* simulacron.prime("SELECT name FROM users", {
 *     _tag: "Rows",
 *     columns: { name: "text" },
 *     rows: [{ name: "Ada" }],
 *     delay: "100 millis"
 *   })
 *   yield* simulacron.prime("SELECT name FROM users", { _tag: "Overloaded" }, "dc1/node2")
 *   yield* simulacron.stop("dc1/node3")
 *   // … what the client does …
 *   for (const { node, query, type } of yield* simulacron.log) yield* Effect.log(node, type, query)
 * })
 *
 * Effect.runPromise(Effect.scoped(program))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options?: SimulacronOptions | undefined
) => Effect.Effect<Simulacron, NoServerError | DownloadError | ServerStartError | OptionsError, Scope.Scope> =
  Effect.fnUntraced(function* (options: SimulacronOptions = {}) {
    const counts = yield* dataCentersOf(options)
    const request = yield* Process.start(options)
    const version = options.cassandraVersion ?? "4.1.0"
    const query = new URLSearchParams({
      data_centers: counts.join(","),
      cassandra_version: version,
      name: clusterName
    })
    const made = yield* request("POST", `/cluster?${query}`).pipe(
      Effect.flatMap(read("cluster", Json.Cluster)),
      Effect.mapError(Process.didNotStart)
    )
    const nodes = made.data_centers.flatMap((dataCenter) =>
      dataCenter.nodes.map((node): SimulatedNode => ({
        name: `${dataCenter.name}/${node.name}`,
        address: node.address.split(":")[0] ?? "",
        dataCenter: dataCenter.name
      }))
    )
    const known = [...new Set(nodes.map(({ dataCenter }) => dataCenter)), ...nodes.map(({ name }) => name)]

    const pathOf = (kind: string, target: Target | undefined): Effect.Effect<string, UnknownNodeError> =>
      target === undefined
        ? Effect.succeed(`/${kind}/${clusterName}`)
        : known.includes(target)
          ? Effect.succeed(`/${kind}/${clusterName}/${target}`)
          : Effect.fail(new UnknownNodeError({ name: target, known }))
    const on = (method: string, kind: string, target: Target | undefined, body?: string, parameters = ""): Done =>
      Effect.flatMap(pathOf(kind, target), (path) => Effect.asVoid(request(method, `${path}${parameters}`, body)))
    /** The name of a node in a report, which has no names. */
    const nameOf = (dataCenter: number, node: number) =>
      `${made.data_centers[dataCenter]?.name}/${made.data_centers[dataCenter]?.nodes[node]?.name}`

    const simulacron: Simulacron = {
      contactPoints: nodes.filter((node) => node.dataCenter === nodes[0]?.dataCenter).map(({ address }) => address),
      port: Process.nativePort,
      localDataCenter: nodes[0]?.dataCenter ?? "dc1",
      nodes,
      prime: (when, then, target) => {
        const reason = Json.unknownType(when, then)
        return reason === undefined
          ? on("POST", "prime", target, Json.primeJson(when, then))
          : Effect.fail(new SimulacronError({ request: "prime", reason }))
      },
      clearPrimes: Effect.asVoid(request("DELETE", `/prime/${clusterName}`)),
      stop: (target, { after = 0, type = "stop" } = {}) =>
        on("DELETE", "listener", target, undefined, `?type=${type}&after=${after}`),
      start: (target) => on("PUT", "listener", target),
      pause: (target) => on("PUT", "pause-reads", target),
      resume: (target) => on("DELETE", "pause-reads", target),
      disconnect: (target, how = "disconnect") => on("DELETE", "connections", target, undefined, `?type=${how}`),
      connections: request("GET", `/connections/${clusterName}`).pipe(
        Effect.flatMap(read("connections", Json.Connections)),
        Effect.map((report) =>
          report.data_centers.flatMap((dataCenter) =>
            dataCenter.nodes.flatMap((node) =>
              node.connections.map((client) => ({ node: nameOf(dataCenter.id, node.id), client }))
            )
          )
        )
      ),
      log: request("GET", `/log/${clusterName}`).pipe(
        Effect.flatMap(read("log", Json.Log)),
        Effect.map((report) =>
          report.data_centers
            .flatMap((dataCenter) =>
              dataCenter.nodes.flatMap((node) =>
                node.queries.map((entry): Activity => ({
                  node: nameOf(dataCenter.id, node.id),
                  type: Option.getOrElse(entry.type, () => "?"),
                  query: entry.query,
                  consistency: entry.consistency_level,
                  connection: Option.getOrElse(entry.connection, () => "?"),
                  receivedAt: entry.received_timestamp,
                  primed: entry.primed
                }))
              )
            )
            .toSorted((a, b) => a.receivedAt - b.receivedAt)
        )
      ),
      clearLog: Effect.asVoid(request("DELETE", `/log/${clusterName}`))
    }
    return simulacron
  }, Effect.provide(NodeContext.layer))

const read =
  <A, I>(what: string, schema: Schema.Schema<A, I>) =>
  (body: string): Effect.Effect<A, SimulacronError> =>
    Effect.mapError(
      Schema.decode(Schema.parseJson(schema))(body),
      (cause) => new SimulacronError({ request: what, reason: "an answer of another shape than expected", cause })
    )

/**
 * The simulation of {@link make} as a layer. It is a `CassandraServer` as well, whose source is `embedded`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: SimulacronOptions | undefined
): Layer.Layer<Simulacron | CassandraServer, NoServerError | DownloadError | ServerStartError | OptionsError> =>
  Layer.scopedContext(
    Effect.map(make(options), (simulacron) =>
      Context.make(Simulacron, simulacron).pipe(
        Context.add(CassandraServer, {
          source: "embedded",
          version: options?.cassandraVersion ?? "4.1.0",
          contactPoints: simulacron.contactPoints,
          port: simulacron.port,
          localDataCenter: simulacron.localDataCenter,
          credentials: Option.none(),
          tls: Option.none(),
          logFile: Option.none(),
          pid: Option.none()
        })
      )
    )
  )
