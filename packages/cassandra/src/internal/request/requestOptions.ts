/**
 * Where an option of a request comes from: the statement, then the local context, then the execution profile, then the
 * session, then the cluster.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { ConfigurationError, QueryError } from "../../CassandraError.ts"
import {
  checkProfile,
  checkRequestOptions,
  localOptions,
  type LocalOptions,
  longestTimer,
  refuseUnknown,
  type Resolved as ResolvedCluster
} from "../options/index.ts"
import { checkStatementNames, checkStatementOptions } from "./badRequest.ts"
import { codes, type Consistency } from "../../Consistency.ts"
import type { ExecutionProfile, RequestOptions } from "../../ExecutionProfile.ts"
import { toBytes } from "../../PagingState.ts"
import * as RetryPolicy from "../../RetryPolicy.ts"
import type { SessionOptions } from "../../Session.ts"
import type { SpeculativeExecution } from "../../SpeculativeExecution.ts"
import type { StatementOptions } from "../../Statement.ts"
import { balancingKey, routingKey } from "../routing/index.ts"
import { typeName } from "../protocol/index.ts"
import { Profiles } from "./profiles.ts"
import type { NextTimestamp } from "./timestamps.ts"
import type { Node } from "../topology/index.ts"
import type { SendOptions } from "./transport.ts"

/** The options that `Session.withDefaults` sets; none by default. */
export class Defaults extends Context.Reference<Defaults>()("effect-cassandra/Session/Defaults", {
  defaultValue: (): LocalOptions => noLocalOptions
}) {}

const noLocalOptions: LocalOptions = Object.freeze({})

/** Options as a request needs them. */
export interface Effective {
  readonly consistency: Consistency
  readonly idempotent: boolean
  readonly retryPolicy: RetryPolicy.RetryPolicy
  /** Milliseconds for the whole request; undefined for no limit. */
  readonly deadline: number | undefined
  readonly prefetch: number
  /** The name of the execution profile. */
  readonly profile: string
  readonly send: SendOptions
}

export const defaultTimeout = 10_000

/** For what is sent of our own accord. */
export const plainOptions: SendOptions = {
  prepare: true,
  consistency: codes.LOCAL_ONE,
  serialConsistency: undefined,
  pageSize: 5000,
  pageState: undefined,
  timeout: defaultTimeout,
  idempotent: true,
  keyspace: undefined,
  tracing: false,
  timestamp: undefined,
  nextTimestamp: undefined,
  customPayload: undefined,
  nowInSeconds: undefined,
  host: undefined,
  defer: false,
  speculation: undefined
}

/** Milliseconds, where 0 is no limit: what is longer than any timer is none. */
export const toMillis = (input: Duration.DurationInput): number => {
  const millis = Duration.toMillis(input)
  return millis <= longestTimer ? millis : 0
}

const invalid = (option: string, message: string): ConfigurationError => new ConfigurationError({ option, message })

/** A session's place in the order, with what is asked most often worked out once. */
export class OptionSources {
  readonly #cluster: ResolvedCluster
  readonly #session: RequestOptions
  readonly #profiles: Profiles
  /** The session's keyspace. */
  readonly #keyspace: string | undefined
  /** Whether the keyspace is sent with the request, rather than a property of the connections. */
  readonly #keyspacePerRequest: boolean
  readonly #nextTimestamp: NextTimestamp | undefined
  #plainRead: Effective | undefined
  #plainWrite: Effective | undefined

  constructor(
    cluster: ResolvedCluster,
    session: SessionOptions,
    keyspacePerRequest: boolean,
    profiles = new Profiles(cluster.profiles),
    nextTimestamp?: NextTimestamp
  ) {
    this.#nextTimestamp = nextTimestamp
    this.#cluster = cluster
    this.#profiles = profiles
    this.#session = session
    this.#keyspace = session.keyspace
    this.#keyspacePerRequest = keyspacePerRequest
  }

  /**
   * The options of a request. Throws a `ConfigurationError` for what is invalid in the statement or the context; the other
   * sources were checked when they were set.
   */
  resolve(
    statement: StatementOptions,
    local: LocalOptions,
    read: boolean,
    findHost: (address: string) => Node | undefined
  ): Effective {
    if (local === noLocalOptions && this.#isPlain(statement)) {
      return read
        ? (this.#plainRead ??= this.#compute(statement, local, read, findHost))
        : (this.#plainWrite ??= this.#compute(statement, local, read, findHost))
    }
    checkLocalOptions(statement, "statement")
    checkStatementNames(statement)
    checkStatementOptions(statement)
    if (local !== noLocalOptions) {
      checkLocalOptions(local, "Session.withDefaults")
      refuseUnknown("Session.withDefaults", local, localOptions)
    }
    return this.#compute(statement, local, read, findHost)
  }

  /** Whether a statement sets nothing, or the keyspace that the session has anyway, as one that it prepared does. */
  #isPlain(statement: StatementOptions): boolean {
    for (const name in statement) {
      if (name !== "keyspace" || statement.keyspace !== this.#keyspace) return false
    }
    return true
  }

  #compute(
    statement: StatementOptions,
    local: LocalOptions,
    read: boolean,
    findHost: (address: string) => Node | undefined
  ): Effective {
    const wanted = statement.profile ?? local.profile
    const profile = this.#profile(wanted)
    const option = <K extends keyof RequestOptions>(key: K): RequestOptions[K] =>
      statement[key] ?? local[key] ?? profile?.[key] ?? this.#session[key] ?? this.#cluster[key]
    const consistency = option("consistency") ?? "LOCAL_ONE"
    const serialConsistency = option("serialConsistency")
    const deadline = option("deadline")
    const idempotent = statement.idempotent ?? read
    const timeout = option("timeout")
    const keyspace = statement.keyspace ?? this.#keyspace
    const loadBalancing = option("loadBalancing")
    const speculation = option("speculativeExecution")
    const options: SendOptions = {
      prepare: true,
      consistency: codes[consistency],
      serialConsistency: serialConsistency === undefined ? undefined : codes[serialConsistency],
      pageSize: option("pageSize") ?? 5000,
      pageState: statement.pagingState === undefined ? undefined : Buffer.from(toBytes(statement.pagingState)),
      timeout: timeout === undefined ? defaultTimeout : toMillis(timeout),
      idempotent,
      keyspace: this.#keyspacePerRequest ? keyspace : undefined,
      tracing: statement.tracing ?? local.tracing ?? false,
      timestamp: statement.timestamp,
      // A read has no use for one.
      nextTimestamp: read || statement.timestamp !== undefined ? undefined : this.#nextTimestamp,
      customPayload: payloadOf(statement),
      nowInSeconds: statement.nowInSeconds,
      host: statement.host === undefined ? undefined : known(statement.host, findHost),
      defer: false,
      speculation:
        idempotent && speculation !== undefined && speculation._tag !== "None" ? speculationOf(speculation) : undefined,
      [balancingKey]: loadBalancing === this.#cluster.loadBalancing ? undefined : loadBalancing,
      [routingKey]: undefined
    }
    return {
      consistency,
      idempotent,
      retryPolicy: option("retryPolicy") ?? RetryPolicy.standard,
      deadline: deadline === undefined ? undefined : toMillis(deadline) || undefined,
      prefetch: option("prefetch") ?? 1,
      profile: typeof wanted === "string" ? wanted : wanted === undefined ? "default" : "custom",
      send: options
    }
  }

  #profile(wanted: string | ExecutionProfile | undefined): ExecutionProfile | undefined {
    if (typeof wanted !== "string") return wanted
    const profile = this.#profiles.get(wanted)
    if (profile === undefined) {
      const names = Object.keys(this.#profiles.all()).join(", ")
      throw invalid("profile", `There is no execution profile "${wanted}". The cluster has ${names}.`)
    }
    return profile
  }
}

const unknownHost = (address: string): ConfigurationError => invalid("host", `The cluster has no host ${address}`)

const known = (address: string, findHost: (address: string) => Node | undefined): Node => {
  const host = findHost(address)
  if (host === undefined) throw unknownHost(address)
  return host
}

/** The key under which a proxy user's name travels. */
const proxyExecute = "ProxyExecute"

const payloadOf = ({ customPayload, executeAs }: StatementOptions): Readonly<Record<string, Buffer>> | undefined =>
  customPayload === undefined && executeAs === undefined
    ? undefined
    : {
        ...(executeAs === undefined ? {} : { [proxyExecute]: Buffer.from(executeAs) }),
        ...Object.fromEntries(Object.entries(customPayload ?? {}).map(([key, bytes]) => [key, Buffer.from(bytes)]))
      }

const checkLocalOptions = (options: LocalOptions, path: string): void => {
  checkRequestOptions(options, path)
  if (typeof options.profile === "object") checkProfile(options.profile, `${path}.profile`)
}

/** The delays of a policy, in milliseconds. */
const speculationOf =
  (policy: Exclude<SpeculativeExecution, { readonly _tag: "None" }>) =>
  (started: number): number | undefined => {
    if (policy._tag === "Constant") return started < policy.maxExecutions ? delayOf(policy.delay) : undefined
    let delay: unknown
    try {
      delay = policy.next(started)
    } catch (cause) {
      return speculationFailed("`next` threw", cause)
    }
    return delay === undefined ? undefined : delayOf(delay)
  }

const speculationFailed = (what: string, cause?: unknown): never => {
  const message = `The policy of speculative executions (\`speculativeExecution\`) failed: ${what}`
  throw new QueryError({ message, cause, writeState: "Unknown" })
}

/** A delay that no timer can wait is none. */
const delayOf = (input: unknown): number | undefined => {
  const duration = typeof input === "number" && !(input >= 0) ? Option.none() : Duration.decodeUnknown(input)
  if (Option.isNone(duration)) return speculationFailed(`\`next\` returned ${typeName(input)} that is no delay`)
  const delay = Duration.toMillis(duration.value)
  return delay <= longestTimer ? delay : undefined
}
