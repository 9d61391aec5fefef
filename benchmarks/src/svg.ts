/** What the plots share: colours for light and dark, and small pieces of SVG. */

/** Narrow, so that a telephone does not have to make the letters small. */
export const width = 480

export const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

export interface TextOptions {
  readonly anchor?: "start" | "middle" | "end"
  readonly kind?: string
}

export const text = (
  x: number,
  y: number,
  content: string,
  { anchor = "start", kind = "" }: TextOptions = {}
): string => `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" class="${kind}">${escape(content)}</text>`

export const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`

export const dot = (x: number, y: number, kind: string): string =>
  `<circle cx="${round(x)}" cy="${round(y)}" r="5" class="${kind}"/>`

export const round = (value: number): number => Math.round(value * 10) / 10

/** Ours, the raw driver, and the others, told apart without seeing colours by their order and their names. */
const series = [
  ["#0b6bcb", "#5aa9ff"],
  ["#c2410c", "#ff9a5c"],
  ["#6d28d9", "#b794ff"],
  ["#0f766e", "#4fd1c0"],
  ["#a16207", "#f0c14b"],
  ["#be185d", "#ff85b8"],
  ["#4d7c0f", "#a7d75a"],
  ["#57606a", "#a5b0bb"]
] as const

export const seriesClass = (n: number): string => `s${n % series.length}`

const colours = (scheme: 0 | 1, [paper, ink, faint, grid]: readonly [string, string, string, string]): string =>
  `.paper{fill:${paper}}text{fill:${ink}}text.faint{fill:${faint}}.grid{stroke:${grid}}.one{stroke:${faint}}${series
    .map((pair, n) => `.s${n}{fill:${pair[scheme]};stroke:${pair[scheme]}}`)
    .join("")}`

const light = colours(0, ["#ffffff", "#1f2328", "#59636e", "#d8dee4"])
const dark = colours(1, ["#0d1117", "#e6edf3", "#9aa5b1", "#2c333b"])

/**
 * A picture with a ground of its own: a reader's page may be light while the browser asks for dark, or the other way round. Its title
 * is what a screen reader says.
 */
export const picture = (height: number, title: string, content: ReadonlyArray<string>): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${Math.ceil(height)}" width="${width}" height="${Math.ceil(height)}" role="img">
<title>${escape(title)}</title>
<style>text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;stroke:none}text.head{font-weight:600;font-size:15px}text.sub{font-weight:600}text.ours{font-weight:700}text.small{font-size:12px}line{stroke-width:1}.stem{stroke-width:2}.path{fill:none;stroke-width:2}.wide{stroke-width:3}.one{stroke-dasharray:3 3}${light}@media(prefers-color-scheme:dark){${dark}}.path{fill:none}</style>
<rect class="paper" width="100%" height="100%" rx="6"/>
${content.join("\n")}
</svg>
`
