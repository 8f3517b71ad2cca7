/** A request's body as it came, for signatures are made over its bytes; never more than so many of them. */

export const largestPayload = 1024 * 1024

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

/** @throws BodyTooLarge */
export async function boundedBody(stream: AsyncIterable<Uint8Array> | null): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (stream === null) return Buffer.alloc(0)
  for await (const chunk of stream) {
    size += chunk.length
    if (size > largestPayload) throw new BodyTooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
