/** The numbers of the native protocol, v4 and v5. */

/** The versions that are spoken. */
export type ProtocolVersion = 4 | 5

/** What an envelope is. */
export const Opcode = {
  error: 0x00,
  startup: 0x01,
  ready: 0x02,
  authenticate: 0x03,
  options: 0x05,
  supported: 0x06,
  query: 0x07,
  result: 0x08,
  prepare: 0x09,
  execute: 0x0a,
  register: 0x0b,
  event: 0x0c,
  batch: 0x0d,
  authChallenge: 0x0e,
  authResponse: 0x0f,
  authSuccess: 0x10
} as const

/** What a RESULT is. */
export const ResultKind = { void: 1, rows: 2, setKeyspace: 3, prepared: 4, schemaChange: 5 } as const

const names = new Map<number, string>(
  Object.entries(Opcode).map(([name, opcode]) => [opcode, name.replace(/[A-Z]/g, "_$&").toUpperCase()])
)

/** What the protocol calls an envelope with this opcode. */
export const nameOf = (opcode: number): string => names.get(opcode) ?? `opcode ${opcode}`

/** What there is to answer a request with, beside an ERROR. */
export const answersTo: Readonly<Record<number, ReadonlyArray<number>>> = {
  [Opcode.startup]: [Opcode.ready, Opcode.authenticate],
  [Opcode.authResponse]: [Opcode.authChallenge, Opcode.authSuccess],
  [Opcode.options]: [Opcode.supported],
  [Opcode.register]: [Opcode.ready],
  [Opcode.prepare]: [Opcode.result],
  [Opcode.query]: [Opcode.result],
  [Opcode.execute]: [Opcode.result],
  [Opcode.batch]: [Opcode.result]
}

/** What an ERROR is. */
export const ErrorCode = {
  server: 0x0000,
  protocol: 0x000a,
  badCredentials: 0x0100,
  unavailable: 0x1000,
  overloaded: 0x1001,
  bootstrapping: 0x1002,
  truncate: 0x1003,
  writeTimeout: 0x1100,
  readTimeout: 0x1200,
  readFailure: 0x1300,
  functionFailure: 0x1400,
  writeFailure: 0x1500,
  cdcWriteFailure: 0x1600,
  casWriteUnknown: 0x1700,
  syntax: 0x2000,
  unauthorized: 0x2100,
  invalid: 0x2200,
  config: 0x2300,
  alreadyExists: 0x2400,
  unprepared: 0x2500
} as const

/** The flags in the header of an envelope. */
export const HeaderFlag = {
  /** The body is compressed: v4 only, v5 compresses its segments. */
  compression: 0x01,
  tracing: 0x02,
  payload: 0x04,
  warning: 0x08
} as const
