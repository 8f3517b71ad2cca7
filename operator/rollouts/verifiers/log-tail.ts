import { stripVTControlCharacters } from 'node:util'

const maxLength = 400

/** The last lines of a log in one line, without control characters. The end counts: it says why a program has failed. */
export function tailOf(text: string, maxLines: number): string | undefined {
  const lines = stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, ' ').trim())
    .filter((line) => line !== '')
  const joined = lines.slice(-maxLines).join(' | ')
  if (joined === '') return undefined
  return joined.length > maxLength ? `…${joined.slice(1 - maxLength)}` : joined
}
