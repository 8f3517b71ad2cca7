import type { RequestListener } from 'node:http'
import type { Test } from 'tap'
import { ownAddress } from '../../harness/own-network.ts'
import { webServer } from '../../harness/web-server.ts'
import type { Bed } from '../bed.ts'
import { opened, podsOfChecks, second, third } from '../check-pods.ts'
import type { AddTest } from '../scenario.ts'

/** Versions are asked over HTTP while they run, and a migration comes before. */
export function httpChecks(test: AddTest, bed: Bed): void {
  test('a version migrates the database first, goes out, and must answer through its Service', async (t) => {
    const { port, requests, answers } = await application(t)
    const world = await opened(t, bed, 'command-and-http', serviceAt(port))
    await world.ciMoves('env-prod', second)
    await world.sees('web', second)
    await world.runs(second, 'web')
    const pods = await podsOfChecks(world)
    t.match(pods, [
      {
        metadata: { name: /^web-migrate-/, labels: { 'cvmanager.io/check': 'migrate' } },
        spec: {
          serviceAccountName: 'default',
          containers: [
            {
              name: 'web',
              image: world.imageOf(second),
              command: ['./migrate', '--up'],
              env: [{ name: 'DATABASE_URL' }],
            },
          ],
        },
      },
    ])
    t.notMatch(JSON.stringify(pods), /readinessProbe|containerPort/)
    t.equal(pods.length, 1)
    const { rollouts = [] } = await world.status('web')
    t.match(rollouts[0]?.checks, [
      { name: 'migrate', step: 'container', state: 'Passed' },
      { name: 'healthz', step: 'strategy', state: 'Passed', passes: 3, failures: 0 },
    ])
    t.same(requests, ['GET /healthz', 'GET /healthz', 'GET /healthz'])

    // A redirect is not followed, and not good.
    answers.status = 302
    await world.ciMoves('env-prod', third)
    await world.sees('web', third)
    await world.sees('web', second)
    await world.becomes('RolledBack', { of: 'web' })
    t.match(await world.status('web'), {
      quarantined: [{ digest: third.digest }],
      message:
        /v1\.2\.0 failed and was rolled back: check healthz has failed: 1 of 1 measurements was bad: Service web\/healthz answers 302/,
    })
    t.equal(requests.length, 4)
  })

  test('whoever writes a ContainerVersion cannot make cvmanager request what is not his', async (t) => {
    const { port, requests } = await application(t)
    const world = await opened(t, bed, 'image')
    const service = (name: string, spec: object) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: world.namespace },
      spec,
    })
    await world.makes(
      service('outside', { type: 'ExternalName', externalName: 'localhost' }),
      service('headless', { clusterIP: 'None', selector: { app: 'web' }, ports: [{ port: 80 }] }),
      service('anywhere', { ports: [{ port: 80 }] }),
    )
    const attempts: readonly [object, RegExp][] = [
      [{ url: `http://127.0.0.1:${port}/` }, /httpCheckHosts does not allow 127\.0\.0\.1/],
      [{ url: 'http://169.254.169.254/latest/meta-data' }, /httpCheckHosts does not allow 169\.254\.169\.254/],
      [{ service: 'outside' }, /Service \S+\/outside is of type ExternalName/],
      [{ service: 'headless' }, /Service \S+\/headless is headless/],
      [{ service: 'anywhere' }, /Service \S+\/anywhere has no selector/],
      [{ service: 'kubernetes', port: 443, scheme: 'HTTPS' }, /Service \S+\/kubernetes does not exist/],
    ]
    await world.ciMoves('env-prod', second)
    for (const [http, says] of attempts) {
      await world.changes('ContainerVersion', 'web', { spec: { container: { verify: [{ kind: 'HTTP', http }] } } })
      await world.waitsFor(String(says), async () => says.test((await world.status('web')).message ?? ''))
    }
    t.same(requests, [])
    t.equal(await world.imagePatches('web'), 0)
  })
}

/** The Service of the application gets this machine's address: there is no kube-proxy. */
const serviceAt = (port: number): Readonly<Record<string, string>> => ({
  'type: ClusterIP': `clusterIP: ${ownAddress()}`,
  'port: 80\n': `port: ${port}\n`,
})

/** What the application answers, and what it was asked. */
async function application(t: Test) {
  const requests: string[] = []
  const answers = { status: 200 }
  const answer: RequestListener = (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    response.writeHead(answers.status, { location: 'http://127.0.0.1:1/' }).end('fine')
  }
  const port = await webServer(t, answer, '0.0.0.0')
  return { port, requests, answers }
}
