/** The numbers of the native protocol. */

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

export const ResultKind = { void: 1, rows: 2, setKeyspace: 3, prepared: 4, schemaChange: 5 } as const

/** The driver's number for what is v5 on the wire. */
export const DIALECT = 0x42

const names = new Map<number, string>(
  Object.entries(Opcode).map(([name, opcode]) => [opcode, name.replace(/[A-Z]/g, "_$&").toUpperCase()])
)

/** What the protocol calls an envelope with this opcode. */
export const nameOf = (opcode: number): string => names.get(opcode) ?? `opcode ${opcode}`
