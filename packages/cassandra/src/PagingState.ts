/**
 * Where a result continues: an opaque token of the server's, to be handed back with the same statement.
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import { QueryError } from "./CassandraError.ts"
import { withCallerFrames } from "./internal/options/callerFrames.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/PagingState"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/PagingState"

/**
 * A place in a result. It is valid for the statement it came from, with the same values, in any session. It may contain
 * primary-key data, so it prints as `<redacted>` and in no error; use `toText` to hand it out, and only to those who may
 * see the keys.
 *
 * @since 0.1.0
 * @category models
 */
export interface PagingState extends Equal.Equal, Inspectable.Inspectable {
  readonly [TypeId]: TypeId
}

class PagingStateImpl extends Inspectable.Class implements PagingState {
  get [TypeId](): TypeId {
    return TypeId
  }
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    super()
    this.#bytes = bytes
  }
  static bytes(self: PagingState): Uint8Array {
    return (self as PagingStateImpl).#bytes
  }
  override toJSON(): unknown {
    return "<redacted>"
  }
  override toString(): string {
    return "PagingState(<redacted>)"
  }
  [Hash.symbol](): number {
    return Hash.cached(this, Hash.array(Array.from(this.#bytes)))
  }
  [Equal.symbol](that: Equal.Equal): boolean {
    return isPagingState(that) && Buffer.compare(this.#bytes, toBytes(that)) === 0
  }
}

/**
 * @since 0.1.0
 * @category guards
 */
export const isPagingState = (u: unknown): u is PagingState => Predicate.hasProperty(u, TypeId)

/**
 * @since 0.1.0
 * @category constructors
 */
export const fromBytes = (bytes: Uint8Array): PagingState => {
  if (!(bytes instanceof Uint8Array)) throw withCallerFrames(invalid("PagingState.fromBytes takes a Uint8Array"))
  return new PagingStateImpl(bytes)
}

/**
 * The raw bytes, as the server gave them.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toBytes = (self: PagingState): Uint8Array => {
  if (!isPagingState(self)) throw withCallerFrames(invalid("Not a paging state"))
  return PagingStateImpl.bytes(self)
}

/**
 * The state as URL-safe text (base64url, no padding), for a cursor in an API.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toText = (self: PagingState): string => Encoding.encodeBase64Url(toBytes(self))

/**
 * Reads what `toText` wrote. Text that is no base64url, or empty, is a `QueryError`; whether the bytes mean anything is for
 * the server to say, with a `ProtocolError` or an `InvalidQueryError`.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromText = (text: string): Either.Either<PagingState, QueryError> => {
  const bytes = typeof text === "string" ? Encoding.decodeBase64Url(text) : undefined
  return bytes !== undefined && Either.isRight(bytes) && bytes.right.length > 0
    ? Either.right(fromBytes(bytes.right))
    : Either.left(invalid("The paging state is not base64url text"))
}

const invalid = (message: string) => new QueryError({ message, writeState: "NotApplied" })
