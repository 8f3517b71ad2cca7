/** For tests: the webhook server with its secret files, and the hints that it passes on. */
import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { serveWebhooks } from '../../../http/webhook-routes.ts'
import { createLogger } from '../../../log/log.ts'
import { Transport } from '../../../registries/transport/transport.ts'
import { Dispatcher } from '../dispatcher.ts'
import { GoogleTokens } from '../google-tokens.ts'
import type { PushHint } from '../hint.ts'
import { LeaderForwarder } from '../leader-forwarder.ts'
import { readSecretFiles } from '../secret-files.ts'
import { receiverKinds } from './receivers.ts'

export const secret = 'correct-horse-battery-staple'

export interface ReplicaOptions {
  /** The content of the secret file of the kind under test. */
  readonly secret?: string
  readonly clock?: { now: number }
  /** The origin of Google's keys. */
  readonly keys?: string
  readonly follows?: (hint: PushHint) => boolean
  readonly isLeading?: () => boolean
  /** The address on the Lease, for a replica that does not lead; absent where webhooks are not forwarded. */
  readonly leaderAddress?: () => string | undefined
  readonly ownAddress?: string
}

export interface SentRequest {
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

export async function webhookServer(t: Test, kind: string, options: ReplicaOptions = {}) {
  const folder = await secretsFolder(t, { [kind]: options.secret ?? secret })
  const keysHost = options.keys === undefined ? [] : [new URL(options.keys).host]
  const transport = new Transport({ version: 'test', insecureRegistries: keysHost })
  const now = () => options.clock?.now ?? Date.now()
  const googleTokens = new GoogleTokens({ transport, now, origin: options.keys })
  const receivers = await readSecretFiles(folder, [], receiverKinds, { googleTokens, now })

  /** `host/path:tag` of each hint, in order; `host/path/**` for a hint that includes the repositories below. */
  const hints: string[] = []
  const outcomes: Record<string, number> = {}
  const poller = {
    pollNowAt: (hint: PushHint) => {
      const { repository, tag, below } = hint
      hints.push(`${repository.host}/${repository.path}${tag === undefined ? '' : `:${tag}`}${below ? '/**' : ''}`)
      return (options.follows?.(hint) ?? true) ? 1 : 0
    },
  }
  const dispatcher = new Dispatcher(
    () => ((options.isLeading?.() ?? true) ? poller : undefined),
    (_, outcome, count) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count
    },
  )
  const lines: string[] = []
  const log = createLogger({ logLevel: 'debug', logFormat: 'json', to: { write: (line) => void lines.push(line) } })
  const { leaderAddress, ownAddress = '127.0.0.1' } = options
  const forwarder = leaderAddress && new LeaderForwarder({ ownAddress, leaderAddress, log })
  const server = await serveWebhooks({ port: 0, receivers, dispatcher, forwarder, log })
  t.teardown(async () => {
    await server.close()
    await forwarder?.close()
    await transport.close()
  })
  const url = `http://127.0.0.1:${server.port}/v1/hooks/${kind}`
  const send = async (
    payload: unknown,
    { method = 'POST', headers = {}, query = '', type = 'application/json' }: SentRequest = {},
  ) => {
    const body = typeof payload === 'string' || payload instanceof Uint8Array ? payload : JSON.stringify(payload)
    const answer = await fetch(`${url}${query}`, {
      method,
      headers: { ...(type === '' ? {} : { 'content-type': type }), ...headers },
      ...(method === 'GET' ? {} : { body: body as string }),
    })
    const text = await answer.text()
    const json = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
    return { status: answer.status, headers: answer.headers, body: json }
  }
  return { url, port: server.port, folder, hints, outcomes, lines, send }
}

export const bearer = { headers: { authorization: `Bearer ${secret}` } }

export const githubSignature = (body: string, key = secret): string =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`

/** The contract of every kind with a shared secret. @param good a request that the kind accepts */
export async function refusesStrangers(t: Test, kind: string, payload: unknown, good: SentRequest): Promise<void> {
  const { send, hints, outcomes, lines } = await webhookServer(t, kind)
  t.equal((await send(payload, good)).status, 202, 'with the secret')
  const accepted = hints.length
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
  t.equal(hints.length, accepted, 'strangers cause no poll')
  t.equal(outcomes.refused, 9)
  t.notMatch(lines.join(''), secret)
}
