/** The protocol's code of each consistency level. */
export const consistencyCodes = {
  ANY: 0x00,
  ONE: 0x01,
  TWO: 0x02,
  THREE: 0x03,
  QUORUM: 0x04,
  ALL: 0x05,
  LOCAL_QUORUM: 0x06,
  EACH_QUORUM: 0x07,
  SERIAL: 0x08,
  LOCAL_SERIAL: 0x09,
  LOCAL_ONE: 0x0a
} as const

export type ConsistencyName = keyof typeof consistencyCodes

const names = new Map<number, ConsistencyName>(
  Object.entries(consistencyCodes).map(([name, code]) => [code, name as ConsistencyName])
)

/** The level of a code; undefined for a code that stands for none. */
export const consistencyName = (code: number): ConsistencyName | undefined => names.get(code)
