/** When this process, and with it every cvmanager in it and every proxy, got no turn: others had the machine. */
export interface Stall {
  readonly from: number
  readonly until: number
}

const everyMs = 100
const maxLateMs = 150

const stalls: Stall[] = []
let last = Date.now()

setInterval(() => {
  const now = Date.now()
  if (now - last > everyMs + maxLateMs) stalls.push({ from: last, until: now })
  last = now
}, everyMs).unref()

export const stallsSince = (time: number): readonly Stall[] => stalls.filter(({ until }) => until > time)
