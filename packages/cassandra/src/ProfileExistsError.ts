/**
 * What adding an execution profile fails with when the cluster has one of that name.
 *
 * It is no part of `CassandraError`: no request can fail with it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * The cluster has a profile of that name already. It is left as it is.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProfileExistsError extends Data.TaggedError("ProfileExistsError")<{
  readonly name: string
  readonly message: string
}> {}
