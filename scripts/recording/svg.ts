/** Draws a recording as an SVG that moves by CSS alone, since images on GitHub run no scripts. */
import type { Frame, Line, Style } from "./terminal.ts"

const [cellWidth, lineHeight, fontSize, padding, titleBar] = [8.4, 20, 14, 20, 36] as const

/** No wait is longer than this, and the whole is played within the next one; the last frame stays for the third. In milliseconds. */
const [longestWait, longest, rest] = [1_200, 20_000, 12_000] as const

/** Frames that follow sooner than this are left out: nobody sees them, and each takes its place in the file. */
const shortestFrame = 120

const palette: Readonly<Record<number, string>> = {
  31: "#ff7b72",
  32: "#7ee787",
  33: "#e3b341",
  34: "#79c0ff",
  35: "#d2a8ff",
  36: "#56d4dd",
  37: "#e6edf3"
}

const playable = (frames: ReadonlyArray<Frame>): ReadonlyArray<Frame> => {
  let at = 0
  const shortened = frames.map((frame, i) => {
    at += Math.min(longestWait, frame.at - (frames[i - 1]?.at ?? 0))
    return { ...frame, at }
  })
  const scale = Math.min(1, longest / at)
  const scaled = shortened.map((frame) => ({ ...frame, at: frame.at * scale }))
  let kept = Number.NEGATIVE_INFINITY
  return scaled.filter((frame, i) => {
    const next = scaled[i + 1]
    const shown = next === undefined || (frame.at - kept >= shortestFrame && next.at > frame.at)
    if (shown) kept = frame.at
    return shown
  })
}

/** What a line shows, from when until when; without an end it stays. */
interface Version {
  readonly row: number
  readonly line: Line
  readonly from: number
  readonly until: number | undefined
}

const versionsOf = (frames: ReadonlyArray<Frame>): ReadonlyArray<Version> => {
  const rows = Math.max(...frames.map(({ screen }) => screen.lines.length))
  return Array.from({ length: rows }, (_, row) => {
    const changes = frames.filter(
      ({ screen }, i) => screen.lines[row] !== undefined && screen.lines[row] !== frames[i - 1]?.screen.lines[row]
    )
    return changes.map(({ at, screen }, i) => ({
      row,
      line: screen.lines[row] ?? [],
      from: at,
      until: changes[i + 1]?.at
    }))
  })
    .flat()
    .filter(({ line }) => line.some(({ text }) => text !== " "))
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

const round = (n: number): number => Math.round(n * 100) / 100

const isBar = (text: string): boolean => text === "█" || text === "░"

/** Parts of a line that are drawn alike. Bars are rectangles: as letters of some font they would have gaps, or another width. */
const runsOf = (line: Line) => {
  const runs: Array<{ readonly column: number; text: string; readonly style: Style }> = []
  line.forEach(({ style, text }, column) => {
    const run = runs.at(-1)
    const first = run?.text[0] ?? ""
    const joins =
      run !== undefined &&
      run.style === style &&
      (isBar(text) || isBar(first) ? text === first : /[ -~]/.test(text) === /[ -~]/.test(first))
    if (joins) run.text += text
    else runs.push({ column, text, style })
  })
  return runs.filter(({ text }) => text.trim() !== "")
}

const drawLine = ({ line, row }: Version): string => {
  const top = titleBar + padding + row * lineHeight
  return runsOf(line)
    .map(({ column, style, text }) => {
      const x = round(padding + column * cellWidth)
      const width = round(text.length * cellWidth)
      if (isBar(text[0] ?? "")) {
        return `<rect x="${x}" y="${top + 4}" width="${width}" height="${lineHeight - 8}" class="${text[0] === "█" ? "full" : "left"}"/>`
      }
      const classes = [
        style.bold ? "b" : "",
        style.dim ? "d" : "",
        style.colour === undefined ? "" : `c${style.colour % 10}`
      ].filter((name) => name !== "")
      const attribute = classes.length === 0 ? "" : ` class="${classes.join(" ")}"`
      // The width is said, so that columns stay columns in whatever font there is.
      const fitted = text.length > 1 ? ` textLength="${width}"` : ""
      return `<text x="${x}" y="${top + 15}"${fitted}${attribute}>${escape(text)}</text>`
    })
    .join("")
}

/** The picture: without animations, or where they are not wanted, it shows the last frame. */
export const svgOf = (recorded: ReadonlyArray<Frame>, columns: number): string => {
  const frames = playable(recorded)
  const versions = versionsOf(frames)
  const duration = (frames.at(-1)?.at ?? 0) + rest
  const rows = Math.max(...versions.map(({ row }) => row)) + 1
  const width = Math.ceil(2 * padding + columns * cellWidth)
  const height = titleBar + 2 * padding + rows * lineHeight
  const percent = (at: number): string => `${round((100 * at) / duration)}%`
  const animations = versions.map(({ from, until }, i) => {
    const end = until === undefined ? "" : `${percent(until)}{visibility:hidden}`
    return `@keyframes v${i}{0%{visibility:hidden}${percent(from)}{visibility:visible}${end}}#v${i}{animation-name:v${i}}`
  })
  const colours = Object.entries(palette).map(([code, colour]) => `.c${Number(code) % 10}{fill:${colour}}`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="A terminal in which npm run quickstart runs to its end">
<style>
text{font:${fontSize}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;fill:#e6edf3;white-space:pre}
.b{font-weight:bold}.d{fill:#8b949e}${colours.join("")}
.full{fill:#56d4dd}.left{fill:#30363d}
.gone{visibility:hidden}
@media (prefers-reduced-motion:no-preference){
g{animation:${round(duration / 1000)}s step-end infinite}
${animations.join("\n")}
}
</style>
<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="#0d1117" stroke="#484f58"/>
<circle cx="22" cy="20" r="6" fill="#ff5f56"/><circle cx="42" cy="20" r="6" fill="#ffbd2e"/><circle cx="62" cy="20" r="6" fill="#27c93f"/>
${versions
  .map((version, i) => `<g id="v${i}"${version.until === undefined ? "" : ' class="gone"'}>${drawLine(version)}</g>`)
  .join("\n")}
</svg>
`
}
