import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { request } from 'undici'
import { answerWithFault, type Fault } from './registry-faults.ts'

test('an endless body keeps nobody but its reader busy, and a HEAD, which has none, ends at once', async (t) => {
  const fault: Fault = 'endless'
  const server = createServer((incoming, response) => answerWithFault(fault, incoming, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const endless = await request(address)
  for (let asked = 0; asked < 20; asked++) {
    const head = await request(address, { method: 'HEAD', headersTimeout: 5_000 })
    t.equal(head.statusCode, 200)
    t.equal(await head.body.text(), '')
  }
  let received = 0
  for await (const chunk of endless.body) {
    received += (chunk as Buffer).length
    if (received > 1_000_000) break
  }
  t.ok(received > 1_000_000, 'the other one is still being sent')
})
