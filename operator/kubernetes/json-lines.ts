import { TransientError } from '../errors.ts'

/**
 * Splits a stream of bytes into lines of JSON, as a watch sends them. Skips a last line without an end: it was cut off,
 * and the next connection brings it complete.
 * @param maxLength a longer line is refused before it takes more memory
 * @throws TransientError `ApiServerAnswerInvalid`
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>, maxLength: number): AsyncGenerator<unknown, void> {
  const decoder = new TextDecoder()
  let incomplete = ''
  for await (const chunk of chunks) {
    const [start = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n')
    const lines = [incomplete + start, ...others]
    for (const { length } of lines) if (length > maxLength) throw invalid(`is longer than ${maxLength} characters`)
    incomplete = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') yield parse(line)
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw invalid(`is not JSON: ${line.slice(0, 80)}`, cause)
  }
}

const invalid = (fault: string, cause?: unknown): TransientError =>
  new TransientError('ApiServerAnswerInvalid', `a line of the answer ${fault}`, { cause })
