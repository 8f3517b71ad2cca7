import { TransientError } from '../errors.ts'

const newline = 0x0a

/**
 * Splits a stream of bytes into lines of JSON, as a watch sends them.
 * @param maxLineBytes a longer line is refused before it takes more memory
 * @throws TransientError `ApiServerAnswerInvalid`
 */
export async function* jsonLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<unknown, void> {
  let pieces: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      check(length + end - start, maxLineBytes)
      pieces.push(chunk.subarray(start, end))
      start = end + 1
      const line = Buffer.concat(pieces).toString('utf8')
      pieces = []
      length = 0
      if (line.trim() !== '') yield parse(line)
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start))
      length += chunk.length - start
      check(length, maxLineBytes)
    }
  }
  // A last line without its end was cut off: the next connection brings it complete.
}

function check(length: number, maxLineBytes: number): void {
  if (length <= maxLineBytes) return
  throw new TransientError('ApiServerAnswerInvalid', `a line of the answer is longer than ${maxLineBytes} bytes`)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    const shown = line.slice(0, 80)
    throw new TransientError('ApiServerAnswerInvalid', `a line of the answer is not JSON: ${shown}`, { cause })
  }
}
