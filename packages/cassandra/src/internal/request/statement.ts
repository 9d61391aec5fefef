/** What a statement holds beside its public fields. */
import type * as Effect from "effect/Effect"
import { NodeInspectSymbol } from "effect/Inspectable"
import type { ParseError } from "effect/ParseResult"
import { pipeArguments } from "effect/Pipeable"
import * as Schema from "effect/Schema"
import type { CassandraError } from "../../CassandraError.ts"
import { Argument } from "../options/index.ts"
import { nullFirst } from "./nullFirst.ts"
import type { Row, Statement, StatementOptions, TypeId as StatementTypeId, Values } from "../../Statement.ts"

const TypeId: StatementTypeId = "~effect-cassandra/Statement"

const variance = {
  /* v8 ignore next 3 */
  _A: (_: never): never => _,
  _R: (_: never): never => _,
  _E: (_: never): never => _
}

/** No options: one object, so that it is known by its identity. */
export const noOptions: StatementOptions = Object.freeze({})

/** Options as they may be printed. */
const withoutPayload = (options: StatementOptions): StatementOptions | Readonly<Record<string, unknown>> =>
  options.customPayload === undefined ? options : { ...options, customPayload: "<redacted>" }

export class StatementImpl<A, R, E> implements Statement<A, R, E> {
  readonly query: string
  readonly values: Values
  readonly options: StatementOptions
  readonly decode: Statement<A, R, E>["decode"]
  /** Whether the text is a literal of the program: prepared although it has no values. */
  readonly literal: boolean
  /** What is wrong with it, found when it was composed; sending it fails with this. */
  readonly problem: CassandraError | undefined
  constructor(
    query: string,
    values: Values,
    options: StatementOptions,
    decode: Statement<A, R, E>["decode"],
    literal: boolean,
    problem: CassandraError | undefined
  ) {
    this.query = query
    this.values = values
    this.options = options
    this.decode = decode
    this.literal = literal
    this.problem = problem
  }
  get [TypeId]() {
    return variance
  }
  pipe() {
    // oxlint-disable-next-line prefer-rest-params -- pipeArguments takes the arguments object
    return pipeArguments(this, arguments)
  }
  /** Values may be secrets: they are not printed, nor is a custom payload. */
  toJSON(): unknown {
    return { _id: "Statement", query: this.query, options: withoutPayload(this.options) }
  }
  [NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/** What the constructors make: there is no other implementation. */
const inside = (statement: Statement.Any) => statement as StatementImpl<unknown, unknown, unknown>

export const isLiteral = (statement: Statement.Any): boolean => inside(statement).literal

export const problemOf = (statement: Statement.Any): CassandraError | undefined => inside(statement).problem

/** A copy with other options. */
export const withOptions = <A, R, E>(statement: Statement<A, R, E>, options: StatementOptions): Statement<A, R, E> => {
  const { literal, problem } = inside(statement)
  return new StatementImpl(statement.query, statement.values, options, statement.decode, literal, problem)
}

/** A copy with other values. */
export const withValues = <A, R, E>(statement: Statement<A, R, E>, values: Values): Statement<A, R, E> => {
  const { literal, problem } = inside(statement)
  return new StatementImpl(statement.query, values, statement.options, statement.decode, literal, problem)
}

/** A copy whose rows are decoded in another way. */
export const withDecoder = <A, R, E>(
  statement: Statement.Any,
  decode: Statement<A, R, E>["decode"]
): Statement<A, R, E> => {
  const { literal, options, problem, query, values } = inside(statement)
  return new StatementImpl(query, values, options, decode, literal, problem)
}

// A schema's decoder is compiled once, not for each statement.
const decoders = new WeakMap<object, unknown>()

/** A copy whose rows are decoded with a schema, of whose types nothing is known. */
export const withRows = <A, I, R>(
  statement: Statement.Any,
  schema: Schema.Schema<A, I, R>
): Statement<A, R, ParseError> => {
  type Decode = (rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<A>, ParseError, R>
  let decode = decoders.get(schema) as Decode | undefined
  if (decode === undefined) {
    decode = Schema.decodeUnknown(Schema.Array(nullFirst(Argument.schema("Statement.as", schema))))
    decoders.set(schema, decode)
  }
  return withDecoder(statement, decode)
}

/** A copy whose rows are plain. */
export const withoutDecoder = (statement: Statement.Any): Statement<Row, never, never> =>
  withDecoder(statement, undefined)
