import type { SessionOptions } from "../../Session.ts"
import { flag, limit, text } from "./checks.ts"
import { checkRequestOptions } from "./requestOptions.ts"
import { checkTimestampGenerator } from "./resolve.ts"

/** Throws a `ConfigurationError` for options of a session that are invalid. */
export const checkSessionOptions = (options: SessionOptions): void => {
  checkRequestOptions(options, "session")
  text("session.keyspace", options.keyspace)
  flag("session.waitForAllPools", options.waitForAllPools, false)
  if (options.connectTimeout !== undefined) limit("session.connectTimeout", options.connectTimeout)
  checkTimestampGenerator("session.timestampGenerator", options.timestampGenerator)
}
