/**
 * `npm run recording`: runs `npm run quickstart` in a terminal of its own and draws what came, when it came, as the animated picture
 * of the README. Nothing is made up, only waits are shortened. It needs `script` of util-linux, which every Linux has.
 */
import { spawn } from "node:child_process"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"
import { svgOf } from "./recording/svg.ts"
import { type Frame, Screen } from "./recording/terminal.ts"
import { main } from "./run.ts"
import { root } from "./sources.ts"

const command = "npm run quickstart"
const columns = 104
const picture = join(root, "docs/assets/quickstart.svg")

/** Runs the command in a terminal. What npm says about its own configuration is no part of the tour. */
const record = (): Promise<ReadonlyArray<Frame>> =>
  new Promise((resolve, reject) => {
    // Without the variables that name a cluster: the tour starts one, as it does for who tries it first.
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith("CASSANDRA_"))
    const child = spawn(
      "script",
      ["--quiet", "--flush", "--return", "--command", `stty cols ${columns} rows 60; ${command}`, "/dev/null"],
      {
        cwd: root,
        env: {
          ...Object.fromEntries(environment),
          TERM: "xterm-256color",
          npm_config_loglevel: "error",
          npm_config_progress: "false"
        },
        stdio: ["ignore", "pipe", "inherit"]
      }
    )
    const start = performance.now()
    let screen = Screen.empty.write(`\u001b[32m$\u001b[0m ${command}\r\n`)
    const frames: Array<Frame> = [{ at: 0, screen }]
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      process.stdout.write(text)
      screen = screen.write(text)
      frames.push({ at: performance.now() - start, screen })
    })
    child.on("error", reject)
    child.on("close", (code) =>
      code === 0 ? resolve(frames) : reject(new Error(`${command} ended with code ${code}`))
    )
  })

await main(async () => {
  const frames = await record()
  await mkdir(dirname(picture), { recursive: true })
  await writeFile(picture, svgOf(frames, columns))
  console.log(`wrote ${relative(root, picture)}`)
  return true
})
