import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { request } from 'undici'
import { answerWithFault, type Fault } from './registry-faults.ts'

test('an endless body delays no other request, and HEAD, which has no body, ends at once', async (t) => {
  const fault: Fault = 'endless'
  const server = createServer((incoming, response) => answerWithFault(fault, incoming, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const endless = await request(address)
  for (let sent = 0; sent < 20; sent++) {
    const head = await request(address, { method: 'HEAD', headersTimeout: 5_000 })
    t.equal(head.statusCode, 200)
    t.equal(await head.body.text(), '')
  }
  let received = 0
  for await (const chunk of endless.body) {
    received += (chunk as Buffer).length
    if (received > 1_000_000) break
  }
  t.ok(received > 1_000_000, 'the endless body is still being sent')
})
