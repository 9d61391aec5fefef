import {
  type Answer,
  Opcode,
  ServerResponseError,
  WireError,
  writeAuthResponse,
  writeStartup
} from "../protocol/index.ts"
import type { Connection } from "./connection.ts"
import { ConnectError } from "./errors.ts"
import type { Authenticator } from "./settings.ts"

/** Does the server say that it does not know the version? 3.11 knows v5, but as a beta that has to be asked for. */
const isVersionComplaint = (error: unknown): error is ServerResponseError =>
  error instanceof ServerResponseError &&
  // Some versions wrap it into a server error (CASSANDRA-9451).
  (error.code === 0x000a || error.code === 0x0000) &&
  /Invalid or unsupported protocol version|Beta version of the protocol used/.test(error.message)

/** The failure of a negotiation that came out below what the client accepts. */
export const tooOld = (host: string, serverVersion: number, minimum: number, cause?: unknown): WireError => {
  const version = serverVersion > 0 && serverVersion < 5 ? serverVersion : 4
  const hint = minimum >= 5 ? "; minimumProtocolVersion: 4 accepts such servers" : ""
  const error = new WireError(
    "UnsupportedVersion",
    `${host} speaks native protocol v${version}, and this client needs v${minimum}` +
      (minimum >= 5 ? `, which came with Cassandra 4.0${hint}` : ""),
    { version, host }
  )
  if (cause !== undefined) error.cause = cause
  return error
}

/**
 * STARTUP and the login. Gives the server's complaint when it does not speak the version; fails with everything else. No time
 * of its own: that of connecting counts.
 */
export const handshake = async (connection: Connection): Promise<ServerResponseError | undefined> => {
  const { lz4, startup } = connection.settings
  const options = lz4 === undefined ? startup : { ...startup, COMPRESSION: "lz4" }
  let answer: Answer
  try {
    answer = await connection.ask(
      { opcode: Opcode.startup, write: (w, id) => writeStartup(w, connection.version, id, options) },
      0
    )
  } catch (error) {
    if (isVersionComplaint(error)) return error
    throw error
  }
  switch (answer._tag) {
    case "Ready":
      return undefined
    case "Authenticate":
      await login(connection, answer.authenticator)
      return undefined
    default:
      throw new ConnectError(`${connection.name} answered STARTUP with ${answer._tag}`)
  }
}

const login = async (connection: Connection, authenticatorClass: string): Promise<void> => {
  const authenticator = connection.settings.authenticate(connection.name, authenticatorClass)
  let token = await tokenOf((answer) => authenticator.initialResponse(answer))
  for (;;) {
    const sending = token
    const answer = await connection.ask(
      { opcode: Opcode.authResponse, write: (w, id) => writeAuthResponse(w, connection.version, id, sending) },
      0
    )
    switch (answer._tag) {
      case "AuthSuccess":
        authenticator.onSuccess()
        return
      case "AuthChallenge": {
        const { token: challenge } = answer
        token = await tokenOf((reply) => authenticator.evaluateChallenge(challenge ?? new Uint8Array(0), reply))
        break
      }
      default:
        throw new ConnectError(`${connection.name} answered AUTH_RESPONSE with ${answer._tag}`)
    }
  }
}

const tokenOf = (ask: (answer: Parameters<Authenticator["initialResponse"]>[0]) => void): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    ask((error, token) => {
      if (error === undefined) resolve(token ?? new Uint8Array(0))
      else reject(error)
    })
  })
