const REFRESH_MS = 500
const REPORT_MS = 15_000

/** On a terminal one line that is rewritten; elsewhere (a CI log) a line now and then. Starts with the time passed. */
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
