import type { SessionOptions } from "../../Session.ts"
import { refuseUnknown } from "./optionNames.ts"
import { flag, limit, shortText } from "./checks.ts"
import { sessionOptions } from "./names.ts"
import { checkRequestOptions } from "./requestOptions.ts"
import { checkTimestampGenerator } from "./resolve.ts"

/** Throws a `ConfigurationError` for options of a session that are invalid. */
export const checkSessionOptions = (options: SessionOptions): void => {
  checkRequestOptions(options, "session")
  refuseUnknown("session", options, sessionOptions)
  shortText("session.keyspace", options.keyspace)
  flag("session.waitForAllPools", options.waitForAllPools, false)
  if (options.connectTimeout !== undefined) limit("session.connectTimeout", options.connectTimeout)
  checkTimestampGenerator("session.timestampGenerator", options.timestampGenerator)
}
