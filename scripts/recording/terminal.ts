/** As much of a terminal as npm and the examples make use of: lines that are drawn over, bold, dim and colours. */

export interface Style {
  readonly bold: boolean
  readonly dim: boolean
  /** One of the eight colours, 30 to 37; 90 to 97 are the bright ones. */
  readonly colour: number | undefined
}

export interface Cell {
  readonly text: string
  readonly style: Style
}

export type Line = ReadonlyArray<Cell>

const plain: Style = { bold: false, dim: false, colour: undefined }

const styled = (style: Style, code: number): Style => {
  if (code === 0) return plain
  if (code === 1) return { ...style, bold: true }
  if (code === 2) return { ...style, dim: true }
  if (code === 22) return { ...style, bold: false, dim: false }
  if (code === 39) return { ...style, colour: undefined }
  if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) return { ...style, colour: code }
  throw new Error(`A style that is not known here: ${code}`)
}

const tokens =
  /(?![\r\n])\p{Cc}\[(?<parameters>[\d;]*)(?<command>[A-Za-z])|(?<control>[\r\n])|(?<text>\P{Cc})|(?<unknown>.)/gsu

/** A screen that is as long as what is written on it. Writing gives another screen, which shares the lines that are unchanged. */
export class Screen {
  static readonly empty = new Screen([[]], 0, plain)

  readonly lines: ReadonlyArray<Line>
  private readonly column: number
  private readonly style: Style

  private constructor(lines: ReadonlyArray<Line>, column: number, style: Style) {
    this.lines = lines
    this.column = column
    this.style = style
  }

  write(text: string): Screen {
    const lines = [...this.lines]
    let { column, style } = this
    const last = () => lines.at(-1) ?? []
    const replaceLast = (line: Line) => lines.splice(-1, 1, line)
    for (const { groups = {} } of text.matchAll(tokens)) {
      const { command, control, parameters = "", text: character } = groups
      if (character !== undefined) {
        const before = last()
        const padding = Array.from({ length: Math.max(0, column - before.length) }, () => ({ text: " ", style: plain }))
        replaceLast([...before.slice(0, column), ...padding, { text: character, style }, ...before.slice(column + 1)])
        column++
      } else if (control === "\r") {
        column = 0
      } else if (control === "\n") {
        lines.push([])
      } else if (command === "m") {
        style = parameters.split(";").map(Number).reduce(styled, style)
      } else if (command === "G") {
        column = Math.max(1, Number(parameters)) - 1
      } else if (command === "K") {
        replaceLast(parameters === "2" ? [] : last().slice(0, column))
      } else {
        throw new Error(`Not known here: ${JSON.stringify(groups["unknown"] ?? `CSI ${parameters}${command}`)}`)
      }
    }
    return new Screen(lines, column, style)
  }
}

/** The screen at a moment, in milliseconds since the start. */
export interface Frame {
  readonly at: number
  readonly screen: Screen
}
