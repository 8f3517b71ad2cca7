import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { peer, transportTo } from '../testing/peer.ts'
import { type Allowance, allowanceOf } from './allowance.ts'
import type { Request } from './transport.ts'

t.test('the quota headers of Docker Hub are read', async (t) => {
  t.same(allowanceOf({ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }), {
    limit: 100,
    remaining: 76,
  })
  t.same(allowanceOf({ 'ratelimit-limit': '100', 'ratelimit-remaining': '200' }), { limit: 100, remaining: 100 })
  for (const headers of [{}, { 'ratelimit-limit': '100' }, { 'ratelimit-remaining': '1', 'ratelimit-limit': '0' }]) {
    t.equal(allowanceOf(headers), undefined)
  }
  t.equal(allowanceOf({ 'ratelimit-limit': '-1', 'ratelimit-remaining': 'lots' }), undefined)
})

t.test('with little quota left requests go slowly, and the quota is reported', async (t) => {
  let remaining = 50
  const server = await peer(t, (_, response) =>
    response.writeHead(200, { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': `${remaining};w=21600` }).end(),
  )
  const reported: [string, Allowance][] = []
  const transport = transportTo(t, [server.host], {
    onAllowance: (host, allowance) => reported.push([host, allowance]),
  })
  const request = () => {
    const sent: Request = {
      host: server.host,
      purpose: 'manifest',
      method: 'HEAD',
      origin: `http://${server.host}`,
      path: '/v2/',
      headers: {},
      destination: 'configured',
    }
    return transport.send(sent)
  }
  await Promise.all(Array.from({ length: 20 }, request))
  t.equal(server.asked.length, 20)
  remaining = 5
  await request()
  const requests = Array.from({ length: 5 }, request)
  await sleep(500)
  t.ok(server.asked.length <= 22, `${server.asked.length} requests`)
  t.same(reported.at(-1), [server.host, { limit: 100, remaining: 5 }])
  t.same(transport.allowance(server.host), { limit: 100, remaining: 5 })
  remaining = 90
  await Promise.all(requests)
  t.equal(server.asked.length, 26, 'and fast again when there is more')
})
