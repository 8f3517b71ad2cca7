import { UsageError } from '../errors.ts'

const unitsMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 60e3, h: 3_600e3 }

/** A duration as Go writes it: 300s, 5m, 1h30m. @returns milliseconds @throws UsageError */
export function durationFrom(flag: string, text: string): number {
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)/g)]
  if (text === '' || parts.map(([part]) => part).join('') !== text) {
    throw new UsageError(`${flag}: ${JSON.stringify(text)} is no duration; write for example 300s, 5m or 1h30m`)
  }
  return parts.reduce((sum, [, amount = '', unit = '']) => sum + Number(amount) * (unitsMs[unit] ?? 0), 0)
}
