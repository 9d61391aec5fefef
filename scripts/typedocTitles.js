/** A plugin of TypeDoc's: a guide is called what its heading says, not what its file is called. */

/** @param {import("typedoc").Application} app */
export const load = (app) => {
  app.converter.on("createDocument", (_context, guide) => {
    const heading = guide.content
      .map(({ text }) => text)
      .join("")
      .match(/^# (.*)$/m)?.[1]
    if (heading !== undefined) guide.name = heading
  })
}
