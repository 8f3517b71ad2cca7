import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import type { Operator } from '../operator.ts'
import { type AddTest, scenario } from '../scenario.ts'
import type { World } from '../world.ts'

/** Every address of the port that tells of a cluster, with its prefix of 2018. Probes and metrics are open. */
const addresses = (namespace: string) =>
  ['', '/cvm'].flatMap((prefix) =>
    [
      '',
      '?format=html',
      `?namespace=${namespace}`,
      `?namespace=${namespace}&format=html`,
      `/web?namespace=${namespace}`,
      `/web?namespace=${namespace}&format=html`,
    ].map((rest) => `${prefix}/v1/cv/workloads${rest}`),
  )

/** Who may read what of `/v1/cv/workloads`, with the tokens of a real API server. */
export function readers(test: AddTest, bed: Bed, operator: Operator): void {
  test('B46 the pages show an account what it may list, and strangers nothing', async (t) => {
    const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
    const other = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
    await world.ciMoves('env-prod', v2)
    await world.runs(v2)
    await world.waitsFor('the history', async () => (await world.history('web').catch(() => undefined)) !== undefined)
    const get = (path: string, token?: string) =>
      fetch(`http://127.0.0.1:${operator.port}${path}`, token ? { headers: { authorization: `Bearer ${token}` } } : {})

    for (const open of ['/alive', '/ready', '/version', '/metrics']) t.equal((await get(open)).status, 200, open)
    const deleted = await tokenOf(world, 'gone')
    await world.kubectl('delete', 'serviceaccount', 'gone')
    const nobody = [undefined, 'wrong', deleted]
    for (const address of addresses(world.namespace)) {
      for (const token of nobody) await isProblem(t, await get(address, token), 401, address)
    }

    const stranger = await tokenOf(world, 'stranger')
    const neighbour = await tokenOf(other, 'reader')
    await mayList(other, 'reader')
    for (const address of addresses(world.namespace)) {
      await isProblem(t, await get(address, stranger), 403, address)
      // Without a namespace, it sees its own alone.
      if (!address.includes('namespace=')) continue
      await isProblem(t, await get(address, neighbour), 403, address)
    }

    const reader = await tokenOf(world, 'reader')
    await mayList(world, 'reader')
    const list = '/v1/cv/workloads'
    const rows = await (await get(list, reader)).json()
    t.match(rows, [{ Namespace: world.namespace, Name: 'web', Version: v2.name, CV: 'web-cv', Tag: 'env-prod' }])
    t.equal((rows as readonly unknown[]).length, 1, 'its own namespace alone')
    const page = await (await get(`${list}?format=html`, reader)).text()
    t.match(page, `<td>${world.namespace}</td>`)
    t.notMatch(page, other.namespace)
    t.equal(
      await (await get(`${list}/web?namespace=${world.namespace}`, reader)).text(),
      (await world.history('web')).Info,
    )
    t.same(await (await get(`${list}?namespace=${other.namespace}`, neighbour)).json().then(namesIn), [other.namespace])

    const all = await tokenOf(world, 'all')
    const role = `list-${world.namespace}`
    const account = `--serviceaccount=${world.namespace}:all`
    await world.kubectl('create', 'clusterrole', role, ...listing)
    await world.kubectl('create', 'clusterrolebinding', role, `--clusterrole=${role}`, account)
    const seen = namesIn(await (await get(list, all)).json())
    t.ok(seen.includes(world.namespace) && seen.includes(other.namespace), seen.join())

    await world.kubectl('delete', 'rolebinding', 'reader')
    await world.waitsFor('a right that is gone to be gone here', async () => (await get(list, reader)).status === 403)
    await world.kubectl('delete', 'serviceaccount', 'all')
    await world.waitsFor('an account that is gone to be refused', async () => (await get(list, all)).status === 401)
    t.notMatch(await operator.program.log(), reader, 'no token is in the log')
  })
}

const namesIn = (rows: unknown): readonly string[] =>
  (rows as readonly { Namespace: string }[]).map(({ Namespace }) => Namespace)

async function isProblem(t: Test, answer: Response, status: number, what: string): Promise<void> {
  t.same([answer.status, answer.headers.get('content-type')], [status, 'application/problem+json'], what)
  t.match(await answer.json(), { status, detail: String })
}

async function tokenOf(world: World, account: string): Promise<string> {
  await world.kubectl('create', 'serviceaccount', account)
  return (await world.kubectl('create', 'token', account)).trim()
}

const listing = ['--verb=list', '--resource=containerversions.cvmanager.io']

async function mayList(world: World, account: string): Promise<void> {
  await world.kubectl('create', 'role', account, ...listing)
  await world.kubectl(
    'create',
    'rolebinding',
    account,
    `--role=${account}`,
    `--serviceaccount=${world.namespace}:${account}`,
  )
}
