const REFRESH_MS = 500
const REPORT_MS = 15_000

/** Rewrites one line on a terminal; elsewhere, as in a CI log, prints a line now and then. Starts with the elapsed time. */
export function showProgress(now: () => string, out: NodeJS.WriteStream = process.stdout): { stop(): void } {
  const started = Date.now()
  const line = () => `  ${formatDuration(Date.now() - started)}: ${now()}`
  if (!out.isTTY) {
    const timer = setInterval(() => out.write(`${line()}\n`), REPORT_MS)
    return { stop: () => clearInterval(timer) }
  }
  const timer = setInterval(() => out.write(`\r\u001b[K${line().slice(0, (out.columns ?? 80) - 1)}`), REFRESH_MS)
  return {
    stop() {
      clearInterval(timer)
      out.write('\r\u001b[K')
    },
  }
}

export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
