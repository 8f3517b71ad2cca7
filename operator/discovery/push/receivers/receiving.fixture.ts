/** For tests: the server of the webhooks with its secret files, and the hints that came through. */
import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { serveHooks } from '../../../http/hooks-server.ts'
import { createLogger } from '../../../log/log.ts'
import { Transport } from '../../../registries/transport/transport.ts'
import type { Place } from '../../polling/places.ts'
import { Dispatcher } from '../dispatcher.ts'
import { GoogleTokens } from '../google-tokens.ts'
import { readSecretFiles } from '../secret-files.ts'
import { ToLeader } from '../to-leader.ts'
import { receiverKinds } from './receivers.ts'

export const secret = 'correct-horse-battery-staple'

export interface World {
  /** Of the kind that is tested. */
  readonly secret?: string
  readonly clock?: { now: number }
  /** Where Google's keys are had from. */
  readonly keys?: string
  readonly follows?: (place: Place) => boolean
  readonly leading?: () => boolean
  /** What the Lease says, for a replica that does not lead; absent where webhooks are not handed on. */
  readonly leaderAt?: () => string | undefined
  /** This replica's own. */
  readonly ownAddress?: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: string
  readonly type?: string
}

export async function secretsFolder(t: Test, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cvm-hooks-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

export async function receiving(t: Test, kind: string, world: World = {}) {
  const folder = await secretsFolder(t, { [kind]: world.secret ?? secret })
  const keysHost = world.keys === undefined ? [] : [new URL(world.keys).host]
  const transport = new Transport({ version: 'test', insecureRegistries: keysHost })
  const now = () => world.clock?.now ?? Date.now()
  const googleTokens = new GoogleTokens({ transport, now, origin: world.keys })
  const receivers = await readSecretFiles(folder, [], receiverKinds, { googleTokens, now })

  /** `host/path:tag` of each hint, in their order; `host/path/**` where those below are meant too. */
  const hints: string[] = []
  const outcomes: Record<string, number> = {}
  const looks = {
    lookNowAt: (place: Place) => {
      const { repository, tag, below } = place
      hints.push(`${repository.host}/${repository.path}${tag === undefined ? '' : `:${tag}`}${below ? '/**' : ''}`)
      return (world.follows?.(place) ?? true) ? 1 : 0
    },
  }
  const dispatcher = new Dispatcher(
    () => ((world.leading?.() ?? true) ? looks : undefined),
    (_, outcome, count) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count
    },
  )
  const lines: string[] = []
  const log = createLogger({ logLevel: 'debug', logFormat: 'json', to: { write: (line) => void lines.push(line) } })
  const { leaderAt, ownAddress = '127.0.0.1' } = world
  const toLeader = leaderAt && new ToLeader({ ownAddress, address: leaderAt, log })
  const server = await serveHooks({ port: 0, receivers, dispatcher, toLeader, log })
  t.teardown(async () => {
    await server.close()
    await toLeader?.close()
    await transport.close()
  })
  const url = `http://127.0.0.1:${server.port}/v1/hooks/${kind}`
  const send = async (
    payload: unknown,
    { method = 'POST', headers = {}, query = '', type = 'application/json' }: Sent = {},
  ) => {
    const body = typeof payload === 'string' || payload instanceof Uint8Array ? payload : JSON.stringify(payload)
    const answer = await fetch(`${url}${query}`, {
      method,
      headers: { ...(type === '' ? {} : { 'content-type': type }), ...headers },
      ...(method === 'GET' ? {} : { body: body as string }),
    })
    const text = await answer.text()
    const said = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    return { status: answer.status, headers: answer.headers, body: said }
  }
  return { url, port: server.port, folder, hints, outcomes, lines, send }
}

export const bearer = { headers: { authorization: `Bearer ${secret}` } }

export const githubSignature = (body: string, key = secret): string =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`

/** What every kind that is shown its secret must do, whatever it sends. `good` is taken by it. */
export async function refusesStrangers(t: Test, kind: string, payload: unknown, good: Sent): Promise<void> {
  const { send, hints, outcomes, lines } = await receiving(t, kind)
  t.equal((await send(payload, good)).status, 202, 'with the secret')
  const taken = hints.length
  const wrong = 'correct-horse-battery-stapl3'
  for (const attempt of [
    { ...good, headers: {}, query: '' },
    { ...good, headers: { authorization: `Bearer ${wrong}` }, query: '' },
    { ...good, headers: { authorization: wrong }, query: '' },
    { ...good, headers: { authorization: `Basic ${Buffer.from(`cvmanager:${wrong}`).toString('base64')}` }, query: '' },
    { ...good, headers: { authorization: 'Bearer' }, query: '' },
    { ...good, headers: { authorization: '', 'x-gitlab-token': wrong }, query: '?token=&access_token=' },
    { ...good, headers: {}, query: `?token=${wrong}&access_token=${wrong}` },
    { ...good, headers: { authorization: `Bearer ${secret}x` }, query: '' },
  ]) {
    t.equal((await send(payload, attempt)).status, 401, JSON.stringify(attempt))
  }
  t.equal((await send('no json at all', { query: '' })).status, 401, 'before anything is parsed')
  t.equal(hints.length, taken, 'strangers cause no look')
  t.equal(outcomes.refused, 9)
  t.notMatch(lines.join(''), secret)
}
